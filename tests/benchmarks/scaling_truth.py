"""How do scores scale with pairs, width, heads and patches per bag? Synthetic cohorts with a known truth, no slides.

    .venv/bin/python tests/benchmarks/scaling_truth.py --seeds 0 1 2 3 4 --out workflow/docs/scaling_truth.md

The cohorts are those of planted_truth.py. The gap is the AUC of linear probes on the planted latents themselves (the
oracle) minus their AUC on the pretrained encoder's embeddings, with 64 labels (mean of 6 tasks, 1,000 test cases). A
power law, gap = a x pairs^-b, is fitted to all sizes except the two largest and has to predict their gaps; intervals
come from resampling the seeds. Small cohorts are trained for more epochs, so that every run sees at least 20,000 pairs.
"""

from __future__ import annotations

import argparse
import copy
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import planted_truth as truth
import torch

ROOT = Path(__file__).resolve().parents[2]
PAIRS = (250, 500, 1000, 2500, 5000, 10000, 20000)
#: What else is changed, at BASE pairs: part of the study -> values; USUAL has the values of PAIRS' runs.
BASE, LABELS, SEEN = 2500, 64, 20_000
SIZES = {"width": (16, 32, 128), "heads": (1, 4, 8), "patches": (10, 20, 80)}
USUAL = {"width": 64, "heads": 2, "patches": 40}
HELD_OUT = 2


