"""Which columns of cases are tested as confounders of which tasks, and what the jobs read."""

from __future__ import annotations

from .comparisons import Comparisons
from .config import Config, Wildcards
from .hints import did_you_mean
from .models import Models
from .problems import Problems
from .sheets import read_sheet

#: Tables of a job, by the names of its outputs.
TABLES = ("confounders", "strata", "subgroups", "gaps", "left_out")
#: Used whenever the sheet has it, even if not named.
SITE = "site"


class Confounders:
    """Section probe/confounders, of the reference model: an empty list asks for nothing."""

    def __init__(self, config: Config, models: Models, comparisons: Comparisons) -> None:
        self.named: list[str] = config["probe"]["confounders"]
        self.models, self.slides, self.comparisons = models, models.slides, comparisons
        #: Columns of the sheets with a value in some row.
        self.sheet_columns: set[str] = {name for row in self.slides.rows for name, cell in row.items() if cell}
        for path in self.slides.case_sheet:
            self.sheet_columns |= {name for row in read_sheet(str(path)) for name, cell in row.items() if cell}
        self.sheet_columns -= {"#"}  # the line of a row, which no file has

    @property
    def columns(self) -> list[str]:
        """Those the config names; an empty site column is left out, because it is named by default."""
        return [name for name in self.named if name != SITE or name in self.sheet_columns]

    def inspected(self, wildcards: Wildcards | None = None) -> list[str]:
        """The table of slides, where slides are opened."""
        source = self.models.source(self.models.entries[self.comparisons.reference])
        opened = source and self.models.encoders.entries[source[1]]["adapter"] != "precomputed"
        return ["<results>/tables/slides.tsv"] * bool(self.slides.path and opened)

    @property
    def tasks(self) -> list[str]:
        """Tasks with frozen probes, if there is a column to test."""
        if not self.named or self.comparisons.reference not in self.models.used:
            return []
        return self.models.tasks.with_group("frozen") if self.columns or self.inspected() else []

    def _folder(self, task: str) -> str:
        return f"<results>/probe/{self.comparisons.reference}/{task}"

    def pages_of(self, wildcards: Wildcards) -> dict[str, str]:
        """Tables of a task, and its scores."""
        folder = self._folder(wildcards.task)
        tables = {name: f"{folder}/confounders/{name}.tsv" for name in TABLES}
        return tables | {"metrics": f"{folder}/frozen/summary.tsv"}

    def tables(self, wildcards: Wildcards | None = None) -> list[str]:
        """confounders.tsv of every task."""
        return [f"{self._folder(task)}/confounders/confounders.tsv" for task in self.tasks]

    def metrics(self, wildcards: Wildcards | None = None) -> list[str]:
        """Scores of every task."""
        return [f"{self._folder(task)}/frozen/summary.tsv" for task in self.tasks]

    def pages(self) -> list[str]:
        """Inputs of the report."""
        pages = [f"<results>/tables/confounders/{task}.html" for task in self.tasks]
        return [*pages, *["<results>/tables/confounders.tsv", "<results>/tables/confounders.html"] * bool(pages)]

    def check(self, problems: Problems) -> None:
        """Every column that is named is one of the sheets, with a value in some row."""
        for place, name in enumerate(self.named):
            if name != SITE and name not in self.sheet_columns and self.slides.rows:
                sheets = " or ".join([self.slides.source_name, *map(str, self.slides.case_sheet)])
                hint = did_you_mean(name, sorted(self.sheet_columns))
                problems.add(
                    f"config, key probe/confounders/{place}",
                    f"no column {name!r} with a value in {sheets}",
                    f"{hint}name a column of the slide sheet or of slides/cases",
                )
