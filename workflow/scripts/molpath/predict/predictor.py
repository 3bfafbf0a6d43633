"""A frozen probe that was fitted on every labelled case of a task and kept: read, checked, and applied."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..probe.temperature import tempered
from .conformal import Calibration, both_sides, nonconformity
from .linear import Linear
from .stored import FACTS, WEIGHTS, BadPredictor, read_facts, read_tensors, write_predictor
from .survival import Baseline

__all__ = ["BadPredictor", "Predictor"]
log = logging.getLogger(__name__)

#: New samples whose scores by every fold are held at a time.
AT_ONCE = 1024
#: Between the classes of a set.
JOIN = ";"


@dataclass(frozen=True)
class Predictor:
    """What a task's labels say about embeddings by one model.

    kind: classes, survival or regression; classes: names in the order of the columns (none of other kinds); facts:
    predictor.json; linear: the probe; fold_coefficients (float64 folds x K x D) and fold_intercept (folds x K): probes
    that left the cases of `calibration` out, of embeddings as they are (none of survival); baseline: of survival.
    """

    kind: str
    classes: list[str]
    facts: dict[str, Any]
    linear: Linear
    fold_coefficients: np.ndarray
    fold_intercept: np.ndarray
    calibration: Calibration
    baseline: Baseline | None = None

    @property
    def name(self) -> str:
        """<model>/<task>."""
        return f"{self.facts['model']}/{self.facts['task']}"

    @property
    def coefficients(self) -> np.ndarray:
        """float64 K x D, of embeddings over `unit`; of two classes 1 x D, towards the second."""
        return self.linear.coefficients

    @property
    def intercept(self) -> np.ndarray:
        """float64 K."""
        return self.linear.intercept

    @property
    def unit(self) -> float:
        """Divisor of embeddings."""
        return self.linear.unit

    @classmethod
    def load(cls, folder: str | Path) -> Predictor:
        """The predictor in a folder, unchanged since it was written.

        Raises BadPredictor that names the file which is absent, was changed, or doesn't fit the other one.
        """
        facts = read_facts(Path(folder) / FACTS)
        tensors = read_tensors(Path(folder) / WEIGHTS, facts)
        survival = facts["kind"] == "survival"
        times = facts["survival"]["follow_up"] if survival else 0.0
        return cls(
            facts["kind"],
            list(facts["classes"]),
            facts,
            Linear(tensors["coefficients"], tensors["intercept"], float(facts["scale"]["unit"])),
            tensors["fold_coefficients"],
            tensors["fold_intercept"],
            Calibration(*(tensors[f"calibration_{name}"] for name in ("fold", "case", "label", "score"))),
            Baseline(tensors["baseline_times"], tensors["baseline_hazard"], times) if survival else None,
        )

    def save(self, weights: str | Path, facts: str | Path) -> None:
        """Write model.safetensors and predictor.json, the second with the first's digest and its own."""
        baseline = self.baseline or Baseline(np.zeros(0), np.zeros(0), 0.0)
        tensors = {
            "coefficients": self.coefficients,
            "intercept": self.intercept,
            "fold_coefficients": self.fold_coefficients,
            "fold_intercept": self.fold_intercept,
            **{f"calibration_{name}": getattr(self.calibration, name) for name in ("fold", "case", "label", "score")},
            "baseline_times": baseline.times,
            "baseline_hazard": baseline.hazard,
        }
        write_predictor(tensors, self.facts, weights, facts)

    def logits(self, x: np.ndarray) -> np.ndarray:
        """Logits, risk or number (float64 N x K) of embeddings x (float N x D); ValueError for another width or nan."""
        x = np.asarray(x)
        if x.ndim != 2 or x.shape[1] != self.coefficients.shape[1]:
            shape = " x ".join(map(str, x.shape))
            raise ValueError(f"{self.name}: embeddings are {shape}; it reads N x {self.coefficients.shape[1]}")
        if not np.isfinite(x).all():
            rows = np.flatnonzero(~np.isfinite(x).all(1))
            raise ValueError(
                f"{self.name}: {len(rows)} embeddings hold NaN or infinite numbers, the first in row {rows[0]}"
            )
        return self.linear.logits(x)

    def fold_logits(self, x: np.ndarray) -> np.ndarray:
        """The same by the probe of each fold (float64 N x folds x K)."""
        folds, outputs, width = self.fold_coefficients.shape
        logits = x.astype(np.float64) @ self.fold_coefficients.reshape(-1, width).T
        return logits.reshape(len(x), folds, outputs) + self.fold_intercept

    def predict(self, x: np.ndarray, coverage: float = 0.9, by_class: bool = False) -> pd.DataFrame:
        """One row of each embedding x (float N x D).

        classes: prob_<class> (of the probe), calibrated_<class> (over the temperature; nan where it has none),
        predicted, set (classes joined by ;, see `sets`). survival: risk, risk_group (high, low), survival_<days>.
        regression: predicted, lower, upper, which hold the truth of the share `coverage` of new cases.
        """
        values = self.logits(x)
        if self.baseline is not None:
            return self._risks(values[:, 0], self.baseline)
        if self.kind == "regression":
            return self._numbers(values[:, 0], x, coverage)
        probabilities = tempered(both_sides(values), 1.0)
        temperature = self.facts["temperature"]
        calibrated = np.full_like(probabilities, np.nan)
        if temperature is not None:
            calibrated = tempered(both_sides(values), temperature)
        columns = {f"prob_{name}": probabilities[:, code] for code, name in enumerate(self.classes)}
        columns |= {f"calibrated_{name}": calibrated[:, code] for code, name in enumerate(self.classes)}
        guess = probabilities.argmax(1)
        sets = self.sets(x, coverage, by_class)
        sets[np.arange(len(sets)), guess] = True
        names = [JOIN.join(name for name, hit in zip(self.classes, row, strict=True) if hit) for row in sets]
        return pd.DataFrame(columns | {"predicted": [self.classes[code] for code in guess], "set": names})

    def sets(self, x: np.ndarray, coverage: float, by_class: bool = False) -> np.ndarray:
        """Conformal sets (bool N x classes) of embeddings x (float N x D), see conformal.py.

        One may be empty: no class conforms at this coverage. `predict` adds the predicted class to every set, so that
        each names one; its sets cover no less than these, and no less than the predicted class alone does.
        """
        for code in self.calibration.unbounded(len(self.classes), coverage, by_class):
            log.warning(
                "%s: class %s belongs to every set, for too few of its cases were left out by a fold to rule it out at "
                "a coverage of %g",
                self.name,
                self.classes[code],
                coverage,
            )
        in_set = np.zeros((len(x), len(self.classes)), bool)
        for start in range(0, len(x), AT_ONCE):
            part = self.fold_logits(x[start : start + AT_ONCE])
            flat = nonconformity(part.reshape(-1, part.shape[2])).reshape(*part.shape[:2], -1)
            in_set[start : start + AT_ONCE] = self.calibration.conforming(flat, coverage, by_class)
        return in_set

    def _risks(self, risk: np.ndarray, baseline: Baseline) -> pd.DataFrame:
        survival_facts = self.facts["survival"]
        groups = np.where(risk > survival_facts["cutoff"], "high", "low")
        later = {f"survival_{days:g}": baseline.survival(risk, days) for days in survival_facts["times"]}
        return pd.DataFrame({"risk": risk, "risk_group": groups} | later)

    def _numbers(self, predicted: np.ndarray, x: np.ndarray, coverage: float) -> pd.DataFrame:
        lower, upper = self.calibration.interval(self.fold_logits(x)[:, :, 0], coverage)
        limits = {"lower": np.minimum(lower, predicted), "upper": np.maximum(upper, predicted)}
        return pd.DataFrame({"predicted": predicted} | limits)
