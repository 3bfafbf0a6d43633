"""Which files each target asks for."""

from __future__ import annotations

from collections.abc import Callable

from .comparisons import Comparisons
from .config import Config, Wildcards
from .confounders import Confounders
from .contributions import Contributions
from .embedding import Embedding
from .gene_sets import GeneSets
from .models import Models
from .predict import Predict
from .predictors import Predictors
from .probing import Probing
from .robustness import Robustness

#: What is written last.
PROVENANCE_FILES = ("provenance.json", "ro-crate-metadata.json", "job_times.tsv")
#: What there is of slides, where a study has some.
OF_SLIDES = (
    *("figures/slides.svg", "figures/quality.svg", "tables/slides.tsv", "tables/worst_slides.html"),
    "tables/ledger.tsv",
)
GALLERY = ("gallery.html", "open_in_qupath.groovy", "open_in_qupath.json")
#: Tables and pages of probes, below <results>/tables.
SCORES = ("metrics.tsv", "comparison.tsv", "seeds.tsv", "comparison.html", "tests.tsv", "tests.html")
CALIBRATION = (
    *("tables/calibration.tsv", "tables/calibration.html", "tables/survival_calibration.tsv"),
    *(
        f"figures/{name}.{kind}"
        for name in ("reliability", "decisions", "survival_calibration")
        for kind in ("svg", "tsv")
    ),
)
PUBLISHED = ("published.tsv", "published.html", "published.md", "published.tex", "published_averages.tsv")


