"""Tasks of section probe: their files, folds and rows; both sides of transfers and prompts."""

from __future__ import annotations

import os
from typing import Any

from ..common.task_rules import official_column
from .benchmark import Benchmark, folder_of, sides_of
from .config import Config, Places, Row, Wildcards
from .sheets import read_sheet
from .yaml_files import load_yaml


class Tasks:
    """Tasks of the config, in the folders that hold their config.yaml and k=all.tsv."""

    def __init__(self, config: Config, places: Places, benchmark: Benchmark) -> None:
        self.places, self.benchmark = places, benchmark
        self.probe: Config = config["probe"]
        self.entries: dict[str, Config] = self.probe["tasks"]
        self.transfers: dict[str, Config] = self.probe["transfer"]["tasks"]
        self.prompts: dict[str, Config] = self.probe["prompt"]["tasks"]
        #: Protocols that join two tasks: name, entries, names of the sides.
        self.paired = (
            ("transfer", self.transfers, ("train", "test")),
            ("prompt", self.prompts, ("support", "query")),
        )
        self._tables: dict[str, list[Row]] = {}
        self._settings: dict[str, Any] = {}

    def folder(self, task: str) -> str:
        """Folder of a task's config.yaml and k=all.tsv."""
        return self.places.find(self.entries[task]["path"])

    def table(self, task: str) -> list[Row]:
        """Rows of a task's k=all.tsv, read once; none where it is made later."""
        if task not in self._tables:
            self._tables[task] = read_sheet(f"{self.folder(task)}/k=all.tsv")
        return self._tables[task]

    def settings(self, task: str) -> Any:
        """Contents of a task's config.yaml, read once; None where it is made later."""
        if task not in self._settings:
            path = f"{self.folder(task)}/config.yaml"
            self._settings[task] = load_yaml(path) if os.path.isfile(path) else None
        return self._settings[task]

    def recipe(self, task: str) -> Config:
        """The recipe `splits` of the task's config.yaml: its folds are made, not given. Empty for most."""
        settings = self.settings(task)
        return (settings.get("splits") if isinstance(settings, dict) else None) or {}

    def may_have_classes(self, task: str) -> bool:
        """True for a task that predicts neither survival nor a number, or whose config.yaml is made later."""
        if not isinstance(self.settings(task), dict):
            return True
        return not self.predicts_survival(task) and not self.predicts_number(task)

    def predicts_number(self, task: str) -> bool:
        """True for a regression task whose config.yaml is there."""
        settings = self.settings(task)
        return isinstance(settings, dict) and settings.get("task_type") == "regression"

    def predicts_survival(self, task: str) -> bool:
        """True for a task whose config.yaml is there and names times and events."""
        settings = self.settings(task)
        if not isinstance(settings, dict):
            return False
        columns = [settings["task_col"], *(settings.get("extra_cols") or [])]
        return settings.get("task_type") == "survival" or any(name.endswith("_event") for name in columns)

    def splits(self, task: str) -> str:
        """k=all.tsv with the folds of a task: the user's, or the one that rule split_task writes by the recipe."""
        if self.recipe(task):
            return f"<results>/probe/splits/{task}/k=all.tsv"
        return self.places.given(f"{self.folder(task)}/k=all.tsv")

    def config_file(self, task: str) -> str:
        """config.yaml of a task."""
        return self.places.given(f"{self.folder(task)}/config.yaml")

    def files_of(self, task: str) -> list[str]:
        """config.yaml and k=all.tsv of a task by id, with its folds."""
        return [self.config_file(task), self.splits(task)]

    def files(self, wildcards: Wildcards) -> list[str]:
        """The same for the task of a job."""
        return self.files_of(wildcards.task)

    def given_files(self, wildcards: Wildcards) -> list[str]:
        """config.yaml and k=all.tsv as the user gives them."""
        return [self.config_file(wildcards.task), self.places.given(f"{self.folder(wildcards.task)}/k=all.tsv")]

    def given_tables(self) -> list[str]:
        """k=all.tsv, as the user gives it, of every task that some protocol uses."""
        used = [
            *self.probe["use"],
            *self.probe["cluster"]["use"],
            *(side for pair in self.used_sides() for side in pair),
        ]
        return [f"{self.folder(task)}/k=all.tsv" for task in dict.fromkeys(used) if task in self.entries]

    def fold_columns(self, task: str) -> list[str]:
        """Columns of a task's own table with the sides of its rows: fold_0, … or that of its official split."""
        header = [str(name) for name in next(iter(self.table(task)), {})]
        official = official_column(self.recipe(task))
        return [name for name in header if "fold_" in name or name == official]

    def overlap(self, task: str) -> list[tuple[str, Row]]:
        """Folds of a task's own table in which a case is on both sides, each with the row that shows it."""
        rows = self.table(task)
        overlaps = []
        for fold in self.fold_columns(task):
            side: dict[str, str] = {}
            for row in rows:
                word = row[fold].lower()
                if word in ("train", "test") and side.setdefault(row["case_id"], word) != word:
                    overlaps.append((fold, row))
        return overlaps

    def allows_overlap(self, task: str) -> bool:
        """True where the task's config.yaml lets a case be on both sides of a fold."""
        settings = self.settings(task)
        return isinstance(settings, dict) and settings.get("allow_case_overlap") is True

    # What is used.

    def with_group(self, group: str) -> list[str]:
        """Used tasks that ask for a group of protocols."""
        return [task for task in self.probe["use"] if task in self.entries and group in self.entries[task]["groups"]]

    @property
    def tuned(self) -> list[str]:
        """Used tasks that ask for fine-tuning."""
        return self.with_group("finetune")

    def sides(self, protocol: str, name: str) -> tuple[str, str]:
        """Task ids of both sides of a transfer or prompt."""
        entries, side_keys = next((entries, side_keys) for kind, entries, side_keys in self.paired if kind == protocol)
        first, second = (entries[name][word] for word in side_keys)
        return sides_of(name, first, second)

    def used_sides(self) -> list[tuple[str, str]]:
        """Task ids of both sides of every used transfer and prompt."""
        return [
            self.sides(protocol, name)
            for protocol, entries, _ in self.paired
            for name in self.probe[protocol]["use"]
            if name in entries
        ]

    @property
    def overlapping(self) -> list[str]:
        """Tasks whose folds are used with cases on both sides, as their config.yaml allows; sorted."""
        folded = {*self.probe["use"], *(second for first, second in self.used_sides() if first == second)}
        return sorted(task for task in folded & set(self.entries) if self.allows_overlap(task) and self.overlap(task))

    @property
    def tested(self) -> list[str]:
        """Ids of used tasks, and of those that transfers and prompts are tested on; sorted."""
        return sorted({*self.probe["use"], *(second for _, second in self.used_sides())})

    @property
    def whole(self) -> list[str]:
        """Those of which every case is tested, whatever folds say: test sides of transfers, queries of prompts."""
        return sorted({second for first, second in self.used_sides() if first != second})

    def tested_splits(self, wildcards: Wildcards | None = None) -> list[str]:
        """k=all.tsv of every task that something is tested on, sorted by task id."""
        return [self.splits(task) for task in self.tested]

    def named(self) -> list[str]:
        """Every task that is probed, transferred, prompted or clustered, with both sides of those that have two."""
        paired = [side for sides in self.used_sides() for side in sides]
        return list(dict.fromkeys([*self.probe["use"], *paired, *self.probe["cluster"]["use"]]))

    def absent(self) -> list[str]:
        """Tasks that are to come from the benchmark's folder and whose table is missing."""
        folder = self.probe["benchmark"]
        if not folder or self.places.is_made(folder):
            return []
        expected = [task for task in self.named() if task in self.entries]
        expected = [task for task in expected if self.entries[task]["path"] == folder_of(self.probe, task)]
        return [task for task in expected if not os.path.isfile(f"{self.folder(task)}/k=all.tsv")]

    # Transfers, prompts and clusters, by the wildcard `task`.

    def transfer_sides(self, wildcards: Wildcards) -> tuple[str, str]:
        """Task ids: trained on, tested on."""
        return self.sides("transfer", wildcards.task)

    def prompt_sides(self, wildcards: Wildcards) -> tuple[str, str]:
        """Task ids: the support cohort's, the queries'."""
        return self.sides("prompt", wildcards.task)

    def transfer_train(self, wildcards: Wildcards) -> list[str]:
        """Files of the task a transfer trains on."""
        return self.files_of(self.transfer_sides(wildcards)[0])

    def transfer_test(self, wildcards: Wildcards) -> list[str]:
        """Files of the task a transfer is tested on."""
        return self.files_of(self.transfer_sides(wildcards)[1])

    def prompt_support(self, wildcards: Wildcards) -> list[str]:
        """Files of the task that labels the support cohort."""
        return self.files_of(self.prompt_sides(wildcards)[0])

    def prompt_query(self, wildcards: Wildcards) -> list[str]:
        """Files of the task that labels the queries."""
        return self.files_of(self.prompt_sides(wildcards)[1])

    def prompt_entry(self, wildcards: Wildcards) -> Config:
        """Modalities of the prompts, and whether vectors are scaled to length 1."""
        return {key: self.prompts[wildcards.task][key] for key in ("modalities", "normalise")}

    def cluster_number(self, wildcards: Wildcards) -> int:
        """Clusters of a task; 0 takes its number of classes."""
        return int(self.probe["cluster"]["k"].get(wildcards.task, 0))

    def families(self, wildcards: Wildcards | None = None) -> dict[str, str]:
        """Family of each used task, and by <group>/<task> of each used transfer and prompt, which may share an id."""
        used = [*self.probe["use"], *self.probe["cluster"]["use"]]
        transfers = {f"transfer/{task}": self.transfers[task]["family"] for task in self.probe["transfer"]["use"]}
        prompts = {f"prompt/{task}": self.prompts[task]["family"] for task in self.probe["prompt"]["use"]}
        return {task: self.entries[task]["family"] for task in used} | transfers | prompts
