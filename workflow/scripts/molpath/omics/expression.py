"""Normalised expression of a cohort: log2(TPM + 1) as in the paper, raw counts beside it, and quality."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import anndata
import numpy as np
import pandas as pd

from ..common.files import write_h5ad, write_tsv
from .expression_files import BadProfile, Measurement, read_measurements

log = logging.getLogger(__name__)

#: Profiles further out than this many robust deviations in the first ten principal components are flagged.
OUTLIER_DEVIATIONS = 5.0


def normalise_rna(*, rows: Sequence[Mapping[str, str]], output: str, losses: str) -> None:
    """Write the cohort's rna.h5ad and what every step lost.

    rows: RNA rows of the profile sheet with resolved paths. X: float32 profiles x genes, log2(TPM + 1), or
    log2(CPM + 1) where there are only counts, or z-scores as given; `uns["value"]` says which. A gene is named by
    its symbol, else by its Ensembl id without version; rows of one name are summed (z-scores: the first stays), PAR_Y
    copies dropped; genes that a profile of the cohort lacks are left out.
    """
    measurements = read_measurements(rows)
    kind = kind_of(measurements)
    steps = Counter(next(iter(measurements.values())))
    tables = {"counts": [], kind: []}
    for measurement in measurements.values():
        for name in tables:
            if getattr(measurement, name) is not None:
                tables[name].append(by_gene(measurement, getattr(measurement, name), summed=kind != "zscore"))
    frames = {name: pd.concat(parts, axis=1, join="inner").T for name, parts in tables.items() if parts}
    values = frames[kind]
    steps.add("one row a gene, in every profile", values.shape[1])
    data = anndata.AnnData(value_of(values.to_numpy(float), kind).astype(np.float32))
    data.obs = describe_profiles(rows, measurements, data.X, frames.get("counts"))
    data.var = describe_genes(values.columns, measurements)
    if len(frames.get("counts", ())) == len(rows):
        data.layers["counts"] = frames["counts"][values.columns].to_numpy(np.float32)
    data.uns["value"] = {"tpm": "log2_tpm_plus_1", "counts": "log2_cpm_plus_1", "zscore": "zscore"}[kind]
    write_h5ad(output, data)
    write_tsv(losses, steps.table())


class Counter:
    """Counts genes after each step."""

    def __init__(self, first: Measurement):
        par = np.char.endswith(first.gene_ids, "_PAR_Y")
        self.rows = [("in the first file", len(first.gene_ids)), ("without PAR_Y copies", int((~par).sum()))]

    def add(self, step: str, genes: int) -> None:
        """Remember how many genes are left after a step."""
        self.rows.append((step, genes))

    def table(self) -> pd.DataFrame:
        """Columns step, genes."""
        return pd.DataFrame(self.rows, columns=["step", "genes"])


def kind_of(measurements: Mapping[str, Measurement]) -> str:
    """What all profiles of the cohort have: tpm, else counts, else zscore. Raises BadProfile where they share none."""
    for kind in ("tpm", "counts", "zscore"):
        if all(getattr(measurement, kind) is not None for measurement in measurements.values()):
            return kind
    raise BadProfile("the cohort mixes profiles in units that can't be compared; give them cohorts of their own")


def by_gene(measurement: Measurement, values: np.ndarray, summed: bool) -> pd.Series:
    """Values by gene name: symbol, else Ensembl id without version."""
    ids = measurement.gene_ids
    keep = ~np.char.endswith(ids, "_PAR_Y")
    stripped = np.array([name.split(".")[0] for name in ids[keep]], dtype=object)
    names = np.where(measurement.symbols[keep] != "", measurement.symbols[keep].astype(object), stripped)
    series = pd.Series(values[keep], index=names).dropna()
    groups = series.groupby(level=0, sort=True)
    return groups.sum() if summed else groups.first()


def value_of(values: np.ndarray, kind: str) -> np.ndarray:
    """What goes into X: log2(TPM + 1), log2(CPM + 1) or z-scores."""
    if kind == "zscore":
        return values
    if kind == "counts":
        values = values / np.maximum(values.sum(1, keepdims=True), 1) * 1e6
    return np.log2(values + 1)


def describe_profiles(rows, measurements, values: np.ndarray, counts: pd.DataFrame | None) -> pd.DataFrame:
    """obs: ids, library size, genes detected, share of mitochondrial counts, size factor, distance in PCA."""
    obs = pd.DataFrame([{k: row[k] for k in ("profile_id", "case_id", "sample_id", "cohort", "unit")} for row in rows])
    obs = obs.set_index("profile_id")
    if counts is not None and len(counts) == len(rows):
        raw = counts.to_numpy(float)
        mitochondrial = raw[:, counts.columns.str.startswith("MT-")].sum(1)
        obs["library_size"] = raw.sum(1)
        obs["genes_detected"] = (raw > 0).sum(1)
        obs["percent_mito"] = 100 * mitochondrial / np.maximum(raw.sum(1), 1)
        obs["size_factor"] = size_factors(raw)
    distance = pca_distance(values)
    obs["pca_distance"] = distance
    obs["outlier"] = distance > OUTLIER_DEVIATIONS
    return obs


def describe_genes(names: pd.Index, measurements: Mapping[str, Measurement]) -> pd.DataFrame:
    """var: symbol and Ensembl id (of the first file) of each gene."""
    first = next(iter(measurements.values()))
    ids = {
        symbol or gene.split(".")[0]: gene.split(".")[0]
        for gene, symbol in zip(first.gene_ids[::-1], first.symbols[::-1], strict=True)
    }
    ensembl = [ids.get(name, "") for name in names]
    symbols = ["" if name == gene else name for name, gene in zip(names, ensembl, strict=True)]
    return pd.DataFrame({"symbol": symbols, "ensembl_id": ensembl}, index=names.astype(str))


def size_factors(counts: np.ndarray) -> np.ndarray:
    """DESeq2's median-of-ratios size factors (float N) of counts (N x genes); NaN if no gene is in every profile."""
    from pydeseq2.preprocessing import deseq2_norm_fit, deseq2_norm_transform

    if not (counts > 0).all(0).any():
        return np.full(len(counts), np.nan)
    with np.errstate(divide="ignore"):  # genes absent somewhere have a log mean of -inf and are left out
        log_means, used = deseq2_norm_fit(counts)
        return np.asarray(deseq2_norm_transform(counts, log_means, used)[1], float)


def pca_distance(values: np.ndarray) -> np.ndarray:
    """Distance from the cohort's centre in up to ten principal components, in robust deviations (float N)."""
    centred = np.nan_to_num(values - np.nanmean(values, 0)).astype(float)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    components = max(1, min(10, len(s) // 3))
    radius = np.linalg.norm(u[:, :components] * np.sqrt(max(len(values) - 1, 1)), axis=1)
    spread = 1.4826 * np.median(np.abs(radius - np.median(radius)))
    return (radius - np.median(radius)) / max(spread, 1e-9)
