"""Normalised expression of a cohort: log2(TPM + 1) as in the paper, or log2 CPM or VST; raw counts beside it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
from h5py import string_dtype

from ..common.files import new_h5, open_h5, read_tsv, write_tsv
from ..common.h5ad import write_h5ad
from ..common.progress import Progress
from ..common.settings.omics import Rna
from .barcodes import parse_barcode
from .cohort_reading import CohortValues
from .deseq import Fit, Unfit, blocks, fit_dispersions, fit_size_factors, fit_vst, size_factors, stabilise
from .expression_files import Reading
from .genes import GeneTable
from .odd_profiles import log_equals, log_notes
from .quality import describe_profiles
from .selection import select_genes, selection_counts
from .tables import BadProfile
from .vocabulary import vocabulary_counts

log = logging.getLogger(__name__)

#: What X holds by kind of value, on a log2 scale (z-scores as they are).
NAMES = {"tpm": "log2_tpm_plus_1", "counts": "log2_cpm_plus_1", "cpm": "log2_cpm_plus_1"}
NAMES |= {"norm_count": "log2_norm_count_plus_1", "zscore": "zscore"}
DEFAULTS: Rna = {
    "value": "log2_tpm",
    "star_column": "unstranded",
    "transcripts": "",
    "size_factors": "ratio",
    "dispersions": False,
    "vst": {"design": "", "genes": 1000},
    "select": {},
}


def normalise_rna(
    *,
    rows: Sequence[Mapping[str, str]],
    output: str,
    losses: str,
    fit: str = "",
    reference: str = "",
    genes: str = "",
    cases: str = "",
    settings: Rna = DEFAULTS,
    vocabularies: Mapping[str, str] = {},
    threads: int = 1,
    log_path: str | None = None,
) -> None:
    """Write the cohort's rna.h5ad, the losses of every step, and the fit for other cohorts.

    rows: RNA rows of the profile sheet with resolved paths; reference: fit file of the cohort whose parameters are
    taken, '' fits on this one; genes: gene table, '' keeps names as given; cases: sheet of cases for the columns of a
    design; vocabularies: vocab.json by run, for the counts. X: float32 profiles x genes; layers["counts"]: int32,
    where every profile has counts; obs: ids and quality; var: ids, selected; uns: value and provenance.
    Files read so far survive a killed job, in `.reading` beside the output.
    """
    if not rows:
        raise BadProfile(f"{Path(output).parent.name}: no expression profile of this cohort was downloaded or is left")
    progress = Progress(log_path, "expression", len(rows), "profiles")
    reading = Reading(settings["star_column"], settings["transcripts"], GeneTable(genes))
    cohort = CohortValues(rows, reading, Path(output).parent / ".reading", progress.step)
    log_notes(rows, cohort.notes)
    kind = choose_kind(cohort.kinds, settings["value"])
    missing = cohort.leave_out_missing(kind)
    counts = counts_of(cohort, kind)
    learned = learn(counts, cohort.genes, rows, cases, reference, settings, threads)
    factors = factors_of(rows, counts, learned, settings["value"])
    values = values_of(cohort, kind, counts, factors, learned, settings["value"])
    log_equals(rows, values)
    data = described(rows, cohort, values, counts, factors, reading.table)
    add_counts(data, counts, rows, cases, settings, threads)
    selected = select_genes(values, cohort.genes, settings["select"], reading.table, reference)
    if selected is not None:
        data.var["selected"] = selected
    data.uns = provenance(kind, settings, learned, reference, genes)
    steps = loss_steps(cohort, missing) + selection_counts(cohort.genes, selected, settings["select"])
    steps += vocabulary_counts(selected_of(cohort.genes, selected), vocabularies, reading.table)
    write_h5ad(output, data)
    write_tsv(losses, pd.DataFrame(steps, columns=["step", "genes", "profiles"]))
    if fit:
        write_fit(fit, learned, cohort.genes, selected)
    cohort.forget()


def described(
    rows: Sequence[Mapping[str, str]],
    cohort: CohortValues,
    values: np.ndarray,
    counts: np.ndarray | None,
    factors: np.ndarray | None,
    table: GeneTable,
) -> anndata.AnnData:
    """The values (float32 profiles x genes) with descriptions of profiles and genes."""
    obs = describe_profiles(rows, values, counts, cohort.genes, factors)
    obs["unit_note"] = cohort.notes
    data = anndata.AnnData(values)
    data.obs, data.var = obs, describe_genes(cohort.genes, table)
    return data


def selected_of(genes: np.ndarray, selected: np.ndarray | None) -> np.ndarray:
    """The selected genes; all if there is no selection."""
    return genes if selected is None else genes[selected]


def counts_of(cohort: CohortValues, kind: str) -> np.ndarray | None:
    """Counts (int32 profiles x genes) if every profile has them for all genes, else None."""
    counts = cohort.values("counts") if "counts" in cohort.kinds else None
    if counts is not None and (counts < 0).any():
        log.warning("counts have gaps where %s has none: they are left out of the table", kind)
        return None
    return counts


def factors_of(
    rows: Sequence[Mapping[str, str]], counts: np.ndarray | None, learned: Fit | None, value: str
) -> np.ndarray | None:
    """Size factor of each profile (NaN: none) if they were fitted. Raises BadProfile if vst lacks one."""
    factors = size_factors(counts, learned) if learned and counts is not None else None
    if value == "vst" and factors is not None and np.isnan(factors).any():
        row = rows[int(np.flatnonzero(np.isnan(factors))[0])]
        raise BadProfile(f"profile {row['profile_id']} ({row['path']}) has no count in the genes of the size factors")
    return factors


def add_counts(
    data: anndata.AnnData,
    counts: np.ndarray | None,
    rows: Sequence[Mapping[str, str]],
    cases: str,
    settings: Rna,
    threads: int,
) -> None:
    """Add counts, if there are any, and the dispersion of each gene, if requested, to a table."""
    if counts is None:
        return
    data.layers["counts"] = counts
    if settings["dispersions"]:
        data.var["dispersion"] = dispersions(counts, rows, cases, settings["vst"]["design"], threads)


def choose_kind(kinds: set[str], value: str) -> str:
    """The source of X: for log2_tpm the best available (recorded in uns), for log2_cpm and vst counts."""
    if value != "log2_tpm" and "counts" not in kinds and "zscore" not in kinds:
        available = ", ".join(sorted(kinds))
        raise BadProfile(f"omics/value is {value}, but not every profile of the cohort has counts; it has {available}")
    order = ("tpm", "counts", "cpm", "norm_count", "zscore") if value == "log2_tpm" else ("counts", "zscore")
    return next(kind for kind in order if kind in kinds)


def learn(counts, genes, rows, cases, reference, settings, threads) -> Fit | None:
    """Parameters of size factors and VST: of the reference if there is one, else fitted on these counts.

    None if there are none and the values need none. Raises BadProfile if a VST can't be computed.
    """
    if counts is None:
        return None
    try:
        if reference:
            return take_over(reference, genes, settings["value"] == "vst")
        fit = fit_size_factors(counts, genes, settings["size_factors"])
        if settings["value"] == "vst":
            design = settings["vst"]["design"]
            table = design_table(rows, cases) if design else None
            fit = fit_vst(counts, fit, design, table, settings["vst"]["genes"], threads)
        return fit
    except Unfit as error:
        if settings["value"] == "vst":
            raise BadProfile(
                f"cohort {rows[0]['cohort']} has no VST: {error}. Set omics/value to log2_cpm, or name another cohort "
                "in omics/fit_on"
            ) from error
        log.warning("no size factors: %s", error)
        return None


def take_over(reference: str, genes: np.ndarray, with_trend: bool) -> Fit:
    """The fit of another cohort's file for these genes. Raises Unfit if there is none, or it has no trend."""
    with open_h5(reference) as handle:
        if "deseq" not in handle:
            raise Unfit(f"{reference} holds no fit, because not every profile of its cohort has counts")
        fit = Fit.load(handle["deseq"]).at(genes)
    if with_trend and not fit.trend:
        raise Unfit(f"{reference} holds no VST; make it again with omics/value vst")
    return fit


