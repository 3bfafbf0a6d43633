"""What a model's embeddings say of gene sets: directions, reliability, scores of cases, slides and patches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..common.files import read_tsv, write_tsv
from ..embed.bags import Bags
from ..probe.embeddings import EmbeddingTable
from ..probe.regression import regression_metrics
from . import gene_set_reliability as reliability
from .gene_prompts import Prompts
from .gene_set_cases import Scored, Support, take_cases
from .gene_set_patches import write_patches
from .gene_set_reliability import FOLDS, NOT_ASKED, Directions

#: Query cases whose correlation is told.
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
    (to map), reference (slides), min_genes. Raises BadGeneSets where there is too little to judge by.
    """
    import torch

    torch.set_num_threads(threads)
    scored = Scored.read(scores)
    support, query = take_cases(scored, EmbeddingTable.read(cases), settings["support"], settings["seed"])
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
    found: list[dict[str, Any]] = []
    for way in WAYS:
        rows = [
            judged(number, name, way, directions[way], null[way], support, query, settings)
            for number, name in enumerate(names)
            if way == "regression" or name in prompts.asked
        ]
        found += reliability.judge(pd.DataFrame(rows)).to_dict("records") if rows else []
    found += [
        {"set": name, "way": "prompt", "verdict": NOT_ASKED, "detail": why} for name, why in prompts.aside.items()
    ]
    write_tsv(outputs["sets"], with_facts(pd.DataFrame(found), read_tsv(listing), prompts.known, support, settings))
    asked = {"regression": names, "prompt": [name for name in names if name in prompts.asked]}
    columns = [(way, names.index(name)) for way in WAYS for name in asked[way]]
    files = {"case": cases, "slide": slides}
    parts = [score_table(unit, path, directions, columns, names, support, settings) for unit, path in files.items()]
    write_tsv(outputs["scores"], pd.concat(parts))
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
    found = regression_metrics(truth, predicted)
    lower, upper = reliability.interval(truth, predicted, seed)
    row = {"set": name, "way": way, "detail": "", "spearman": found["spearman"], "lower": lower, "upper": upper}
    if way == "regression":  # a prompt's scores have no unit that squared errors could be told in
        low, high = reliability.interval(truth, predicted, seed, "r2")
        row |= {"r2": found["r2"], "r2_lower": low, "r2_upper": high}
    seen = found["spearman"], null[2][number] if len(null) > 2 else found["spearman"]
    for kind, one, values in zip(("pairs", "random"), seen, null[:2], strict=True):
        row[f"p_{kind}"] = reliability.chance(one, values[number]) if values.shape[1] else np.nan
    row |= {"spearman_random": null[1][number].mean() if null[1].shape[1] else np.nan}
    row |= {"n_permutations": null[0].shape[1], "n_random": null[1].shape[1], "n_query": len(query.cases)}
    if len(query.cases) >= FEWEST_QUERIES:
        asked = directions.scores(query.x, np.full(len(query.cases), FOLDS))[:, number]
        row["query_spearman"] = regression_metrics(query.y[:, number], asked)["spearman"]
        row["query_lower"], row["query_upper"] = reliability.interval(query.y[:, number], asked, seed)
    return row


def with_facts(
    found: pd.DataFrame, listing: pd.DataFrame, known: Mapping[str, int], support: Support, settings: Mapping[str, Any]
) -> pd.DataFrame:
    """The table of sets in the order of the listing, sets that could not be scored among them."""
    lost = listing[listing.status != "scored"]
    aside = [
        {"set": r.set, "way": way, "verdict": NOT_ASKED, "detail": r.detail} for r in lost.itertuples() for way in WAYS
    ]
    table = pd.concat([found, pd.DataFrame(aside)], ignore_index=True) if aside else found
    measured = dict(zip(listing.set, listing.n_measured, strict=True))
    pretrained = set(settings["trained"])
    table["n_measured"] = table.set.map(measured)
    table["n_in_model"] = table.set.map(known).fillna(0).astype(int)
    table["n_support"] = len(support.cases)
    table["n_support_pretrained"] = sum(case in pretrained for case in support.cases)
    place = {name: i for i, name in enumerate(listing.set)}
    order = table.assign(a=table.set.map(place), b=table.way.map(WAYS.index)).sort_values(["a", "b"]).index
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
    """Scores of all cases or slides: a row each, set and way; support cases by the folds that they are not in."""
    table = EmbeddingTable.read(path)
    cases = table.columns.get("case_id", table.ids) if unit == "slide" else table.ids
    folds, x, pretrained = support.fold_of(cases), reliability.scaled(table.vectors), set(settings["trained"])
    found = {way: one.scores(x, folds) for way, one in directions.items()}
    facts = pd.DataFrame({"unit": unit, "id": table.ids, "case_id": cases})
    facts["side"] = np.where(folds < FOLDS, "support, out of fold", "query")
    facts["pretraining"] = ["yes" if case in pretrained else "no" for case in cases]
    parts = [facts.assign(set=names[i], way=way, score=found[way][:, i]) for way, i in columns]
    return pd.concat(parts)[["unit", "id", "case_id", "set", "way", "score", "side", "pretraining"]]
