"""Differential expression (DESeq2, by pydeseq2) between cases that a probe predicts high and low."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..common.files import read_tsv, write_tsv
from ..omics.sample_types import kinds_of, stands_for_its_case

log = logging.getLogger(__name__)

#: Protocols whose predictions are taken; a group of probes has one of them.
PROTOCOLS = ("logistic", "cox", "finetune")
SMALLEST_GROUP = 3


class NoGroups(Exception):
    """Predictions and counts that don't allow a comparison; the message says what is missing."""


def compare_expression(
    *, predictions: str, pairs: str, tables: Sequence[str], settings: Mapping[str, Any], output: str, threads: int = 1
) -> None:
    """Write a row per gene: base_mean, log2FC (high over low), lfcSE, stat, p, padj, n_high, n_low; smallest P first.

    predictions: parquet of a probing job, test sides only. pairs: omics/pairs.tsv, for the profiles of each case.
    tables: rna.h5ad with layers['counts']. settings: `split` (median, tertiles, half: over and under a probability of
    0.5), `class` (code of the class whose probability counts), `min_counts` (genes with fewer in all are left out).
    Several cohorts are a factor of the design. Raises NoGroups where a group is too small or there are no counts.
    """
    groups = split_cases(scores_of(pd.read_parquet(predictions), settings["class"]), settings["split"])
    counts, cohorts = read_counts(tables, profiles_of(pairs, set(groups.index)))
    counts = counts.loc[:, counts.sum() >= settings["min_counts"]]
    design = pd.DataFrame({"predicted": groups.reindex(counts.index), "cohort": cohorts}, index=counts.index)
    sizes = design.predicted.value_counts()
    for name in ("high", "low"):
        if sizes.get(name, 0) < SMALLEST_GROUP:
            raise NoGroups(f"{sizes.get(name, 0)} cases predicted {name} have counts; {SMALLEST_GROUP} are needed")
    log.info("%d cases high, %d low, %d genes", sizes["high"], sizes["low"], counts.shape[1])
    results = deseq(counts, design, threads)
    results["n_high"], results["n_low"] = sizes["high"], sizes["low"]
    results = results.rename_axis("gene").reset_index()
    write_tsv(output, results.iloc[np.lexsort((results.gene, results.p.fillna(2)))])


def scores_of(predictions: pd.DataFrame, code: int) -> pd.Series:
    """Score of each case over its test folds: mean probability of a class, or mean rank of its risk (0 to 1).

    Risks of different folds come from different models and have no common scale; their ranks inside a fold do.
    """
    scored = predictions[predictions.protocol.isin(PROTOCOLS)].copy()
    if "risk" in scored:
        scored["score"] = scored.groupby("fold").risk.rank(pct=True)
    elif f"prob_{code}" in scored:
        scored["score"] = scored[f"prob_{code}"]
    else:
        raise NoGroups(f"the task has no class with code {code}")
    return scored.groupby("case_id" if "case_id" in scored else "sample_id").score.mean()


def split_cases(scores: pd.Series, split: str) -> pd.Series:
    """`high` or `low` of each case; with tertiles the middle third is left out."""
    if split == "half":
        low = high = 0.5
    else:
        low, high = scores.quantile([0.5, 0.5] if split == "median" else [1 / 3, 2 / 3])
    groups = pd.Series(np.where(scores > high, "high", np.where(scores <= low, "low", "")), scores.index)
    return groups[groups != ""]


def profiles_of(pairs: str, cases: set[str]) -> dict[str, str]:
    """Case of each expression profile that was paired with one of these, in the order of pairs.tsv."""
    table = read_tsv(pairs)
    table = table[(table.status == "paired") & (table.modality == "rna") & table.case_id.isin(cases)]
    return dict(zip(table.profile_id, table.case_id, strict=True))


def read_counts(tables: Sequence[str], case_of: Mapping[str, str]) -> tuple[pd.DataFrame, pd.Series]:
    """Counts (int, cases x genes that all tables have) and cohort of each case; tables without counts are left out.

    case_of: of profiles. A case has the first of its profiles; one of normal tissue only if it has no others.
    """
    import anndata

    frames, rows = [], []
    for path in tables:
        data = anndata.read_h5ad(path)
        if "counts" not in data.layers:
            log.warning("%s has no counts: left out", path)
            continue
        paired = data[[name in case_of for name in data.obs_names]]
        if not len(paired):
            continue
        index = pd.Index(paired.obs_names, dtype=object)
        frames.append(pd.DataFrame(np.asarray(paired.layers["counts"]), index=index, columns=paired.var_names))
        of_profiles = {"cohort": paired.obs["cohort"].astype(str).to_numpy(), "kind": kinds_of(paired.obs)}
        rows.append(pd.DataFrame({"case": [case_of[name] for name in index], **of_profiles}, index=index))
    if not frames:
        raise NoGroups("no case with a prediction has a paired profile with counts")
    profiles = pd.concat(rows)
    profiles = profiles[stands_for_its_case(profiles.case, profiles.kind)]
    firsts = profiles.reindex([name for name in case_of if name in profiles.index]).drop_duplicates("case").index
    profiles = profiles[profiles.index.isin(firsts)]
    counts = pd.concat(frames, join="inner").loc[profiles.index]
    return counts.set_axis(profiles.case.to_numpy()), profiles.cohort.set_axis(profiles.case.to_numpy())


def deseq(counts: pd.DataFrame, design: pd.DataFrame, threads: int) -> pd.DataFrame:
    """DESeq2's Wald test of high against low, genes x base_mean, log2FC, lfcSE, stat, p, padj."""
    from pydeseq2.dds import DeseqDataSet
    from pydeseq2.default_inference import DefaultInference
    from pydeseq2.ds import DeseqStats

    several = design.cohort.nunique() > 1
    if several and (design.groupby("cohort").predicted.nunique() == 1).all():
        raise NoGroups(
            "every cohort is predicted high or low as a whole: the effects of cohort and prediction can't be separated"
        )
    inference = DefaultInference(n_cpus=threads)
    formula = "~cohort + predicted" if several else "~predicted"
    data = DeseqDataSet(counts=counts, metadata=design, design=formula, inference=inference, quiet=True)
    data.deseq2()
    tested = DeseqStats(data, contrast=["predicted", "high", "low"], inference=inference, quiet=True)
    tested.run_wald_test()
    tested.summary()
    names = {"baseMean": "base_mean", "log2FoldChange": "log2FC", "pvalue": "p"}
    return tested.results_df.rename(columns=names)
