"""The paper's tasks from its tables: their names, requirements and published scores."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from ..study.config import Config, Row, load_yaml, shipped_in_checkout
from ..study.sheets import read_sheet
from .draft import Refusal, number

HUB = "https://huggingface.co"
SPLITS = "MahmoodLab/Patho-Bench"
#: Cohorts of biopsies, by the name that their authors use.
PROCEDURES = {"bcnb": "core-needle biopsy", "panda": "needle biopsy"}


@dataclass(frozen=True)
class PaperTask:
    """A task of the paper: its rows of resources/tasks/tasks.tsv and cohorts.tsv."""

    row: Row
    cohort: Row

    @property
    def name(self) -> str:
        """<source>--<task>."""
        return str(self.row["task"])

    @property
    def size(self) -> str:
        """Number of slides, or of cases if the paper doesn't give the number of slides."""
        if self.row["n_slides"] or not self.row["n_cases"]:
            return number(self.least_slides, "slide")
        return number(int(self.row["n_cases"]), "case")

    @property
    def least_slides(self) -> int:
        """Number of slides in the paper, or one per case if not stated."""
        return int(self.row["n_slides"] or self.row["n_cases"] or self.cohort["n_slides"] or 0)

    @property
    def procedure(self) -> str:
        """How its tissue was taken, if all of it is from needles: such slides have a tenth of the patches."""
        return PROCEDURES.get(str(self.row["cohort"]), "")

    @property
    def collection(self) -> str:
        """Its collection in the Imaging Data Commons, from the address of its page; '' if it is in none."""
        form, page = str(self.cohort["access_form"]), str(self.cohort["slides_from"])
        return page.rstrip("/").rsplit("/", 1)[-1].replace("-", "_") if "acquire/idc" in form else ""

    @property
    def title(self) -> str:
        """What is predicted, for which cohort, and how it is scored."""
        count = int(self.row["folds"] or 1)
        folds = {
            "cross_validation": number(count, "fold"),
            "monte_carlo": number(count, "split of 80:20", "splits of 80:20"),
            "official": "the official split",
        }
        cohort_size = f"{self.size} of {self.cohort['name']}"
        return f"{self.name}: {self.row['labels']}; {cohort_size}; {self.row['metric']} over {folds[self.row['split']]}"

    def scores(self) -> list[Row]:
        """Published linear probes (Cox for survival) of the task, as linear_probe.tsv has them."""
        return [row for row in table("published/linear_probe") if row["task"] == self.name and row["score"]]


def table(name: str) -> list[Row]:
    """Rows of a table of resources."""
    return read_sheet(shipped_in_checkout(f"../resources/{name}.tsv"))


def paper_tasks() -> list[PaperTask]:
    """Every task of the paper, in its order."""
    cohorts = {row["cohort"]: row for row in table("tasks/cohorts")}
    return [PaperTask(row, cohorts[row["cohort"]]) for row in table("tasks/tasks")]


def paper_task(name: str) -> PaperTask:
    """The task of that name; raises Refusal if it doesn't exist or is not public."""
    task_of = {task.name: task for task in paper_tasks()}
    if name not in task_of:
        suggestions = difflib.get_close_matches(name, task_of, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(suggestions)}? " if suggestions else ""
        raise Refusal(f"the paper has no task {name!r}: {hint}`molpath init --paper list` shows all {len(task_of)}")
    if task_of[name].row["access"] != "public":
        raise Refusal(not_public(task_of[name]))
    return task_of[name]


def not_public(task: PaperTask) -> str:
    """One sentence on a task that is not public."""
    return (
        f"{task.name} can't be run: {task.cohort['name']} is an in-house cohort of the paper's authors, whose slides "
        "and labels are not public"
    )


def listing() -> str:
    """One line per task (54): name, size, cohort, how to obtain its slides, threads' published score."""
    rows = [("task", "size", "slides from", "obtained by", "threads")]
    for task in paper_tasks():
        score = next((entry["score"] for entry in task.scores() if entry["model"] == "threads"), "")
        public = task.row["access"] == "public"
        form = short_form(task) if public else "not public"
        rows.append((task.name, task.size, str(task.cohort["name"]), form, score and f"{score} {task.row['metric']}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(f"{cell:<{wide}}" for cell, wide in zip(row, widths, strict=True)).rstrip() for row in rows]
    public = sum(task.row["access"] == "public" for task in paper_tasks())
    lines += [
        "",
        f"{public} of {len(rows) - 1} are public. Splits: {HUB}/datasets/{SPLITS} (access on request).",
        "threads: the paper's score of its own model, by linear probe (survival: Cox).",
        "`molpath init FOLDER --paper TASK` says what one of them needs and costs, and sets it up.",
    ]
    return "\n".join(lines)


def short_form(task: PaperTask) -> str:
    """How to obtain the slides, in a few words."""
    return "open, Imaging Data Commons" if task.collection else str(task.cohort["access_form"])


def paper_models() -> dict[str, Row]:
    """The paper's eight models, by name."""
    return {row["model"]: row for row in table("published/models")}


def public_config() -> Config:
    """config/public: the grids, encoders and models that follow the paper."""
    config: Config = load_yaml(shipped_in_checkout("../config/public/config.yaml"))
    return config


def scores_in_words(task: PaperTask, models: list[str]) -> list[str]:
    """One line per model with its published score."""
    lines = []
    for row in task.scores():
        if row["model"] in models:
            spread = f" ± {row['se']}" if row["se"] else f" ({row['lower']} to {row['upper']})" if row["lower"] else ""
            lines.append(f"published  {row['model']} {row['score']}{spread} {row['metric']} ({row['table']})")
    return lines
