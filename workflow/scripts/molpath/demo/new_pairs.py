"""Further cases of the large synthetic cohort, to predict: the same world, cases that nothing was fitted on.

Beside those of the scanner that all others come from lie some of two others, which change features as a scanner may:
`shifted` moves every patch along one direction of feature space, `faded` draws patches towards their slide's mean, as
blur does. Written below the folder of `molpath.demo.pairs`: `new/slides.tsv`, `new/cases.tsv` (labels and the scanner)
and `features/new/<slide>.h5`. The sizes of both changes were chosen on seeds 0 and 1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ..common.files import write_tsv
from .pairs import LATENTS, TASKS, World, cut, dominant, write_features

COHORT, USUAL = "PAIRS-C", "usual"
#: Scanner -> cases.
SCANNERS = {USUAL: 440, "shifted": 60, "faded": 60}
#: Length of the move, in deviations of a patch's noise in one direction; share of the differences that stays.
SHIFT, FADED = 3.0, 0.6


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
    direction = rng.normal(size=world.mark.shape)
    direction *= SHIFT / np.linalg.norm(direction)
    scanner_of = dict(zip(cases, by_case, strict=True))

    def scan(case: str, patches: np.ndarray) -> np.ndarray:
        if scanner_of[case] == "shifted":
            return patches + direction
        return patches if scanner_of[case] == USUAL else FADED * patches + (1 - FADED) * patches.mean(0)

    write_features(folder / "features" / "new", cases, levels, world, rng, scan)
    columns = {"slide_id": [f"{case}-1" for case in cases], "case_id": cases, "path": "", "cohort": COHORT}
    write_tsv(folder / "new" / "slides.tsv", pd.DataFrame(columns))
    write_tsv(folder / "new" / "cases.tsv", pd.DataFrame({"case_id": cases, **labels, "scanner": by_case}))