class Targets:
    """Files of each stage word; every method takes the wildcards that Snakemake hands to input functions."""

    def __init__(
        self,
        config: Config,
        models: Models,
        embedding: Embedding,
        probing: Probing,
        gene_sets: GeneSets,
        predictors: Predictors,
        comparisons: Comparisons,
        predict: Predict,
        contributions: Contributions,
        pages: Callable[[list[str]], list[str]],
        confounders: Confounders,
        robustness: Robustness,
    ) -> None:
        self.models, self.embedding, self.probing = models, embedding, probing
        self.confounders, self.robustness = confounders, robustness
        self.gene_sets, self.comparisons, self.predict, self.pages = gene_sets, comparisons, predict, pages
        self.predictors, self.contributions = predictors, contributions
        self.slides_sheet, self.grids, self.profiles = models.slides, models.grids, models.profiles
        self._used_grids: list[str] = config["tiles"]["use"]

    def slides(self, wildcards: Wildcards | None = None) -> list[str]:
        """Inspected slides."""
        return [f"<results>/slides/{shard}.tsv" for shard in self.slides_sheet.shards]

    def assessed(self, wildcards: Wildcards | None = None) -> list[str]:
        """Segmented slides."""
        return [f"<results>/tissue/{shard}.tsv" for shard in self.slides_sheet.shards]

    def tissue(self, wildcards: Wildcards | None = None) -> list[str]:
        """Segmented slides and the table of what was set aside."""
        return [*self.assessed(), *self.table_of_slides()]

    def tile_shards(self) -> dict[str, list[str]]:
        """Shards to tile by grid, both sorted."""
        shards = {self.grids.names[key]: set(self.slides_sheet.shards) for key in self._used_grids}
        for grid, encoder in self.models.used_sources():
            shards[grid] = shards.get(grid, set()) | set(self.models.source_shards(grid, encoder))
        return {grid: sorted(shards[grid]) for grid in sorted(shards)}

    def tile_manifests(self, wildcards: Wildcards | None = None) -> list[str]:
        """Patch coordinates of every grid that is used."""
        return [
            f"<results>/tiles/{grid}/{shard}.tsv" for grid, shards in self.tile_shards().items() for shard in shards
        ]

    def tiles(self, wildcards: Wildcards | None = None) -> list[str]:
        """The same, and what was set aside as far as each grid."""
        return self.tile_manifests() + [f"<results>/tables/ledger/{grid}.tsv" for grid in self.tile_shards()]

    def feature_manifests(self, wildcards: Wildcards | None = None) -> list[str]:
        """Patch features of every grid and encoder that is used."""
        return [path for source in self.models.used_sources() for path in self.models.feature_manifests(*source)]

    def manifests(self) -> list[str]:
        """Manifests of all stages of slides that the config and the sheet ask for."""
        return self.slides() + self.assessed() + self.tile_manifests() + self.feature_manifests()

    def features(self, wildcards: Wildcards | None = None) -> list[str]:
        """The same, and what was set aside as far as each grid and encoder."""
        parts = [f"<results>/tables/ledger/{grid}/{encoder}.tsv" for grid, encoder in self.models.used_sources()]
        return self.feature_manifests() + parts

    def omics(self, wildcards: Wildcards | None = None) -> list[str]:
        """Normalised profiles, and what is paired with what."""
        return [*self.profiles.tables, "<results>/omics/pairs.tsv"] if self.profiles.rows else []

    def pretrain(self, wildcards: Wildcards | None = None) -> list[str]:
        """Weights of every run that is used."""
        return [f"<results>/pretrain/runs/{run}/model.safetensors" for run in self.models.used_runs]

    def embed(self, wildcards: Wildcards | None = None) -> list[str]:
        """Embeddings of slides and cases by every model in use, and attention; profiles only where a protocol asks."""
        units = [f"<results>/embed/{model}/{unit}.h5ad" for model in self.models.used for unit in ("slides", "cases")]
        looked_at = self.models.with_attention if self.embedding.attention else []
        return units + [f"<results>/embed/{model}/attention.h5" for model in looked_at]

    def probe(self, wildcards: Wildcards | None = None) -> list[str]:
        """Metrics of every model, task and protocol group, and the probes that are kept."""
        return self.probing.metrics() + self.predictors.files() + self.predictors.references()

    def attention_pages(self) -> list[str]:
        """Maps of attention over each named slide, and its highest patches, by every trained model."""
        return [
            f"<results>/figures/{kind}/{model}/{slide}.png"
            for model in self.models.with_attention
            for slide in self.embedding.attention
            for kind in ("attention", "top_patches")
        ]

    def table_of_slides(self, wildcards: Wildcards | None = None) -> list[str]:
        """What inspection and quality control say of each slide, where a study has slides."""
        return ["<results>/tables/slides.tsv"] * bool(self.slides_sheet.path)

    def embedding_maps(self) -> list[str]:
        """The map of each model in use."""
        return [f"<results>/figures/embedding_maps/{model}.html" for model in self.models.used]

    def slide_maps(self, wildcards: Wildcards | None = None) -> list[str]:
        """Maps of named slides of the sheet, which the gallery shows."""
        return self.attention_pages() + self.gene_sets.maps()

    def report(self, wildcards: Wildcards | None = None) -> list[str]:
        """Tables and figures of what the config has."""
        names = list(OF_SLIDES) * bool(self.slides_sheet.path) + ["tables/exclusions.tsv"] * bool(self.tiles())
        if self.profiles.rows:
            names += ["tables/omics.tsv", "figures/omics.svg"]
        if self.profiles.rows or not self.models.finished.keys().isdisjoint(self.models.needed):
            names.append("omics/leakage.tsv")
        names += ["figures/pretraining.svg"] * bool(self.models.used_runs)
        names += ["figures/embeddings.svg", "tables/scales.tsv"] if self.models.used else []
        names += ["tables/robustness.tsv"] * bool(self.robustness.tables())
        if self.models.used and self.probing.used:
            names += self._scores()
        tables = [f"<results>/{name}" for name in names + self._cohort()] + self.probing.gene_tables()
        tables += self.gene_sets.tables()
        pages = self.pages(tables) + self.confounders.pages()
        gallery = [f"<results>/{name}" for name in GALLERY] * bool(self.slides_sheet.path)
        return tables + pages + self.slide_maps() + self.embedding_maps() + gallery

    def _scores(self) -> list[str]:
        """Results of probing: each figure as SVG, PNG and TSV, each table as TSV, Markdown and LaTeX."""
        names = [f"tables/{name}" for name in SCORES]
        figures, tables = self.comparisons.score_figures(), self.comparisons.score_tables()
        names += [f"figures/{name}.{kind}" for name in figures for kind in ("svg", "png", "tsv")]
        names += [f"tables/{name}.{kind}" for name in tables for kind in ("tsv", "md", "tex")]
        names += ["tables/encoder_cohorts.tsv"] * bool(self.comparisons.seen_networks())
        names += list(CALIBRATION) if self.comparisons.calibrates() else []
        names += ["figures/clusters.svg"] * bool(self.probing.section["cluster"]["use"])
        if self.comparisons.compares_with_paper():
            names += [f"tables/{name}" for name in PUBLISHED] + ["figures/published.svg"]
        return names

    def _cohort(self) -> list[str]:
        """Tables and figures of the cohort and its tasks."""
        names = ["tables/datasets.tsv"] * bool(self.slides_sheet.path)
        if self.models.used_runs:
            names += ["tables/sites.tsv", "figures/sites.svg", "tables/settings.tsv"]
        names += [f"figures/maps/{model}.svg" for model in self.models.trained]
        if self.probing.used:
            names += ["tables/task_statistics.tsv", "tables/labels.tsv"]
            names += ["tables/scaling.tsv"] * bool(self.comparisons.scaling_studies())
        return names

    @property
    def provenance(self) -> list[str]:
        """What is written last."""
        return [f"<results>/{name}" for name in PROVENANCE_FILES]

    @property
    def first_page(self) -> list[str]:
        """The first page, and the run's resources, which it links."""
        return ["<results>/benchmarks/resources.html", "<results>/index.html"]

    def predicted(self, wildcards: Wildcards | None = None) -> list[str]:
        """Predictions of new slides, maps of contributions, and the gallery that shows both."""
        return self.predict.files() + self.contributions.maps() + self.predict.gallery()

    def results(self, wildcards: Wildcards | None = None) -> list[str]:
        """All results that the config asks for."""
        stages = (self.slides, self.tissue, self.tiles, self.features, self.omics, self.pretrain)
        later = (self.embed, self.probe, self.report, self.predicted)
        return [path for targets in (*stages, *later) for path in targets()]

    def all(self, wildcards: Wildcards | None = None) -> list[str]:
        """The same, what made them, and what that took."""
        return self.results() + self.provenance + self.first_page
