"""How well calibrated frozen probes are, before and after temperature scaling, with intervals over cases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..probe.calibration import ERROR, SEPARATED, SLOPE
from ..probe.controls import CONTROLS
from ..probe.intervals import probability_columns
from ..probe.permuting import is_control
from ..probe.recalibration import (
    BRIER,
    LOG_LOSS,
    MEASURES,
    ONE_CLASS,
    TEMPERATURE,
    Predictions,
    cross_fitted,
    measures,
    moved_interval,
)
from ..probe.temperature import RANGE, fit_temperature, logits_of
from .scores import Models

#: Resamples of cases; cases of the rarest class below which a row says that they are few.
RESAMPLES, FEW = 200, 100
#: Controls that don't read embeddings, and the sweep over C.
LEFT_OUT = (*CONTROLS, "logistic_C=")
STAGES = ("before", "after")
HEAD = ["task", "model", "protocol", "classes", "n_cases", "n_rarest", "n_predictions"]
COLUMNS = [*HEAD, TEMPERATURE, f"{TEMPERATURE}_lowest", f"{TEMPERATURE}_highest"]
COLUMNS += [f"{m}_{stage}{end}" for m in MEASURES for stage in STAGES for end in ("", "_lower", "_upper")]
COLUMNS += ["note"]
#: Lowest and highest possible values.
ENDS = {ERROR: (0.0, 1.0), BRIER: (0.0, 2.0), LOG_LOSS: (0.0, np.inf)}


@dataclass(frozen=True)
class Probe:
    """Predictions of one probe before and after scaling, with what was left out of them."""

    task: str
    model: str
    protocol: str
    before: Predictions
    after: Predictions
    temperatures: np.ndarray
    note: str

    @property
    def scaled(self) -> bool:
        """True where every prediction has a temperature."""
        return bool(len(self.temperatures) and np.isfinite(self.temperatures).all())

    @property
    def stages(self) -> dict[str, Predictions]:
        """Predictions before, and, where there is a temperature, after; none of a probe without any."""
        predictions = {"before": self.before} if len(self.before.labels) else {}
        return predictions | ({"after": self.after} if self.scaled else {})


def read_probes(predictions: Sequence[str], models: Models) -> Iterator[Probe]:
    """Each frozen probe of classes by one of `models`: no control, none of the sweep over C, in the files' order.

    predictions: predictions.parquet of frozen probes; of a failed fold they have no rows.
    """
    for path in predictions:
        table = pd.read_parquet(path)
        if "prob_0" not in table:
            continue
        for protocol, rows in table.groupby("protocol", sort=False):
            named = str(protocol)
            if rows.model.iloc[0] in models and not is_control(named) and not named.startswith(LEFT_OUT):
                yield probe_of(rows)


def probe_of(rows: pd.DataFrame) -> Probe:
    """A probe of its rows of predictions.parquet; rows without a probability are left out and counted in the note."""
    columns = probability_columns(rows)
    is_finite = rows[columns].notna().all(axis=1)
    finite_rows = rows[is_finite]
    _, cases = np.unique(finite_rows.case_id.to_numpy(str), return_inverse=True)
    before = Predictions(finite_rows.label.to_numpy(int), finite_rows[columns].to_numpy(float), cases)
    after, temperatures = cross_fitted(before)
    note = f"{int((~is_finite).sum())} predictions without a probability are left out" if not is_finite.all() else ""
    head = {name: str(rows[name].iloc[0]) for name in ("task", "model", "protocol")}
    return Probe(
        **head, before=before, after=Predictions(before.labels, after, cases), temperatures=temperatures, note=note
    )


def tabulate(probes: Iterable[Probe], resamples: int = RESAMPLES) -> pd.DataFrame:
    """One row per probe: counts, temperature, and each of MEASURES before and after with its 95 % interval over cases.

    temperature: fitted on all cases; lowest and highest: of those that were applied, each fitted on other cases.
    """
    return pd.DataFrame([row_of(probe, resamples) for probe in probes], columns=COLUMNS)


def row_of(probe: Probe, resamples: int) -> dict[str, Any]:
    """The row of one probe."""
    before = probe.before
    labels = pd.Series(before.labels).groupby(before.cases).first()
    counts = labels.value_counts()
    rarest = int(counts.min()) if len(counts) > 1 else 0
    row: dict[str, Any] = {"task": probe.task, "model": probe.model, "protocol": probe.protocol}
    row |= {"classes": before.probabilities.shape[1], "n_cases": before.n_cases, "n_rarest": rarest}
    row |= {"n_predictions": len(before.labels)}
    notes = [probe.note]
    if rarest < FEW and before.n_cases:
        notes.append(f"few cases: {rarest} of the rarest class" if rarest else "cases of one class only")
    if not probe.scaled:
        notes.append(ONE_CLASS if before.n_cases else "")
    else:
        temperature = fit_temperature(logits_of(before.probabilities), before.labels, before.weights)
        ends = {"lowest": probe.temperatures.min(), "highest": probe.temperatures.max()}
        row |= {TEMPERATURE: temperature} | {f"{TEMPERATURE}_{end}": value for end, value in ends.items()}
        if not RANGE[0] * 1.01 < temperature < RANGE[1] / 1.01:
            notes.append(f"the temperature is at an end of its range ({RANGE[0]:g} to {RANGE[1]:g})")
    weights = before.drawn(resamples, seed=0) if rarest else np.zeros((0, len(before.labels)))
    for stage, predictions in probe.stages.items():
        row |= {f"{name}_{stage}{end}": value for name, end, value in with_intervals(predictions, weights)}
        has_no_slope = not np.isfinite(row[f"{SLOPE}_{stage}"])
        notes.append(f"{stage}: {SEPARATED}" if has_no_slope and rarest else "")
    return row | {"note": "; ".join(filter(None, notes))}


def with_intervals(predictions: Predictions, weights: np.ndarray) -> Iterator[tuple[str, str, float]]:
    """Measure, '' or the end of its interval, and value; weights: of resampled cases (float B x N)."""
    drawn = measures(predictions, weights) if len(weights) else {}
    for name, observed in measures(predictions, predictions.weights[None]).items():
        value, (low, high) = float(observed[0]), ENDS.get(name, (-np.inf, np.inf))
        lower, upper = moved_interval(value, drawn.get(name, np.zeros(0)))
        yield from ((name, "", value), (name, "_lower", max(lower, low)), (name, "_upper", min(upper, high)))
