"""Do gene sets find planted programmes? On the synthetic pairs of planted_truth.py, no slides.

    .venv/bin/python tests/benchmarks/gene_sets.py --out gene_sets_truth.tsv

One set per latent: the genes that follow it most in the pretraining pairs. The support is these pairs (`trained`) or
pairs that were not used in pretraining (`apart`); the last cases of the cohort are scored. Controls: random sets of the
same size and expression, and a model pretrained on shuffled pairs.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import torch
from planted_truth import DESCRIPTION, EVALUATED, GENES, LATENTS, SETTINGS, embed, generate, pretrain
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow" / "scripts"))
from molpath.embed.pooling import pooling_of_encoder
from molpath.interpret import gene_set_reliability as reliability
from molpath.interpret.gene_prompts import evenly, raised_minus_lowered
from molpath.interpret.gene_set_files import random_sets
from molpath.interpret.gene_set_scores import ssgsea
from molpath.interpret.patch_parts import Reference, anatomy_of, patch_scores

#: Genes of a set; random sets and shuffles; profiles of a prompt; slides of the reference.
SIZE, RANDOM, SHUFFLES, PROFILES, REFERENCE = 8, 100, 199, 64, 32
ALPHAS = [0.1, 1, 10, 100, 1000, 10000, 100000]
NAMES = [f"G{i:02d}" for i in range(GENES)]


def planted_sets(latents: np.ndarray, rna: np.ndarray) -> list[list[str]]:
    """The SIZE genes that rise most with each latent."""
    slopes = latents.T @ rna / len(rna)
    return [[NAMES[i] for i in np.sort(np.argsort(-row)[:SIZE])] for row in slopes]


def marked_patches(seed: int, slides: list[np.ndarray]) -> list[np.ndarray]:
    """Which patches carry the latents: those along the mark, 5 deviations away, the generator's first direction."""
    rng = np.random.default_rng([seed, 20])
    dim = slides[0].shape[1]
    mark = np.linalg.qr(rng.normal(size=(dim, dim)))[0][0]
    return [bag.astype(np.float64) @ mark > 2.5 for bag in slides]


def ask(network, slides, rna, latents, sets, support, evaluated, seed, marked) -> tuple[list[dict], dict[str, float]]:
    """One row per set and way, of the asked slides; and means over random sets."""
    x = reliability.scaled(embed(network, slides))
    drawn = [random_sets(gene_set, NAMES, rna[support].mean(0), RANDOM, seed + i) for i, gene_set in enumerate(sets)]
    cohorts = np.full(len(support), "one")
    scores = reliability.within_cohorts(ssgsea(rna[support], NAMES, sets), cohorts)
    chance = [reliability.within_cohorts(ssgsea(rna[support], NAMES, random_set), cohorts) for random_set in drawn]
    folds = reliability.folds_of(len(support), seed)
    outside = np.full(len(evaluated), reliability.FOLDS)
    own = reliability.fit_directions(x[support], scores, folds, ALPHAS)
    orders = reliability.permutations(cohorts, SHUFFLES, seed)
    null = {
        "regression": (
            reliability.null_by_pairs(x[support], scores, folds, ALPHAS, orders),
            reliability.null_by_random(x[support], np.stack(chance, 1), folds, ALPHAS),
        )
    }
    table = anndata.AnnData(rna[support], var=pd.DataFrame({"spread": rna[support].std(0)}, index=NAMES))
    some = table[evenly(len(support), PROFILES)].copy()
    fold_of = folds[evenly(len(support), PROFILES)]
    prompts = reliability.average_directions(raised_minus_lowered(network, DESCRIPTION, some, sets), fold_of)
    few = table[evenly(len(support), 16)].copy()
    by_random = [
        raised_minus_lowered(network, DESCRIPTION, few, random_set).mean(0).astype(np.float64) for random_set in drawn
    ]
    along = prompts.scores(x[support], folds)
    null["prompt"] = (
        np.stack([reliability.correlations(scores[order], along) for order in orders], 1),
        np.stack([reliability.correlations(c, x[support] @ d.T) for c, d in zip(chance, by_random, strict=True)]),
    )
    at_random = {
        "regression": [
            reliability.correlations(
                np.repeat(latents[evaluated, i : i + 1], RANDOM, 1),
                x[evaluated] @ reliability.ridge_directions(x[support], scored, ALPHAS)[0].T,
            ).mean()
            for i, scored in enumerate(chance)
        ],
        "prompt": [
            reliability.correlations(np.repeat(latents[evaluated, i : i + 1], RANDOM, 1), x[evaluated] @ d.T).mean()
            for i, d in enumerate(by_random)
        ],
    }
    rows = []
    for way, directions in (("regression", own), ("prompt", prompts)):
        inside, out = directions.scores(x[support], folds), directions.scores(x[evaluated], outside)
        patches = aucs(network, [slides[i] for i in evaluated], directions.coefficients[-1], latents[evaluated], marked)
        for i in range(len(sets)):
            correlation = float(reliability.correlations(scores[:, i : i + 1], inside[:, i : i + 1])[0])
            low, high = reliability.interval(scores[:, i], inside[:, i], seed)
            rows.append(
                {"set": i, "way": way, "support": correlation, "lower": low, "upper": high}
                | {"latent": float(spearmanr(out[:, i], latents[evaluated, i])[0]), "auc": patches[i]}
                | {"p_pairs": reliability.chance(correlation, null[way][0][i])}
                | {
                    "p_random": reliability.chance(correlation, null[way][1][i]),
                    "random": float(null[way][1][i].mean()),
                }
            )
    judged = pd.concat([reliability.judge(part) for _, part in pd.DataFrame(rows).groupby("way", sort=False)])
    means = {way: float(np.abs(np.mean(values))) for way, values in at_random.items()}
    return judged.to_dict("records"), means | {f"{way}, largest set": np.abs(v).max() for way, v in at_random.items()}


