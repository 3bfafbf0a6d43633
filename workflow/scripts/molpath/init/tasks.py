"""Task folders out of a table of labels: which columns are labels, their classes, their folds."""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from .draft import Draft, Refusal, number, some, table
from .label_table import UNSAID, Labels, check_decimals, plain
from .labels import Joined
from .names import safe_ids, stem_of
from .survival import Endpoint, endpoints_of, survival_cells

#: More classes than this are names or numbers, unless --label asks for them; more tasks than this are asked for.
MOST_CLASSES, MOST_TASKS = 10, 12
#: Columns that say where a sample comes from, and never what is predicted unless asked for.
APART = {"site", "cohort", "project", "split", "mpp", "path", "keep", "organ", "specimen", "sample_id", "sample_type"}
#: First words of pairs of classes, of which the second is the positive one.
NEGATIVE = {
    "n",
    "no",
    "neg",
    "negative",
    "wt",
    "wild_type",
    "wildtype",
    "normal",
    "benign",
    "low",
    "false",
    "mss",
    "absent",
}
FOLDS = 5
#: Columns that are no labels: folds, and row numbers of data frames.
FOLD = re.compile(r"(k_all_)?fold_?\d+|unnamed|index$")


@dataclass(frozen=True)
class Task:
    """A task by name: cells of its table by slide ('' keeps a slide out), settings, classes with their cases."""

    name: str
    cells: dict[str, dict[str, str]]
    settings: dict[str, Any]
    told: str


def add_tasks(
    joined: Joined,
    options: argparse.Namespace,
    draft: Draft,
    groups: list[str] | None = None,
    of_cases: bool = False,
) -> None:
    """Write a folder for each label of the table into the draft, and name it in the config's section probe.

    groups: protocols instead of the schema's default, of tasks with classes; of_cases: names are of cases, not slides.
    """
    labels = joined.labels
    if labels is None:
        return
    source = safe_ids([stem_of(labels.path).removesuffix(".csv").removesuffix(".tsv")], "table")
    prefix = next(iter(source.values()))
    tasks = choose_tasks(joined, labels, options, draft)
    entries: dict[str, Any] = {}
    for task in tasks:
        folder = f"config/tasks/{prefix}/{task.name}"
        entry: dict[str, Any] = {"path": folder}
        if groups and task.settings["task_type"] == "classification":
            entry["groups"] = groups
        entries[f"{prefix}--{task.name}"] = entry
        rows = [
            {"case_id": joined.case_of[name]} | ({} if of_cases else {"slide_id": name}) | cells
            for name, cells in task.cells.items()
            if cells
        ]
        draft.files[f"{folder}/k=all.tsv"] = table(rows)
        draft.files[f"{folder}/config.yaml"] = yaml.safe_dump(task.settings, sort_keys=False, allow_unicode=True)
        draft.counts.append(task.told)
    draft.config.setdefault("probe", {}).update({"tasks": entries, "use": list(entries)})


def choose_tasks(joined: Joined, labels: Labels, options: argparse.Namespace, draft: Draft) -> list[Task]:
    """The tasks asked for, or every column that can be one."""
    asked = options.label or []
    for column in asked:
        labels.check(column, "--label")
    endpoints = endpoints_of(labels, options)
    if asked and not options.event:
        endpoints = [one for one in endpoints if {one.name, one.event, one.time} & set(asked)]
    taken = set(joined.ids) | {column for one in endpoints for column in (one.event, one.time)}
    columns = [column for column in asked if column not in taken] if asked or options.event else _columns(labels, taken)
    names = safe_ids([*columns, *(one.name for one in endpoints)], "column")
    tasks, refused = [], []
    for column in columns:
        try:
            tasks.append(label_task(joined, column, names[column], options, bool(asked)))
        except Refusal as refusal:
            if asked:
                raise
            refused.append(str(refusal))
    tasks += [survival_task(joined, one, names[one.name], options) for one in endpoints]
    if not tasks:
        told = "".join(f"\n  {one}" for one in refused)
        raise Refusal(f"{labels.name} has no column that can be a label: name one with --label{told}")
    if len(tasks) > MOST_TASKS and not asked:
        shown = ", ".join(task.name for task in tasks)
        raise Refusal(f"{labels.name} has {len(tasks)} columns that could be labels ({shown}): choose with --label")
    if not asked and not options.event:
        draft.guess("labels", ", ".join(task.name for task in tasks), "--label COLUMN, again for more")
    draft.notes += [f"not taken for a label: {one}" for one in refused]
    if splits := [column for column in labels.columns if plain(column) == "split" or "fold_" in column]:
        told = f"{', '.join(splits)} of {labels.name} not used: folds are drawn here; to keep yours"
        draft.notes.append(f"{told}, see 'Folds by recipe' in config/README.md of the workflow")
    return tasks


