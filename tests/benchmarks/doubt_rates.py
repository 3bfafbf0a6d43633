"""How often are new cases flagged that come from where the training cases came from? Drawn (synthetic) cohorts.

    .venv/bin/python tests/benchmarks/doubt_rates.py --draws 200
    .venv/bin/python tests/benchmarks/doubt_rates.py --draws 200 --by-slides

Each draw has a source, training cases and new cases of its own. A row per design: the share of new cases flagged at
requested rates of 5 and 10 % with the standard error over draws, for new cases of one training set stand and fall
together. --by-slides: new cases of 1, 2, 4 and 8 slides each, judged by training cases with one slide, mostly one, or
one to three; slides of a case that are drawn independently, have half of their variance in common, or are all alike;
and embeddings that are means over slides, of which half of the variance is the slide's.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "workflow/scripts"), str(ROOT / "tests/helpers")]
from drawn_cohort import Source  # noqa: E402
from molpath.predict.reference import describe  # noqa: E402

RATES = (0.05, 0.1)
MIXED = (1, 1, 2, 3)
#: Slides of training cases, one of which is drawn for each.
TRAINED = {"one": (1,), "mostly one": (1,) * 9 + (3,), "one to three": MIXED}
COUNTS = (1, 2, 4, 8)


def flags(source: Source, cases: int, counts: list[tuple[int, ...]], draw: int, new: int = 40) -> np.ndarray:
    """Share of new cases flagged (float len(counts) x RATES), with so many slides each, in one draw."""
    rng = np.random.default_rng([draw, cases])
    x, names, slides, bags = source.draw(cases, rng)
    reference = describe(x, names, slides, bags.get, seed=draw)
    shares = []
    for slides_per_case in counts:
        y, new_names, new_slides, patches = replace(source, slides=slides_per_case).draw(new, rng, "N")
        p = reference.judge(y, new_slides, patches.get, min(RATES), new_names).ood_p
        shares.append([(p <= rate + 1e-12).mean() for rate in RATES])
    return np.array(shares)


def show(words: str, shares: np.ndarray) -> None:
    """A row: mean and standard error over draws (float draws x RATES)."""
    error = shares.std(0, ddof=1) / np.sqrt(len(shares))
    cells = [f"{mean:.1%} ± {half:.1%}" for mean, half in zip(shares.mean(0), error, strict=True)]
    print(words, *cells, sep="\t", flush=True)


def main() -> None:
    """The designs asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="seed of the first draw")
    parser.add_argument("--cases", type=int, default=60, help="training cases, with --by-slides")
    parser.add_argument("--by-slides", action="store_true")
    arguments = parser.parse_args()
    draws = range(arguments.first, arguments.first + arguments.draws)
    if not arguments.by_slides:
        for cases, width in ((40, 8), (60, 64), (100, 1024)):
            shares = [flags(Source(draw, width=width, patches=32), cases, [MIXED], draw)[0] for draw in draws]
            show(f"{cases} cases, embeddings of {width}", np.array(shares))
        return
    designs = {"apart": {}, "half in common": {"alike": 0.5}, "alike": {"alike": 1.0}, "means": {"pooled": 0.5}}
    for (trained, counts), (design, changed) in product(TRAINED.items(), designs.items()):
        sources = [Source(draw, width=8, patches=32, slides=counts, **changed) for draw in draws]
        shares = np.array(
            [
                flags(source, arguments.cases, [(count,) for count in COUNTS], draw)
                for source, draw in zip(sources, draws, strict=True)
            ]
        )
        for k, count in enumerate(COUNTS):
            show(f"trained on {trained}, slides {design}, {count} slides", shares[:, k])


if __name__ == "__main__":
    main()