def described(part: str, value: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Network and settings of training with one thing changed."""
    description, settings = copy.deepcopy(truth.DESCRIPTION), dict(truth.SETTINGS)
    if part == "width":
        description["slide_encoder"] |= {"hidden": value, "output": value}
        description["rna_encoder"]["width"] = value
        description["dna_encoder"]["hidden"] = value
    elif part == "heads":
        description["slide_encoder"]["heads"] = value
    elif part == "patches":
        settings["patches"] = value
    return description, settings


def measure(job: tuple[int, str, int]) -> dict[str, Any]:
    """Gap of one pretraining: job is generator seed, part of the study and its value."""
    seed, part, value = job
    torch.set_num_threads(1)
    pairs = value if part == "pairs" else BASE
    description, settings = described(part, value)
    settings |= {"epochs": max(settings["epochs"], round(SEEN / pairs)), "seed": seed}
    # The cases that are probed are drawn apart, so that all sizes are judged alike.
    latents, slides, rna, dna = truth.generate(seed, max(PAIRS) + LABELS + truth.EVALUATED)
    network = truth.pretrain(seed, slides[:pairs], rna[:pairs], dna[:pairs], settings, description)[0]
    rest = slides[max(PAIRS) :]
    vectors = {"oracle": latents[max(PAIRS) :], "pretrained": truth.embed(network, rest)}
    vectors["mean"] = np.array([bag.mean(0, dtype=np.float64) for bag in rest])
    rng, scores = np.random.default_rng([seed, 21]), []
    for _ in range(truth.TASKS):
        score = vectors["oracle"] @ rng.normal(size=truth.LATENTS)
        labels = score + 0.5 * score.std() * rng.normal(size=len(score)) > 0
        scores.append({name: truth.probe((x - x.mean(0)) / x.std(0), labels, LABELS) for name, x in vectors.items()})
    auc = pd.DataFrame(scores).mean()
    return {"seed": seed, "part": part, "value": value, "auc": auc.pretrained, "gap": auc.oracle - auc.pretrained} | {
        "mean_gap": auc.oracle - auc["mean"]
    }


def power_law(table: pd.DataFrame) -> tuple[float, float]:
    """a and b of gap = a x pairs^-b, by least squares on logarithms of the mean over seeds."""
    means = table.groupby("value").gap.mean().clip(lower=1e-4)
    slope, level = np.polyfit(np.log(means.index.to_numpy(float)), np.log(means.to_numpy()), 1)
    return float(np.exp(level)), float(-slope)


def fitted(table: pd.DataFrame, resamples: int = 1000) -> dict[str, Any]:
    """The law of the smaller sizes with intervals over seeds, and what it says of the larger ones."""
    sizes = sorted(table.value.unique())
    fitted_rows, seeds = table[table.value.isin(sizes[:-HELD_OUT])], table.seed.unique()
    rng, draws = np.random.default_rng(0), []
    for _ in range(resamples):
        drawn = pd.concat([fitted_rows[fitted_rows.seed == seed] for seed in rng.choice(seeds, len(seeds))])
        draws.append(power_law(drawn))
    a, b = power_law(fitted_rows)
    low, high = np.percentile([draw_of[1] for draw_of in draws], [2.5, 97.5])
    rows = []
    for size in sizes[-HELD_OUT:]:
        predicted = [x * size**-y for x, y in draws]
        measured = table.gap[table.value == size].mean()
        rows.append((size, a * size**-b, *np.percentile(predicted, [2.5, 97.5]), measured))
    return {"a": a, "b": b, "b_low": low, "b_high": high, "predicted": rows}


def page_of(table: pd.DataFrame, law: dict[str, Any], command: str, figure: str) -> str:
    """The page, in Markdown."""
    seeds = table.seed.nunique()
    lines = [
        "# Scaling on planted truth",
        "",
        "**Synthetic data**: features and profiles are simulated; no slide is real. Written by",
        "",
        f"    {command}",
        "",
        *__doc__.split("\n\n")[2].strip().splitlines(),
        "",
        f"![Gap to the oracle by number of pairs]({figure})",
        "",
        f"Fit to all sizes except the two largest: gap = {law['a']:.3g} x pairs^-b, b = {law['b']:.2f} (95 % interval",
        f"over {seeds} seeds {law['b_low']:.2f} to {law['b_high']:.2f}).",
        "",
        "| pairs | gap predicted | 95 % interval | gap measured |",
        "|---|---|---|---|",
        *("| {:,} | {:.3f} | {:.3f} to {:.3f} | {:.3f} |".format(*row) for row in law["predicted"]),
        "",
        f"Means over {seeds} seeds (smallest to largest); mean pooling leaves a gap of {table.mean_gap.mean():.3f}.",
        "",
        "| changed | value | AUC | gap |",
        "|---|---|---|---|",
    ]  # fmt: skip
    for (part, value), rows_of_size in table.groupby(["part", "value"], sort=True):
        gap = f"{rows_of_size.gap.mean():.3f} ({rows_of_size.gap.min():.3f} to {rows_of_size.gap.max():.3f})"
        lines.append(f"| {part} | {value:,} | {rows_of_size.auc.mean():.3f} | {gap} |")
    usual = ", ".join(f"{name} {value}" for name, value in USUAL.items())
    lines += ["", f"All else is constant: {BASE:,} pairs, {usual}. The expression branch is an MLP."]
    return "\n".join(lines) + "\n"


def draw(table: pd.DataFrame, law: dict[str, Any], path: str) -> None:
    """Gap by number of pairs, each seed a dot, with the law."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5.5, 3.8), layout="constrained")
    pairs = table[table.part == "pairs"]
    axes.plot(pairs.value, pairs.gap, "o", color="#0072B2", ms=4, alpha=0.6)
    sizes = np.array(sorted(pairs.value.unique()), float)
    axes.plot(sizes[:-HELD_OUT], law["a"] * sizes[:-HELD_OUT] ** -law["b"], color="#333333", label="fitted")
    axes.plot(
        sizes[-HELD_OUT - 1 :], law["a"] * sizes[-HELD_OUT - 1 :] ** -law["b"], "--", color="#333333", label="predicted"
    )
    axes.axhline(pairs.mean_gap.mean(), color="#D55E00", lw=1, ls=":", label="mean pooling")
    axes.set(xscale="log", yscale="log", xlabel="pairs", ylabel="AUC of the oracle minus AUC, 64 labels")
    axes.set_title("synthetic", fontsize=9, color="#8a1c1c", loc="right")
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Measure; print, and write the page and its figure if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", help="Markdown page to write, and a figure of the same name")
    arguments = parser.parse_args()
    jobs = [(seed, "pairs", value) for seed in arguments.seeds for value in PAIRS]
    jobs += [(seed, part, value) for seed in arguments.seeds for part, values in SIZES.items() for value in values]
    rows = []
    with ProcessPoolExecutor(arguments.processes) as pool:
        for row in pool.map(measure, jobs):
            rows.append(row)
            print(row, flush=True)
    table = pd.DataFrame(rows)
    law = fitted(table[table.part == "pairs"])
    seeds = " ".join(map(str, arguments.seeds))
    command = f".venv/bin/python tests/benchmarks/scaling_truth.py --seeds {seeds} --out workflow/docs/scaling_truth.md"
    target = Path(arguments.out or "scaling_truth.md")
    page = page_of(table, law, command, target.with_suffix(".svg").name)
    if arguments.out:
        draw(table, law, str(target.with_suffix(".svg")))
        target.write_text(page)
    print(page)


if __name__ == "__main__":
    sys.exit(main())
