"""Slides of a task of the paper in the open bucket of the Imaging Data Commons, as rows of the slide sheet."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ..common.settings.acquire import IdcCohort
from ..study.config import Row, defaults_of
from .draft import number, some
from .paper import PaperTask
from .paper_files import Needed

#: Columns of the sheet that a run reads; the index has more.
COLUMNS = ("slide_id", "case_id", "path", "cohort", "specimen", "url", "bytes")


def listed(task: PaperTask, slide_rows: Sequence[Row], options: argparse.Namespace) -> tuple[dict[str, Row], Needed]:
    """Rows of the requested slides in the bucket, by slide, with the cases of the splits; and the resulting status.

    The index is that of an installed package; its names come from the service.
    """
    description = f"{number(len(slide_rows), 'slide') if slide_rows else task.size} of {task.cohort['name']}"
    bucket = f"by the run, from the open bucket of the Imaging Data Commons ({task.cohort['licence']})"
    if not slide_rows:
        return {}, Needed(True, description, f"{bucket}, once the splits say which", fetched=True)
    try:
        rows = index_rows(task, options)
    except Exception as error:  # no index, no network, an unexpected answer: the message says which
        return {}, Needed(
            False, description, f"the Imaging Data Commons can't be asked ({error}); try again, or --slides DIR"
        )
    index_row_of = {str(row["slide_id"]): row for row in rows}
    sheet_rows = {
        row["slide_id"]: {name: str(index_row_of[row["slide_id"]].get(name, "")) for name in COLUMNS} | dict(row)
        for row in slide_rows
        if row["slide_id"] in index_row_of
    }
    size = sum(int(row["bytes"] or 0) for row in sheet_rows.values()) / 1e9
    if missing := [row["slide_id"] for row in slide_rows if row["slide_id"] not in sheet_rows]:
        problem = f"not in the index: {len(missing):,} of {len(slide_rows):,} ({some(missing)})"
        return sheet_rows, Needed(
            False, description, f"{problem}; name a folder: --slides DIR, or go on without them: --skip-missing"
        )
    return sheet_rows, Needed(True, description, f"{bucket}, {size:,.1f} GB", fetched=True)


def index_rows(task: PaperTask, options: argparse.Namespace) -> list[dict]:
    """Every slide of the task's collection."""
    # Not at the top: heavy, and only the tasks of some cohorts need it.
    from ..acquire.idc import list_idc, read_index
    from ..acquire.left_out import LeftOut
    from ..acquire.web import Service

    with _errors_only(logging.getLogger("molpath.acquire")):
        settings = defaults_of("acquire")
        index = read_index(
            Service(attempts=2),
            options.idc_index or settings["idc_index"],
            options.idc_names or settings["idc_names"],
        )
        cohort = str(task.cohort["in_sheet"])
        idc_settings: IdcCohort = {"collections": [task.collection], "description": "", "folder": ""}
        return list_idc(index, cohort, idc_settings, f"resources/downloads/{cohort}", LeftOut())


@contextmanager
def _errors_only(logger: logging.Logger) -> Iterator[None]:
    """Keep notes about rows, which `init` sums up itself, off the terminal."""
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
