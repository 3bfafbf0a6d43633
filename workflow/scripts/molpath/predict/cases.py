"""New cases and their slides: what was set aside and why, how good the slides are, which a predictor was fitted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ..common.digests import digest_of
from ..common.files import read_tsv
from ..common.reasons import OK, REASONS

#: A row of a table by its columns.
Row = Mapping[str, Any]

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
    groups: dict[str, list[Row]] = {}
    for slide in slides.to_dict("records"):
        groups.setdefault(slide[unit], []).append(slide)
    rows = []
    for name, mine in groups.items():
        fate = by_sample.get(name, {"reason": NOT_EMBEDDED, "detail": "", "n_patches": ""})
        there, used = name in given, [one for one in given.get(name, "").split(";") if one]
        lost = [f"{slide['slide_id']}: {in_words(slide)}" for slide in mine if slide["status"] != OK]
        rows.append(
            {"case_id": mine[0]["case_id"], unit: name}
            | {"status": OK if there else NOT_PREDICTED, "reason": "" if there else "; ".join(lost) or in_words(fate)}
            | {"n_slides": len(used), "n_patches": int(fate["n_patches"] or 0) if there else 0}
            | {"set_aside": "; ".join(lost), "quality": quality_of(mine, used)}
        )
    return pd.DataFrame(rows).set_index(unit, drop=False).rename_axis(None)


def in_words(fate: Row) -> str:
    """The reason of a manifest, with its detail or what the word means."""
    told = fate["detail"] or REASONS.get(fate["reason"], "")
    return f"{fate['reason']} ({told})" if told else str(fate["reason"])


def quality_of(slides: Sequence[Row], used: Sequence[str]) -> str:
    """What is to be known of the slides that a prediction rests on; '' where nothing is."""
    told = []
    for row in [slide for slide in slides if slide["slide_id"] in used]:
        notes = [row.get("note", "")]
        notes += [f"the same as slide {other}" for other in [row.get("duplicate_of", "")] if other]
        share = float(row.get("lost_fraction") or 0)
        notes += [f"{share:.0%} of its tissue lost to damage of the file"] * (share >= 0.005)
        told += [f"{row['slide_id']}: {note}" for note in notes if note]
    return "; ".join(told)


def mark_training(samples: pd.DataFrame, slides: pd.DataFrame, training: Mapping[str, Any]) -> pd.DataFrame:
    """Samples with in_training (bool) and in_training_by: what of them the predictor was fitted on.

    A case is known by its name, a slide by its identity, whatever its file and its case are called here.
    training: `cases` and `slides` (identity by slide_id) of predictor.json, whose names may be `digests`.
    """
    plain = not training.get("digests", False)
    cases = {digest_of(name) for name in training["cases"]} if plain else set(training["cases"])
    known = {identity: f" is its slide {name}" * plain for name, identity in training["slides"].items() if identity}
    unit = "slide_id" if "slide_id" in samples else "case_id"
    same: dict[str, list[str]] = {}
    for row in slides[slides.identity.isin(list(known))].to_dict("records"):
        same.setdefault(row[unit], []).append(f"slide {row['slide_id']}{known[row['identity']]}")
    marks = []
    for sample, case in zip(samples[unit], samples.case_id, strict=True):
        marks.append("; ".join([f"case {case}"] * (digest_of(case) in cases) + same.get(sample, [])))
    return samples.assign(in_training=[bool(mark) for mark in marks], in_training_by=marks)
