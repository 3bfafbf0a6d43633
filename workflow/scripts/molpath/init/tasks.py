"""Task folders from a table of labels: which columns are labels, their classes, their folds."""

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

#: With more classes a column holds names or numbers, unless --label names it; more tasks need --label.
MOST_CLASSES, MOST_TASKS = 10, 12
#: Columns about the origin of a sample, which are labels only if --label names them.
APART = {"site", "cohort", "project", "split", "mpp", "path", "keep", "organ", "specimen", "sample_id", "sample_type"}
#: First words of pairs of classes, of which the second is the positive one.
NEGATIVE = set("n no neg negative wt wild_type wildtype normal benign low false mss absent".split())
FOLDS = 5
#: Columns that are not labels: folds, and row numbers of data frames.
FOLD = re.compile(r"(k_all_)?fold_?\d+|unnamed|index$")


@dataclass(frozen=True)
class Task:
    """A task by name: cells of its table by slide ('' keeps a slide out), settings, classes with their cases."""

    name: str
    cells: dict[str, dict[str, str]]
    settings: dict[str, Any]
    summary: str


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
        draft.counts.append(task.summary)
    draft.config.setdefault("probe", {}).update({"tasks": entries, "use": list(entries)})


def choose_tasks(joined: Joined, labels: Labels, options: argparse.Namespace, draft: Draft) -> list[Task]:
    """The requested tasks, or every column that can be one."""
    requested = options.label or []
    for column in requested:
        labels.check(column, "--label")
    endpoints = endpoints_of(labels, options)
    if requested and not options.event:
        endpoints = [
            endpoint for endpoint in endpoints if {endpoint.name, endpoint.event, endpoint.time} & set(requested)
        ]
    used_columns = set(joined.ids) | {column for endpoint in endpoints for column in (endpoint.event, endpoint.time)}
    columns = (
        [column for column in requested if column not in used_columns]
        if requested or options.event
        else _columns(labels, used_columns)
    )
    names = safe_ids([*columns, *(endpoint.name for endpoint in endpoints)], "column")
    tasks, refused = [], []
    for column in columns:
        try:
            tasks.append(label_task(joined, column, names[column], options, bool(requested)))
        except Refusal as refusal:
            if requested:
                raise
            refused.append(str(refusal))
    tasks += [survival_task(joined, endpoint, names[endpoint.name], options) for endpoint in endpoints]
    if not tasks:
        problems = "".join(f"\n  {problem}" for problem in refused)
        raise Refusal(f"{labels.name} has no column that can be a label: name one with --label{problems}")
    if len(tasks) > MOST_TASKS and not requested:
        task_names = ", ".join(task.name for task in tasks)
        raise Refusal(
            f"{labels.name} has {len(tasks)} columns that could be labels ({task_names}): choose with --label"
        )
    if not requested and not options.event:
        draft.guess("labels", ", ".join(task.name for task in tasks), "--label COLUMN, again for more")
    draft.notes += [f"not taken as a label: {problem}" for problem in refused]
    if splits := [column for column in labels.columns if plain(column) == "split" or "fold_" in column]:
        unused = f"{', '.join(splits)} of {labels.name} not used: folds are drawn here; to keep yours"
        draft.notes.append(f"{unused}, see 'Folds by recipe' in config/README.md of the workflow")
    return tasks


def _columns(labels: Labels, used_columns: set[str]) -> list[str]:
    """Columns that may be labels by their names."""
    return [
        column
        for column in labels.columns
        if column not in {*used_columns, "#"} and plain(column) not in APART and not FOLD.match(plain(column))
    ]


def one_value(joined: Joined, slide: str, column: str) -> str:
    """The value of a slide's rows in a column; raises Refusal if they contradict each other."""
    values = sorted({row[column] for row in joined.rows_of.get(slide, [])} - {""})
    if len(values) > 1:
        raise Refusal(f"{column}: rows of {slide} contradict each other ({', '.join(values)}): correct one")
    return values[0] if values else ""


def differing_cases(joined: Joined, values: Mapping[str, str]) -> list[str]:
    """Cases whose slides have different labels."""
    labels_of: dict[str, set[str]] = {}
    for slide, value in values.items():
        if value:
            labels_of.setdefault(joined.case_of[slide], set()).add(value)
    return [case for case, case_labels in labels_of.items() if len(case_labels) > 1]


def _values(joined: Joined, column: str, options: argparse.Namespace) -> tuple[dict[str, str], list[str]]:
    """The value of each slide, '' for none, and the words for unknown values."""
    values = {slide: one_value(joined, slide, column) for slide in joined.names}
    requested = {name.strip() for name in (options.classes or "").split(",")}
    unsaid = sorted({value for value in values.values() if plain(value) in UNSAID and value not in requested})
    return {slide: "" if value in unsaid else value for slide, value in values.items()}, unsaid


def check_spellings(column: str, class_names: Sequence[str]) -> None:
    """Refuse two spellings of one class, which would be two classes."""
    first: dict[str, str] = {}
    for name in class_names:
        spelled = " ".join(re.split(r"[\s_]+", name.casefold()))
        if first.setdefault(spelled, name) != name:
            raise Refusal(
                f"{column}: {first[spelled]!r} and {name!r} are spellings of one class: write them the same way"
            )


