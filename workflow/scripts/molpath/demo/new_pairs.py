"""Further cases of the large synthetic cohort, to predict: from the same distribution, in no training.

    python -m molpath.demo.new_pairs <folder> [seed]

writes the cohort of `molpath.demo.pairs` and these beside it.

Most come from the scanner of all other cases. Some come from two further scanners, which change features as scanners
may: `shifted` moves every patch along one direction of feature space, `scaled` gives each number of a patch a factor of
its own. (A third, `faded`, draws patches towards their slide's mean; it is for benchmarks.) Below the folder of
`molpath.demo.pairs` lie, then, `new/slides.tsv`, `new/cases.tsv` (labels and the scanner) and
`features/new/<slide>.h5`. The sizes of the changes were chosen on seeds 0 and 1.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..common.files import write_tsv
from .pairs import DIM, LATENTS, TASKS, World, cut, dominant, write_features, write_pairs

COHORT, USUAL = "PAIRS-C", "usual"
#: Scanner -> cases.
SCANNERS = {USUAL: 440, "shifted": 60, "scaled": 60}
#: Length of the move, in deviations of a patch's noise in one direction; deviation of the factors' logarithms; share of
#: the differences that stays in a faded slide.
SHIFT, SCALE, FADED = 4.0, 0.4, 0.6


def write_new_pairs(
    folder: str | Path, world: World, seed: int, scanners: dict[str, int] | None = None, draw: int = 0
) -> None:
    """Write the cases below `folder`; the same bytes for the same arguments.

    seed: of the cohort whose world it is; scanners: cases of each (None: SCANNERS); draw: another one gives other
    cases of the same world.
    """
    folder, rng = Path(folder), np.random.default_rng([seed, 22, draw])
    scanners = SCANNERS if scanners is None else scanners
    by_case = [name for name, count in scanners.items() for _ in range(count)]
    cases = [f"N{number + 1:05d}" for number in range(len(by_case))]
    levels = rng.normal(size=(len(cases), len(LATENTS)))
    labels = {task: cut(levels[:, LATENTS.index(programme)], rng) for task, programme in TASKS.items()}
    labels["dominant"] = dominant(levels, rng)
    changes, scanner_of = draw_scanners(rng), dict(zip(cases, by_case, strict=True))
    place = folder / "features" / "new"
    write_features(place, cases, levels, world, rng, lambda case, patches: scan(patches, scanner_of[case], changes))
    columns = {"slide_id": [f"{case}-1" for case in cases], "case_id": cases, "path": "", "cohort": COHORT}
    write_tsv(folder / "new" / "slides.tsv", pd.DataFrame(columns))
    write_tsv(folder / "new" / "cases.tsv", pd.DataFrame({"case_id": cases, **labels, "scanner": by_case}))


class Scanners(NamedTuple):
    """Effects of scanners on patches: the move of `shifted` and the factors of `scaled` (both float64 DIM)."""

    move: np.ndarray
    factors: np.ndarray


def draw_scanners(rng: np.random.Generator) -> Scanners:
    """The changes of a seed."""
    move = rng.normal(size=DIM)
    return Scanners(SHIFT * move / np.linalg.norm(move), np.exp(SCALE * rng.normal(size=DIM)))


def scan(patches: np.ndarray, scanner: str, changes: Scanners) -> np.ndarray:
    """Patches (float N x DIM) of a slide as a scanner shows them. Raises ValueError for one that is unknown."""
    if scanner == USUAL:
        return patches
    if scanner == "shifted":
        return patches + changes.move
    if scanner == "scaled":
        return patches * changes.factors
    if scanner == "faded":
        return FADED * patches + (1 - FADED) * patches.mean(0)
    raise ValueError(f"no scanner {scanner}; there are {USUAL}, shifted, scaled and faded")


def write_whole(folder: Path, seed: int) -> None:
    """Write both cohorts; a folder of that name is whole, and replaces one that an earlier version wrote.

    Raises FileExistsError for a folder that holds anything else.
    """
    is_empty = folder.is_dir() and not any(folder.iterdir())
    if folder.exists() and not is_empty and not (folder / "truth.tsv").is_file():
        raise FileExistsError(f"{folder} holds other files than a synthetic cohort: name a new folder")
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    write_new_pairs(partial, write_pairs(partial, seed), seed)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


if __name__ == "__main__":
    import sys

    write_whole(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