def design_table(rows: Sequence[Mapping[str, str]], cases: str) -> pd.DataFrame:
    """Columns a design may name, one row per profile: of the profile sheet, of the sheet of cases, and site."""
    table = pd.DataFrame([dict(row) for row in rows])
    table["site"] = [getattr(parse_barcode(row["sample_id"] or row["case_id"]), "site", "") for row in rows]
    if cases:
        sheet = read_tsv(cases).drop_duplicates("case_id").set_index("case_id")
        case_columns = sheet.reindex(table.case_id).set_axis(table.index)
        table = table.assign(**{name: case_columns[name] for name in case_columns if name not in table})
    return table


def dispersions(counts, rows, cases, design, threads) -> np.ndarray:
    """DESeq2's dispersion of each gene over this cohort; raises BadProfile if it can't be fitted."""
    try:
        return fit_dispersions(counts, design, design_table(rows, cases) if design else None, threads)
    except Unfit as error:
        raise BadProfile(f"cohort {rows[0]['cohort']}: {error}. Set omics/dispersions to false") from error


def values_of(cohort: CohortValues, kind: str, counts, factors, learned: Fit | None, value: str) -> np.ndarray:
    """X: float32 profiles x genes."""
    matrix = np.empty(counts.shape, np.float32) if kind == "counts" else cohort.values(kind)
    if kind == "zscore":
        return matrix
    for rows in blocks(len(matrix)):
        if value == "vst":
            assert learned is not None  # `learn` raises where it can't fit
            matrix[rows] = stabilise(counts[rows], factors[rows], learned)
            continue
        block = matrix[rows]
        if kind == "counts":
            total = np.maximum(counts[rows].sum(1, dtype=float, keepdims=True), 1)
            block = counts[rows] / total * 1e6
        matrix[rows] = np.log2(block.astype(float) + 1)
    return matrix


