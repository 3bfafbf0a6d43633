"""A drawn (synthetic) cohort of cases with slides, patches and slide quality, and what may differ in others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

WIDTH, KINDS = 32, 6


@dataclass
class Source:
    """Where cases come from: embeddings of correlated numbers around a few groups, patches of some kinds, scanners.

    shift: added to embeddings; shrunk: embeddings times this; quality: function of the table of slides; odd: share of
    patches of a kind that no other source has; faded: share of the differences between a slide's patches that is left;
    alike: chance that a number of a slide is the one that all slides of its case share; pooled: share of the variance
    of embeddings within groups that is the slides', of which a case has the mean.
    """

    seed: int
    width: int = 64
    slides: tuple[int, ...] = (1, 1, 2, 3)
    patches: int = 120
    shift: float = 0.0
    shrunk: float = 1.0
    odd: float = 0.0
    faded: float = 1.0
    alike: float = 0.0
    pooled: float = 0.0
    quality: Callable[[pd.DataFrame], pd.DataFrame] = field(default=lambda table: table)

    def __post_init__(self) -> None:
        rng = np.random.default_rng([self.seed, 7])
        self.spectrum = np.arange(1, self.width + 1) ** -0.5
        self.mixing = np.linalg.qr(rng.normal(size=(self.width, self.width)))[0]
        self.centres = rng.normal(size=(3, self.width)) * self.spectrum
        self.kinds = rng.normal(0, 2, size=(KINDS, WIDTH))
        self.unseen = rng.normal(0, 2, size=WIDTH)

    def draw(self, count: int, rng: np.random.Generator, prefix: str = "C"):
        """Embeddings (float32 count x width), case names, table of slides and patches by slide."""
        z = np.sqrt(1 - self.pooled) * rng.normal(size=(count, self.width)) * self.spectrum
        z += self.centres[rng.integers(0, 3, count)]
        x = (z @ self.mixing.T + self.shift * rng.choice([-1, 1], self.width) * self.spectrum.mean()).astype(np.float32)
        x = x.mean(0) + np.float32(self.shrunk) * (x - x.mean(0)) if self.shrunk != 1 else x
        cases = [f"{prefix}{k}" for k in range(count)]
        rows, bags = [], {}
        for k, case in enumerate(cases):
            patient, slides = rng.normal(0, 0.3, WIDTH), rng.choice(self.slides)
            shared = self.measure(rng) if self.alike else {}
            for number in range(slides):
                name = f"{case}-{number}"
                own = self.measure(rng)
                own |= {column: value for column, value in shared.items() if rng.random() < self.alike}
                rows.append({"slide_id": name, "case_id": case} | own)
                bags[name] = self.draw_patches(rng, patient)
            if self.pooled:
                noise = rng.normal(size=(slides, self.width)).mean(0) * self.spectrum
                x[k] += (np.sqrt(self.pooled) * noise @ self.mixing.T).astype(np.float32)
        return x, cases, self.quality(pd.DataFrame(rows)), bags

    def draw_patches(self, rng: np.random.Generator, patient: np.ndarray) -> np.ndarray:
        """Patches of kinds in shares of the slide's own, with what patient and slide have in common."""
        shares = rng.dirichlet(np.ones(KINDS))
        drawn = self.kinds[rng.choice(KINDS, self.patches, p=shares)]
        drawn = np.where(rng.random(self.patches)[:, None] < self.odd, self.unseen, drawn)
        drawn = (drawn + patient + rng.normal(0, 0.1, WIDTH) + rng.normal(0, 0.5, drawn.shape)).astype(np.float32)
        return drawn if self.faded == 1 else (self.faded * drawn + (1 - self.faded) * drawn.mean(0)).astype(np.float32)

    def measure(self, rng: np.random.Generator) -> dict[str, float | str]:
        """Columns of the manifests of one slide; some numbers are nearly always zero, and some unknown."""
        rare = {
            name: rng.exponential(0.05) if rng.random() < 0.05 else 0.0 for name in ("fold_fraction", "pen_fraction")
        }
        return rare | {
            "mpp": rng.choice([0.2513, 0.252], p=[0.9, 0.1]),
            "vendor": "aperio",
            "focus": rng.normal(0.95, 0.08),
            "fine_detail": rng.normal(0.28, 0.025),
            "in_focus_fraction": 1 - (rng.exponential(0.02) if rng.random() < 0.3 else 0),
            "out_of_focus_fraction": rng.exponential(0.01),
            "edge_or_bubble_fraction": 0.0,
            "dark_fraction": 0.0,
            "grey_fraction": rng.exponential(0.001),
            "stain_density": rng.normal(0.26, 0.03),
            "he_angle": abs(rng.normal(0, 3)),
            "hue": rng.normal(293, 5),
            "brightness": rng.normal(246, 1.5),
            "jpeg_quality": 80.0 if rng.random() < 0.8 else np.nan,
            "area_mm2": np.exp(rng.normal(3, 0.6)),
        }
