"""What of the synthetic demo cohort the sheets ask for."""

from __future__ import annotations

from .config import Places, Row
from .profiles import Profiles
from .slides import Slides
from .tasks import Tasks

DEMO_COLUMNS = ("slide_id", "case_id", "path", "objective", "special")
#: Cohort of the slides that the tasks of a source are made of: probed, and pretrained on (support).
COHORT_OF_SOURCE = (("synthetic", "SYNTH-B"), ("synthetic_a", "SYNTH-A"))


class Demo:
    """Files below <resources>/demo that the sheets name."""

    def __init__(self, places: Places, slides: Slides, profiles: Profiles, tasks: Tasks) -> None:
        folder = f"{places.resources}/demo"
        self._rows = [row for row in slides.rows if (row.get("path") or "").startswith(f"{folder}/slides/")]
        self.slide_files: list[str] = [row["path"] for row in self._rows]
        paths = {row.get("path") or "" for row in profiles.rows}
        self.omics_files = sorted(path for path in paths if path.startswith(f"{folder}/omics/"))
        folders = (task["path"] for task in tasks.entries.values())
        self.task_folders = sorted(path for path in folders if path.startswith(f"{folder}/tasks/"))

    @property
    def slides(self) -> list[Row]:
        """Slides to be drawn: what the generator reads of the sheet."""
        return [{column: row.get(column, "") for column in DEMO_COLUMNS} for row in self._rows]

    @property
    def cases(self) -> list[str]:
        """Cases of the demo cohort, sorted."""
        return sorted({row["case_id"] for row in self._rows})

    @property
    def task_slides(self) -> dict[str, list[Row]]:
        """Slides the demo's tasks are made of, by source."""
        return {
            source: [
                {"slide_id": row["slide_id"], "case_id": row["case_id"]}
                for row in self._rows
                if row.get("cohort") == cohort
            ]
            for source, cohort in COHORT_OF_SOURCE
        }
