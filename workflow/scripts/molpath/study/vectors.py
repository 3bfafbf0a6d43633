"""Tables of given vectors (models of kind table), and studies that have only these: no slide sheet, no slides."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Any

from ..common.task_sheets import sheet_of_tasks
from ..common.tsv import BadTable
from ..common.vectors import OTHERS, Vectors, check_labels, files_of, read_ids
from .config import Config, Wildcards
from .models import Models
from .problems import Problems

#: How many ids a message names.
SHOWN = 3


class GivenVectors:
    """Files and contents of the models of kind table, and whether they are what the tasks need."""

    def __init__(self, config: Config, models: Models) -> None:
        self.config, self.models, self.places = config, models, models.places
        self._read: dict[str, Vectors | None] = {}

    def request(self, wildcards: Wildcards) -> dict[str, Any]:
        """Paths of a model's vectors and of their ids, and what these are of.

        Labels of tasks, too, where only the job can look for them: else each new task would rerun it.
        """
        options = self._request(wildcards.model)
        return options | ({"labels": self.labels()} if options["path"].endswith(OTHERS) else {})

    def labels(self) -> list[str]:
        """Columns that tasks of the study name as labels, sorted; none of tasks that are made later."""
        tasks = self.models.tasks
        settings = [tasks.settings(task) for task in tasks.named() if task in tasks.entries]
        defined = [task_settings for task_settings in settings if isinstance(task_settings, dict)]
        return sorted(
            {
                str(name)
                for task_settings in defined
                for name in [task_settings.get("task_col", ""), *(task_settings.get("extra_cols") or [])]
            }
        )

    def _request(self, name: str) -> dict[str, str]:
        entry = self.models.entries[name]
        return {
            "path": self.places.find_given(entry["path"]),
            "ids": self.places.find_given(entry["ids"]),
            "unit": entry["unit"],
        }

    def files(self, wildcards: Wildcards) -> list[str]:
        """Every file of them, as inputs."""
        return [self.places.given(path) for path in self.files_of(wildcards.model)]

    def files_of(self, name: str) -> list[str]:
        """The same by the model's name."""
        request = self._request(name)
        return files_of(request["path"], request["ids"])

    # Checks.

    def check(self, problems: Problems) -> None:
        """Each table in use can be read and has ids of the tasks; a study without slides asks for nothing of them."""
        before = len(problems.found)
        if self.models.slides.of_tasks:
            self.check_alone(problems)
        elif not self.models.slides.path and self.models.used:
            problem = "empty, and probe/use names no task: nothing names a case to embed"
            problems.add("config, key slides/sheet", problem, "name the slide sheet, or a task")
        if len(problems.found) > before or self.places.lint:
            return
        for name in self.models.used:
            entry = self.models.entries.get(name)
            if entry and entry["kind"] == "table" and os.path.exists(self.places.find_given(entry["path"])):
                self.check_table(name, problems)

    def check_alone(self, problems: Problems) -> None:
        """Without a slide sheet every model is a table, and every task that is used lists its cases."""
        location = "config, key slides/sheet"
        values: dict[str, Collection[Any]] = {
            "pretrain/use": self.config["pretrain"]["use"],
            "tiles/use": self.config["tiles"]["use"],
            "features/use": self.config["features"]["use"],
            "omics/sheet": self.config["omics"]["sheet"],
            "probe/finetune/models": self.models.finetuned,
            "embed/use": [name for name in self.models.used if self.kind(name) not in ("table", "")],
        }
        for key, value in values.items():
            if value:
                text = value if isinstance(value, str) else ", ".join(map(str, value))
                remedy = "name the slide sheet, or use models of kind table alone"
                problems.add(location, f"empty, and {key} ({text}) needs slides", remedy)
        if not self.models.used:
            problems.add(
                location, "empty, and embed/use names no model", "name the slide sheet, or a model of kind table"
            )
        try:
            sheet_of_tasks(self.models.tasks.given_tables())
        except BadTable as error:
            problems.add_table_error(error)

    def kind(self, name: str) -> str:
        """Kind of a model; '' for an unknown one."""
        return str(self.models.entries.get(name, {}).get("kind", ""))

    def check_table(self, name: str, problems: Problems) -> None:
        """The table can be read, its slides are of the cases of the sheet, and some of its ids are in the sheet."""
        try:
            table = self.read(name)
            path = self.models.entries[name]["path"]
            if table is not None:
                check_labels(path, table, self.labels())
        except BadTable as error:
            problems.add_table_error(error)
            return
        if table is None:
            return
        slides = self.models.slides
        case_of = {row.get("slide_id"): row.get("case_id") for row in slides.rows}
        for slide, case, table_place in zip(table.ids, table.cases, table.places, strict=False):
            if slide in case_of and case_of[slide] != case:
                wrong = f"slide {slide} is of case {case} here, and of {case_of[slide]} in {slides.source_name}"
                problems.add(f"{path}, {table_place}", wrong, "correct one of them")
                return
        known_ids = case_of if table.unit == "slide_id" else set(slides.cases)
        if known_ids and not any(vector_id in known_ids for vector_id in table.ids):
            wrong = f"none of its {len(table.ids)} {table.unit}s ({table.ids[0]}, …) is in {slides.source_name}"
            example = next(iter(known_ids))
            problems.add(path, wrong, f"write ids as they are there ({example}, …), or say what they are of (`unit`)")

    def read(self, name: str) -> Vectors | None:
        """The table of a model's vectors, read once; None for a format that only the job reads."""
        if name not in self._read:
            self._read[name] = read_ids(**self._request(name))
        return self._read[name]

    def notes(self) -> list[str]:
        """Ids of each table that no task of a study without slides knows, and ids of tasks that have no vector."""
        notes, slides = [], self.models.slides
        for name in self.models.used if slides.of_tasks else ():
            if table := self.read(name):
                known_ids = {row["slide_id" if table.unit == "slide_id" else "case_id"] for row in slides.rows}
                table_ids, path = set(table.ids), self.models.entries[name]["path"]
                for ids, message in (
                    (table_ids - known_ids, "of {} no task has a row"),
                    (known_ids - table_ids, "{} of tasks have no row"),
                ):
                    if ids:
                        shown = ", ".join(sorted(ids)[:SHOWN]) + ", …" * (len(ids) > SHOWN)
                        notes.append(f"note: {path}: {message.format(f'{len(ids)} {table.unit}s')} ({shown})")
        return notes
