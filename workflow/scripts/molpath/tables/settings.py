"""Settings of every run next to the paper's (its Extended Data Tables 49 to 51)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ..common.files import read_tsv, write_tsv
from .formats import write_readable

COLUMNS = ["part", "setting", "key", "run", "here", "paper", "differs", "source", "uncertain", "note"]
UNUSED = "not used"


def list_settings(
    *, runs: Mapping[str, Mapping[str, Any]], published: str, note: str, outputs: Mapping[str, str]
) -> None:
    """Write table (TSV), markdown and latex: one row per setting and run.

    runs: entries of the config with `encoder` and `grid` as maps. published: resources/published/settings.tsv. differs:
    yes or no; empty where the paper's value is not known or the run has no such branch.
    """
    paper = read_tsv(published)
    rows = [
        setting | {"run": name, "here": value, "differs": differs(value, setting["paper"])}
        for setting in paper.to_dict("records")
        for name, run in runs.items()
        for value in [value_of(run, setting["key"])]
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    write_tsv(outputs["table"], table)
    parts = {f"Settings, {part}": side_by_side(part_rows) for part, part_rows in table.groupby("part", sort=False)}
    write_readable(parts, outputs["markdown"], outputs["latex"], note)


def value_of(run: Mapping[str, Any], key: str) -> str:
    """A setting in words, '' where it is not known, `not used` for those of a branch that the run doesn't train."""
    first, *_ = key.split("/")
    last = key.rpartition("/")[2]
    for branch in ("rna", "dna"):
        if branch not in run["modalities"] and (first == f"{branch}_encoder" or last == branch):
            return UNUSED
    value: Any = run
    for name in key.split("/"):
        value = value.get(name, "") if isinstance(value, Mapping) else ""
    if last == "checkpoint":
        return "given" if value else "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def differs(value: str, paper: str) -> str:
    """yes or no; numbers are compared as numbers to three digits, lists in any order."""
    if not paper or value in ("", UNUSED):
        return ""
    try:
        same = abs(float(value) - float(paper)) <= 0.005 * abs(float(paper))
    except ValueError:
        same = sorted(value.lower().split(", ")) == sorted(paper.lower().split(", "))
    return "no" if same else "yes"


def side_by_side(table: pd.DataFrame) -> pd.DataFrame:
    """A row per setting, a column per run; values that differ from the paper's say so."""
    rows = []
    for (setting, _), group in table.groupby(["setting", "key"], sort=False):
        setting_row = group.iloc[0]
        row = {
            "setting": setting,
            "paper": setting_row.paper + (" (uncertain)" if setting_row.uncertain == "1" else ""),
        }
        row |= {
            run: value + (" (differs)" if differ == "yes" else "")
            for run, value, differ in zip(group.run, group.here, group.differs, strict=True)
        }
        rows.append(row | {"note": setting_row.note})
    return pd.DataFrame(rows)
