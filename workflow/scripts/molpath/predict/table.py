"""What a predictor says about new cases: a row for every case of their sheet, those that could not be predicted,
too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ..common.files import read_tsv, write_tsv
from ..embed.bags import Bags
from ..probe.embeddings import NOT_FINITE, EmbeddingTable
from ..probe.tasks import BadTask
from .cases import describe_slides, mark_training, samples_of
from .doubt import Reference
from .labels import Labelled, NoLabels, read_labels
from .origin import check_origin
from .page import write_predictions_page
from .predictor import Predictor
from .validation import validate

#: Columns of predictions.tsv before and after those of the predictor.
FIRST = ("case_id", "slide_id", "status", "reason")
LAST = ("in_training", "in_training_by", "label", "n_slides", "n_patches", "set_aside", "quality")


def predict_cases(
    *,
    name: str,
    folder: str,
    embedded: Mapping[str, str],
    fates: Mapping[str, str],
    quality: str,
    features: Sequence[str],
    wsi: str,
    sources: Sequence[str],
    origin: Mapping[str, Any],
    sheets: Sequence[str],
    options: Mapping[str, Any],
    predictions: str,
    metrics: str,
    page: str,
) -> None:
    """Write predictions.tsv, metrics.tsv and the page of one predictor.

    folder: of the predictor. embedded, fates: h5ad and manifest of the new slides' embeddings by unit (slide_id,
    case_id). quality: their tables/slides.tsv; features: their manifests, with files below `wsi`. sheets: of the new
    slides, and of their cases where there is one. sources, origin: what the embeddings are made with, see check_origin.
    options: coverage, by_class, false_alarms, bootstraps, seed, note.
    """
    predictor = Predictor.load(folder)
    check_origin(predictor.facts, features, sources, origin)
    label = labels_known(predictor)
    unit = label["sample_col"]
    slides = describe_slides(sheets[0], quality, fates["slide_id"])
    table, lost = EmbeddingTable.read(embedded[unit]).only_finite()
    bags = Bags(features, wsi)
    rows = samples_of(slides, unit, read_tsv(fates[unit]), used_by(table))
    rows.loc[lost, "reason"] = f"{NOT_FINITE} (its embedding holds NaN or infinite numbers)"
    rows = mark_training(rows, slides, predictor.facts["training"])
    rows = rows.join(say(predictor, Reference.load(folder), table, slides, bags, options))
    labelled = labels_of(name, label, sheets)
    rows["label"] = rows[unit].map(labelled.words).fillna("") if isinstance(labelled, Labelled) else ""
    settings = {key: options[key] for key in ("bootstraps", "seed")}
    scores = validate(rows, labelled, predictor.facts["cross_validated"], **settings)
    shown = in_order(rows)
    write_tsv(predictions, shown)
    write_tsv(metrics, scores)
    write_predictions_page(page, name, shown, scores, options)


def say(
    predictor: Predictor,
    reference: Reference,
    table: EmbeddingTable,
    slides: pd.DataFrame,
    bags: Bags,
    options: Mapping[str, Any],
) -> pd.DataFrame:
    """What predictor and reference say about each embedding, by its id; no row and no column where there is none."""
    if not table.ids:
        return pd.DataFrame()
    predicted = predictor.predict(table.vectors, options["coverage"], options["by_class"])
    doubt = reference.judge(
        table.vectors,
        read_slides(table, slides),
        lambda slide: bags.read(slide).features if slide in bags else None,
        options["false_alarms"],
        table.ids,
    )
    return pd.concat([frame.set_axis(table.ids) for frame in (predicted, doubt)], axis=1)


def read_slides(table: EmbeddingTable, slides: pd.DataFrame) -> pd.DataFrame:
    """Rows of the slides that embeddings were made of, each with its sample (a case, or itself) as case_id."""
    pairs = [(name, sample) for sample, names in used_by(table).items() for name in names.split(";") if name]
    slide_rows = slides.loc[[name for name, _ in pairs]]
    return slide_rows.assign(case_id=[sample for _, sample in pairs])


def used_by(table: EmbeddingTable) -> dict[str, str]:
    """Slides, joined by ;, that each embedding was made of."""
    return dict(zip(table.ids, table.columns.get("slides_used", table.ids), strict=True))


def labels_known(predictor: Predictor) -> dict[str, Any]:
    """Name and values of the predictor's label: classes without training cases are unknown to it."""
    label = dict(predictor.facts["label"])
    names = {code: name for code, name in label["label_dict"].items() if name in predictor.classes}
    return label | {"label_dict": names}


def labels_of(name: str, label: Mapping[str, Any], sheets: Sequence[str]) -> Labelled | NoLabels | BadTask:
    """Labels of the new samples; where there are none, or some can't be read, why: predictions don't need them."""
    try:
        return read_labels(name, label, sheets[0], sheets[1] if len(sheets) > 1 else "")
    except (NoLabels, BadTask) as reason:
        return reason


def in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with their columns in order, true and false as words, and unknown values empty."""
    between = [name for name in rows if name not in (*FIRST, *LAST)]
    shown = rows[[name for name in (*FIRST, *between, *LAST) if name in rows]].reset_index(drop=True)
    for name in ("in_training", "ood_flag"):
        if name in shown:
            shown[name] = shown[name].map({True: "yes", False: "no"}).fillna("")
    return shown
