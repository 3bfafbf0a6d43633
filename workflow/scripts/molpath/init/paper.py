"""The paper's tasks as its tables have them: which there are, what each needs, what was published of it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from ..study.config import Config, Row, load_yaml, shipped_in_checkout
from ..study.sheets import read_sheet
from .draft import Refusal, number

HUB = "https://huggingface.co"
SPLITS = "MahmoodLab/Patho-Bench"
#: Cohorts of biopsies, by what their makers call them.
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
        """Slides, or cases where the paper doesn't say how many slides they have."""
        if self.row["n_slides"] or not self.row["n_cases"]:
            return number(self.least_slides, "slide")
        return number(int(self.row["n_cases"]), "case")

    @property
    def least_slides(self) -> int:
        """Number of slides by the paper, or one a case where it isn't stated."""
        return int(self.row["n_slides"] or self.row["n_cases"] or self.cohort["n_slides"] or 0)

    @property
    def procedure(self) -> str:
        """How its tissue was taken, where all of it was taken by needles: such slides have a tenth of the patches."""
        return PROCEDURES.get(str(self.row["cohort"]), "")

    @property
    def collection(self) -> str:
        """Its collection in the Imaging Data Commons, as the address of its page has it; '' where it is in none."""
        form, page = str(self.cohort["access_form"]), str(self.cohort["slides_from"])
        return page.rstrip("/").rsplit("/", 1)[-1].replace("-", "_") if "acquire/idc" in form else ""

    @property
    def title(self) -> str:
        """What is predicted, of whom, and how it is scored."""
        count = int(self.row["folds"] or 1)
        folds = {
            "cross_validation": number(count, "fold"),
            "monte_carlo": number(count, "split of 80:20", "splits of 80:20"),
            "official": "the official split",
        }
        of = f"{self.size} of {self.cohort['name']}"
        return f"{self.name}: {self.row['labels']}; {of}; {self.row['metric']} over {folds[self.row['split']]}"

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
    """The task of that name; raises Refusal for one that there is not, or that is not public."""
    known = {task.name: task for task in paper_tasks()}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        told = f"did you mean {' or '.join(near)}? " if near else ""
        raise Refusal(f"the paper has no task {name!r}: {told}`molpath init --paper list` shows all {len(known)}")
    if known[name].row["access"] != "public":
        raise Refusal(not_public(known[name]))
    return known[name]


def not_public(task: PaperTask) -> str:
    """One sentence on a task that nobody else can run."""
    return (
        f"{task.name} can't be run: {task.cohort['name']} is an in-house cohort of the paper's authors, whose slides "
        "and labels are not public"
    )


def listing() -> str:
    """A line for each of the 54 tasks: name, size, cohort, how its slides are had, threads' published score."""
    rows = [("task", "size", "slides from", "obtained by", "threads")]
    for task in paper_tasks():
        score = next((one["score"] for one in task.scores() if one["model"] == "threads"), "")
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
    """How the slides are had, in a few words."""
    return "open, Imaging Data Commons" if task.collection else str(task.cohort["access_form"])


def paper_models() -> dict[str, Row]:
    """The paper's eight models, by name."""
    return {row["model"]: row for row in table("published/models")}


def public_config() -> Config:
    """config/public: the grids, encoders and models that follow the paper."""
    found: Config = load_yaml(shipped_in_checkout("../config/public/config.yaml"))
    return found


def scores_in_words(task: PaperTask, models: list[str]) -> list[str]:
    """A line per model: what the paper has for it."""
    lines = []
    for row in task.scores():
        if row["model"] in models:
            around = f" ± {row['se']}" if row["se"] else f" ({row['lower']} to {row['upper']})" if row["lower"] else ""
            lines.append(f"published  {row['model']} {row['score']}{around} {row['metric']} ({row['table']})")
    return lines
