"""New cases and their slides: what was set aside and why, the quality of the slides, and which were in training."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ..common.digests import digest_of
from ..common.files import read_tsv
from ..common.reasons import OK, REASONS

log = logging.getLogger(__name__)

#: A row of a table by its columns.
Row = Mapping[str, Any]

NOT_PREDICTED = "not predicted"
#: Reason of a sample that no stage mentions.
NOT_EMBEDDED = "not embedded"


def describe_slides(sheet: str, quality: str, fates: str) -> pd.DataFrame:
    """A row for each new slide, by slide_id in the sheet's order: case_id, what inspection and quality control found
    (columns of tables/slides.tsv), and `status`, `reason`, `detail` and `n_patches` of its embedding."""
    rows = read_tsv(sheet)[["slide_id", "case_id"]]
    quality_rows = read_tsv(quality).drop(
        columns=["case_id", "status", "reason", "detail", "n_patches"], errors="ignore"
    )
    embedded = read_tsv(fates).drop(columns="case_id", errors="ignore")
    described = rows.merge(quality_rows, on="slide_id", how="left").merge(embedded, on="slide_id", how="left")
    described = described.fillna("").set_index("slide_id", drop=False)
    described.index.name = None
    described.loc[described.status == "", ["status", "reason"]] = "set_aside", NOT_EMBEDDED
    return described


def samples_of(
    slides: pd.DataFrame, unit: str, fates: pd.DataFrame, slides_of_sample: Mapping[str, str]
) -> pd.DataFrame:
    """A row for each sample (`unit`: slide_id or case_id) of the new sheet, by its id, in the sheet's order.

    fates: manifest of the samples' embeddings. slides_of_sample: slides,
    joined by ;, of each sample that has an embedding.
    Columns: the ids, status (ok, not predicted), reason in words, n_slides, n_patches, set_aside, quality.
    """
    by_sample = {row[unit]: row for row in fates.to_dict("records")}
    groups: dict[str, list[Row]] = {}
    for slide in slides.to_dict("records"):
        groups.setdefault(slide[unit], []).append(slide)
    rows = []
    for name, sample_slides in groups.items():
        fate = by_sample.get(name, {"reason": NOT_EMBEDDED, "detail": "", "n_patches": ""})
        is_embedded, used = (
            name in slides_of_sample,
            [slide_id for slide_id in slides_of_sample.get(name, "").split(";") if slide_id],
        )
        not_embedded = [f"{slide['slide_id']}: {in_words(slide)}" for slide in sample_slides if slide["status"] != OK]
        rows.append(
            {"case_id": sample_slides[0]["case_id"], unit: name}
            | {
                "status": OK if is_embedded else NOT_PREDICTED,
                "reason": "" if is_embedded else "; ".join(not_embedded) or in_words(fate),
            }
            | {"n_slides": len(used), "n_patches": int(fate["n_patches"] or 0) if is_embedded else 0}
            | {"set_aside": "; ".join(not_embedded), "quality": quality_of(sample_slides, used)}
        )
    return pd.DataFrame(rows).set_index(unit, drop=False).rename_axis(None)


def in_words(fate: Row) -> str:
    """The reason of a manifest, with its detail or what the word means."""
    detail = fate["detail"] or REASONS.get(fate["reason"], "")
    return f"{fate['reason']} ({detail})" if detail else str(fate["reason"])


def quality_of(slides: Sequence[Row], used: Sequence[str]) -> str:
    """Notes on the slides behind a prediction; '' without any."""
    slide_notes = []
    for row in [slide for slide in slides if slide["slide_id"] in used]:
        notes = [row.get("note", "")]
        notes += [f"the same as slide {original}" for original in [row.get("duplicate_of", "")] if original]
        share = float(row.get("lost_fraction") or 0)
        notes += [f"{share:.0%} of its tissue lost to damage of the file"] * (share >= 0.005)
        slide_notes += [f"{row['slide_id']}: {note}" for note in notes if note]
    return "; ".join(slide_notes)


def mark_training(samples: pd.DataFrame, slides: pd.DataFrame, training: Mapping[str, Any]) -> pd.DataFrame:
    """Samples with in_training (bool) and in_training_by: which of them the predictor was fitted on.

    A case is known by its name, a slide by its identity, whatever its file and its case are named here. What it was
    called in training is logged where it is known: a bundle, which doesn't know, gives the same table.
    training: `cases` and `slides` (identity by slide_id) of predictor.json, whose names may be `digests`.
    """
    plain = not training.get("digests", False)
    cases = {digest_of(name) for name in training["cases"]} if plain else set(training["cases"])
    name_of_identity = {identity: name for name, identity in training["slides"].items() if identity}
    unit = "slide_id" if "slide_id" in samples else "case_id"
    same: dict[str, list[str]] = {}
    for row in slides[slides.identity.isin(list(name_of_identity))].to_dict("records"):
        same.setdefault(row[unit], []).append(f"slide {row['slide_id']}")
        if plain:
            log.warning("slide %s is training slide %s", row["slide_id"], name_of_identity[row["identity"]])
    marks = []
    for sample, case in zip(samples[unit], samples.case_id, strict=True):
        marks.append("; ".join([f"case {case}"] * (digest_of(case) in cases) + same.get(sample, [])))
    return samples.assign(in_training=[bool(mark) for mark in marks], in_training_by=marks)