def _columns(labels: Labels, taken: set[str]) -> list[str]:
    """Columns that may be labels by their names."""
    return [
        column
        for column in labels.columns
        if column not in {*taken, "#"} and plain(column) not in APART and not FOLD.match(plain(column))
    ]


def one_value(joined: Joined, slide: str, column: str) -> str:
    """What the rows of a slide say in a column; raises Refusal where they contradict each other."""
    values = sorted({row[column] for row in joined.rows_of.get(slide, [])} - {""})
    if len(values) > 1:
        raise Refusal(f"{column}: rows of {slide} contradict each other ({', '.join(values)}): correct one")
    return values[0] if values else ""


def differing_cases(joined: Joined, values: Mapping[str, str]) -> list[str]:
    """Cases whose slides have different labels."""
    found: dict[str, set[str]] = {}
    for slide, value in values.items():
        if value:
            found.setdefault(joined.case_of[slide], set()).add(value)
    return [case for case, told in found.items() if len(told) > 1]


def _values(joined: Joined, column: str, options: argparse.Namespace) -> tuple[dict[str, str], list[str]]:
    """What the table says of each slide, '' for nothing, and words that say that nothing is known."""
    values = {slide: one_value(joined, slide, column) for slide in joined.names}
    kept = {word.strip() for word in (options.classes or "").split(",")}
    unsaid = sorted({value for value in values.values() if plain(value) in UNSAID and value not in kept})
    return {slide: "" if value in unsaid else value for slide, value in values.items()}, unsaid


def check_spellings(column: str, words: Sequence[str]) -> None:
    """Refuse one class in two spellings, which would be two."""
    first: dict[str, str] = {}
    for word in words:
        spelled = " ".join(re.split(r"[\s_]+", word.casefold()))
        if first.setdefault(spelled, word) != word:
            raise Refusal(f"{column}: {first[spelled]!r} and {word!r} are spellings of one class: write them alike")


def label_task(joined: Joined, column: str, name: str, options: argparse.Namespace, asked: bool) -> Task:
    """A task of classes; of numbers where the column holds many and was asked for."""
    values, unsaid = _values(joined, column, options)
    words = sorted({value for value in values.values() if value}, key=lambda word: (word.casefold(), word))
    check_spellings(column, words)
    if words and all(re.fullmatch(r"-?\d+\.0+", word) or re.fullmatch(r"-?\d+", word) for word in words):
        values = {slide: str(int(float(value))) if value else "" for slide, value in values.items()}
        words = sorted(set(values.values()) - {""}, key=int)
    if asked and all(re.fullmatch(r"-?[\d.,]+", word) for word in words):
        check_decimals(column, words)
    if len(words) > MOST_CLASSES and all(map(is_number, words)):
        if asked:
            return number_task(joined, column, name, values)
        raise Refusal(f"{column}: {len(words)} different numbers (as a regression: --label {column})")
    if len(words) > MOST_CLASSES and not asked:
        raise Refusal(f"{column}: {len(words)} different words")
    differ = differing_cases(joined, values)
    unit, differing = "slide_id" if differ else "case_id", f"labels differ within a case: {some(differ)}"
    sample_of = joined.case_of if unit == "case_id" else {slide: slide for slide in joined.names}
    counts = Counter({sample_of[slide]: value for slide, value in values.items() if value}.values())
    kept = [word for word in in_order(words, options, asked) if counts[word] > 1]
    if len(kept) < 2:
        shown = ", ".join(f"{word or 'none'} {counts[word]}" for word in words) or "no value"
        raise Refusal(f"{column}: fewer than two classes with two {unit.split('_')[0]}s each ({shown})")
    codes = kept if all(re.fullmatch(r"-?\d+", word) for word in kept) else [str(i) for i in range(len(kept))]
    code_of = dict(zip(kept, codes, strict=True))
    folds = folds_of(min(counts[word] for word in kept), options)
    settings = {
        "task_col": name,
        "sample_col": unit,
        "label_dict": {int(code): word for word, code in code_of.items()},
        "metrics": ["macro-ovr-auc", "bacc"],
        "task_type": "classification",
        "splits": {"method": "k_fold", "folds": folds, "seed": 0},
    }
    told = f"task {name}: " + ", ".join(f"{word} {counts[word]}" for word in kept)
    told += f" labelled {'cases' if unit == 'case_id' else f'slides ({differing})'}, {folds} folds"
    if lost := [word for word in words if word not in kept]:
        told += f"; left out for having one only: {', '.join(lost)}"
    told += f"; taken for no label: {', '.join(unsaid)}" if unsaid else ""
    return Task(name, {s: {name: code_of[v]} if v in code_of else {} for s, v in values.items()}, settings, told)


