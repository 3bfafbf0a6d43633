"""What a run will still write, download and read, by the plan (plan.py)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .costs import read_costs
from .plan import plan_run

#: Files that a slide leaves before features: thumbnail, contours, quality map, coordinates.
FILES_PER_SLIDE = 4


@dataclass(frozen=True)
class Estimate:
    """Bytes by what is written; bytes downloaded; patches to be read from slides; files to be made."""

    sizes: dict[str, float]
    download: float
    patches: float
    files: int


def estimate(request: Mapping[str, Any], costs: str, results: str) -> Estimate:
    """Sum up the plan of what isn't there yet. `request`, `costs`: as for `plan_run`. Raises BadCosts."""
    table = plan_run(request, read_costs(costs), results)
    table = table[table.stage != "total"]
    written = table[table.disk_gb > 0]
    sizes = {f"{row.stage} {row.what}": row.disk_gb * 1e9 for row in written.itertuples()}
    features = table[table.stage == "features"]
    files = FILES_PER_SLIDE * sum(request["shards"].values()) + int(features.units.sum())
    return Estimate(sizes, table.download_gb.sum() * 1e9, float(features.patches.sum()), files)


def in_words(size: float) -> str:
    """A number of bytes for people: 1.2 TB, 30 GB, 4 MB (decimal units)."""
    for unit, value in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size >= value:
            return f"{size / value:.3g} {unit}"
    return f"{size / 1e3:.3g} kB"
