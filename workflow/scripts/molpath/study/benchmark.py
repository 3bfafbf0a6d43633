"""The paper's tasks from a folder of Patho-Bench: what probe/benchmark, public and in_house mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .config import Config, Places, Row, fill_defaults
from .sheets import read_sheet

GROUP_OF_SET = {"few_shot": "fewshot", "retrieval": "retrieval"}


def sides_of(name: str, first: str = "", second: str = "") -> tuple[str, str]:
    """Task ids of both sides: as named, else read from the id <A>==<B>--<task>; a single task is both."""
    sources, _, task = name.partition("--")
    a, _, b = sources.partition("==")
    return first or f"{a}--{task}", second or f"{b or a}--{task}"


def ids_for(uses: Iterable[str], rows: Mapping[str, Row]) -> list[str]:
    """`uses` with the ids of that access in place of public and in_house, each id once."""
    ids = [[name for name, row in rows.items() if row["access"] == word] or [word] for word in uses]
    return list(dict.fromkeys(name for cohort_ids in ids for name in cohort_ids))


class Benchmark:
    """The paper's 54 tasks; its transfers; which tasks its few-shot, retrieval, prompts and clusters use."""

    def __init__(self, places: Places) -> None:
        def table(name: str) -> list[Row]:
            return read_sheet(places.shipped(f"../resources/{name}.tsv"))

        self.tasks = {row["task"]: row for row in table("tasks/tasks")}
        self.transfers = {row["task"]: row for row in table("tasks/transfer")}
        self._sets = table("tasks/sets")
        #: Models with published scores: those of the frozen benchmark, and those that only fine-tuning has.
        self.models = {row["model"] for name in ("models", "fine_tuning") for row in table(f"published/{name}")}

    def rows_of_set(self, name: str) -> dict[str, Row]:
        """Rows of one of the paper's sets, by task."""
        return {row["task"]: row for row in self._sets if row["set"] == name}

    def groups_of(self, task: str, groups: Iterable[str]) -> list[str]:
        """Those of the protocol `groups` with which the paper runs one of its tasks."""
        paper_groups = ["frozen", "finetune"] if task in self.tasks else []
        paper_groups += [group for name, group in GROUP_OF_SET.items() if task in self.rows_of_set(name)]
        return [group for group in groups if group in paper_groups]

    def define_in(self, probe: Config, schema: Config) -> None:
        """Define the paper's tasks, transfers and prompts in section `probe`, with ids for public and in_house."""
        if not probe["benchmark"]:
            return

        def add(entries: Config, name: str, values: Config, kind: str) -> None:
            """Define an entry with the schema's defaults, unless the config has one of that name."""
            fill_defaults(values, schema["$defs"][kind], schema)
            entries.setdefault(name, values)

        retrieval, prompts = self.rows_of_set("retrieval"), self.rows_of_set("prompting")
        groups = {task: self.groups_of(task, probe["benchmark_groups"]) for task in self.tasks | retrieval}
        sides = [side for name in (*self.transfers, *prompts) for side in sides_of(name)]
        for task in (*groups, *sides, *self.rows_of_set("clustering")):
            family = self.tasks.get(task, {"family": "further"})["family"]
            entry = {"path": folder_of(probe, task), "family": family, "groups": groups.get(task) or ["frozen"]}
            add(probe["tasks"], task, entry, "task")
        for name in self.transfers:
            add(probe["transfer"]["tasks"], name, {}, "transfer")
        for name in prompts:
            add(probe["prompt"]["tasks"], name, {}, "prompt")
        used = {task: row for task, row in (self.tasks | retrieval).items() if groups[task]}
        sections: tuple[tuple[Config, Mapping[str, Row]], ...] = (
            (probe, used),
            (probe["transfer"], self.transfers),
            (probe["prompt"], prompts),
            (probe["cluster"], self.rows_of_set("clustering")),
        )
        for section, rows in sections:
            section["use"] = ids_for(section["use"], rows)


def folder_of(probe: Config, task: str) -> str:
    """Folder of a task of the benchmark."""
    return f"{probe['benchmark']}/{task.replace('--', '/')}"