def describe_genes(genes: np.ndarray, table: GeneTable) -> pd.DataFrame:
    """var: symbol and Ensembl id of each gene, '' where not known."""
    ids = {symbol: gene for gene, symbol in sorted(table.by_id.items(), reverse=True)}
    ensembl = [name if name.startswith("ENSG") else ids.get(name, "") for name in genes]
    symbols = ["" if name.startswith("ENSG") else name for name in genes]
    return pd.DataFrame({"symbol": symbols, "ensembl_id": ensembl}, index=pd.Index(genes.astype(object)))


def provenance(kind: str, settings: Rna, learned: Fit | None, reference: str, genes: str) -> dict[str, Any]:
    """uns: value (what X holds), and its provenance."""
    value = "vst" if settings["value"] == "vst" and kind == "counts" else NAMES[kind]
    entries: dict[str, Any] = {
        "value": value,
        "made_of": kind,
        "gene_table": Path(genes).name,
        "pydeseq2": version("pydeseq2"),
    }
    entries["fitted_on"] = Path(reference).parent.name if reference else "this cohort"
    if learned:
        entries |= {"size_factors": learned.method, "genes_of_size_factors": int(learned.used.sum())}
        if learned.trend:
            entries |= {"vst_trend": learned.trend, "vst_coefficients": learned.coefficients}
    return entries


def loss_steps(cohort: CohortValues, missing: int) -> list[tuple[str, int, int]]:
    """(step, genes, profiles): what happened to the names of each kind of file, then what all profiles share."""
    steps = []
    for counts, profiles, genes in cohort.losses:
        steps += [(name, number, profiles) for name, number in counts.items()]
        steps.append(("genes of the file", genes, profiles))
    total = len(cohort.rows)
    return [
        *steps,
        ("in every profile", cohort.shared, total),
        ("missing in some profile, left out", missing, total),
        ("in the table", len(cohort.genes), total),
    ]


def write_fit(path: str, learned: Fit | None, genes: np.ndarray, selected) -> None:
    """Write the fit and the selected genes, for cohorts that reuse them."""
    with new_h5(path) as handle:
        if learned:
            learned.save(handle.create_group("deseq"))
        if selected is not None:
            handle.create_dataset("selected", data=list(genes[selected]), dtype=string_dtype())
