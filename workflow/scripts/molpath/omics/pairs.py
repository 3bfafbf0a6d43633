"""Pair slides with profiles, with the rule used, and the reasons for those left out."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import anndata
import pandas as pd

from ..common.files import read_tsv, write_tsv
from ..common.reasons import FEATURES_ONLY, OK
from .aliquots import choose_aliquot
from .barcodes import parse_barcode
from .leakage import LEAK_COLUMNS, Leakage, find_leaks, find_twins, same_patients, trained_elsewhere
from .left_out import REASONS
from .sample_types import check_kinds

log = logging.getLogger(__name__)

PROFILE_COLUMNS = ["profile_id", "case_id", "cohort", "sample_id", "sample_type", "specimen", "modality", "value"]
PAIR_COLUMNS = ["slide_id", "case_id", "cohort", "profile_id", "modality", "status", "reason", "rule", "detail"]


def pair_slides(
    *,
    slides: str,
    tables: Sequence[str],
    splits: Mapping[str, str],
    runs: Mapping[str, Mapping[str, Sequence[str]]],
    pairs: str,
    leakage: str,
    sheet: str = "",
    allow: Sequence[str] = (),
    correlation: float = 0.99,
    whole: Sequence[str] = (),
    finished: Mapping[str, str] | None = None,
) -> None:
    """Write pairs.tsv and leakage.tsv; in a study without profiles (no tables) leakage by finished models only.

    slides: tables/slides.tsv; sheet: the slide sheet (its optional columns sample_id and sample_type); tables: rna.h5ad
    and dna.h5ad of the cohorts; splits: k=all.tsv by task; runs: cohorts and modalities that each used run trains on;
    allow: cases that may leak; correlation: from which on two profiles are the same; whole: tasks of which every case
    is tested, whatever their folds say; finished: config.json of the finished runs that are models here, by name.
    Raises Leakage, after both tables are written, naming case, task and fold.
    """
    profile_tables = [read_profiles(path) for path in tables]
    profiles = pd.concat(profile_tables, ignore_index=True) if profile_tables else pd.DataFrame(columns=PROFILE_COLUMNS)
    table = read_tsv(slides)
    paired = find_pairs(add_samples(table, sheet), profiles)
    write_tsv(pairs, paired)
    twins = find_twins(tables, correlation)
    finished_cases = trained_elsewhere(finished or {}, table.case_id)
    leaks = find_leaks(paired, same_patients(table, twins), splits, runs, allow, whole, finished_cases)
    leaks += [twin.row() for twin in twins]
    write_tsv(leakage, pd.DataFrame(leaks, columns=LEAK_COLUMNS))
    stop_on_errors([row for row in leaks if row["action"] == "error"])


def stop_on_errors(errors: Sequence[Mapping[str, str]]) -> None:
    """Raises Leakage if there is any row, listing the first twenty."""
    if errors:
        lines = "\n".join(f"  case {r['case_id']}, task {r['task']}, {r['fold']}: {r['detail']}" for r in errors[:20])
        raise Leakage(
            f"{len(errors)} leaks between pretraining and test sides:\n{lines}\nTake the case's cohort out of the run "
            "(or another model where the run is a finished one), or the case out of the test side, or name the case "
            "under omics/allow_leakage; all are listed in omics/leakage.tsv."
        )


def read_profiles(path: str) -> pd.DataFrame:
    """profile_id, case_id, cohort, sample_id, sample_type, specimen, modality, value of one table of profiles."""
    data = anndata.read_h5ad(path, backed="r")
    table = data.obs.rename_axis("profile_id").reset_index()
    for name in ("sample_id", "sample_type", "specimen"):
        table[name] = table[name].astype(str) if name in table else ""
    table = table[PROFILE_COLUMNS[:6]].astype(str)
    check_kinds(table, "profile_id", path)
    table["modality"] = "dna" if data.uns["value"] == "flags" else "rna"
    table["value"] = str(data.uns["value"])
    data.file.close()
    return table[PROFILE_COLUMNS]


def add_samples(slides: pd.DataFrame, sheet: str) -> pd.DataFrame:
    """The table of slides with sample_id and sample_type of the sheet ('' where it has none)."""
    slides = slides.copy()
    rows = read_tsv(sheet).drop_duplicates("slide_id").set_index("slide_id") if sheet else pd.DataFrame()
    for name in ("sample_id", "sample_type"):
        slides[name] = rows[name].reindex(slides.slide_id).fillna("").to_numpy() if name in rows else ""
    check_kinds(slides, "slide_id", sheet)
    return slides


@dataclass(frozen=True)
class Specimen:
    """Origin of a slide or profile, as far as known: program, kind (tumour, normal), sample within the case."""

    program: str = ""
    kind: str = ""
    sample: str = ""


def specimen_of(names: Sequence[str], sample_type: str) -> Specimen:
    """From the first id that is a barcode with a sample; the sheet's sample_type wins over it.

    Ids that are not barcodes are sample names: two equal ones are the same sample.
    """
    codes = [code for code in map(parse_barcode, names) if code]
    code = next((code for code in codes if code.sample), codes[0] if codes else None)
    if code is None:
        return Specimen("", sample_type, names[0])
    return Specimen(code.program, sample_type or code.kind, code.sample)


def find_pairs(slides: pd.DataFrame, profiles: pd.DataFrame) -> pd.DataFrame:
    """Every slide with at most one profile per modality; everything left out has a reason.

    In this order: same case and cohort; one aliquot per sample (choose_aliquot); tumour with tumour and normal with
    normal, where what isn't known goes with tumour only; same sample before same case (of GTEx, where every sample is
    another tissue, only the same); the first of the sheet.
    """
    rows, paired_rows = [], set()
    profiles = profiles.reset_index(drop=True)
    by_case = {key: group for key, group in profiles.groupby(["case_id", "cohort"], sort=False)}
    for slide in slides.itertuples():
        base = {"slide_id": slide.slide_id, "case_id": slide.case_id, "cohort": slide.cohort}
        candidates = by_case.get((slide.case_id, slide.cohort))
        lone = lone_reason(slide, candidates)
        if lone:
            rows.append(base | {"status": "left_out", "reason": lone[0], "detail": lone[1]})
            continue
        assert candidates is not None  # otherwise lone_reason gives a reason
        for modality, group in candidates.groupby("modality", sort=False):
            for index, choice in choose(slide, group).items():
                paired_rows.add(index)
                rows.append(base | {"profile_id": profiles.profile_id[index], "modality": modality} | choice)
    for profile in profiles.drop(index=sorted(paired_rows)).itertuples():
        base = {"case_id": profile.case_id, "cohort": profile.cohort, "profile_id": profile.profile_id}
        rows.append(base | {"modality": profile.modality, "status": "left_out", "reason": "no_slide"})
    pairs = pd.DataFrame(rows, columns=PAIR_COLUMNS).fillna("")
    pairs["detail"] = pairs.detail.where(pairs.detail != "", pairs.reason.map(REASONS).fillna(""))
    return pairs


def lone_reason(slide, profiles) -> tuple[str, str] | None:
    """Why a slide can't be paired at all, and details; None if it can."""
    if slide.status != OK and slide.reason != FEATURES_ONLY:
        return "slide_set_aside", slide.reason
    if slide.duplicate_of:
        return "duplicate_slide", f"of {slide.duplicate_of}"
    return ("no_profile", "") if profiles is None else None


