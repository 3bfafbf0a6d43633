"""Outputs for other tools: what `snakemake export` writes beside the results."""

from __future__ import annotations

import os
from typing import Any

from .config import Config, Wildcards
from .embedding import Embedding
from .models import Models
from .probing import Probing
from .problems import Problems

#: The last file that the rules of each form write.
TABLES, CROISSANT = "<results>/export/tables/tables.tsv", "<results>/croissant.json"
STORES = "<results>/export/spatialdata/slides.tsv"
#: What each form writes, below the results.
FORMS = {
    "parquet": "export/tables",
    "croissant": "croissant.json",
    "spatialdata": "export/spatialdata",
    "pathobench": "export/pathobench",
}
PATHOBENCH = ("<results>/pathobench/results_summary.csv", "<results>/export/pathobench/files.tsv")


class Exports:
    """Section `export` of the config."""

    def __init__(self, config: Config, models: Models, embedding: Embedding, probing: Probing) -> None:
        self.models, self.slides, self.embedding, self.probing = models, models.slides, embedding, probing
        self.use: list[str] = config["export"]["use"]
        #: Python with SpatialData for jobs that get no environment of their own; '': the one that jobs run by.
        self.python: str = config["export"]["python"]

    def files(self, wildcards: Wildcards | None = None) -> list[str]:
        """Every file that the target `export` asks for."""
        files = [TABLES] * bool({"parquet", "croissant"} & set(self.use))
        files += [CROISSANT] * ("croissant" in self.use)
        # The lists too: Snakemake doesn't make a lost input again while what is made of it is there.
        files += [*self.store_lists(), STORES] if "spatialdata" in self.use else []
        return files + list(PATHOBENCH) * ("pathobench" in self.use)

    def shards(self) -> list[str]:
        """Shards of the slide sheet with features of any encoder."""
        sources = self.models.used_sources() if self.slides.path else []
        return sorted({shard for source in sources for shard in self.models.source_shards(*source)})

    def store_lists(self, wildcards: Wildcards | None = None) -> list[str]:
        """Lists of the stores of these shards."""
        return [f"<results>/export/spatialdata/{shard}.tsv" for shard in self.shards()]

    def sources(self, wildcards: Wildcards) -> list[dict[str, Any]]:
        """Grid (its entry of the config) and encoder of a shard's features, grids in the order of the config.

        main: True for the first grid in use, which is the same for every shard.
        """
        order = list(self.models.grids.by_name)
        used = sorted(self.models.used_sources(), key=lambda source: (order.index(source[0]), source[1]))
        return [
            {"grid": self.models.grids.by_name[grid], "encoder": encoder, "main": grid == used[0][0]}
            for grid, encoder in used
            if wildcards.shard in self.models.source_shards(grid, encoder)
        ]

    def feature_manifests(self, wildcards: Wildcards) -> list[str]:
        """Manifests of the same, in this order."""
        return [
            f"<results>/features/{source['grid']['name']}/{source['encoder']}/{wildcards.shard}.tsv"
            for source in self.sources(wildcards)
        ]

    def cases(self, wildcards: Wildcards) -> dict[str, str]:
        """Case of each slide of a shard."""
        return {row["slide_id"]: row["case_id"] for row in self.slides.values(wildcards.shard)}

    def embeddings(self, name: str) -> list[str]:
        """A file of embeddings for each pair of model and task of Patho-Bench's layout."""
        return [f"<results>/embed/{model}/{name}" for model, _ in self.probing.pathobench_jobs]

    @property
    def bags(self) -> list[str]:
        """Embeddings of bags that tasks of those pairs define themselves."""
        pairs = self.probing.pathobench_jobs
        return [f"<results>/embed/{model}/bags/{task}.h5" for model, task in pairs if self.embedding.bags(task)]

    def check_target(self) -> None:
        """Raises ProblemsFound where `snakemake export` has nothing to write."""
        problems = Problems()
        if not self.use:
            remedy = f"name at least one of {', '.join(FORMS)}: [parquet, croissant] is the default"
            problems.add("config, key export/use", "empty, so that there is nothing to export", remedy)
        problems.stop()

    def left_over(self) -> list[str]:
        """Notes on what earlier runs exported in forms that the config no longer names."""
        results = self.models.places.results
        left = [
            (form, path) for form, path in FORMS.items() if form not in self.use and os.path.exists(f"{results}/{path}")
        ]
        return [
            f"note: {results}/{path} is of an earlier run: export/use doesn't name {form}, and nothing updates it; "
            "delete it, or name the form"
            for form, path in left
        ]

    def check(self, problems: Problems) -> None:
        """What is asked for can be made: features for SpatialData, tasks for Patho-Bench, a Python that is there."""
        if self.models.places.of_new_slides:  # the study around it exports
            return
        if "spatialdata" in self.use and not self.shards():
            problems.add(
                "config, key export/use",
                "spatialdata is made of patch features, and no slide of this study has any",
                "leave it out, or name a slide sheet and encoders (features/use)",
            )
        if "pathobench" in self.use and not self.probing.pathobench_jobs:
            problems.add(
                "config, key export/use",
                "pathobench is made of tasks, and none is probed with frozen embeddings",
                "leave it out, or name tasks with the group frozen (probe/use)",
            )
        if self.python and not os.access(self.python, os.X_OK):
            problems.add(
                "config, key export/python",
                f"{self.python} is no program that can be run",
                "run `make export-env` in a clone of the workflow and name its .venv-export/bin/python",
            )
