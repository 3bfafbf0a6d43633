"""New cases and their slides: what was set aside and why, how good the slides are, which a predictor was fitted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ..common.files import read_tsv
from ..common.reasons import OK, REASONS

NOT_PREDICTED = "not predicted"
#: Reason of a sample of which no stage says anything.
NOT_EMBEDDED = "not embedded"


def describe_slides(sheet: str, quality: str, fates: str) -> pd.DataFrame:
    """A row for each new slide, by slide_id in the sheet's order: case_id, what inspection and quality control found
    (columns of tables/slides.tsv), and `status`, `reason`, `detail` and `n_patches` of its embedding."""
    rows = read_tsv(sheet)[["slide_id", "case_id"]]
    seen = read_tsv(quality).drop(columns=["case_id", "status", "reason", "detail", "n_patches"], errors="ignore")
    embedded = read_tsv(fates).drop(columns="case_id", errors="ignore")
    found = rows.merge(seen, on="slide_id", how="left").merge(embedded, on="slide_id", how="left")
    found = found.fillna("").set_index("slide_id", drop=False)
    found.index.name = None
    found.loc[found.status == "", ["status", "reason"]] = "set_aside", NOT_EMBEDDED
    return found


def samples_of(slides: pd.DataFrame, unit: str, fates: pd.DataFrame, given: Mapping[str, str]) -> pd.DataFrame:
    """A row for each sample (`unit`: slide_id or case_id) of the new sheet, by its id, in the sheet's order.

    fates: manifest of the samples' embeddings. given: slides, joined by ;, of each sample that has an embedding.
    Columns: the ids, status (ok, not predicted), reason in words, n_slides, n_patches, set_aside, quality.
    """
    by_sample = {row[unit]: row for row in fates.to_dict("records")}
    rows = []
    for name, group in slides.groupby(unit, sort=False):
        fate = by_sample.get(name, {"status": "", "reason": NOT_EMBEDDED, "detail": "", "n_patches": ""})
        there = name in given
        used = [one for one in given.get(name, "").split(";") if one]
        rows.append(
            {"case_id": group.case_id.iloc[0], unit: name}
            | {"status": OK if there else NOT_PREDICTED, "reason": "" if there else reason_of(group, fate)}
            | {"n_slides": len(used), "n_patches": int(fate["n_patches"] or 0) if there else 0}
            | {"set_aside": "; ".join(fates_of(group[group.status != OK])), "quality": quality_of(group, used)}
        )
    return pd.DataFrame(rows).set_index(unit, drop=False).rename_axis(None)


def reason_of(group: pd.DataFrame, fate: Mapping[str, Any]) -> str:
    """Why a sample was not predicted: what became of its slides."""
    lost = fates_of(group[group.status != OK])
    return "; ".join(lost) or in_words(fate["reason"], fate["detail"])


def fates_of(slides: pd.DataFrame) -> list[str]:
    """Each slide with what became of it."""
    return [f"{row.slide_id}: {in_words(row.reason, row.detail)}" for row in slides.itertuples()]


def in_words(reason: str, detail: str) -> str:
    """The reason of a manifest, with its detail or what the word means."""
    told = detail or REASONS.get(reason, "")
    return f"{reason} ({told})" if told else reason


def quality_of(group: pd.DataFrame, used: Sequence[str]) -> str:
    """What is to be known of the slides that a prediction rests on; '' where nothing is."""
    told = []
    for row in group[group.slide_id.isin(list(used))].to_dict("records"):
        notes = [row.get("note", "")]
        notes += [f"the same as slide {row['duplicate_of']}"] * bool(row.get("duplicate_of"))
        share = float(row.get("lost_fraction") or 0)
        notes += [f"{share:.0%} of its tissue left out for artefacts"] * (share >= 0.005)
        told += [f"{row['slide_id']}: {note}" for note in notes if note]
    return "; ".join(told)


def mark_training(samples: pd.DataFrame, slides: pd.DataFrame, training: Mapping[str, Any]) -> pd.DataFrame:
    """Samples with in_training (bool) and in_training_by: what of them the predictor was fitted on.

    A case is known by its name, a slide by its identity, whatever its file and its case are called here.
    training: `cases` (names) and `slides` (identity by slide_id) of predictor.json.
    """
    cases = set(training["cases"])
    known = {identity: name for name, identity in training["slides"].items() if identity}
    unit = "slide_id" if "slide_id" in samples else "case_id"
    same: dict[str, list[str]] = {}
    for row in slides[slides.identity.isin(list(known))].to_dict("records"):
        same.setdefault(row[unit], []).append(f"slide {row['slide_id']} is its slide {known[row['identity']]}")
    marks = []
    for sample, case in zip(samples[unit], samples.case_id, strict=True):
        marks.append("; ".join([f"case {case}"] * (case in cases) + same.get(sample, [])))
    return samples.assign(in_training=[bool(mark) for mark in marks], in_training_by=marks)