def choose(slide, group: pd.DataFrame) -> dict[int, dict[str, str]]:
    """Status, reason, rule and detail of each profile (by index) of the slide's case and one modality."""
    slide_specimen = specimen_of([n for n in (slide.sample_id, slide.slide_id) if n], slide.sample_type)
    specimens = {
        p.Index: specimen_of([p.sample_id or p.profile_id, p.profile_id], p.sample_type) for p in group.itertuples()
    }
    choices, candidates = {}, list(group.index)

    def leave_out(indices, reason: str, detail: str = "") -> None:
        for index in indices:
            choices[index] = {"status": "left_out", "reason": reason, "rule": "", "detail": detail}
            candidates.remove(index)

    leave_out([i for i in candidates if group.value[i] == "zscore"], "zscore")
    for index, winner in duplicate_aliquots(group.loc[candidates], specimens).items():
        leave_out([index], "duplicate_aliquot", f"{winner} was chosen")
    other_kind = [
        i for i in candidates if slide_specimen.kind and specimens[i].kind and slide_specimen.kind != specimens[i].kind
    ]
    leave_out(other_kind, "other_kind", f"the slide is {slide_specimen.kind}")
    unknown = [
        i
        for i in candidates
        if slide_specimen.kind != specimens[i].kind and "tumour" not in (slide_specimen.kind, specimens[i].kind)
    ]
    leave_out(
        [i for i in unknown if slide_specimen.kind],
        "unknown_kind",
        f"the slide is {slide_specimen.kind}, the profile doesn't say",
    )
    leave_out(
        [i for i in unknown if not slide_specimen.kind],
        "unknown_kind",
        "the profile is not of a tumour, the slide doesn't say",
    )
    if slide_specimen.program == "GTEx":
        leave_out(
            [i for i in candidates if slide_specimen.sample != specimens[i].sample],
            "other_tissue",
            f"the slide is of {slide_specimen.sample}",
        )
    # The slide's own sample, if the sheets name it (GTEx's sampleId), before another of the same piece of tissue.
    same_sample = [i for i in candidates if slide.sample_id and slide.sample_id == group.sample_id[i]]
    same_sample = same_sample or [
        i for i in candidates if slide_specimen.sample and slide_specimen.sample == specimens[i].sample
    ]
    if same_sample:
        leave_out(
            [i for i in candidates if i not in same_sample],
            "other_sample",
            f"{group.profile_id[same_sample[0]]} was chosen",
        )
    if candidates:
        leave_out(candidates[1:], "another_profile", f"{group.profile_id[candidates[0]]} was chosen")
        rule = "same_sample" if same_sample else "same_case"
        choices[candidates[0]] = {"status": "paired", "reason": "", "rule": rule, "detail": ""}
    return dict(sorted(choices.items()))


def duplicate_aliquots(group: pd.DataFrame, specimens: Mapping[int, Specimen]) -> dict[int, str]:
    """Profiles (by index) that are further aliquots of a TCGA sample, with the profile that was chosen."""
    by_sample: dict[str, list[int]] = {}
    for index in group.index:
        specimen = specimens[index]
        if specimen.program == "TCGA" and specimen.sample:
            by_sample.setdefault(specimen.sample, []).append(index)
    chosen_of: dict[int, str] = {}
    for indices in by_sample.values():
        names = [group.sample_id[i] or group.profile_id[i] for i in indices]
        best = indices[choose_aliquot(names, group.modality[indices[0]], list(group.specimen[indices]))]
        chosen_of |= dict.fromkeys([i for i in indices if i != best], group.profile_id[best])
    return chosen_of
