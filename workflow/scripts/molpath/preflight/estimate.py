"""What a run still has to write, download and read, by the plan (plan.py)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..common.requests import PlanRequest
from .plan import machine_of, plan_run, written

#: Files that a slide leaves before features: thumbnail, contours, quality map, coordinates.
FILES_PER_SLIDE = 4


@dataclass(frozen=True)
class Estimate:
    """Bytes by what is written; bytes downloaded; patches to be read from slides; files to be made; hours by the clock.

    hours: as planned, at least, at most; machine: the one that the plan is for, in words.
    """

    sizes: dict[str, float]
    download: float
    patches: float
    files: int
    hours: tuple[float, float, float] = (0.0, 0.0, 0.0)
    machine: str = ""


def estimate(request: PlanRequest, tables: Mapping[str, str], results: str) -> Estimate:
    """Sum up the plan of what doesn't exist yet. Arguments and errors as for `plan_run`."""
    table = plan_run(request, tables, results)
    total, table = table.iloc[-1], table[table.stage != "total"]
    features, slides = table[table.stage == "features"], table[table.stage == "tissue"]
    files = FILES_PER_SLIDE * int(slides.left.sum()) + int(features.left.sum())
    hours = (total.wall_hours, total.wall_hours_least, total.wall_hours_most)
    machine = machine_of(request, tables)
    machine_text = f"{machine.gpu} and {machine.cores} cores"
    return Estimate(
        dict(written(table)), total.download_gb * 1e9, float(features.patches.sum()), files, hours, machine_text
    )


def in_words(size: float) -> str:
    """A number of bytes for people: 1.2 TB, 30 GB, 4 MB (decimal units)."""
    for unit, value in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size >= value:
            return f"{size / value:.3g} {unit}"
    return f"{size / 1e3:.3g} kB"
