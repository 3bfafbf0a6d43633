"""Which scores a figure or table shows, and what the tests say about a model beside the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..common.files import read_tsv
from ..common.tsv import BadTable
from ..probe.permuting import FROZEN
from ..probe.results import AT_CHANCE, EMPTY, OVERLAP

#: Columns of numbers in tables/metrics.tsv.
NUMBERS = (
    "mean",
    "se",
    "lower",
    "upper",
    "n_folds",
    "n_fits",
    "n_failed",
    "n_empty",
    "chance",
    "p_permuted",
    "n_train",
    "n_test",
    "n_samples",
    "n_missing",
    "shots",
)
#: Protocols whose score represents a task, by group.
MAIN = {
    "frozen": FROZEN,
    "transfer": FROZEN,
    "finetune": ("finetune",),
    "fewshot": ("fewshot",),
    "retrieval": ("retrieval",),
}
#: Protocols that prompt, with the name of each.
PROMPTS = {"prompt_rna": "RNA prompts", "prompt_dna": "DNA prompts", "prompt_slides": "slide prompts"}
#: Names of models in their order; as a mapping with the kind and seed of each, as the study knows them by the config.
Models = Sequence[str] | Mapping[str, Sequence[str]]
#: Share of its folds (few labels: of folds and draws) of which a score must have a value to be averaged, ranked and
#: tested: four of five. Folds that a probe fails on are not random: a mean over the others is biased. A Cox
#: model without a coefficient has a value, 0.5, that says nothing about the embeddings: such folds don't count either.
ENOUGH = 0.8
LEVELS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))


def read_metrics(path: str) -> pd.DataFrame:
    """tables/metrics.tsv with its numbers as numbers.

    Raises BadTable where columns are missing, as in files of an earlier version.
    """
    table = read_tsv(path)
    if absent := [name for name in (*NUMBERS, "primary") if name not in table]:
        wrong = f"no column {', '.join(absent)}, for an earlier version wrote it"
        raise BadTable(f"{path}, header", wrong, f"delete {path} and run the workflow again, which writes it again")
    for name in (*NUMBERS, "primary"):
        table[name] = pd.to_numeric(table[name], errors="coerce")
    return table


def kind_of(model: str, models: Models) -> str:
    """Kind of a model: models that differ only in their seed are one. Names don't matter."""
    return models[model][0] if isinstance(models, Mapping) and model in models else model


def seed_of(model: str, models: Models) -> str:
    """Seed of a model among those of its kind ('s1'), '' where it is the only one."""
    return models[model][1] if isinstance(models, Mapping) and model in models else ""


def main_scores(metrics: pd.DataFrame, group: str, models: Models) -> pd.DataFrame:
    """Rows of a task's first metric by the group's own protocols, tasks by family and then by name."""
    group_metrics = metrics[(metrics.group == group) & metrics.protocol.isin(MAIN[group]) & metrics.model.isin(models)]
    return group_metrics[group_metrics.primary == 1].sort_values(["family", "task"], kind="stable")


def enough(scores: pd.DataFrame) -> pd.Series:
    """True for rows of metrics.tsv whose mean is over at least ENOUGH of their folds, empty Cox models left out."""
    return scores.n_fits - scores.n_failed - scores.n_empty >= ENOUGH * scores.n_fits - 1e-9


def counted(scores: pd.DataFrame) -> pd.Series:
    """Column `mean` as it goes into averages and comparisons: nan where too few folds have a value."""
    return scores["mean"].where(enough(scores))


def describe_folds(n_fits: float, n_failed: float, n_empty: float, n_folds: float) -> str:
    """'1 of 5 folds' where some have no value ('480 of 500 fits' where each fold was drawn several times).

    'no coefficient kept in 2 of 5 folds' where Cox models are empty; '' where neither is so.
    """
    fits = f"of {n_fits:.0f} {'folds' if n_fits == n_folds else 'fits'}"
    counts = [f"{n_fits - n_failed:.0f} {fits}"] * bool(n_failed > 0) + [f"{EMPTY} in {n_empty:.0f} {fits}"] * bool(
        n_empty > 0
    )
    return ", ".join(counts)


