"""Which calls of a file of mutations count, and whether the file contains the requested cases."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..common.settings.omics import Mutations
from .tables import BadProfile

#: Cells without information.
SILENT = frozenset({"", ".", "na", "nan", "n/a", "null"})
#: What counts unless the config says otherwise (omics/mutations).
DEFAULTS: Mutations = {"filters": ["PASS"], "status": ["Somatic", "Unknown"], "least_found": 0.5}


def passes(text: str, filters: Sequence[str]) -> bool:
    """True if a call has no filter, or only the given ones; a cell lists them separated by ; or ,."""
    allowed = {name.casefold() for name in filters} | SILENT
    return all(name.strip().casefold() in allowed for name in re.split(r"[;,|]", text))


def judge_calls(table: pd.DataFrame, settings: Mutations) -> pd.DataFrame:
    """The table of calls (gene, kind, sample, filter, status) with column `verdict`: '' for one that counts, else why
    not, as written to the table of losses."""
    by_filter = {
        text: "" if passes(text, settings["filters"]) else f"variants of FILTER {text}, left out"
        for text in table["filter"].unique()
    }
    accepted = {status.casefold() for status in settings["status"]} | SILENT
    by_status = {
        text: "" if text.casefold() in accepted else f"variants of Mutation_Status {text}, left out"
        for text in table["status"].unique()
    }
    somatic = table["status"].map(by_status)
    return table.assign(verdict=np.where(somatic != "", somatic, table["filter"].map(by_filter)))


def is_judged_out(calls: pd.DataFrame) -> bool:
    """True if filters remove all of a profile's calls: its mutations are unknown (all of LAML and OV are
    tagged wga in MC3), so it can't count as wild type. Germline calls alone don't matter."""
    return (
        bool(len(calls))
        and bool((calls["verdict"] != "").all())
        and bool(calls["verdict"].str.contains("FILTER").any())
    )


def check_found(
    requested: Mapping[str, Mapping[str, bool]], names: Mapping[str, Sequence[str]], min_share: float
) -> None:
    """Raise BadProfile for a file of mutations with fewer than a share of the profiles requested from it.

    requested: by file and profile, whether its sample is there; names: samples of each file. A case without a variant
    is in no MAF, but a file in which hardly any case is found has other cases, or other names.
    """
    for path, profiles in requested.items():
        absent = [name for name, present in profiles.items() if not present]
        if not names[path] and len(profiles) == 1:
            continue  # a file of its own for a case without a variant
        if len(profiles) - len(absent) < min_share * len(profiles):
            examples = ", ".join(list(names[path])[:4]) or "no variant at all"
            raise BadProfile(
                f"{path}: only {len(profiles) - len(absent)} of {len(profiles)} profiles of the sheet are "
                f"in it (not {', '.join(absent[:4])}); the file has {examples}. Correct columns case_id or column of "
                "the sheet; if these cases were sequenced and have no variant, lower omics/mutations/least_found"
            )


def count_verdicts(calls: pd.DataFrame, counts: Counter) -> pd.DataFrame:
    """The calls that count; the others are counted by their verdict."""
    is_rejected = calls["verdict"] != ""
    counts.update(calls["verdict"][is_rejected].tolist())
    return calls[~is_rejected]
