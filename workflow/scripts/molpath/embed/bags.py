"""Bags of patches by slide, from the manifests of the features stage."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..common.manifests import OK, read_manifests
from ..features.layouts import read_features


class Bags:
    """Patch features of the accepted slides of a cohort; each is read when it is asked for."""

    def __init__(self, manifests: Sequence[str], wsi: str):
        self.wsi = Path(wsi)
        self.rows = {row["slide_id"]: row for row in read_manifests(manifests) if row["status"] == OK}

    def __contains__(self, slide_id: str) -> bool:
        return slide_id in self.rows

    def fingerprint(self, slide_id: str) -> str:
        """Fingerprint of a slide's feature file."""
        return self.rows[slide_id]["fingerprint"]

    def read(self, slide_id: str) -> np.ndarray:
        """Features of all patches of a slide: float32 N x D."""
        return read_features(self.wsi / self.rows[slide_id]["file"]).astype(np.float32)