def notes_of_folds(scores: pd.DataFrame) -> list[str]:
    """Words of `describe_folds` for each row of metrics.tsv; whether a network learned nothing, or cases overlap."""
    folds = [describe_folds(*row) for row in scores[["n_fits", "n_failed", "n_empty", "n_folds"]].to_numpy()]
    notes = scores.get("note", pd.Series("", index=scores.index)).fillna("").astype(str)
    marks = [[word for word in (AT_CHANCE, OVERLAP) if word in note] for note in notes]
    return [
        ", ".join(filter(None, (fold_note, *mark_notes))) for fold_note, mark_notes in zip(folds, marks, strict=True)
    ]


def by_task(scores: pd.DataFrame, models: Models) -> pd.DataFrame:
    """Means, tasks x models, tasks and models in their order; models without any row are left out.

    nan where too few folds have a value (see ENOUGH).
    """
    scores = scores.assign(mean=counted(scores))
    wide = scores.pivot(index="task", columns="model", values="mean").reindex(list(dict.fromkeys(scores.task)))
    return wide[[model for model in models if model in wide]]


def shared_means(wide: pd.DataFrame) -> tuple[pd.Series, int]:
    """Mean by model over the tasks (rows) that all of them have a value on, and how many these are.

    A model without any value has no mean, and takes no task from the others.
    """
    complete = wide.dropna(axis=1, how="all").dropna()
    return complete.mean().reindex(wide.columns), len(complete)


def tasks_won(wide: pd.DataFrame, models: Models) -> pd.Series:
    """How many tasks each kind of model has the highest mean over its seeds on; a tie counts for all in it."""
    kinds = wide.T.groupby([kind_of(model, models) for model in wide], sort=False).mean().T
    best = kinds.max(axis=1)
    return kinds.eq(best, axis=0)[best.notna()].sum()


def fold_values(metrics: pd.DataFrame, paths: Sequence[str], group: str) -> pd.DataFrame:
    """Value of each task's first metric in every fold and draw of a group's own protocols (metrics.tsv of jobs)."""
    key = ["task", "model", "group", "protocol", "metric"]
    first = metrics[(metrics.primary == 1) & (metrics.group == group) & metrics.protocol.isin(MAIN[group])]
    parts = [part for path in paths if len(part := read_tsv(path))]
    if not parts:
        return pd.DataFrame(columns=[*key, "family", "shots", "repeat", "fold", "value"])
    folds = pd.concat(parts, ignore_index=True).merge(first[[*key, "family"]].drop_duplicates(), on=key)
    for name in ("shots", "repeat", "fold", "value"):
        folds[name] = pd.to_numeric(folds[name], errors="coerce")
    return folds


def read_tests(path: str) -> pd.DataFrame:
    """tables/tests.tsv with its numbers as numbers."""
    tests = read_tsv(path)
    for name in ("difference", "p_adjusted"):
        tests[name] = pd.to_numeric(tests[name], errors="coerce")
    return tests


def beside_reference(tests: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Contrasts with the reference, one row per model: `difference` is its score minus that one, and `p_adjusted`.

    tests: rows of one question (a scope, group and method).
    """
    first, second = tests[tests.model_a == reference], tests[tests.model_b == reference]
    parts = [
        first.assign(model=first.model_b, difference=-first.difference),
        second.assign(model=second.model_a),
    ]
    return pd.concat(parts).set_index("model")[["difference", "p_adjusted"]]


def stars(p: float) -> str:
    """'*' below 0.05, '**' below 0.01, '***' below 0.001."""
    return next((word for level, word in LEVELS if np.isfinite(p) and p < level), "")
