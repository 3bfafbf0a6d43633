"""Which slides a run trains on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..common.files import read_tsv, write_tsv
from ..pretrain.parts import sample_evenly


def list_run_slides(*, run: Mapping[str, Any], pairs: str, indices: Sequence[str], sheet: str, output: str) -> None:
    """Write slide_id, case_id, cohort and organ ('' where the sheet has none) of the slides a run trains on.

    They are paired (omics/pairs.tsv) with a profile of the run's modalities, packed (the store's indices), of its
    cohorts, and of its part of the data.
    """
    packed = {name for path in indices for name in read_tsv(path).slide_id}
    table = read_tsv(pairs)
    table = table[(table.status == "paired") & table.cohort.isin(run["cohorts"]) & table.slide_id.isin(packed)]
    slides = read_tsv(sheet).set_index("slide_id")
    organs = dict(slides.organ) if "organ" in slides else {}
    if run["fraction"] < 1:
        groups = table.groupby("cohort", sort=False).slide_id
        parts = [sample_evenly(dict.fromkeys(names), organs, run["fraction"]) for _, names in groups]
        table = table[table.slide_id.isin(set().union(*parts))]
    table = table[table.modality.isin(run["modalities"])].drop_duplicates("slide_id")
    write_tsv(output, table[["slide_id", "case_id", "cohort"]].assign(organ=table.slide_id.map(organs).fillna("")))
