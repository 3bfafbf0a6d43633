"""What predictors say of each new slide: columns beside those of quality, for the gallery of new slides."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from ..common.files import read_tsv

RESEARCH = "Research software and no medical device: nothing here is for decisions on patients."
#: Columns of predictions.tsv that the gallery shows, in this order, and what they are called there.
SAID = {
    "reason": "not predicted",
    "predicted": "predicted",
    "risk": "log relative hazard",
    "risk_group": "risk group",
    "ood_flag": "doubt",
    "ood_score": "doubt score",
    "ood_reason": "reason for doubt",
    "in_training": "in training",
}
#: What the table says of a case that could not be compared with the training cases, and what its doubt is called then.
CANNOT_TELL, NOT_JUDGED = "cannot tell", "not judged"
TOO_FEW = f"{NOT_JUDGED} (too few cases)"
#: Titles of names of classes, which stay as they are even where they are numbers.
NAMES = (SAID["predicted"], SAID["risk_group"])
#: What columns of probabilities begin with, the best first: those that a temperature scaled, those as fitted.
PROBABILITIES = {"calibrated_": "calibrated probability of ", "prob_": "probability of "}

#: Cells of each slide by <model>/<task> and what the column is called.
Said = dict[str, dict[str, list[str]]]


def predictions_of(paths: Iterable[str], slides: Sequence[Mapping[str, str]]) -> Said:
    """What each predictor says, a cell per slide; '' where it says nothing.

    paths: predict/<model>/<task>/predictions.tsv; slides: rows with slide_id and case_id. A slide has the row of its
    case, or its own where the task's samples are slides.
    """
    predicted: Said = {}
    for path in paths:
        rows = read_tsv(path)
        unit = "slide_id" if "slide_id" in rows else "case_id"
        samples = [slide[unit] for slide in slides]
        cells = with_doubt(rows).set_index(unit).reindex(samples).fillna("")
        predicted["/".join(Path(path).parts[-3:-1])] = {
            title: cells[name].tolist() for name, title in titles_of(rows).items() if (cells[name] != "").any()
        }
    return predicted


def with_doubt(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of predictions.tsv whose ood_flag says where nothing could be judged, which is no absence of doubt."""
    if not {"ood_flag", "ood_reason"} <= set(rows):
        return rows
    is_unknown = is_not_judged(rows)
    is_too_few = is_unknown & rows.ood_reason.str.contains("training cases, ")
    return rows.assign(ood_flag=rows.ood_flag.mask(is_unknown, NOT_JUDGED).mask(is_too_few, TOO_FEW))


def is_not_judged(rows: pd.DataFrame) -> pd.Series:
    """True (bool N) for rows of predictions.tsv that could not be compared with the training cases."""
    return (rows.ood_flag == "no") & rows.ood_reason.str.startswith(CANNOT_TELL)


def doubt_of(predicted: Said, place: int) -> str:
    """The doubt about one slide by which the page filters: `yes` where one predictor has some, else whether it could
    be judged by all; '' where nothing is predicted."""
    doubts = {columns[SAID["ood_flag"]][place] for columns in predicted.values() if SAID["ood_flag"] in columns}
    return next((word for word in ("yes", TOO_FEW, NOT_JUDGED, "no") if word in doubts), "")


def titles_of(rows: pd.DataFrame) -> dict[str, str]:
    """Columns that are shown, probabilities behind the class, and their titles."""
    head = {name: title for name, title in SAID.items() if name in rows}
    filled = [name for name in rows if (rows[name] != "").any()]
    prefix = next((kind for kind in PROBABILITIES if any(name.startswith(kind) for name in filled)), "prob_")
    classes = [name.removeprefix(prefix) for name in rows if name.startswith(prefix)]
    likely = {f"{prefix}{word}": f"{PROBABILITIES[prefix]}{word}" for word in classes}
    first = {name: head[name] for name in ("reason", "predicted") if name in head}
    return first | likely | head


def as_html(predicted: Said, place: int) -> str:
    """A paragraph per predictor about one slide, marked where there is doubt; fractions have three decimals."""
    paragraphs = []
    for name, columns in predicted.items():
        cells = {title: cells_of_column[place] for title, cells_of_column in columns.items() if cells_of_column[place]}
        if cells.get(SAID["in_training"]) == "no":
            del cells[SAID["in_training"]]
        words = (
            "; ".join(f"{title}: {cell if title in NAMES else shortened(cell)}" for title, cell in cells.items())
            or "nothing is said"
        )
        mark = " doubt" * (cells.get(SAID["ood_flag"]) == "yes")
        paragraphs.append(f'<p class="said{mark}"><b>{html.escape(name)}</b> {html.escape(words)}</p>')
    return "".join(paragraphs)


def shortened(cell: str) -> str:
    """A fraction with three decimals; anything else as it is."""
    try:
        number = float(cell)
    except ValueError:
        return cell
    return cell if number.is_integer() else f"{number:.3f}"