def label_task(joined: Joined, column: str, name: str, options: argparse.Namespace, requested: bool) -> Task:
    """A task of classes, or a regression if the column holds many numbers and was requested."""
    values, unsaid = _values(joined, column, options)
    class_names = sorted({value for value in values.values() if value}, key=lambda label: (label.casefold(), label))
    check_spellings(column, class_names)
    if class_names and all(re.fullmatch(r"-?\d+\.0+", label) or re.fullmatch(r"-?\d+", label) for label in class_names):
        values = {slide: str(int(float(value))) if value else "" for slide, value in values.items()}
        class_names = sorted(set(values.values()) - {""}, key=int)
    if requested and all(re.fullmatch(r"-?[\d.,]+", label) for label in class_names):
        check_decimals(column, class_names)
    if len(class_names) > MOST_CLASSES and all(map(is_number, class_names)):
        if requested:
            return number_task(joined, column, name, values)
        raise Refusal(f"{column}: {len(class_names)} different numbers (as a regression: --label {column})")
    if len(class_names) > MOST_CLASSES and not requested:
        raise Refusal(f"{column}: {len(class_names)} different words")
    differ = differing_cases(joined, values)
    unit, differing = "slide_id" if differ else "case_id", f"labels differ within a case: {some(differ)}"
    sample_of = joined.case_of if unit == "case_id" else {slide: slide for slide in joined.names}
    counts = Counter({sample_of[slide]: value for slide, value in values.items() if value}.values())
    classes = [label for label in in_order(class_names, options, requested) if counts[label] > 1]
    if len(classes) < 2:
        counted = ", ".join(f"{label or 'none'} {counts[label]}" for label in class_names) or "no value"
        raise Refusal(f"{column}: fewer than two classes with two {unit.split('_')[0]}s each ({counted})")
    codes = (
        classes if all(re.fullmatch(r"-?\d+", label) for label in classes) else [str(i) for i in range(len(classes))]
    )
    code_of = dict(zip(classes, codes, strict=True))
    folds = folds_of(min(counts[label] for label in classes), options)
    settings = {
        "task_col": name,
        "sample_col": unit,
        "label_dict": {int(code): label for label, code in code_of.items()},
        "metrics": ["macro-ovr-auc", "bacc"],
        "task_type": "classification",
        "splits": {"method": "k_fold", "folds": folds, "seed": 0},
    }
    summary = f"task {name}: " + ", ".join(f"{label} {counts[label]}" for label in classes)
    summary += f" labelled {'cases' if unit == 'case_id' else f'slides ({differing})'}, {folds} folds"
    if dropped := [label for label in class_names if label not in classes]:
        summary += f"; left out for having only one: {', '.join(dropped)}"
    summary += f"; not taken as labels: {', '.join(unsaid)}" if unsaid else ""
    return Task(name, {s: {name: code_of[v]} if v in code_of else {} for s, v in values.items()}, settings, summary)


def in_order(class_names: list[str], options: argparse.Namespace, requested: bool) -> list[str]:
    """Classes in their order: as in --classes, numbers by size, of two the negative one first."""
    if options.classes:
        order = [label.strip() for label in options.classes.split(",")]
        if not requested or len(options.label) != 1 or set(class_names) - set(order):
            missing = ", ".join(set(class_names) - set(order)) or "the label"
            raise Refusal(
                f"--classes {options.classes}: {missing} is missing (it orders the classes of the one --label)"
            )
        return order
    if len(class_names) == 2 and says_no(class_names[1]) and not says_no(class_names[0]):
        return class_names[::-1]
    return class_names


def says_no(label: str) -> bool:
    """True for the negative one of two classes: no, wild type, HPV-, non-metastatic, unmethylated, …"""
    return (
        plain(label) in NEGATIVE
        or label.endswith("-")
        or bool(re.match(r"(no|not|non|un)[-_ ]|nonm|unm", label.lower()))
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
    """A regression, with folds drawn here: recipes stratify by label, which doesn't work for numbers."""
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
    fold_of = {case: position % FOLDS for position, case in enumerate(order)}
    cells = {}
    for slide, value in values.items():
        case_fold = fold_of.get(joined.case_of[slide])
        folds = {f"fold_{fold}": "test" if fold == case_fold else "train" for fold in range(FOLDS)}
        cells[slide] = {name: value} | folds if value else {}
    settings = {"task_col": name, "sample_col": unit, "metrics": ["r2", "spearman"], "task_type": "regression"}
    return Task(name, cells, settings, f"task {name}: numbers of {number(len(cases), 'case')}, {FOLDS} folds")


def survival_task(joined: Joined, endpoint: Endpoint, name: str, options: argparse.Namespace) -> Task:
    """A survival task: times and events, folds stratified by event."""
    cells, remarks = survival_cells(joined, endpoint, name)
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
        name,
        cells,
        settings,
        f"task {name}: {counts['1']} events, {counts['0']} censored cases, {folds} folds{remarks}",
    )
