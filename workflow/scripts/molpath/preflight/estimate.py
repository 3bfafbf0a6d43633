"""What a run still has to write, download and read, by the plan (plan.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..common.requests import PlanRequest
from .plan import machine_of, plan_run, written

#: Files that a slide leaves before features: thumbnail, contours, quality map, coordinates.
FILES_PER_SLIDE = 4
#: Basis of every estimate that was not measured on this machine.
BY_PLAN = "the costs of `snakemake plan`"


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
    patches = float(features.patches[features.cpu_hours > 0].sum())  # those of other tools are not read again
    hours = (total.wall_hours, total.wall_hours_least, total.wall_hours_most)
    machine = machine_of(request, tables)
    gpu, cores = machine.gpu, f"{machine.cores} core{'s' * (machine.cores != 1)}"
    machine_text = f"{gpu.count} x NVIDIA {gpu.name} and {cores}"
    return Estimate(
        dict(written(table)),
        total.download_gb * 1e9,
        patches,
        files,
        hours,
        machine_text,
    )


def in_time(hours: float) -> str:
    """Hours for people: 40 min, 3.2 h, 12 days."""
    if hours < 1:
        return f"{max(1, round(60 * hours))} min" if hours else "0 min"
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.2g} days" if hours < 2400 else f"{hours / 24:,.0f} days"


def with_range(values: Sequence[str]) -> str:
    """`3 h (1 h to 8 h)` of an estimate, its least and its most; the estimate alone where there is no range."""
    return values[0] if len(set(values)) == 1 else f"{values[0]} ({values[1]} to {values[2]})"


def estimated(values: Sequence[str], basis: str = BY_PLAN) -> str:
    """An estimate as every finding states it: value, range and what it rests on."""
    return f"about {with_range(values)}, by {basis}"


def in_words(size: float) -> str:
    """A number of bytes for people: 1.2 TB, 30 GB, 4 MB (decimal units)."""
    for unit, value in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size >= value:
            return f"{size / value:.3g} {unit}"
    return f"{size / 1e3:.3g} kB"
