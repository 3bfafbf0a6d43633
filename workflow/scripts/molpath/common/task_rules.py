"""Rules for classes, metrics and sites of a task, for planning and jobs."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from .tsv import BadTable

#: What a cell of a fold may say; -1 and nothing leave a row out.
SIDES = ("train", "test", "val", "-1", "")
#: The column of an official split, where its recipe names no other.
OFFICIAL = "split"
#: Metrics computed for every classification task, besides those that it names.
ALWAYS = ("macro-ovr-auc", "bacc", "weighted_kappa", "acc", "macro-f1", "weighted-f1", "auprc", "brier", "ece")
#: On request: kappa over all labels of the task, even those absent from the test side.
FIXED_KAPPA = "weighted_kappa_fixed"
#: Metrics that a classification task may name.
OF_CLASSES = (*ALWAYS, FIXED_KAPPA)
#: Metrics of which less is better. None may be a task's first metric: tables and figures rank by that, highest first.
LESS_IS_BETTER = ("ece", "brier", "mae")
_INTEGER = re.compile(r"-?[0-9]+")


def sites_of_cases(
    cases: Collection[str],
    table: tuple[str, Sequence[Mapping[str, Any]]],
    sheet: tuple[str, Sequence[Mapping[str, Any]]],
) -> dict[str, str]:
    """Site of each case, for folds that keep sites whole.

    table, sheet: path and rows of the task's k=all.tsv and of the slide sheet, which is taken where the table has no
    column site. Raises BadTable where neither has it, slides of a case are of several sites, or a case has no site.
    """
    path, rows = next(((path, rows) for path, rows in (table, sheet) if rows and "site" in rows[0]), ("", []))
    if not path:
        raise BadTable(
            f"{table[0]}, header",
            "no column site, and none in the slide sheet: keep_sites needs it",
            "add the column to one of them, or leave keep_sites out of `splits` in the task's config.yaml",
        )
    site_of: dict[str, str] = {}
    for row in rows:
        case, site = row.get("case_id", ""), row["site"] or ""
        if case in cases and (first := site_of.setdefault(case, site)) != site:
            problem = f"case {case} has slides of several sites ({first or 'unknown'} and {site or 'unknown'})"
            raise BadTable(
                f"{path}, column site", problem, "write one site for all of them: keep_sites holds cases together"
            )
    if unknown := sorted(case for case in cases if not site_of.get(case)):
        problem = (
            f"{len(unknown)} cases have no site ({', '.join(unknown[:3])}{', …' * (len(unknown) > 3)}), so that no "
        )
        raise BadTable(
            f"{path}, column site",
            problem + "fold can keep theirs whole",
            "fill in the column, empty their labels to leave them out, or leave keep_sites out",
        )
    return site_of


def official_column(recipe: Mapping[str, Any]) -> str:
    """The column that the recipe `splits` of a config.yaml names as the official split; '' for other recipes."""
    return str(recipe.get("column") or OFFICIAL) if recipe.get("method") == "official" else ""


def is_integer(code: str) -> bool:
    """True for a code of label_dict that is an integer, in plain digits: such codes order classes."""
    return bool(_INTEGER.fullmatch(code))


def is_odd_number(code: str) -> bool:
    """True for a code that looks like a number and is no integer (1.0, ², --1); words such as 3+4 are none."""
    if is_integer(code) or any(map(str.isalpha, code)):
        return False
    try:
        float(code)
    except ValueError:
        return code.lstrip("-").isdigit()
    return True