def aucs(network, slides, directions, latents, marked) -> list[float]:
    """AUC of patch scores for marked patches in slides of the upper quarter of each set's latent, mean over slides."""
    directions = directions * np.sqrt(directions.shape[1])
    pooling = pooling_of_encoder(network.slide)
    parts = [anatomy_of(pooling, bag) for bag in slides]
    reference = Reference.of(parts[i] for i in evenly(len(parts), REFERENCE))
    shares = [patch_scores(part, directions, reference) for part in parts]
    aurocs = []
    for i in range(latents.shape[1]):
        upper = np.flatnonzero(latents[:, i] > np.quantile(latents[:, i], 0.75))
        good = [n for n in upper if 0 < marked[n].sum() < len(marked[n])]
        aurocs.append(float(np.mean([roc_auc_score(marked[n], shares[n][:, i]) for n in good])))
    return aurocs


def measure(seed: int, trained: int, apart: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of all sets, ways, models and supports; and means over random sets."""
    latents, slides, rna, dna = generate(seed, trained + apart + EVALUATED)
    sets = planted_sets(latents[:trained], rna[:trained])
    evaluated = np.arange(len(slides))[-EVALUATED:]
    marked = marked_patches(seed, [slides[i] for i in evaluated])
    rows, means = [], []
    for model in ("pretrained", "shuffled pairs"):
        order = np.arange(trained) if model == "pretrained" else np.random.default_rng(seed).permutation(trained)
        network = pretrain(seed, slides[:trained], rna[:trained][order], dna[:trained][order], SETTINGS)[0]
        for support, cases in (("trained", np.arange(trained)), ("apart", np.arange(trained, trained + apart))):
            start = time.perf_counter()
            paired = rna if model == "pretrained" else np.concatenate([rna[:trained][order], rna[trained:]])
            if model != "pretrained" and support == "apart":  # a support whose pairs are shuffled, too
                other = np.random.default_rng([seed, 1]).permutation(apart)
                paired = np.concatenate([paired[:trained], rna[trained : trained + apart][other], rna[-EVALUATED:]])
            answers, at_random = ask(network, slides, paired, latents, sets, cases, evaluated, seed, marked)
            facts = {"seed": seed, "model": model, "support_cases": support}
            rows += [facts | row for row in answers]
            means += [facts | at_random]
            print(f"{facts}: {time.perf_counter() - start:.0f} s", flush=True)
    return pd.DataFrame(rows), pd.DataFrame(means)


def main() -> None:
    """Measure the seeds asked for; print, and write the tables if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--trained", type=int, default=2500, help="cases that pretrain")
    parser.add_argument("--apart", type=int, default=500, help="support cases that don't")
    parser.add_argument("--out", help="TSV to write, one row per set")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    tables, means = zip(*(measure(seed, arguments.trained, arguments.apart) for seed in arguments.seeds), strict=True)
    table = pd.concat(tables)
    print(table.round(3).to_string(index=False))
    keys = ["model", "support_cases", "way"]
    numbers = table.groupby(keys, sort=False)[["support", "latent", "auc", "random"]].mean().round(3)
    print(numbers.to_string())
    print(pd.concat(means).round(3).to_string(index=False))
    assert table.set.nunique() == LATENTS
    if arguments.out:
        table.to_csv(arguments.out, sep="\t", index=False)


if __name__ == "__main__":
    main()
