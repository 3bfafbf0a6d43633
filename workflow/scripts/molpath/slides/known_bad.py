"""Slides of public cohorts that broke other people's runs, so that nobody has to find them again."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from ..common.files import read_tsv


def read_known_bad(path: str | os.PathLike) -> list[dict[str, str]]:
    """Rows of resources/known_slides/known_bad_slides.tsv: slide (a pattern with * and ?), cohort, problem, source."""
    return read_tsv(path).to_dict("records")


def note_of(slide: Mapping[str, str], known_problems: Sequence[Mapping[str, str]]) -> str:
    """Reported problems of a slide whose id or file name is in the list; '' of all others.

    Only names can be compared, and short ones may belong to another slide: the note says so and changes nothing.
    """
    names = {slide["slide_id"], Path(slide["path"]).name, Path(slide["path"]).stem}
    matches = [row for row in known_problems if any(fnmatchcase(name, row["slide"]) for name in names)]
    return "; ".join(f"known by this name in {row['cohort']}: {row['problem']} ({row['source']})" for row in matches)
