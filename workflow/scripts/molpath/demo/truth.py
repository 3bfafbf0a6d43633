"""The planted truth of a synthetic case: what drives its morphology, expression, mutations and survival.

Everything of a case follows from (seed, case_id), so cases can be made in any order and on any machine.
The constants here were fixed before any model was trained on the cohort.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

#: Rare events: each marks a few patches of a case that has it, and almost none of one without it.
FOCAL = ("mucin", "aggregates", "necrosis", "haemorrhage")
FOCAL_COUNT = (3, 6)
STRAY = 0.15
#: Genes mutated with a focal event, and the share of cases in which the two disagree.
MUTATED_WITH = {"KRAS": "mucin", "BRAF": "aggregates", "TP53": "necrosis"}
DISAGREE = 0.08


@dataclass(frozen=True)
class Truth:
    """Latents of one case: two morphologies, two degrees (standard normal), four rare events (0 or 1)."""

    case_id: str
    subtype: int
    immune: float
    grade: float
    focal: dict[str, int]
    mutated: dict[str, int]
    days: float
    event: int

    def row(self) -> dict[str, float | str]:
        """What an oracle sees: the latents, not the labels, and without their names: given vectors hold no label."""
        values: dict[str, float | str] = {
            "case_id": self.case_id,
            "latent_subtype": self.subtype,
            "latent_immune": self.immune,
            "latent_grade": self.grade,
        }
        return values | self.focal


def generator(seed: int, case_id: str, purpose: str) -> np.random.Generator:
    """Random numbers of one case for one purpose, the same on every machine."""
    return np.random.default_rng([seed, zlib.crc32(case_id.encode()), zlib.crc32(purpose.encode())])


def draw_truth(seed: int, case_id: str) -> Truth:
    """Latents, mutations and survival of a case."""
    rng = generator(seed, case_id, "truth")
    subtype, immune, grade = int(rng.random() < 0.5), float(rng.normal()), float(rng.normal())
    focal = {name: int(rng.random() < 0.5) for name in FOCAL}
    mutated = {gene: int(focal[event] ^ (rng.random() < DISAGREE)) for gene, event in MUTATED_WITH.items()}
    hazard = np.exp(1.2 * (focal["haemorrhage"] - 0.5) + 0.6 * grade)
    death, censored = rng.exponential(900 / hazard), rng.uniform(300, 2500)
    days = max(1.0, round(float(min(death, censored))))
    rounded = {"immune": round(immune, 4), "grade": round(grade, 4)}
    return Truth(case_id, subtype, rounded["immune"], rounded["grade"], focal, mutated, days, int(death <= censored))
