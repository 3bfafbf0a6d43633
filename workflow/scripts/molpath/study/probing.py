"""What probes, fine-tuning and the tables of genes read of the config, and the metrics they write."""

from __future__ import annotations

import os
from typing import Any

from .config import Config, Wildcards
from .models import Models

#: Keys of the section probe that the frozen probes don't read.
NOT_OF_PROBES = (
    *("tasks", "use", "benchmark", "benchmark_groups", "transfer", "prompt", "cluster", "finetune"),
    *("genes", "expression", "gene_sets", "predictors", "confounders", "robustness"),
)
#: Groups whose predictions are written.
PREDICTING = ("frozen", "finetune", "transfer", "prompt")


class Probing:
    """Jobs of section probe: a model and a task each."""

    def __init__(self, config: Config, models: Models) -> None:
        self.models, self.tasks, self.slides = models, models.tasks, models.slides
        self.section: Config = config["probe"]
        self.used: list[str] = self.section["use"]
        #: Settings of the probes, without tasks.
        self.settings = {key: value for key, value in self.section.items() if key not in NOT_OF_PROBES}
        #: What fine-tuning and the summaries read of the config.
        finetune = {key: value for key, value in self.section["finetune"].items() if key not in ("models", "use")}
        self.finetune_settings = {key: self.section[key] for key in ("bootstraps", "seed", "missing")} | {
            "finetune": finetune
        }
        #: Settings of the frozen probe whose direction is taken.
        self.direction_settings = {key: self.section[key] for key in ("C", "max_iter", "cox", "plain", "scale")}
        self._task_shards: dict[str, list[str]] = {}

    # Metrics.

    def of_group(self, group: str) -> list[str]:
        """Folds of every model in use on the tasks of a group of frozen probes."""
        return [
            f"<results>/probe/{model}/{task}/{group}/metrics.tsv"
            for model in self.models.used
            for task in self.tasks.with_group(group)
        ]

    def of_finetuning(self) -> list[str]:
        """Metrics of every model and task of the group finetune."""
        return [
            f"<results>/probe/{model}/{task}/finetune/metrics.tsv"
            for model in self.models.finetuned
            for task in self.tasks.tuned
        ]

    def of_protocols(self) -> list[str]:
        """Metrics of every model's transfers, prompts and clusters."""
        return [
            f"<results>/probe/{model}/{task}/{protocol}/metrics.tsv"
            for model in self.models.used
            for protocol in ("transfer", "prompt", "cluster")
            for task in self.section[protocol]["use"]
        ]

    def metrics(self, wildcards: Wildcards | None = None) -> list[str]:
        """Metrics of every model, task and protocol group."""
        folds = [
            f"<results>/probe/{model}/{task}/{group}/metrics.tsv"
            for model in self.models.used
            for task in self.used
            for group in self.tasks.entries[task]["groups"]
            if group != "finetune"
        ]
        return folds + self.of_finetuning() + self.of_protocols()

    def summaries(self, wildcards: Wildcards | None = None) -> list[str]:
        """Summaries of every model, task and group."""
        return [path.replace("metrics.tsv", "summary.tsv") for path in self.metrics()]

    def predictions(self, wildcards: Wildcards | None = None) -> list[str]:
        """Predictions of frozen and fine-tuned probes, transfers and prompts: what tests within tasks need."""
        paths = [path for path in self.metrics() if os.path.basename(os.path.dirname(path)) in PREDICTING]
        return [path.replace("metrics.tsv", "predictions.parquet") for path in paths]

    def cluster_points(self, wildcards: Wildcards | None = None) -> list[str]:
        """t-SNE coordinates of every clustered task and model."""
        return [
            f"<results>/probe/{model}/{task}/cluster/tsne.tsv"
            for task in self.section["cluster"]["use"]
            for model in self.models.used
        ]

    # Patho-Bench's layout.

    @property
    def pathobench_jobs(self) -> list[list[str]]:
        """Pairs of model and task whose frozen probes are written in Patho-Bench's layout."""
        return [[model, task] for model in self.models.used for task in self.tasks.with_group("frozen")]

    def pathobench_files(self, name: str) -> list[str]:
        """A file of each of those jobs."""
        return [f"<results>/probe/{model}/{task}/frozen/{name}" for model, task in self.pathobench_jobs]

    @property
    def pathobench_configs(self) -> list[str]:
        """config.yaml of each job's task."""
        return [self.tasks.config_file(task) for _, task in self.pathobench_jobs]

    @property
    def pathobench_tables(self) -> list[str]:
        """k=all.tsv of each job's task."""
        return [self.tasks.splits(task) for _, task in self.pathobench_jobs]

    # Fine-tuning.

    def finetune_model(self, wildcards: Wildcards) -> Config:
        """The model with its name; kind, weights and sizes as for embedding."""
        if wildcards.model in self.models.supervised:
            return self.models.supervised[wildcards.model] | {"name": wildcards.model}
        return self.models.model(wildcards)

    def finetune_manifests(self, wildcards: Wildcards) -> list[str]:
        """Feature manifests of the shards with slides of the task."""
        model = self.models.supervised.get(wildcards.model) or self.models.entries[wildcards.model]
        source = self.models.source(model)
        if source is None:
            return []
        shards = self.task_shards(wildcards.task) or self.models.source_shards(*source)
        return [f"<results>/features/{source[0]}/{source[1]}/{shard}.tsv" for shard in shards]

    def task_shards(self, task: str) -> list[str]:
        """Shards with slides that a task lists, or of cases for which it lists none; none where it is made later."""
        if task not in self._task_shards:
            rows, shard_of = self.tasks.table(task), self.slides.shard_of
            cases = {row.get("case_id") for row in rows if not row.get("slide_id")}
            listed = {row.get("slide_id") for row in rows}
            listed |= {row["slide_id"] for row in self.slides.rows if row["case_id"] in cases}
            self._task_shards[task] = sorted({shard_of[slide] for slide in listed if slide in shard_of})
        return self._task_shards[task]

    def finetune_weights(self, wildcards: Wildcards) -> list[str]:
        """Files of the model's weights; none for a supervised one."""
        return [] if wildcards.model in self.models.supervised else self.models.weights(wildcards)

    # Genes.

    def rna_tables(self, wildcards: Wildcards | None = None) -> list[str]:
        """Expression tables of all cohorts."""
        return self.models.profiles.tables_of("rna")

    def gene_tables(self) -> list[str]:
        """Tables of direction and expression that the config names."""
        directions = [
            f"<results>/probe/{item['model']}/{item['task']}/genes/directions.tsv" for item in self.section["genes"]
        ]
        expression = [
            f"<results>/probe/{item['model']}/{item['task']}/{item['group']}/expression.tsv"
            for item in self.section["expression"]
        ]
        return directions + expression

    def expression_settings(self, wildcards: Wildcards) -> dict[str, Any]:
        """How the groups of a model, task and group are made."""
        for item in self.section["expression"]:
            if all(item[key] == getattr(wildcards, key) for key in ("model", "task", "group")):
                return {key: item[key] for key in ("split", "class", "min_counts")}
        return {}
