"""Folds of a task that has none: k-fold, Monte-Carlo or an official column; by case, stratified by label."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NotRequired, TypedDict

import numpy as np
import pandas as pd

from ..common.files import read_tsv, write_tsv
from ..common.given_yaml import read_yaml
from ..common.task_rules import OFFICIAL, SIDES, sites_of_cases
from ..common.tsv import BadTable
from .tasks import BadTask, check_folds, check_sides, fold_columns, read_rows

log = logging.getLogger(__name__)


#: A test side smaller than this share of the largest is named.
SMALL = 0.25


class SplitRecipe(TypedDict):
    """Recipe `splits` of a task's config.yaml; column: of an official split."""

    method: str
    folds: int
    test_fraction: float
    keep_sites: bool
    seed: int
    column: NotRequired[str]


def split_task(*, config: str | Path, table: str | Path, sheet: str | Path, output: str | Path) -> None:
    """Write the table with fold_0, fold_1, … by the recipe `splits` of config.yaml.

    sheet: the slide sheet, whose column `site` is taken where the table has none (for `keep_sites`).
    """
    settings = read_yaml(config)
    rows = read_rows(table, [settings["task_col"], "case_id"])
    if fold_columns(rows):
        raise BadTask(f"{table}: has columns fold_… and {config} a recipe `splits`; leave one of them out")
    recipe: SplitRecipe = {"folds": 5, "test_fraction": 0.2, "keep_sites": False, "seed": 0} | settings["splits"]
    whole_sites = recipe["keep_sites"] and recipe["method"] != "official"
    sites = _sites(rows[rows[settings["task_col"]] != ""], table, sheet) if whole_sites else None
    done = add_folds(rows, settings["task_col"], recipe, sites, table)
    write_tsv(output, done.drop(columns="#"))


def _sites(rows: pd.DataFrame, table: str | Path, sheet: str | Path) -> dict[str, str]:
    """Site of each case of the rows, as `sites_of_cases`; what that refuses is a BadTask."""
    tables = [(str(path), frame.to_dict("records")) for path, frame in ((table, rows), (sheet, read_tsv(sheet)))]
    try:
        return sites_of_cases(set(rows.case_id), *tables)
    except BadTable as error:
        raise BadTask(str(error)) from None


def add_folds(
    rows: pd.DataFrame, label: str, recipe: SplitRecipe, sites: Mapping[str, str] | None, source: str | Path
) -> pd.DataFrame:
    """The rows with columns fold_i of train, test and -1 (rows without a label).

    Cases are taken in the order of their ids, so the order of rows doesn't matter. Monte-Carlo test sides hold
    int(test_fraction x cases) cases, as Patho-Bench's do; with `sites` whole sites are drawn, to about that share.
    """
    labelled = rows[label] != ""
    if recipe["method"] == "official":
        sides = [official(rows, labelled, recipe, source)]
    else:
        strata = strata_of(rows[labelled], label)
        tests = test_sides(strata, recipe, sites, source)
        sides = [np.where(rows.case_id.isin(test), "test", "train") for test in tests]
    done = rows.copy()
    for i, side in enumerate(sides):
        done[f"fold_{i}"] = np.where(labelled, side, "-1")
    check_folds(done[labelled], fold_columns(done), source)
    check_sides(done[labelled], fold_columns(done), source)
    return done


def official(rows: pd.DataFrame, labelled: pd.Series, recipe: SplitRecipe, source: str | Path) -> np.ndarray:
    """The side of each row from the column the recipe names, in small or capital letters. Raises BadTask for others."""
    column = recipe.get("column") or OFFICIAL
    if column not in rows:
        raise BadTask(f"{source}, header: no column {column!r}, which the recipe `splits` names as the official split")
    sides = rows[column].str.lower()
    wrong = rows[labelled & ~sides.isin(SIDES)]
    if len(wrong):
        row = wrong.iloc[0]
        location = f"{source}, row {row['#']}, column {column}" if "#" in row else f"{source}, column {column}"
        raise BadTask(f"{location}: {row[column]!r} is none of train, test, val, -1 (-1: left out); correct it")
    return sides.where(sides != "", "-1").to_numpy(object)


