"""The profile sheet."""

from __future__ import annotations

from .config import Config, Places, Row
from .sheets import read_sheet

PROFILE_COLUMNS = (
    *("profile_id", "case_id", "modality", "cohort", "format", "path", "column", "unit"),
    *("sample_id", "sample_type", "specimen", "panel", "unit_check"),
)


class Profiles:
    """Rows of the profile sheet, by cohort and modality."""

    def __init__(self, config: Config, places: Places) -> None:
        self.places = places
        sheet = config["omics"]["sheet"]
        self.path = places.find(sheet) if sheet else ""
        self.rows = read_sheet(self.path)
        self._groups: dict[tuple[str | None, str | None], list[Row]] = {}
        for row in self.rows:
            self._groups.setdefault((row.get("cohort"), row.get("modality")), []).append(row)

    def group(self, cohort: str, modality: str) -> list[Row]:
        """Rows of a cohort and modality as the sheet has them."""
        return self._groups.get((cohort, modality), [])

    def cohorts(self, modality: str) -> list[str]:
        """Cohorts with profiles of a modality, in sheet order."""
        return [cohort for cohort, kind in self._groups if kind == modality and cohort is not None]

    def values(self, cohort: str, modality: str) -> list[Row]:
        """What jobs read of the rows of a cohort and modality, paths resolved."""
        return [
            {column: row.get(column) or "" for column in PROFILE_COLUMNS}
            | {"path": self.places.resolve(row["path"], self.path)}
            for row in self.group(cohort, modality)
        ]

    def tables_of(self, modality: str) -> list[str]:
        """Table of every cohort for a modality."""
        return [f"<results>/omics/{cohort}/{modality}.h5ad" for cohort in self.cohorts(modality)]

    @property
    def tables(self) -> list[str]:
        """One table for each cohort and modality."""
        return self.tables_of("rna") + self.tables_of("dna")
