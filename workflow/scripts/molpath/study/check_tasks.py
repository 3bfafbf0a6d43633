"""Checks of tasks: their files, labels and folds, the slides they list, and leakage from pretraining."""

from __future__ import annotations

import os
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from ..common.task_rules import SIDES, official_column
from .check_folds import check_columns, check_filled, check_word
from .check_values import check_agreement, check_classes, check_groups, check_survival, check_value, has_columns
from .config import Config, Row
from .hints import did_you_mean, for_id, for_path
from .models import Models
from .problems import Problems, place
from .recipes import check_recipe
from .sheets import problem_of
from .yaml_files import shipped_yaml

#: Where a task of the benchmark comes from, and one of TCGA among them.
OBTAIN = (
    "ask for access to https://huggingface.co/datasets/MahmoodLab/Patho-Bench and download it there "
    "(hf download MahmoodLab/Patho-Bench --repo-type dataset --local-dir FOLDER); "
    "tasks marked in_house in resources/tasks are not obtainable"
)
#: The page that shows a task's files.
GUIDE = "config/README.md"
WRITE = (
    "training and support sides of TCGA: write config.yaml and k=all.tsv (config/public/README.md), "
    "or name fewer under probe/transfer/use and probe/prompt/use"
)


class TaskChecks:
    """Tasks that are probed, transferred, prompted or clustered."""

    def __init__(self, config: Config, models: Models, problems: Problems) -> None:
        self.config, self.models, self.problems = config, models, problems
        self.tasks, self.slides, self.places = models.tasks, models.slides, models.places
        self._cases = set(self.slides.cases)
        self._case_of = {row.get("slide_id"): row.get("case_id") for row in self.slides.rows}
        self.skips_missing = config["probe"]["missing"] == "skip"
        self._trained: dict[str, str] | None = None
        self._sides: dict[str, tuple[str, Config, list[Row]] | None] = {}
        self._fits: dict[str, bool] = {}
        self._rows: dict[str, list[Row]] = {}

    @property
    def trained(self) -> dict[str, str]:
        """Cases that a used run trains on, with the run's name."""
        if self._trained is None:
            self._trained = self.models.trained_cases()
        return self._trained

    def check_benchmark(self) -> None:
        """One problem for all the benchmark's tasks whose files are missing, and one for those of TCGA among them."""
        absent = self.tasks.absent()
        tcga_tasks = [task for task in absent if task.startswith("tcga_")]
        for tasks, remedy in (([task for task in absent if task not in tcga_tasks], OBTAIN), (tcga_tasks, WRITE)):
            if tasks:
                shown = ", ".join(tasks[:3]) + (", …" if len(tasks) > 3 else "")
                count = f"{len(tasks)} task{'s' * (len(tasks) > 1)}"
                wrong = f"{self.tasks.probe['benchmark']} has no <source>/<task>/k=all.tsv of {count}: {shown}"
                self.problems.add("config, key probe/benchmark", wrong, remedy)

    def check_used(self) -> None:
        """Used tasks exist, and existing files of tasks are right."""
        for task in self.config["probe"]["use"]:
            if self.problems.knows("config, key probe/use", "task", task, self.tasks.entries):
                self.check_task(task)

    def check_task(self, task: str) -> None:
        """config.yaml and k=all.tsv of one task, unless they are made later or were reported as absent."""
        folder = self.tasks.folder(task)
        if self.places.is_made(folder) or task in self.tasks.absent() or not self.fits(task):
            return
        settings = self.tasks.settings(task)
        check_groups(task, settings, self.config, self.tasks, self.problems)
        if self.tasks.may_have_classes(task):
            check_classes(f"{folder}/config.yaml", settings, self.problems)
        self.check_splits(task, f"{folder}/k=all.tsv", settings)

    def fits(self, task: str) -> bool:
        """True if both files of a task are there, and config.yaml fits its schema; problems, once, otherwise."""
        if task not in self._fits:
            errors: list[ValidationError] = []
            if is_there := self.check_files(task):
                schema = shipped_yaml(self.places.shipped("schemas/task.schema.yaml"))
                errors = list(Draft202012Validator(schema).iter_errors(self.tasks.settings(task)))
            for error in errors:
                location = f"{self.tasks.folder(task)}/config.yaml, key {place(error)}"
                self.problems.add_schema_error(location, error)
            self._fits[task] = is_there and not errors
        return self._fits[task]

    def check_files(self, task: str) -> bool:
        """True if both files of a task are there; a problem for the first that is not."""
        for name in ("config.yaml", "k=all.tsv"):
            path = f"{self.tasks.folder(task)}/{name}"
            if not os.path.isfile(path):
                location, folder = f"config, key probe/tasks/{task}/path", self.tasks.folder(task)
                hint = "name the folder, not a file in it" if os.path.isfile(folder) else for_path(folder)
                hint = f"the folder needs config.yaml and k=all.tsv ({GUIDE})" if os.path.isdir(folder) else hint
                self.problems.add(location, f"no such file: {path}", hint or "correct the path")
                return False
        return True

    def check_splits(self, task: str, sheet: str, settings: Config) -> None:
        """Label column, labels, folds, known cases, and leakage of one task."""
        rows = self.rows(task, settings)
        if not rows:
            return
        recipe, folds = settings.get("splits") or {}, self.tasks.fold_columns(task)
        check_columns(sheet, list(rows[0]), settings, self.problems)
        labelled = [row for row in rows if row[settings["task_col"]]]
        for row in labelled:
            location = f"{sheet}, row {row['#']}"
            if None in row:
                self.problems.add(location, "more cells than the header", "one cell per column, separated by tabs")
            self.check_label(location, row, settings)
            for fold in folds:
                self.check_fold_cell(task, location, row, fold)
            if recipe and recipe["method"] != "official":
                self.check_leak(task, location, row, "splits")
            self.check_sample(location, row, settings)
        check_agreement(sheet, labelled, folds, settings, self.problems)
        if task in self.config["probe"]["use"]:
            check_filled(sheet, labelled, folds, self.problems)
        check_recipe(self.tasks.folder(task), labelled, settings, self.slides, self.problems)
        self.check_embedded(sheet, labelled)
        self.check_fold_sides(task, sheet, settings)

    def rows(self, task: str, settings: Config) -> list[Row]:
        """Rows of a table that has labels and the columns of config.yaml; none, and problems once, where it has not."""
        if task not in self._rows:
            rows, sheet = self.tasks.table(task), f"{self.tasks.folder(task)}/k=all.tsv"
            if error := problem_of(sheet):
                self.problems.add_table_error(error)
            elif not rows:
                self.problems.add(sheet, "no row below the header", "write a row for each slide or case")
            self._rows[task] = (
                rows if rows and not error and has_columns(sheet, rows[0], settings, self.problems) else []
            )
            if self._rows[task] and not any(row[settings["task_col"]] for row in rows):
                self.problems.add(f"{sheet}, column {settings['task_col']}", "empty in every row", "write the labels")
        return self._rows[task]

    def check_label(self, location: str, row: Row, settings: Config) -> None:
        """A label of a classification task has a name, one of regression is a number."""
        column, labels = settings["task_col"], {str(label) for label in settings.get("label_dict", ())}
        if settings.get("task_type") == "regression":
            check_value(f"{location}, column {column}", row[column], self.problems)
            return
        if settings.get("task_type") != "survival" and row[column] not in labels:
            wrong = f"label {row[column]!r} is not in label_dict"
            hint = did_you_mean(row[column], labels)
            self.problems.add(f"{location}, column {column}", wrong, f"{hint}one of: {', '.join(sorted(labels))}")

    def check_fold_cell(self, task: str, location: str, row: Row, fold: str) -> None:
        """One cell of a fold: an allowed word, and no pretraining case on the test side."""
        word = row[fold] if "fold_" in fold else row[fold].lower()  # an official split may have capitals
        check_word(location, word if word in SIDES else row[fold], fold, self.problems)
        if word == "test":
            self.check_leak(task, location, row, fold)

    def check_leak(self, task: str, location: str, row: Row, fold: str) -> None:
        """No case that a run trains on is on a test side."""
        case = row["case_id"]
        if case in self.trained and case not in self.config["omics"]["allow_leakage"]:
            run = self.trained[case]
            finished = run in {entry.name for entry in self.models.finished.values()}
            change = "take another model" if finished else "take its cohort out of the run"
            self.problems.add(
                f"{location}, column {fold}",
                f"case {case} is on the test side of {task}, and run {run} {'trained' if finished else 'trains'} on it",
                f"{change}, or the case out of the test side (or name it in omics/allow_leakage)",
            )

    def check_fold_sides(self, task: str, sheet: str, settings: Config) -> None:
        """No case is on both sides of one fold, unless the task predicts for slides and allows it."""
        config, allowed = f"{self.tasks.folder(task)}/config.yaml", self.tasks.allows_overlap(task)
        if allowed and settings["sample_col"] == "case_id":
            wrong = "the task predicts for cases, so no case can be both trained on and tested"
            self.problems.add(f"{config}, key allow_case_overlap", wrong, "leave it out, or set sample_col: slide_id")
        official = official_column(settings.get("splits") or {})  # recipes never split a case
        for fold, row in [pair for pair in self.tasks.overlap(task) if pair[0] == official or not allowed]:
            location = f"{sheet}, row {row['#']}, column {fold}"
            wrong = f"case {row['case_id']} is on both sides of {fold}"
            remedy = "put all slides of a case on one side"
            if settings["sample_col"] == "slide_id" and not official:
                remedy += f", or set allow_case_overlap: true in {config}: every table then warns of it"
            self.problems.add(location, wrong, remedy)

    def check_sample(self, location: str, row: Row, settings: Config) -> None:
        """A labelled row: case and slide are in the sheet; survival has positive times and events of 0 or 1."""
        slide, sheet = row.get("slide_id"), self.slides.source_name
        if row["case_id"] not in self._cases and not self.skips_missing:
            remedy = for_id(row["case_id"], self._cases)
            remedy = remedy or "add its slides to the sheet, take the row out, or set probe/missing: skip"
            self.problems.add(f"{location}, column case_id", f"case {row['case_id']!r} is not in {sheet}", remedy)
        if slide and slide not in self.slides.shard_of and not self.skips_missing:
            remedy = for_id(slide, self.slides.shard_of)
            remedy = remedy or "add it to the sheet, take the row out, or set probe/missing: skip"
            self.problems.add(f"{location}, column slide_id", f"slide {slide!r} is not in {sheet}", remedy)
        if slide in self._case_of and row["case_id"] in self._cases and self._case_of[slide] != row["case_id"]:
            wrong = f"slide {slide} is of case {self._case_of[slide]} in {sheet}, not of {row['case_id']}"
            self.problems.add(f"{location}, column slide_id", wrong, "correct one of them")
        if settings.get("task_type") == "survival":
            check_survival(location, row, settings, self.problems)

    def check_embedded(self, sheet: str, rows: list[Row]) -> None:
        """Slides that labelled rows list are of the cohorts that models embed; reported once per table."""
        if self.skips_missing:
            return
        unembedded = [row for row in rows if row.get("slide_id") in self.slides.shard_of]
        unembedded = [row for row in unembedded if row["slide_id"] not in self.models.embedded_ids]
        if unembedded:
            affected = f"{unembedded[0]['slide_id']} and {len(unembedded) - 1} more slides"
            self.problems.add(
                f"{sheet}, row {unembedded[0]['#']}, column slide_id",
                f"{affected} are of no cohort or project in embed/cohorts",
                "name it there, take the task out, or set probe/missing: skip",
            )

    # Transfers, prompts and clusters.

    def check_protocols(self) -> None:
        """Used transfers, prompts and clusters exist, their tasks too, and no case is on both sides."""
        sides: list[str] = []
        for protocol, entries, side_keys in self.tasks.paired:
            for name in self.config["probe"][protocol]["use"]:
                if self.problems.knows(f"config, key probe/{protocol}/use", "entry", name, entries):
                    sides += self.check_pair(protocol, name, side_keys)
        for task in dict.fromkeys(sides):
            self.check_slides_of(task)
        for task in self.config["probe"]["cluster"]["use"]:
            if self.problems.knows("config, key probe/cluster/use", "task", task, self.tasks.entries):
                self.check_unused(task)
        for task in self.config["probe"]["cluster"]["k"]:
            self.problems.knows("config, key probe/cluster/k", "task", task, self.tasks.entries)

    def check_pair(self, protocol: str, name: str, side_keys: tuple[str, str]) -> list[str]:
        """One transfer or prompt; returns those of its tasks whose slides are needed."""
        location, tasks = f"config, key probe/{protocol}/tasks/{name}", self.tasks.sides(protocol, name)
        pairs, knows = zip(side_keys, tasks, strict=True), self.problems.knows
        if not all([knows(f"{location}/{key}", "task", task, self.tasks.entries) for key, task in pairs]):
            return []
        if protocol == "prompt" and tasks[0] == tasks[1]:
            self.check_unused(tasks[0])
            return []
        self.check_two_sides(location, *tasks)
        # A case whose profile is a prompt needs no slide.
        return list(tasks if protocol == "transfer" else tasks[1:])

    def check_unused(self, task: str) -> None:
        """Files of a task that only prompts or clusters read; those in use were looked at before."""
        if task not in self.config["probe"]["use"]:
            self.check_task(task)

    def labelled(self, task: str) -> tuple[str, Config, list[Row]] | None:
        """Sheet, settings and labelled rows of a task whose files are there; None where they will be or are absent."""
        if task not in self._sides:
            absent = self.places.is_made(self.tasks.folder(task)) or task in self.tasks.absent()
            self._sides[task] = None
            if not absent and self.fits(task):
                settings: Any = self.tasks.settings(task)
                rows = [row for row in self.rows(task, settings) if row[settings["task_col"]]]
                self._sides[task] = f"{self.tasks.folder(task)}/k=all.tsv", settings, rows
        return self._sides[task]

    def check_slides_of(self, task: str) -> None:
        """Labels of a task that is not in use have names; its cases and slides are in the sheet, and embedded."""
        side = None if task in self.config["probe"]["use"] else self.labelled(task)
        if side:
            sheet, settings, rows = side
            for row in rows:
                self.check_label(f"{sheet}, row {row['#']}", row, settings)
                self.check_sample(f"{sheet}, row {row['#']}", row, settings)
            self.check_embedded(sheet, rows)

    def check_two_sides(self, location: str, first: str, second: str) -> None:
        """The same classes on both sides, no case on both, and none that a used run trained on among the second's."""
        if first == second:
            self.problems.add(location, f"both sides are {first}", "name two tasks with other cases")
            return
        first_side, second_side = self.labelled(first), self.labelled(second)
        if first_side is None or second_side is None:
            return
        names = [sorted(map(str, side[1].get("label_dict", {}).values())) for side in (first_side, second_side)]
        if second_side[1].get("task_type") != "survival" and (names[0] != names[1] or not names[0]):
            self.problems.add(location, f"classes {names[0]} and {names[1]}", "give both label_dicts the same names")
        for row in second_side[2]:
            self.check_leak(second, f"{second_side[0]}, row {row['#']}", row, "case_id")
        tested = {row["case_id"] for row in second_side[2]}
        for row in [row for row in first_side[2] if row["case_id"] in tested][:1]:
            wrong = f"case {row['case_id']} is in {first} and in {second}"
            self.problems.add(f"{first_side[0]}, row {row['#']}, column case_id", wrong, "take it out of one of them")
