"""The three files of a probing job: every prediction, every fold, and over folds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from ..common.files import write_parquet, write_tsv
from ..common.settings.probe import Summary
from .controls import notes_of_controls
from .intervals import summarise
from .metrics import chance_of
from .permuting import p_or_words
from .results import COLUMNS, Results

#: (predictions of the protocol, metric, bootstraps, seed) -> (2.5 and 97.5 percentiles)
Interval = Callable[[pd.DataFrame, str, int, int], tuple[float, float]]


def summarise_with(
    rows: pd.DataFrame, guesses: pd.DataFrame, bootstraps: int, seed: int, intervals: Mapping[str, Interval]
) -> pd.DataFrame:
    """`intervals.summarise`, with bootstraps of protocols whose metrics it can't compute: {protocol: function}."""
    summary = summarise(rows, guesses, bootstraps, seed)
    for index, row in summary.iterrows():
        protocol_predictions = (
            guesses[guesses.protocol == row.protocol] if row.protocol in intervals else guesses.iloc[:0]
        )
        if len(protocol_predictions):
            summary.loc[index, ["lower", "upper"]] = intervals[row.protocol](
                protocol_predictions, row.metric, bootstraps, seed
            )
            sides = protocol_predictions.fold.nunique()
            method = f"{bootstraps} bootstraps of cases over {sides} test side{'s' * (sides > 1)}"
            summary.loc[index, "interval"] = method
    return summary


def write_results(
    results: Results,
    outputs: Mapping[str, str],
    head: Mapping[str, str],
    settings: Summary,
    missing: int,
    primary: str = "",
    intervals: Mapping[str, Interval] | None = None,
) -> None:
    """Write predictions.parquet, metrics.tsv (every fold) and summary.tsv (over folds, with intervals) of a job.

    outputs: paths by those three words; head: constant columns put in front of every table; missing: samples without
    an embedding; primary: the first metric, the task's own unless given; intervals: see summarise_with.
    """
    task = results.task
    primary = primary or task.primary
    rows = pd.DataFrame(results.metrics, columns=COLUMNS)
    blank = pd.DataFrame(columns=["sample_id", "protocol", "shots"])
    guesses = pd.concat(results.predictions) if results.predictions else blank
    summary = summarise_with(rows, guesses, settings["bootstraps"], settings["seed"], intervals or {})
    summary["primary"] = (summary.metric == primary).astype(int) if len(summary) else []
    summary["n_samples"], summary["n_missing"] = len(task.samples), missing
    summary["chance"] = [chance_of(name, task.classes_found) for name in summary.metric] if len(summary) else []
    summary["p_permuted"] = [p_or_words(rows, row.protocol, row.metric, row.shots) for row in summary.itertuples()]
    if len(summary):
        summary["note"] = notes_of_controls(summary, primary, task.classes_found)

    def headed(table: pd.DataFrame) -> pd.DataFrame:
        table = table.reset_index(drop=True)
        return pd.concat([pd.DataFrame(dict(head), index=table.index), table], axis=1)

    write_parquet(outputs["predictions"], headed(guesses))
    write_tsv(outputs["metrics"], headed(rows))
    write_tsv(outputs["summary"], headed(summary.replace({np.inf: np.nan})))
