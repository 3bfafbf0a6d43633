"""Checks of a task's folds, those of its table as well as its official split: columns, words, empty sides."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..common.task_rules import SIDES, official_column
from .config import Config, Row
from .hints import did_you_mean
from .problems import Problems

#: What a cell of a fold may say; an empty one says -1.
FOLD_WORDS = tuple(filter(None, SIDES))
#: The name of a fold, and what users write for it.
FOLD, NEARLY = re.compile(r"fold_(0|[1-9][0-9]*)"), re.compile(r"(fold|split)[ _.-]?[0-9]*", re.IGNORECASE)


def check_columns(sheet: str, header: Sequence[str], settings: Config, problems: Problems) -> None:
    """A table has folds, or its task a recipe; an official split has its column, and folds are called fold_0, ….

    header: names of the table's columns.
    """
    recipe, folds = settings.get("splits") or {}, [name for name in header if "fold_" in name]
    if not folds and not recipe:
        remedy = "add columns with train, test or -1, or a recipe `splits` to config.yaml"
        if nearly := [name for name in header if NEARLY.fullmatch(name)]:
            remedy = f"rename {', '.join(nearly)} to fold_0, fold_1, …, or name it in `splits: {{method: official, …}}`"
        problems.add(f"{sheet}, header", "no fold_0, fold_1, … columns", remedy)
    if folds and recipe:
        wrong = "the table has folds, and the task's config.yaml a recipe `splits`"
        problems.add(f"{sheet}, header, column {folds[0]}", wrong, "leave one of them out")
    for name in folds:
        if not FOLD.fullmatch(name):
            wrong = "it would be used as a fold, for its name contains fold_"
            problems.add(f"{sheet}, header, column {name}", wrong, "call folds fold_0, fold_1, …, and rename others")
    column = official_column(recipe)
    if column and column not in header:
        wrong = "config.yaml (key splits) takes the official split from it, but the table has no such column"
        remedy = f"{did_you_mean(column, header)}name the right one: splits: {{method: official, column: …}}"
        problems.add(f"{sheet}, header, column {column}", wrong, remedy)


def check_word(location: str, cell: str, fold: str, problems: Problems) -> None:
    """One cell of a fold or an official split says a side."""
    if cell not in SIDES:
        remedy = f"{did_you_mean(cell, FOLD_WORDS)}one of: {', '.join(FOLD_WORDS)} (-1: left out)"
        problems.add(f"{location}, column {fold}", f"{cell!r} is not allowed", remedy)


def check_filled(sheet: str, rows: Sequence[Row], folds: Sequence[str], problems: Problems) -> None:
    """Each fold trains on some labelled rows and tests others."""
    for fold in folds:
        sides = {(row[fold] or "").lower() for row in rows}
        if sides <= set(SIDES) and (empty := [side for side in ("train", "test") if side not in sides]):
            wrong = f"no row with a label says {' or '.join(empty)}"
            problems.add(f"{sheet}, column {fold}", wrong, "a fold needs both sides: write them, or remove the column")
