"""Which slide is paired with which profile, which are not and why; and what stands on both sides of a task."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import anndata
import numpy as np
import pandas as pd

from ..common.digests import digest_of
from ..common.files import read_tsv, write_tsv
from ..common.manifests import OK

log = logging.getLogger(__name__)

PAIR_COLUMNS = ["slide_id", "case_id", "cohort", "profile_id", "modality", "status", "reason"]
LEAK_COLUMNS = ["case_id", "run", "task", "fold", "side", "action", "detail"]


class Leakage(Exception):
    """A case that a run trains on stands on the test side of a task."""


def pair_slides(
    *,
    slides: str,
    tables: Sequence[str],
    splits: Mapping[str, str],
    cohorts: Mapping[str, Sequence[str]],
    pairs: str,
    leakage: str,
) -> None:
    """Write pairs.tsv and leakage.tsv.

    slides: tables/slides.tsv; tables: rna.h5ad and dna.h5ad of the cohorts; splits: k=all.tsv by task; cohorts: the
    cohorts each used run trains on. Raises Leakage, after both tables are written, naming case, task and fold.
    """
    profiles = pd.concat([read_profiles(path) for path in tables], ignore_index=True)
    table = read_tsv(slides)
    paired = find_pairs(table, profiles)
    write_tsv(pairs, paired)
    found = find_leaks(paired, table, splits, cohorts) + find_twins(tables, cohorts)
    write_tsv(leakage, pd.DataFrame(found, columns=LEAK_COLUMNS))
    errors = [row for row in found if row["action"] == "error"]
    if errors:
        listed = "\n".join(f"  case {r['case_id']}, task {r['task']}, {r['fold']}: {r['detail']}" for r in errors[:20])
        raise Leakage(
            f"{len(errors)} leaks between pretraining and test sides:\n{listed}\nTake the case's cohort out of the run "
            "or the case out of the test side; all are listed in omics/leakage.tsv."
        )


def read_profiles(path: str) -> pd.DataFrame:
    """profile_id, case_id, cohort, modality, value of one table of profiles."""
    data = anndata.read_h5ad(path, backed="r")
    table = data.obs[["case_id", "cohort"]].astype(str).rename_axis("profile_id").reset_index()
    table["modality"] = "dna" if data.uns["value"] == "flags" else "rna"
    table["value"] = str(data.uns["value"])
    data.file.close()
    return table


def find_pairs(slides: pd.DataFrame, profiles: pd.DataFrame) -> pd.DataFrame:
    """Every slide with every profile of its case and cohort; what is left out comes with its reason."""
    rows = []
    by_case = {key: group for key, group in profiles.groupby(["case_id", "cohort"], sort=False)}
    used = set()
    for slide in slides.itertuples():
        base = {"slide_id": slide.slide_id, "case_id": slide.case_id, "cohort": slide.cohort}
        mine = by_case.get((slide.case_id, slide.cohort))
        if slide.status != OK:
            rows.append(base | {"status": "left_out", "reason": "slide_set_aside"})
        elif slide.duplicate_of:
            rows.append(base | {"status": "left_out", "reason": "duplicate_slide"})
        elif mine is None:
            rows.append(base | {"status": "left_out", "reason": "no_profile"})
        else:
            for profile in mine.itertuples():
                used.add(profile.profile_id)
                fit = profile.value != "zscore"
                status = {"status": "paired", "reason": ""} if fit else {"status": "left_out", "reason": "zscore"}
                rows.append(base | {"profile_id": profile.profile_id, "modality": profile.modality} | status)
    for profile in profiles.itertuples():
        if profile.profile_id not in used:
            base = {"case_id": profile.case_id, "cohort": profile.cohort, "profile_id": profile.profile_id}
            rows.append(base | {"modality": profile.modality, "status": "left_out", "reason": "no_slide"})
    return pd.DataFrame(rows, columns=PAIR_COLUMNS).fillna("")


def find_leaks(paired: pd.DataFrame, slides: pd.DataFrame, splits: Mapping[str, str], cohorts) -> list[dict]:
    """Cases a run trains on (or whose slide is a duplicate of one) and the sides of folds they stand on."""
    twins = {row.slide_id: row.duplicate_of for row in slides.itertuples() if row.duplicate_of}
    case_of = dict(zip(slides.slide_id, slides.case_id, strict=True))
    same = {case_of[slide]: case_of[original] for slide, original in twins.items()}
    same |= {original: copy for copy, original in same.items()}
    found = []
    for run, names in cohorts.items():
        trained = set(paired.case_id[(paired.status == "paired") & paired.cohort.isin(names)])
        for task, path in splits.items():
            table = read_tsv(path)
            for row in table.drop_duplicates("case_id").to_dict("records"):
                case = row["case_id"]
                twin = same.get(case, "")
                if case not in trained and twin not in trained:
                    continue
                detail = f"run {run} trains on it" if case in trained else f"run {run} trains on {twin}, the same slide"
                for fold in (name for name in table if "fold_" in name):
                    if row[fold] in ("train", "test"):
                        action = "error" if row[fold] == "test" else "listed"
                        values = (case, run, task, fold, row[fold], action, detail)
                        found.append(dict(zip(LEAK_COLUMNS, values, strict=True)))
    return found


def find_twins(tables: Sequence[str], cohorts: Mapping[str, Sequence[str]]) -> list[dict]:
    """Expression profiles of two cases that are the same to two decimals: listed, for one of them is mislabelled."""
    first: dict[str, str] = {}
    found = []
    for path in tables:
        data = anndata.read_h5ad(path)
        if data.uns["value"] == "flags":
            continue
        for case, values in zip(data.obs.case_id.astype(str), np.round(np.asarray(data.X), 2), strict=True):
            key = digest_of(values)
            if first.setdefault(key, case) != case:
                detail = f"its expression profile is that of case {first[key]}"
                found.append(dict(zip(LEAK_COLUMNS, (case, "", "", "", "", "listed", detail), strict=True)))
    return found