def in_order(words: list[str], options: argparse.Namespace, asked: bool) -> list[str]:
    """Classes in their order: as --classes says, numbers by size, of two the one that says no first."""
    if options.classes:
        order = [word.strip() for word in options.classes.split(",")]
        if not asked or len(options.label) != 1 or set(words) - set(order):
            missing = ", ".join(set(words) - set(order)) or "the label"
            raise Refusal(
                f"--classes {options.classes}: {missing} is missing (it orders the classes of the one --label)"
            )
        return order
    if len(words) == 2 and says_no(words[1]) and not says_no(words[0]):
        return words[::-1]
    return words


def says_no(word: str) -> bool:
    """True for the negative one of two classes: no, wild type, HPV-, non-metastatic, unmethylated, …"""
    return (
        plain(word) in NEGATIVE or word.endswith("-") or bool(re.match(r"(no|not|non|un)[-_ ]|nonm|unm", word.lower()))
    )


def folds_of(smallest: int, options: argparse.Namespace) -> int:
    """Folds of cross-validation: no more than the smallest class has samples."""
    if options.folds is not None and not 2 <= options.folds <= smallest:
        raise Refusal(f"--folds {options.folds}: the smallest class has {smallest}: 2 to {smallest} are possible")
    return options.folds or min(FOLDS, smallest)


def is_number(text: str) -> bool:
    """True for a number in plain digits."""
    return bool(re.fullmatch(r"-?\d+(\.\d*)?([eE][-+]?\d+)?|-?\.\d+", text))


def number_task(joined: Joined, column: str, name: str, values: dict[str, str]) -> Task:
    """A regression, with folds drawn here: recipes stratify by label, which numbers have none of."""
    unit = "slide_id" if differing_cases(joined, values) else "case_id"
    cases = sorted({joined.case_of[slide] for slide, value in values.items() if value})
    if len(cases) < 2 * FOLDS:
        raise Refusal(f"{column}: {number(len(cases), 'case')} with a number, {2 * FOLDS} are needed")
    mean = {case: [] for case in cases}  # type: dict[str, list[float]]
    for slide, value in values.items():
        if value:
            mean[joined.case_of[slide]].append(float(value))
    # In the order of the numbers, so that each fold has small and large ones.
    order = sorted(cases, key=lambda case: (sum(mean[case]) / len(mean[case]), case))
    fold_of = {case: place % FOLDS for place, case in enumerate(order)}
    cells = {}
    for slide, value in values.items():
        mine = fold_of.get(joined.case_of[slide])
        folds = {f"fold_{fold}": "test" if fold == mine else "train" for fold in range(FOLDS)}
        cells[slide] = {name: value} | folds if value else {}
    settings = {"task_col": name, "sample_col": unit, "metrics": ["r2", "spearman"], "task_type": "regression"}
    return Task(name, cells, settings, f"task {name}: numbers of {number(len(cases), 'case')}, {FOLDS} folds")


def survival_task(joined: Joined, endpoint: Endpoint, name: str, options: argparse.Namespace) -> Task:
    """A survival task: times and events, folds alike in events."""
    cells, told = survival_cells(joined, endpoint, name)
    events = {joined.case_of[slide]: cell[f"{name}_event"] for slide, cell in cells.items() if cell}
    counts = Counter(events.values())
    if min(counts["0"], counts["1"]) < 2:
        raise Refusal(f"{endpoint.event}: {counts['1']} events and {counts['0']} censored: two of each are needed")
    folds = folds_of(min(counts.values()), options)
    time = next(column for cell in cells.values() for column in cell if column != f"{name}_event")
    settings = {
        "task_col": f"{name}_event",
        "sample_col": "case_id",
        "extra_cols": [f"{name}_event", time],
        "label_dict": {0: "censored", 1: "event"},
        "metrics": ["cindex"],
        "task_type": "survival",
        "splits": {"method": "k_fold", "folds": folds, "seed": 0},
    }
    return Task(
        name, cells, settings, f"task {name}: {counts['1']} events, {counts['0']} censored cases, {folds} folds{told}"
    )
