"""Values that report/figures.yaml and tables.yaml name, as functions of wildcards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .comparisons import Comparisons
from .config import Config, Places
from .ledger import Ledger
from .models import Models
from .probing import Probing
from .robustness import Robustness

Provider = Callable[[Any], Any]
#: Tables of resources/ by the name of their provider.
SHIPPED = {
    "pretraining_sites": "tasks/pretraining_sites",
    "pretraining_cohorts": "tasks/pretraining_cohorts",
    "task_classes": "tasks/classes",
    "task_cohorts": "tasks/cohorts",
    "encoder_cohorts": "tasks/encoder_cohorts",
    "benchmark_table": "tasks/tasks",
    "published_settings": "published/settings",
    "other_scores": "published/other_sources",
    "published_comparisons": "published/comparisons",
}
#: Tables of the paper's scores.
PUBLISHED = ("linear_probe", "fine_tuning", "transfer", "retrieval", "clustering", "few_shot", "prompting")


@dataclass(frozen=True)
class Parts:
    """What of a study the providers read. ledger: made after them."""

    config: Config
    places: Places
    models: Models
    probing: Probing
    comparisons: Comparisons
    robustness: Robustness
    ledger: Callable[[], Ledger]


def providers_of(parts: Parts) -> dict[str, Provider]:
    """Providers of a study: files, tables that ship, values."""
    shipped = {name: parts.places.shipped(f"../resources/{path}.tsv") for name, path in SHIPPED.items()}
    scores = [parts.places.shipped(f"../resources/published/{name}.tsv") for name in PUBLISHED]
    return {
        **{name: constant(path) for name, path in shipped.items()},
        "published_scores": constant(scores),
        **of_files(parts),
        **of_values(parts),
    }


def constant(value: Any) -> Provider:
    """A provider of one value."""
    return lambda wildcards: value


def overlaps(tasks: Sequence[str], wildcards: Mapping[str, str]) -> str:
    """Words of tasks with cases on both sides of a fold, at most three by name; below probe, of the folder's task."""
    folder = wildcards.get("folder", "").split("/")
    named = [task for task in tasks if folder[0] != "probe" or task == folder[2]]
    more = f" and {len(named) - 3} more" if len(named) > 3 else ""
    return f"cases on both sides of folds of {', '.join(named[:3])}{more}" if named else ""


def of_files(parts: Parts) -> dict[str, Provider]:
    """Providers of files that jobs or the user make."""
    models, tasks, probing, comparisons = parts.models, parts.models.tasks, parts.probing, parts.comparisons

    def per_run(pattern: str, runs: Callable[[], list[str]]) -> Provider:
        return lambda wildcards: [pattern.format(run) for run in runs()]

    def used_runs() -> list[str]:
        return models.used_runs

    return {
        "slide_sheet": constant(models.slides.sheet),
        "tile_manifests": lambda wildcards: parts.ledger().all_tiles(),
        "feature_manifests": lambda wildcards: parts.ledger().all_features(),
        "packed_indices": lambda wildcards: parts.ledger().packed(),
        "pairs_of_runs": lambda wildcards: parts.ledger().pairs(),
        "embedded_slides": lambda wildcards: parts.ledger().embedded(),
        "histories": per_run("<results>/pretrain/runs/{}/history.tsv", used_runs),
        "run_slides": per_run("<results>/tables/runs/{}.tsv", used_runs),
        "run_indices": models.run_indices,
        "case_embeddings": lambda wildcards: [f"<results>/embed/{model}/cases.h5ad" for model in models.used],
        "robustness_tables": parts.robustness.tables,
        "cluster_points": probing.cluster_points,
        "cluster_scores": lambda wildcards: [
            path.replace("tsne.tsv", "summary.tsv") for path in probing.cluster_points()
        ],
        "frozen_metrics": lambda wildcards: probing.of_group("frozen"),
        "frozen_predictions": lambda wildcards: [
            path.replace("metrics.tsv", "predictions.parquet") for path in probing.of_group("frozen")
        ],
        "fewshot_metrics": lambda wildcards: probing.of_group("fewshot"),
        "label_predictions": lambda wildcards: [
            path.replace("metrics.tsv", "predictions.parquet")
            for group in ("frozen", "fewshot")
            for path in probing.of_group(group)
        ],
        "frozen_splits": lambda wildcards: [tasks.splits(task) for task in tasks.with_group("frozen")],
        "tested_splits": tasks.tested_splits,
        "probe_summaries": probing.summaries,
        "probe_metrics": probing.metrics,
        "probe_predictions": probing.predictions,
        "described_files": lambda wildcards: [path for task in sorted(probing.used) for path in tasks.files_of(task)],
        "mapped_blocks": comparisons.mapped_blocks,
        "mapped_slides": comparisons.mapped_slides,
        "scaling_weights": per_run("<results>/pretrain/runs/{}/model.safetensors", comparisons.scaling_runs),
        "scaling_slides": per_run("<results>/tables/runs/{}.tsv", comparisons.scaling_runs),
    }


def of_values(parts: Parts) -> dict[str, Provider]:
    """Providers of values of the config, and of what follows from them."""
    config, models, comparisons = parts.config, parts.models, parts.comparisons
    return {
        "note": constant(config["report"]["note"]),
        "overlaps": lambda wildcards: overlaps(models.tasks.overlapping, dict(wildcards.items())),
        "quality_thresholds": constant(config["tissue"]["quality"]),
        "colour_column": constant(config["report"]["colour"]),
        "small_cohort": constant(config["report"]["small_cohort"]),
        "map_settings": constant(config["report"]["map"]),
        "probe_c": constant(config["probe"]["C"]),
        "used_models": constant(models.used),
        "model_name": lambda wildcards: wildcards.model,
        "history_names": lambda wildcards: models.used_runs,
        "compared_models": models.kinds,
        "reference_model": lambda wildcards: comparisons.reference,
        "supervised_names": lambda wildcards: comparisons.supervised,
        "pooling_pairs": lambda wildcards: comparisons.pooling_pairs(),
        "pooling_model": lambda wildcards: comparisons.pooling,
        "random_pairs": lambda wildcards: comparisons.random_pairs(),
        "published_names": lambda wildcards: comparisons.published_names(),
        "frozen_tasks": lambda wildcards: models.tasks.with_group("frozen"),
        "task_families": models.tasks.families,
        "tested_tasks": lambda wildcards: models.tasks.tested,
        "model_networks": lambda wildcards: comparisons.seen_networks(),
        "described_tasks": lambda wildcards: sorted(parts.probing.used),
        "trained_cohorts": lambda wildcards: sorted(
            {cohort for run in models.used_runs for cohort in models.runs[run]["cohorts"]}
        ),
        "run": models.run,
        "run_sources": lambda wildcards: parts.ledger().runs(),
        "model_sources": lambda wildcards: parts.ledger().sources(),
        "run_fractions": lambda wildcards: {run: models.runs[run]["fraction"] for run in models.used_runs},
        "run_settings": lambda wildcards: comparisons.run_settings(),
        "scaling_runs": lambda wildcards: comparisons.scaling_runs(),
        "scaling_studies": lambda wildcards: comparisons.scaling_studies(),
        "scaling_settings": lambda wildcards: {run: models.runs[run] for run in comparisons.scaling_runs()},
    }
