"""Which models are tested for robustness, to what, and what the jobs read."""

from __future__ import annotations

from .config import Config, Wildcards
from .confounders import Confounders
from .hints import did_you_mean
from .models import Models
from .problems import Problems


class Robustness:
    """Section probe/robustness: pairs of a biological and a technical column, tested for every model in use."""

    def __init__(self, config: Config, models: Models, confounders: Confounders) -> None:
        self.pairs: list[dict[str, str]] = config["probe"]["robustness"]
        self.models, self.confounders = models, confounders

    @property
    def tasks(self) -> list[str]:
        """Tasks that pairs name, each once."""
        names = [pair["biological"] for pair in self.pairs]
        return [name for name in dict.fromkeys(names) if name in self.models.tasks.entries]

    def task_files(self, wildcards: Wildcards | None = None) -> list[str]:
        """config.yaml and k=all.tsv of each of them, one after the other."""
        return [path for task in self.tasks for path in self.models.tasks.files_of(task)]

    def tables(self, wildcards: Wildcards | None = None) -> list[str]:
        """robustness.tsv of every model in use."""
        return [f"<results>/probe/{model}/robustness.tsv" for model in self.models.used] if self.pairs else []

    def check(self, problems: Problems) -> None:
        """Every name is a task with classes or numbers, or a column of the sheets with a value in some row."""
        for place, pair in enumerate(self.pairs):
            location = f"config, key probe/robustness/{place}"
            if pair["biological"] == pair["technical"]:
                problems.add(location, f"{pair['technical']!r} is both", "name two columns")
            self._check_column(f"{location}/technical", pair["technical"], [], problems)
            tasks = self.models.tasks
            self._check_column(f"{location}/biological", pair["biological"], list(tasks.entries), problems)
            if pair["biological"] in tasks.entries and tasks.predicts_survival(pair["biological"]):
                wrong = f"task {pair['biological']!r} predicts survival"
                problems.add(f"{location}/biological", wrong, "name a task with classes or numbers, or a column")

    def _check_column(self, location: str, name: str, tasks: list[str], problems: Problems) -> None:
        known_columns = self.confounders.sheet_columns
        if name in tasks or name in known_columns or not self.models.slides.rows:
            return
        slides = self.models.slides
        sheets = " or ".join([slides.source_name, *map(str, slides.case_sheet)])
        hint = did_you_mean(name, sorted([*known_columns - {"#"}, *tasks]))
        also = ", or a task of probe/tasks" if tasks or location.endswith("biological") else ""
        problems.add(
            location,
            f"no {'task or ' if also else ''}column {name!r} with a value in {sheets}",
            f"{hint}name a column of the slide sheet or of slides/cases{also}",
        )
