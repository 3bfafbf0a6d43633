"""Where the data of the cohorts in use come from, and their terms of use (the paper's Extended Data Table 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from ..common.files import read_tsv, write_tsv
from .formats import write_readable

COLUMNS = ["cohort", "name", "use", "slides", "paper", "access", "slides_from", "access_form", "licence", "checked"]
COLUMNS += ["profiles_from"]


def list_datasets(
    *, sheet: str, cohorts: str, pretraining: str, trained: Sequence[str], note: str, outputs: Mapping[str, str]
) -> None:
    """Write table (TSV), markdown and latex: every cohort of the slide sheet with what is known about its source.

    cohorts, pretraining: resources/tasks/cohorts.tsv and pretraining_cohorts.tsv; trained: cohorts that a used run
    trains on. A cohort that neither knows has its counts alone.
    """
    sources = [
        read_tsv(cohorts).rename(columns={"n_slides": "paper"}),
        read_tsv(pretraining).rename(columns={"n_pairs": "paper"}),
    ]
    sources = pd.concat(sources, ignore_index=True).fillna("")
    sources.index = sources.cohort.str.lower()
    slides = read_tsv(sheet).reindex(columns=["cohort"], fill_value="")
    rows = []
    for cohort, number in slides.cohort.value_counts(sort=False).items():
        use = "pretraining" if cohort in trained else "evaluation"
        source = dict(sources.loc[cohort.lower()]) if cohort.lower() in sources.index else {}
        rows.append(source | {"cohort": cohort, "use": use, "slides": number})
    table = pd.DataFrame(rows).reindex(columns=COLUMNS).fillna("")
    write_tsv(outputs["table"], table)
    shown = table.assign(name=table.name.where(table.name != "", "not of the paper")).drop(columns=["checked"])
    write_readable({"Data sets": shown.loc[:, (shown != "").any()]}, outputs["markdown"], outputs["latex"], note)
