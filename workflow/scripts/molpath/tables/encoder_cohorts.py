"""Test sides that an encoder has seen: public programmes that its makers trained it on, beside the cases of each task.

A warning, not an error: a network that learned from slides without their labels may do better on them all the same.
What each was trained on is resources/tasks/encoder_cohorts.tsv, as its makers state it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from ..common.files import read_tsv, write_tsv

#: How cases of a programme are recognised: the first word of cohorts' names (PAIP of PAIP2019), and forms of case ids.
COHORTS = ("TCGA", "CPTAC", "GTEx", "PAIP", "PANDA", "BCNB", "ACROBAT")
CASES = {"TCGA": r"TCGA-\w{2}-\w{4}", "CPTAC": r"C3[LN]-\d{5}", "GTEx": r"GTEX-\w+"}
COLUMNS = ["model", "network", "programme", "task", "test_cases", "of_programme", "source", "checked"]


def list_encoder_cohorts(
    *,
    networks: Mapping[str, Sequence[str]],
    tasks: Sequence[str],
    splits: Sequence[str],
    sheet: str,
    encoder_cohorts: str,
    output: str,
) -> pd.DataFrame:
    """Write a row per model, network, programme and task whose test sides hold cases of it; return the table.

    networks: names of the patch encoder and slide encoder of each model, in `encoder_cohorts`; splits: k=all.tsv
    of the tasks, in their order; sheet: the slide sheet, whose cohorts count besides case ids.
    """
    recorded, cohort_of = read_tsv(encoder_cohorts), cohorts_of(read_tsv(sheet))
    sides = {task: tested_cases(read_tsv(path)) for task, path in zip(tasks, splits, strict=True)}
    rows = []
    for model, names in networks.items():
        for entry in recorded[recorded.encoder.isin(names)].itertuples():
            for programme in filter(None, entry.trained_on.split(";")):
                for task, cases in sides.items():
                    programme_cases = [
                        case for case in cases if programme_of(case, cohort_of.get(case, ())) == programme
                    ]
                    facts = (
                        model,
                        entry.encoder,
                        programme,
                        task,
                        len(cases),
                        len(programme_cases),
                        entry.source,
                        entry.checked,
                    )
                    rows += [dict(zip(COLUMNS, facts, strict=True))] * bool(programme_cases)
    table = pd.DataFrame(rows, columns=COLUMNS).drop_duplicates()
    write_tsv(output, table)
    return table


def cohorts_of(sheet: pd.DataFrame) -> dict[str, set[str]]:
    """Names of cohorts and projects of each case of a slide sheet."""
    cohorts: dict[str, set[str]] = {}
    for column in [name for name in ("cohort", "project") if name in sheet]:
        for case, name in zip(sheet.case_id, sheet[column], strict=True):
            cohorts.setdefault(case, set()).add(name)
    return cohorts


def programme_of(case: str, cohorts: Sequence[str] | set[str]) -> str:
    """The public programme of a case; '' where neither its id nor its cohorts name one."""
    by_id = (name for name, form in CASES.items() if re.match(rf"{form}(?![A-Za-z0-9])", case, re.IGNORECASE))
    first_words = {re.split(r"[^A-Z]", name.strip().upper())[0] for name in cohorts}
    by_cohort = (name for name in COHORTS if name.upper() in first_words)
    return next(by_id, "") or next(by_cohort, "")


def tested_cases(splits: pd.DataFrame) -> list[str]:
    """Cases on a test side of any fold of k=all.tsv, sorted; all cases of one without folds."""
    folds = [name for name in splits if re.fullmatch(r"fold_\d+", name)]
    tested = splits[(splits[folds] == "test").any(axis=1)] if folds else splits
    return sorted(set(tested.case_id))
