"""What tables and figures compare: reference and pairs of models, studies of scale, maps, published scores."""

from __future__ import annotations

import json
from typing import Any

from ..common.kinds import FOREIGN
from .benchmark import Benchmark
from .config import Config, Wildcards
from .embedding import Embedding
from .models import Models
from .probing import Probing
from .sheets import read_sheet

#: Settings of training that runs of one study of scale may differ in.
NOT_OF_STUDIES = ("seed", "batch_size", "micro_batch", "processes", "threads", "readers", "save_every")


class Comparisons:
    """Choices of section report, and where they come from."""

    def __init__(self, config: Config, models: Models, embedding: Embedding, probing: Probing, benchmark: Benchmark):
        self.models, self.tasks, self.embedding, self.probing = models, models.tasks, embedding, probing
        self.benchmark = benchmark
        self.section: Config = config["report"]

    @property
    def reference(self) -> str:
        """The model others are compared with: the config's, else the first trained one in use, else the first."""
        used = self.models.used
        trained = [name for name in used if self.models.entries.get(name, {}).get("kind") == "threads"]
        return self.section["reference"] or next(iter(trained + used), "")

    def seen_networks(self) -> dict[str, list[str]]:
        """Networks of each compared model that were pretrained on public programmes.

        A patch encoder by its adapter, or by its name where features are given; a slide encoder by its kind.
        """
        models = self.models
        table = read_sheet(models.places.shipped("../resources/tasks/encoder_cohorts.tsv"))
        recorded = {row["encoder"] for row in table if row["trained_on"]}
        networks_of = {}
        for name in models.compared():
            entry = models.supervised.get(name) or models.entries[name]
            encoder = (models.source(entry) or ("", ""))[1]
            names = {encoder, models.encoders.entries[encoder]["adapter"]} if encoder else set()
            networks_of[name] = sorted(
                recorded & (names | ({entry["kind"]} if entry.get("kind") in FOREIGN else set()))
            )
        return {name: networks for name, networks in networks_of.items() if networks}

    @property
    def supervised(self) -> list[str]:
        """Names of supervised models that some task asks for."""
        return list(self.models.supervised) if self.tasks.tuned else []

    def pooling_pairs(self) -> dict[str, list[str]]:
        """Each slide encoder in use, with the mean pooling in use over the same grid and patch encoder."""
        models, used = self.models.entries, self.models.used
        means = [name for name in used if models[name]["kind"] == "mean"]
        encoders = [name for name in used if models[name]["kind"] not in ("mean", "table")]
        source = {name: self.models.source(models[name]) for name in used}
        pairs = {name: [mean for mean in means if source[mean] == source[name]] for name in encoders}
        return {name: partners for name, partners in pairs.items() if partners}

    @property
    def pooling(self) -> str:
        """Mean pooling of the patches that the reference encodes, or '' where none is in use."""
        return next(iter(self.pooling_pairs().get(self.reference, [])), "")

    def random_pairs(self) -> dict[str, list[str]]:
        """Each trained model in use, with the untrained ones in use of the same grid, encoder and sizes."""

        def build(name: str) -> tuple[Any, Any]:
            run = self.models.runs[self.models.entries[name]["run"]]
            return self.models.source(run), run["slide_encoder"]

        untrained = [name for name in self.models.used if self.models.entries[name]["kind"] == "random"]
        pairs = {
            name: [random_model for random_model in untrained if build(random_model) == build(name)]
            for name in self.models.trained
        }
        return {name: random_models for name, random_models in pairs.items() if random_models}

    def published_names(self) -> dict[str, str]:
        """The paper's name of each compared model that it has: as the config says, else the model's own."""
        named = self.section["published"]
        names = {model: named.get(model, model) for model in self.models.compared()}
        return {model: name for model, name in names.items() if name in self.benchmark.models}

    # Runs.

    def run_settings(self) -> dict[str, Config]:
        """Each used run with its grid and with what is known about its patch encoder, which may be read from files."""
        models = self.models
        return {
            name: models.runs[name]
            | {
                "encoder": models.encoders.facts_of(models.runs[name]["encoder"]),
                "grid": models.grids.entries[models.runs[name]["grid"]],
            }
            for name in models.used_runs
        }

    def mapped_slides(self, wildcards: Wildcards) -> str:
        """The slides that a mapped model's run trained on."""
        return f"<results>/tables/runs/{self.models.entries[wildcards.model]['run']}.tsv"

    def mapped_blocks(self, wildcards: Wildcards) -> list[str]:
        """Embeddings of them: blocks of all slides, or blocks of their own where the run's cohorts are not embedded."""
        run = self.models.entries[wildcards.model]["run"]
        cohorts = set(self.models.runs[run]["cohorts"])
        folder = f"<results>/embed/{wildcards.model}"
        if not self.models.cohorts or cohorts <= self.models.cohorts:
            blocks = self.embedding.slide_blocks.items()
            run_blocks = [block for block, rows in blocks if any(row.get("cohort") in cohorts for row in rows)]
            return [f"{folder}/slides/{block}.h5" for block in run_blocks]
        return [f"{folder}/pretraining/{shard}.h5" for shard in self.models.run_shards(run)]

    def scaling_studies(self) -> list[dict[str, Any]]:
        """Used models by run, of runs that differ in the part of the data or the slide encoder, and in nothing else."""
        runs = {self.models.entries[model]["run"]: model for model in reversed(self.models.trained)}
        studies = []
        for study, varied in (("data", "fraction"), ("size", "slide_encoder")):
            groups: dict[str, dict[str, str]] = {}
            for run in sorted(runs):
                same = {key: value for key, value in self.models.runs[run].items() if key != varied}
                training = same["training"].items()
                same["training"] = {key: setting for key, setting in training if key not in NOT_OF_STUDIES}
                groups.setdefault(json.dumps(same, sort_keys=True), {})[run] = runs[run]
            for models in groups.values():
                if len({json.dumps(self.models.runs[run][varied], sort_keys=True) for run in models}) > 1:
                    studies.append({"study": study, "models": models})
        return studies

    def scaling_runs(self) -> list[str]:
        """Runs of these studies, sorted."""
        return sorted({run for study in self.scaling_studies() for run in study["models"]})

    # What the config's results fill.

    def may_be_small(self, task: str) -> bool:
        """True for a task of few cases (report/small_cohort) and several folds, or one whose table is made later."""
        rows = self.tasks.table(task)
        recipe = self.tasks.recipe(task)
        folds = sum("fold_" in name for name in rows[0]) if rows else 0
        has_folds = folds > 1 or bool(recipe and recipe.get("method") != "official")
        return not rows or (has_folds and len({row["case_id"] for row in rows}) <= self.section["small_cohort"])

    def score_figures(self) -> list[str]:
        """Names of the figures of scores that the config's results fill."""
        probe, frozen = self.probing.section, self.tasks.with_group("frozen")
        if not (self.models.used and probe["use"]):
            return []
        filled = {
            **dict.fromkeys(("tasks", "averages", "heatmap"), frozen),
            **dict.fromkeys(("curves", "confusion"), [task for task in frozen if self.tasks.may_have_classes(task)]),
            "small_cohorts": [task for task in frozen if self.may_be_small(task)],
            "slide_encoder_gain": frozen and self.pooling_pairs(),
            "c_sweep": frozen and probe["C_sweep"],
            "label_curve": set(self.tasks.with_group("fewshot")) & set(frozen),
            "fewshot": self.tasks.with_group("fewshot"),
            "retrieval": self.tasks.with_group("retrieval"),
            "prompting": probe["prompt"]["use"],
            "transfer": probe["transfer"]["use"],
            **dict.fromkeys(("finetuning", "finetuning_tasks"), self.probing.of_finetuning()),
            "finetuning_gain": self.tasks.tuned and self.random_pairs(),
        }
        return [name for name, filling in filled.items() if filling]

    def score_tables(self) -> list[str]:
        """Names of the tables of scores that the config's results fill."""
        probe = self.probing.section
        if not (self.models.used and probe["use"]):
            return []
        has_protocols = any(self.tasks.with_group(group) for group in ("fewshot", "retrieval"))
        has_protocols = has_protocols or probe["prompt"]["use"] or probe["transfer"]["use"] or probe["C_sweep"]
        return ["cohorts"] + ["protocols"] * bool(has_protocols)

    def calibrates(self) -> bool:
        """True if a frozen probe has probabilities, or predicted survival."""
        settings = [self.tasks.settings(task) for task in self.tasks.with_group("frozen")]
        judged = any(
            not isinstance(task_settings, dict) or task_settings.get("task_type") != "regression"
            for task_settings in settings
        )
        return bool(self.models.used and self.probing.section["use"] and judged)

    def compares_with_paper(self) -> bool:
        """True if a used model and a used task have published scores."""
        return bool(self.published_names() and set(self.probing.used) & set(self.benchmark.tasks))
