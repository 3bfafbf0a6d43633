"""How many patches there are: counted where tiling is done, else from the area of tissue, else by kinds of slides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from ..common.files import read_tsv
from ..common.requests import GridNumbers
from .costs import Costs

#: Constant of the patches of a slide, by what it shows (study/left.py).
BY_KIND = {name: f"patches_per_{name}" for name in ("biopsy", "resection", "frozen")} | {"": "patches_per_slide"}
#: Sources from the most to the least reliable.
SURE = ("counted", "from tissue", "estimated")


class Patches:
    """Patches of a grid's shards.

    slides: kept slides of each shard; kinds: of those, biopsies, resections, frozen sections, and '' where unknown.
    """

    def __init__(
        self,
        costs: Costs,
        results: str | Path,
        slides: Mapping[str, int],
        kinds: Mapping[str, Mapping[str, int]] | None = None,
    ):
        self.costs, self.results, self.slides, self.kinds = costs, Path(results), slides, kinds or {}
        self._sums: dict[str, float | None] = {}

    def of(self, grid: GridNumbers, shards: Mapping[str, int]) -> tuple[float, str]:
        """Patches of so many slides of each shard, and their source: counted, from tissue, estimated."""
        total, sources = 0.0, set()
        for shard, slides in shards.items():
            number, source = self._of_shard(grid, shard)
            total += number * slides / max(1, self.slides[shard])
            sources.add(source)
        return total, " and ".join(source for source in SURE if source in sources)

    def _of_shard(self, grid: GridNumbers, shard: str) -> tuple[float, str]:
        """Patches of all slides of a shard."""
        counted = self._sum(f"tiles/{grid['name']}/{shard}.tsv", "n_patches")
        if counted is not None:
            return counted, "counted"
        area = self._sum(f"tissue/{shard}.tsv", "area_mm2")
        if area is not None:
            return area * self.costs["patches_per_mm2"] * grid["density"], "from tissue"
        kinds = self.kinds.get(shard) or {"": self.slides[shard]}
        number = sum(count * self.costs[BY_KIND[kind]] for kind, count in kinds.items())
        return number * grid["density"], "estimated"

    def _sum(self, name: str, column: str) -> float | None:
        """Sum of a manifest's column; None where the manifest is missing."""
        if name not in self._sums:
            path, total = self.results / name, None
            if path.is_file() and column in (table := read_tsv(path)):
                total = float(pd.to_numeric(table[column], errors="coerce").sum())
            self._sums[name] = total
        return self._sums[name]
