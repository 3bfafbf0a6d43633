"""Gene sets in a model's embeddings: directions, reliability, scores of cases, slides and patches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..common.files import read_tsv, write_tsv
from ..embed.bags import Bags
from ..probe.embeddings import EmbeddingTable
from ..probe.regression import regression_metrics
from ..probe.samples import check_finite
from . import gene_set_reliability as reliability
from .gene_prompts import Prompts
from .gene_set_cases import Scored, Support, take_cases
from .gene_set_patches import write_patches
from .gene_set_reliability import FOLDS, NOT_ASKED, Directions

#: Fewest query cases whose correlation is reported.
FEWEST_QUERIES = 10
WAYS = ("regression", "prompt")
COLUMNS = (
    *("set", "way", "verdict", "detail", "n_measured", "n_in_model", "n_support", "n_support_pretrained"),
    *("r2", "r2_lower", "r2_upper", "spearman", "lower", "upper", "p_pairs", "padj_pairs", "p_random", "padj_random"),
    *("spearman_random", "n_permutations", "n_random", "n_query", "query_spearman", "query_lower", "query_upper"),
)


def read_gene_sets(
    *,
    model: Mapping[str, Any],
    run_folder: str,
    own: bool,
    scores: str,
    listing: str,
    slides: str,
    cases: str,
    tables: Sequence[str],
    manifests: Sequence[str],
    wsi: str,
    settings: Mapping[str, Any],
    outputs: Mapping[str, str],
    threads: int = 1,
) -> None:
    """Write `sets` (TSV, one row per set and way), `scores` (TSV, of cases and slides) and `patches` (HDF5).

    model: as for embedding; run_folder: of a trained run, '' for others; scores, listing: of score_gene_sets; tables:
    rna.h5ad of the support's cohorts; manifests: of the features of the slides that are mapped, and of the reference.
    settings: support (cohorts), trained (cases that the model was pretrained on), permutations, seed, alphas, slides
    (to map), reference (slides), min_genes. Raises BadGeneSets if there are too few data.
    """
    import torch

    torch.set_num_threads(threads)
    scored = Scored.read(scores)
    of_cases = EmbeddingTable.read(cases)
    check_finite(of_cases.vectors, of_cases.ids, "case_id", cases)
    support, query = take_cases(scored, of_cases, settings["support"], settings["seed"])
    names, alphas = list(scored.scores), settings["alphas"]
    orders = reliability.permutations(support.cohorts, settings["permutations"], settings["seed"])
    directions = {"regression": reliability.fit_directions(support.x, support.y, support.folds, alphas)}
    null: dict[str, tuple[np.ndarray, ...]] = {
        "regression": (
            reliability.null_by_pairs(support.x, support.y, support.folds, alphas, orders),
            reliability.null_by_random(support.x, support.random, support.folds, alphas),
        )
    }
    prompts = Prompts(scored, support, tables, run_folder, own, settings["min_genes"])
    directions["prompt"] = prompts.directions
    null["prompt"] = prompts.null(orders)
    verdicts: list[dict[str, Any]] = []
    for way in WAYS:
        rows = [
            judged(number, name, way, directions[way], null[way], support, query, settings)
            for number, name in enumerate(names)
            if way == "regression" or name in prompts.prompted
        ]
        verdicts += reliability.judge(pd.DataFrame(rows)).to_dict("records") if rows else []
    verdicts += [
        {"set": name, "way": "prompt", "verdict": NOT_ASKED, "detail": reason}
        for name, reason in prompts.reasons.items()
    ]
    write_tsv(
        outputs["sets"], with_facts(pd.DataFrame(verdicts), read_tsv(listing), prompts.n_readable, support, settings)
    )
    names_by_way = {"regression": names, "prompt": [name for name in names if name in prompts.prompted]}
    columns = [(way, names.index(name)) for way in WAYS for name in names_by_way[way]]
    files = {"case": cases, "slide": slides}
    score_tables = [
        score_table(unit, path, directions, columns, names, support, settings) for unit, path in files.items()
    ]
    write_tsv(outputs["scores"], pd.concat(score_tables))
    write_patches(
        outputs["patches"],
        model,
        run_folder,
        Bags(manifests, wsi),
        slides,
        directions,
        columns,
        names,
        support,
        settings,
    )


def judged(
    number: int,
    name: str,
    way: str,
    directions: Directions,
    null: tuple[np.ndarray, ...],
    support: Support,
    query: Support,
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """A row of the table of sets, without verdict.

    null: correlations with shuffled pairs, and of random sets; where these were found in another way than the scores,
    the set's own correlation in that way is the third.
    """
    seed, truth = settings["seed"], support.y[:, number]
    predicted = directions.scores(support.x, support.folds)[:, number]
    metrics = regression_metrics(truth, predicted)
    lower, upper = reliability.interval(truth, predicted, seed)
    row = {"set": name, "way": way, "detail": "", "spearman": metrics["spearman"], "lower": lower, "upper": upper}
    if way == "regression":  # a prompt's scores have no unit for squared errors
        low, high = reliability.interval(truth, predicted, seed, "r2")
        row |= {"r2": metrics["r2"], "r2_lower": low, "r2_upper": high}
    observed = metrics["spearman"], null[2][number] if len(null) > 2 else metrics["spearman"]
    for kind, correlation, values in zip(("pairs", "random"), observed, null[:2], strict=True):
        row[f"p_{kind}"] = reliability.chance(correlation, values[number]) if values.shape[1] else np.nan
    row |= {"spearman_random": null[1][number].mean() if null[1].shape[1] else np.nan}
    row |= {"n_permutations": null[0].shape[1], "n_random": null[1].shape[1], "n_query": len(query.cases)}
    if len(query.cases) >= FEWEST_QUERIES:
        query_scores = directions.scores(query.x, np.full(len(query.cases), FOLDS))[:, number]
        row["query_spearman"] = regression_metrics(query.y[:, number], query_scores)["spearman"]
        row["query_lower"], row["query_upper"] = reliability.interval(query.y[:, number], query_scores, seed)
    return row


def with_facts(
    verdicts: pd.DataFrame,
    listing: pd.DataFrame,
    n_in_model: Mapping[str, int],
    support: Support,
    settings: Mapping[str, Any],
) -> pd.DataFrame:
    """The table of sets in the order of the listing, sets that could not be scored among them."""
    unscored = listing[listing.status != "scored"]
    not_asked = [
        {"set": r.set, "way": way, "verdict": NOT_ASKED, "detail": r.detail}
        for r in unscored.itertuples()
        for way in WAYS
    ]
    table = pd.concat([verdicts, pd.DataFrame(not_asked)], ignore_index=True) if not_asked else verdicts
    measured = dict(zip(listing.set, listing.n_measured, strict=True))
    pretrained = set(settings["trained"])
    table["n_measured"] = table.set.map(measured)
    table["n_in_model"] = table.set.map(n_in_model).fillna(0).astype(int)
    table["n_support"] = len(support.cases)
    table["n_support_pretrained"] = sum(case in pretrained for case in support.cases)
    position = {name: i for i, name in enumerate(listing.set)}
    order = table.assign(a=table.set.map(position), b=table.way.map(WAYS.index)).sort_values(["a", "b"]).index
    return table.reindex(columns=list(COLUMNS)).loc[order]


def score_table(
    unit: str,
    path: str,
    directions: Mapping[str, Directions],
    columns: Sequence[tuple[str, int]],
    names: Sequence[str],
    support: Support,
    settings: Mapping[str, Any],
) -> pd.DataFrame:
    """Scores of all cases or slides: one row per unit, set and way; support cases by the folds without them."""
    table = EmbeddingTable.read(path)
    check_finite(table.vectors, table.ids, f"{unit}_id", path)
    cases = table.columns.get("case_id", table.ids) if unit == "slide" else table.ids
    folds, x, pretrained = support.fold_of(cases), reliability.scaled(table.vectors), set(settings["trained"])
    scores = {way: way_directions.scores(x, folds) for way, way_directions in directions.items()}
    identity = pd.DataFrame({"unit": unit, "id": table.ids, "case_id": cases})
    identity["side"] = np.where(folds < FOLDS, "support, out of fold", "query")
    identity["pretraining"] = ["yes" if case in pretrained else "no" for case in cases]
    tables = [identity.assign(set=names[i], way=way, score=scores[way][:, i]) for way, i in columns]
    return pd.concat(tables)[["unit", "id", "case_id", "set", "way", "score", "side", "pretraining"]]
