"""Bags of patches by slide, from the manifests of the features stage."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..common.manifests import file_of, read_manifests
from ..common.reasons import OK
from ..common.record import Record, check_intact
from ..features.layouts import feature_blocks, read_coords_of, read_features


@dataclass(frozen=True)
class Bag:
    """Patches of a slide, or of all slides of a case.

    features: float32 N x D. coords: int64 N x 2, level-0 pixels of each patch's top left corner, and its `edge` in
    level-0 pixels, where they were read.
    """

    features: np.ndarray
    coords: np.ndarray | None = None
    edge: int = 0


def union(bags: Sequence[Bag]) -> Bag:
    """All patches of several slides, without coordinates, which can't be compared between slides."""
    return bags[0] if len(bags) == 1 else Bag(np.concatenate([bag.features for bag in bags]))


class OtherWeights(Exception):
    """Patches encoded with other weights than those a run trained on."""


class OtherWidth(Exception):
    """Patches whose width differs from what a model reads, or from other slides of the case."""


class Bags:
    """Patch features of the accepted slides of a cohort, read on request."""

    def __init__(self, manifests: Sequence[str], wsi: str):
        self.wsi = Path(wsi)
        rows = {row["slide_id"]: row for row in read_manifests(manifests)}
        self.rows = {name: row for name, row in rows.items() if row["status"] == OK}
        #: Reason and detail of the slides that were set aside.
        self.aside = {name: (row["reason"], row["detail"]) for name, row in rows.items() if row["status"] != OK}
        self._record, self._checked = Record(), set[str]()

    def __contains__(self, slide_id: str) -> bool:
        return slide_id in self.rows

    def fingerprint(self, slide_id: str) -> str:
        """Fingerprint of a slide's feature file."""
        return self.rows[slide_id]["fingerprint"]

    def is_placed(self, slide_id: str) -> bool:
        """True if the positions of its patches are known; features of other tools may lack them."""
        return bool(self.rows[slide_id].get("patch_size_level0"))

    def check_weights(self, source: str, slides: Iterable[str]) -> None:
        """Raises OtherWeights unless these slides were encoded with the weights that the run's patches were.

        source: the run's config.json; the features' manifests say the same of each slide ('' of files of other tools).
        """
        run = json.loads(Path(source).read_text(encoding="utf-8")).get("run", {})
        run_weights = run.get("patches", {}).get("weights", "").split("; ")
        expected = " or ".join(name or "(unknown)" for name in run_weights)
        for slide_id in slides:
            slide_weights = self.rows[slide_id].get("weights", "")
            if slide_weights not in run_weights:
                raise OtherWeights(
                    f"slide {slide_id}: {self.rows[slide_id]['file']} was made with weights and stain target of "
                    f"SHA-256 {slide_weights or '(unknown)'}, and run {run.get('name', '')} of {Path(source).parent} "
                    f"read patches of {expected}: name an encoder with those weights, or another model"
                )

    def file(self, slide_id: str) -> Path:
        """The feature file of a slide. Raises ChangedFile if a file of this workflow differs from its manifest;
        for files of other tools planning checks size and time."""
        row = self.rows[slide_id]
        path = file_of(row, self.wsi)
        if slide_id not in self._checked and path.is_relative_to(os.path.normpath(self.wsi)):
            check_intact(path, row.get("fingerprint", ""), self._record, "extract_features")
        self._checked.add(slide_id)
        return path

    def blocks(self, slides: Sequence[str], width: int = 0, reader: str = "") -> Iterator[np.ndarray]:
        """Patches (float32, some thousand x D at a time) of several slides, concatenated, as they are read.

        Raises OtherWidth unless all have `width` numbers, which `reader` takes; 0: those of the first slide.
        """
        for slide_id in slides:
            row = self.rows[slide_id]
            path = self.file(slide_id)
            for block in feature_blocks(path, row.get("dataset") or "features"):
                width, reader = width or block.shape[1], reader or f"slide {slide_id} before it has"
                check_width(slide_id, str(path), block.shape[1], width, reader)
                yield block.astype(np.float32)

    def read(self, slide_id: str, with_coords: bool = False) -> Bag:
        """All patches of a slide, with coordinates if requested. Raises KeyError if the slide has none."""
        row, path = self.rows[slide_id], self.file(slide_id)
        features = read_features(path, row.get("dataset") or "features").astype(np.float32)
        return Bag(features, *self.places(slide_id)) if with_coords else Bag(features)

    def places(self, slide_id: str) -> tuple[np.ndarray, int]:
        """Coordinates (int64 N x 2) of a slide's patches and their edge, as in a Bag. Raises KeyError if its file
        has none."""
        row, path = self.rows[slide_id], self.file(slide_id)
        if not self.is_placed(slide_id):
            raise KeyError(f"{path} has no coordinates of the patches of slide {slide_id}")
        coords = np.round(read_coords_of(path) * float(row["coords_scale"])).astype(np.int64)
        return coords, int(row["patch_size_level0"])


def check_width(slide_id: str, path: str, actual: int, width: int, reader: str) -> None:
    """Raises OtherWidth where patches of a slide don't have `width` numbers; reader: what has, or takes, those."""
    if actual != width:
        raise OtherWidth(
            f"slide {slide_id}: {path} has {actual} numbers per patch, and {reader} {width}: name the encoder whose "
            "patches those are, or extract or give the features of this slide again"
        )