def strata_of(rows: pd.DataFrame, label: str) -> pd.Series:
    """Stratum of each case, sorted by case: its label, of several the one that is rarest in the table."""
    counts = rows[label].value_counts()
    ranked = rows.assign(rank=rows[label].map(counts)).sort_values(["case_id", "rank", label], kind="stable")
    return ranked.groupby("case_id", sort=True)[label].first()


def test_sides(
    strata: pd.Series, recipe: SplitRecipe, sites: Mapping[str, str] | None, source: str | Path
) -> list[set[str]]:
    """Cases of each test side."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, StratifiedShuffleSplit

    folds, seed, share = recipe["folds"], recipe["seed"], recipe["test_fraction"]
    cases, blank = strata.index.to_numpy(object), np.zeros(len(strata))
    monte_carlo = recipe["method"] == "monte_carlo"
    pieces = max(2, round(1 / share)) if monte_carlo else folds
    if sites is not None:
        groups = np.array([sites[case] for case in cases])
        if len(set(groups)) < pieces:
            raise BadTask(f"{source}: {len(set(groups))} sites can't fill {pieces} folds; keep_sites needs more sites")
        refuse_unfilled(strata, pieces, source)
        draws = range(folds) if monte_carlo else [0]
        sides = []
        for draw in draws:
            splitter = StratifiedGroupKFold(pieces, shuffle=True, random_state=seed + draw)
            tests = [test for _, test in quietly(splitter.split(blank, strata, groups))]
            sides += tests[:1] if monte_carlo else tests
    elif monte_carlo:
        labels = pooled(strata)
        size = int(share * len(cases))
        if size < labels.nunique():
            raise BadTask(f"{source}: a test side of {size} cases can't hold {labels.nunique()} labels; add cases")
        splitter = StratifiedShuffleSplit(folds, test_size=size, random_state=seed)
        sides = [test for _, test in splitter.split(blank, labels)]
    else:
        refuse_unfilled(strata, folds, source)
        splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
        sides = [test for _, test in quietly(splitter.split(blank, strata))]
    warn_of_sizes([len(side) for side in sides], len(cases), str(source))
    return [set(cases[test]) for test in sides]


def refuse_unfilled(strata: pd.Series, folds: int, source: str | Path) -> None:
    """Raise BadTask where no label has as many cases as there are folds, which scikit-learn can't stratify."""
    if len(strata) < folds or strata.value_counts().max() < folds:
        raise BadTask(f"{source}: {len(strata)} cases can't fill {folds} folds; ask for fewer folds")


def warn_of_sizes(sizes: Sequence[int], cases: int, source: str) -> None:
    """Say in the log which test sides are small beside the largest: their scores say little."""
    if sizes and min(sizes) < SMALL * max(sizes):
        log.warning(
            "%s: test sides of %s samples of %d, as whole sites (and cases) stay together and one is large: scores of "
            "small sides say little",
            source,
            ", ".join(map(str, sizes)),
            cases,
        )


def quietly(splits: Iterable[tuple[np.ndarray, np.ndarray]]) -> list[tuple[np.ndarray, np.ndarray]]:
    """All splits, without scikit-learn's warning of labels that are rarer than folds (their folds are recorded)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return list(splits)


def pooled(strata: pd.Series) -> pd.Series:
    """Strata of a single case, which can't be stratified, replaced by the commonest one."""
    counts = strata.value_counts()
    is_single = strata.map(counts) < 2
    if is_single.any():
        log.warning("labels of a single case can't be stratified: %s", sorted(set(strata[is_single])))
    return strata.mask(is_single, counts.index[0])
