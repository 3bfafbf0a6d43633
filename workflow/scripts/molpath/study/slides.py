"""The slide sheet and its shards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..common.slide_parts import files_of, state_of
from ..common.task_sheets import sheet_of_tasks
from ..common.tsv import BadTable
from .config import Config, Places, Row, Wildcards
from .sheets import in_blocks, is_downloaded, read_sheet

#: Columns of the sheet that decide a slide's pixels.
SLIDE_COLUMNS = ("slide_id", "case_id", "path", "mpp", "keep")

#: The sheet of a study without one, made of its tasks.
SHEET_OF_TASKS = "<results>/embed/sheet.tsv"


class Slides:
    """Rows of the slide sheet, in shards of consecutive rows: one job each."""

    def __init__(self, config: Config, places: Places, tables: Sequence[str] = ()) -> None:
        self.places, self.path = places, places.find_given(config["slides"]["sheet"])
        #: Tables of the tasks, which say what cases there are, in a study of given vectors that names no slide sheet.
        self.of_tasks = [] if self.path else list(tables)
        self.rows = read_sheet(self.path) if self.path else rows_of(self.of_tasks)
        self.source_name = self.path or "the tables of the tasks"
        self.shards = in_blocks(self.rows if self.path else [], config["slides"]["slides_per_job"])
        self.shard_of = {row.get("slide_id"): "" for row in self.rows}
        self.shard_of |= {row.get("slide_id"): shard for shard, rows in self.shards.items() for row in rows}
        self.cases = list(dict.fromkeys(row.get("case_id") or "" for row in self.rows))
        cases = config["slides"]["cases"]
        #: The slide sheet, and the optional sheet of cases, as inputs.
        self.sheet = places.given(self.path) if self.path else SHEET_OF_TASKS
        self.case_sheet = [places.given(places.find(cases))] if cases else []
        self._values: dict[str, list[Row]] = {}

    def shards_with(self, cohorts: Iterable[str]) -> list[str]:
        """Shards that hold a slide of the cohorts; every shard where none is named."""
        cohort_names = set(cohorts)
        return [
            shard
            for shard, rows in self.shards.items()
            if not cohort_names or any(row.get("cohort") in cohort_names for row in rows)
        ]

    def shards_of(self, slides: Iterable[str]) -> list[str]:
        """Shards that hold the slides."""
        return sorted({self.shard_of[slide] for slide in slides})

    def values(self, shard: str) -> list[Row]:
        """What the jobs of a shard read of the sheet: slide_id, case_id, path (resolved), mpp, keep."""
        if shard not in self._values:
            self._values[shard] = [self.values_of(row) for row in self.shards[shard]]
        return self._values[shard]

    def values_of(self, row: Row) -> Row:
        """The columns of one slide that decide its pixels, with defaults."""
        values = {column: row.get(column) or "" for column in SLIDE_COLUMNS}
        values["path"] = self.places.resolve(values["path"], self.path)
        values["keep"] = values["keep"] or "auto"
        return values

    def shard_rows(self, wildcards: Wildcards) -> list[Row]:
        """The same for the shard of a job."""
        return self.values(wildcards.shard)

    def shard_files(self, wildcards: Wildcards) -> list[str]:
        """Raw slides of a shard, every file of those that consist of several.

        Declared where slides are inspected and nowhere else: later stages read the same files, but depend on what
        inspection wrote, and compare identities. So Snakemake looks at each of a cohort's files once. Names with
        braces, which Snakemake would take for wildcards, are not declared: `shard_states` detects changes.
        """
        parts = (str(part) for path in self.raw_paths(wildcards.shard) for part in self.parts_of(path))
        return [self.places.given(part) for part in parts if not has_braces(part)]

    def shard_states(self, wildcards: Wildcards) -> list[str]:
        """Sizes and times of the same files; Snakemake itself would not see that one was replaced by an older one."""
        return [state_of(path) for path in self.raw_paths(wildcards.shard) if not self.places.is_made(path)]

    def to_verify(self) -> dict[str, list[Any]]:
        """Every slide with its path and announced MD5, and where the manifests of its shards are."""
        pairs = [(row["slide_id"], row, full) for shard in self.shards for row, full in self._pairs(shard)]
        slides = [
            {"slide_id": slide_id, "path": row["path"], "md5": full.get("md5") or ""} for slide_id, row, full in pairs
        ]
        return {"slides": slides, "manifests": [f"{self.places.results}/slides/{shard}.tsv" for shard in self.shards]}

    def _pairs(self, shard: str) -> Iterator[tuple[Row, Row]]:
        return zip(self.values(shard), self.shards[shard], strict=True)

    def raw_paths(self, shard: str) -> list[str]:
        """Paths of a shard's slides, without those that the sheet excludes or has no file of, and those it has
        downloaded, which are known by the manifest of their download only."""
        pairs = self._pairs(shard)
        return [row["path"] for row, full in pairs if row["path"] and row["keep"] != "no" and not is_downloaded(full)]

    def parts_of(self, path: str) -> list[str]:
        """The files of one slide; a file that a rule makes does not exist yet."""
        return [path] if self.places.is_made(path) else list(map(str, files_of(path)))

    def slide_path(self, wildcards: Wildcards) -> str:
        """The path of one slide."""
        rows = self.values(self.shard_of[wildcards.slide])
        return str(next(row["path"] for row in rows if row["slide_id"] == wildcards.slide))

    def paths(self, wildcards: Wildcards | None = None) -> dict[str, str]:
        """The path of every slide, '' of those without a file."""
        return {row["slide_id"]: row["path"] for shard in self.shards for row in self.values(shard)}

    def inspected(self, wildcards: Wildcards) -> str:
        """Inspection manifest of a slide's shard."""
        return f"<results>/slides/{self.shard_of[wildcards.slide]}.tsv"

    def assessed(self, wildcards: Wildcards) -> str:
        """Tissue manifest of a slide's shard; its thumbnail is there by then."""
        return f"<results>/tissue/{self.shard_of[wildcards.slide]}.tsv"


def rows_of(tables: Sequence[str]) -> list[Row]:
    """The sheet that tables of tasks make; none where they contradict each other, which the checks report."""
    try:
        return [{**row, "#": 0} for row in sheet_of_tasks(tables)]
    except BadTable:
        return []


def has_braces(path: str) -> bool:
    """True for a path that can't be an input: Snakemake would look for wildcards in it and has no way to quote them."""
    return "{" in str(path) or "}" in str(path)
