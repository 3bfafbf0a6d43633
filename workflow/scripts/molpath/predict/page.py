"""The page of predictions: options, counts, external validation, and a table that sorts and filters."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import pandas as pd

from ..common.reasons import OK
from ..tables.pages import MOST_ROWS, Section, write_page
from ..tables.predicted_slides import RESEARCH, is_not_judged

#: Where the slides themselves are shown; the report, which holds this page too, shows no slides.
GALLERY = ' Slides with thumbnails and layers: <a href="../../gallery.html">results/predict/gallery.html</a>.'


def write_predictions_page(
    path: str, name: str, rows: pd.DataFrame, scores: pd.DataFrame, options: Mapping[str, Any]
) -> None:
    """Write the page of a predictor: rows of predictions.tsv, scores of metrics.tsv, section predict and the note."""
    sentences = [f"{sentence}." for sentence in counts_of(rows)]
    if len(rows) > MOST_ROWS:
        sentences.append(f"The first {MOST_ROWS:,} of {len(rows):,} rows; predictions.tsv has all.")
    within = " within each class" if options["by_class"] else ""
    sentences += [
        f"A set holds the truth of {options['coverage']:.0%} of cases like those of training{within}.",
        f"At most {options['false_alarms']:.1%} of such cases would be flagged as unlike the others (ood_flag).",
        RESEARCH,
    ]
    write_page(
        path,
        f"Predictions of {name}",
        options["note"],
        [
            Section(sentences=html.escape(" ".join(sentences)) + GALLERY, table=rows.head(MOST_ROWS)),
            Section("External validation", html.escape(validation_in_words(scores)), with_scores(scores)),
        ],
    )


def counts_of(rows: pd.DataFrame) -> list[str]:
    """How many rows were predicted, flagged, known to the predictor, or not predicted."""
    done = rows[rows.status == OK]
    counts = [f"{len(done):,} of {len(rows):,} predicted, {len(rows) - len(done):,} not predicted (see reason)"]
    flagged = int((done["ood_flag"] == "yes").sum()) if len(done) else 0  # no such column without predictions
    not_judged = int(is_not_judged(done).sum()) if len(done) else 0
    counts += [f"{not_judged:,} not compared with the training cases (see ood_reason)"] * bool(not_judged)
    n_in_training = int((rows.in_training == "yes").sum())
    counts += [f"{flagged:,} flagged as unlike the training cases (see ood_reason)"] * bool(flagged)
    return counts + [
        f"{n_in_training:,} in training: the predictor was fitted on them, and their rows are no validation"
    ] * bool(n_in_training)


def validation_in_words(scores: pd.DataFrame) -> str:
    """What the table of scores shows, or why there is none."""
    if not len(with_scores(scores)):
        return "; ".join(note for note in scores.note if note)
    return (
        "Labels of the new sheet against predictions, cases in training left out; 95 % intervals over resampled cases. "
        "Internal: the cross-validated score of the training cohort."
    )


def with_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """Rows of metrics; none where there was nothing to validate."""
    return scores[scores.metric != ""]
