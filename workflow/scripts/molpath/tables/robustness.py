"""Robustness of the embeddings of all models, in one table."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ..common.files import read_tsv, write_tsv


def gather_robustness(*, tables: Sequence[str], output: str) -> None:
    """Write the rows of every model's robustness.tsv, pairs first, so that models are next to each other."""
    rows = pd.concat([read_tsv(path) for path in tables], ignore_index=True)
    write_tsv(output, rows.sort_values(["biological", "technical", "unit"], kind="stable"))
