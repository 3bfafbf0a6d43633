"""Calibration of frozen probes: tables, the page of both, reliability diagrams, decision curves, survival at days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..common.files import write_tsv
from ..probe.recalibration import MEASURES, TEMPERATURE
from ..probe.tasks import read_task
from ..tables import calibration, survival_calibration
from ..tables.calibration import STAGES, Probe
from ..tables.formats import show
from ..tables.pages import Section, write_page
from ..tables.scores import Models
from . import decisions, reliability
from .curves import PROTOCOL
from .style import save
from .survival_calibration import draw_survival

SENTENCES = (
    "Frozen probes on tasks with classes, over all test sides' predictions together, before and after temperature "
    "scaling; every case counts once. The temperature of a case is fitted on the predictions of other cases alone "
    "(the shown one on all). ECE: expected calibration error, binned by confidence; of few cases "
    "it is above 0 also where probabilities are right (0.08 of 30, 0.06 of 200), and so is its interval. Slope and "
    "intercept: of the label on the logit of its probability, 1 and 0 where probabilities are right, "
    "a slope below 1 where they are too "
    "extreme; of several classes one slope over all logits. Brier: 0 to 1 of two classes, 0 to 2 of more. Log loss: "
    "natural logarithm. In brackets: 95 % intervals over resampled cases, moved to the value. A temperature moves no "
    "intercept: probes that weigh classes alike expect as many of each, whatever their share. "
    "<code>tables/calibration.tsv</code> has all numbers."
)
OF_SURVIVAL = (
    "Predicted survival (Breslow's baseline of each training side) against Kaplan and Meier's estimate at the days of "
    "<code>probe/cox/times</code>; a case's predictions by several folds or slides are averaged. Difference: predicted "
    "minus observed. Brier: weighted by censoring; null: of the estimate without any model as the prediction for all. "
    "<code>tables/survival_calibration.tsv</code> has all numbers."
)
WORDS = {"ece": "ECE", "calibration_slope": "slope", "calibration_intercept": "intercept", "brier": "Brier"}


def calibrate_probes(
    *,
    predictions: Sequence[str],
    tasks: Mapping[str, Sequence[str]],
    models: Models,
    reference: str,
    outputs: Mapping[str, str],
    note: str,
) -> None:
    """Write calibration.tsv, survival_calibration.tsv, their page, and three figures with tables of their points.

    predictions: predictions.parquet of frozen probes; tasks: config.yaml and k=all.tsv of each, which name its classes;
    outputs: by table, survival, page, reliability, reliability_table, decisions, decisions_table, survival_figure,
    survival_groups. Figures show the logistic probe: reliability diagrams and survival of the reference model.
    """
    probes = list(calibration.read_probes(predictions, models))
    scores = calibration.tabulate(probes)
    write_tsv(outputs["table"], scores)
    points = pd.DataFrame(
        [row for probe in probes for row in reliability.points_of(probe)], columns=reliability.COLUMNS
    )
    write_tsv(outputs["reliability_table"], points)
    chosen = [probe for probe in probes if (probe.model, probe.protocol) == (reference, PROTOCOL)]
    save(reliability.draw_reliability(chosen, points, scores), outputs["reliability"], note)
    curves = decision_points(probes, tasks)
    write_tsv(outputs["decisions_table"], curves)
    save(decisions.draw_decisions(curves, models, PROTOCOL), outputs["decisions"], note)
    survival, groups = survival_tables(predictions, models)
    write_tsv(outputs["survival"], survival)
    write_tsv(outputs["survival_groups"], groups)
    save(draw_survival(survival, groups, reference), outputs["survival_figure"], note)
    show_page(scores, survival, note, outputs["page"])


def decision_points(probes: Sequence[Probe], tasks: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Decision curves of the logistic probes."""
    names: dict[str, list[str]] = {}
    rows: list[dict[str, object]] = []
    for probe in [candidate for candidate in probes if candidate.protocol == PROTOCOL]:
        if probe.task not in names:
            config, samples = tasks[probe.task]
            names[probe.task] = read_task(probe.task, config, samples, folds_needed=False).classes
        rows += decisions.points_of(probe, names[probe.task])
    return pd.DataFrame(rows, columns=decisions.COLUMNS)


def survival_tables(predictions: Sequence[str], models: Models) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both tables of survival, over all Cox probes."""
    rows: list[dict[str, Any]] = []
    groups: list[dict[str, Any]] = []
    for head, cases in survival_calibration.read_survival(predictions, models):
        tabulated, parts = survival_calibration.tabulate(head, cases)
        rows, groups = rows + tabulated, groups + parts
    columns = survival_calibration.COLUMNS, survival_calibration.GROUP_COLUMNS
    return pd.DataFrame(rows, columns=columns[0]), pd.DataFrame(groups, columns=columns[1])


def show_page(scores: pd.DataFrame, survival: pd.DataFrame, note: str, page: str) -> None:
    """The page of both tables, values with their intervals in one cell."""
    shown = scores[calibration.HEAD].assign(temperature=scores[TEMPERATURE].astype(float).round(2))
    for name in MEASURES:
        for stage in STAGES:
            word = f"{WORDS.get(name, name.replace('_', ' '))} {stage}"
            shown[word] = cells(scores, f"{name}_{stage}")
    sections = [Section("Classes", SENTENCES, shown.assign(note=scores.note))]
    if len(survival):
        columns = ["task", "model", "protocol", "days", "n_cases", "n_events", "predicted", "observed"]
        table = survival[columns].round(3)
        table = table.assign(difference=cells(survival, "difference"), Brier=cells(survival, "brier"))
        table = table.assign(**{"Brier null": survival.brier_null.round(3), "note": survival.note})
        sections.append(Section("Survival", OF_SURVIVAL, table))
    write_page(page, "Calibration of the probes", note, sections)


def cells(table: pd.DataFrame, name: str) -> list[str]:
    """'0.071 (0.050 to 0.093)' of a value and its ends; empty without a value."""
    numbers = table[[name, f"{name}_lower", f"{name}_upper"]].to_numpy(float)
    return [show(*row) if np.isfinite(row[0]) else "" for row in numbers]
