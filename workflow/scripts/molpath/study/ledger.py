"""What the ledger is made of: manifests of every stage that can lose a slide; and the verdicts that jobs wait for."""

from __future__ import annotations

from .config import Config, Wildcards
from .models import Models, Source
from .targets import Targets

LEDGER = "<results>/tables/ledger"
SLIDES = "<results>/tables/slides.tsv"


class Ledger:
    """Inputs of tables/ledger.tsv, of its parts below tables/ledger, and of the jobs that wait for a verdict."""

    def __init__(self, models: Models, targets: Targets) -> None:
        self.models, self.targets, self.slides = models, targets, models.slides

    # Parts: a grid, or a grid and an encoder.

    def tiles(self, wildcards: Wildcards) -> list[str]:
        """Manifests of a grid: of the shards the config needs, or all for a grid that it does not use."""
        return self.tiles_of(wildcards.grid)

    def tiles_of(self, grid: str) -> list[str]:
        """The same, of the grid folder `grid`."""
        shards = self.targets.tile_shards().get(grid, list(self.slides.shards))
        return [f"<results>/tiles/{grid}/{shard}.tsv" for shard in shards]

    def features(self, wildcards: Wildcards) -> list[str]:
        """Manifests of a grid and encoder, of the same kind."""
        grid, encoder = wildcards.grid, wildcards.encoder
        shards = self.models.source_shards(grid, encoder) or self.slides.shards
        return [f"<results>/features/{grid}/{encoder}/{shard}.tsv" for shard in shards]

    # What jobs wait for.

    def verdict(self, source: Source | None) -> str:
        """The table that is there only if not too many slides were set aside as far as a model's patches."""
        return f"{LEDGER}/{source[0]}/{source[1]}.tsv" if source else SLIDES

    def of_model(self, wildcards: Wildcards) -> str | list[str]:
        """That of a model of embed/models, or of a supervised one; none in a study without slides."""
        if self.slides.of_tasks:
            return []
        entry = self.models.supervised.get(wildcards.model) or self.models.entries[wildcards.model]
        return self.verdict(self.models.source(entry))

    # The whole ledger.

    def all_tiles(self, wildcards: Wildcards | None = None) -> list[str]:
        """Manifests of all grids."""
        return self.targets.tile_manifests()

    def all_features(self, wildcards: Wildcards | None = None) -> list[str]:
        """Manifests of all grids and encoders."""
        return self.targets.feature_manifests()

    def packed(self, wildcards: Wildcards | None = None) -> list[str]:
        """Indices of the stores of all runs."""
        return list(dict.fromkeys(path for run in self.models.used_runs for path in self.packed_of(run)))

    def packed_of(self, run: str) -> list[str]:
        """Indices of the store of a run."""
        grid, encoder = self.models.source_of_run(run)
        return [f"<results>/pretrain/store/{grid}/{encoder}/{shard}.tsv" for shard in self.models.run_shards(run)]

    def pairs(self, wildcards: Wildcards | None = None) -> list[str]:
        """What is paired with what, where a run trains on it."""
        return ["<results>/omics/pairs.tsv"] * bool(self.models.used_runs)

    def embedded(self, wildcards: Wildcards | None = None) -> list[str]:
        """Manifests of embedded slides, by model."""
        return [f"<results>/embed/{model}/slides.tsv" for model in self.models.used]

    def runs(self, wildcards: Wildcards | None = None) -> dict[str, Config]:
        """Grid folder, encoder, cohorts and modalities of each used run."""
        settings_of = {}
        for run, parts in self.models.run_parts().items():
            grid, encoder = self.models.source_of_run(run)
            settings_of[run] = parts | {"grid": grid, "encoder": encoder}
        return settings_of

    def sources(self, wildcards: Wildcards | None = None) -> dict[str, list[str]]:
        """Grid folder and encoder of each used model; nothing for one of given vectors."""
        return {model: list(self.models.source(self.models.entries[model]) or ()) for model in self.models.used}
