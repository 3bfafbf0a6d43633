"""Readers of expression files, by the profile sheet's `format`: each gives the measurements of some profiles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .units import check_unit, to_tpm

STAR_COUNTS, STAR_TPM = "unstranded", "tpm_unstranded"


class BadProfile(Exception):
    """A profile can't be read as its row of the sheet says."""


@dataclass
class Measurement:
    """One RNA profile: ids and symbols of its genes ('' where the file has none), counts, TPM or z-scores."""

    gene_ids: np.ndarray
    symbols: np.ndarray
    counts: np.ndarray | None = None
    tpm: np.ndarray | None = None
    zscore: np.ndarray | None = None


Rows = Sequence[Mapping[str, str]]


def read_star(path: str, rows: Rows) -> list[Measurement]:
    """GDC "STAR - Counts": one sample a file, N_* rows dropped, counts from `unstranded`."""
    table = pd.read_csv(path, sep="\t", comment="#", dtype={"gene_id": str, "gene_name": str, "gene_type": str})
    missing = {"gene_id", "gene_name", STAR_COUNTS} - set(table)
    if missing:
        raise BadProfile(f"{path}: no column {', '.join(sorted(missing))}; this is no STAR - Counts file")
    table = table[~table.gene_id.str.startswith("N_")]
    counts = table[STAR_COUNTS].to_numpy(float)
    check_unit(counts, "counts", f"{path}, column {STAR_COUNTS}")
    tpm = table[STAR_TPM].to_numpy(float) if STAR_TPM in table else None
    if tpm is not None:
        check_unit(tpm, "tpm", f"{path}, column {STAR_TPM}")
    one = Measurement(table.gene_id.to_numpy(str), table.gene_name.fillna("").to_numpy(str), counts, tpm)
    return [one] * len(rows)


def read_matrix(path: str, rows: Rows) -> list[Measurement]:
    """A table of genes x samples or samples x genes (TSV or CSV, also .gz); `column` names the sample."""
    table = pd.read_csv(path, sep=None, engine="python", index_col=0) if ".csv" in path else _read_tsv(path)
    return _from_table(path, table, rows)


def read_gct(path: str, rows: Rows) -> list[Measurement]:
    """GTEx GCT 1.2: two lines before the header, Name (versioned Ensembl), Description (symbol), needed samples."""
    wanted = {"Name", "Description", *(row["column"] for row in rows)}
    table = pd.read_csv(path, sep="\t", skiprows=2, usecols=lambda name: name in wanted, index_col="Name")
    symbols = table.pop("Description").fillna("").to_numpy(str)
    return _from_table(path, table, rows, symbols)


def _read_tsv(path: str) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", index_col=0)


def _from_table(path: str, table: pd.DataFrame, rows: Rows, symbols: np.ndarray | None = None) -> list[Measurement]:
    table.index, table.columns = table.index.astype(str), table.columns.astype(str)
    wanted = [row["column"] or row["profile_id"] for row in rows]
    if not set(wanted) & set(table.columns) and set(wanted) & set(table.index):
        table = table.T
    missing = [name for name in wanted if name not in table.columns]
    if missing:
        raise BadProfile(
            f"{path}: no sample {', '.join(missing[:5])}; the file has {', '.join(table.columns[:5])}, … "
            "Correct column `column` of the profile sheet."
        )
    names = table.index.to_numpy(str)
    is_id = np.char.startswith(names, "ENSG")
    ids = np.where(is_id, names, "")
    symbols = symbols if symbols is not None else np.where(is_id, "", names)
    found = []
    for row, name in zip(rows, wanted, strict=True):
        values = pd.to_numeric(table[name], errors="coerce").to_numpy(float)
        unit = row["unit"]
        if not unit:
            raise BadProfile(f"profile {row['profile_id']} ({path}): column unit is empty; say what the values are")
        check_unit(values, unit, f"{path}, sample {name}")
        kinds = {"counts": "counts", "zscore": "zscore"}
        measured = {kinds[unit]: values} if unit in kinds else {"tpm": to_tpm(values, unit)}
        found.append(Measurement(ids, symbols, **measured))
    return found


READERS: dict[str, Callable[[str, Rows], list[Measurement]]] = {
    "gdc_star": read_star,
    "matrix": read_matrix,
    "xena": read_matrix,
    "gct": read_gct,
}


def read_measurements(rows: Rows) -> dict[str, Measurement]:
    """Measurements by profile_id of the RNA rows of a profile sheet; each file is read once."""
    by_file: dict[tuple[str, str], list] = {}
    for row in rows:
        by_file.setdefault((row["format"], row["path"]), []).append(row)
    found = {}
    for (name, path), group in by_file.items():
        if name not in READERS:
            raise BadProfile(f"format {name!r} holds no expression; one of: {', '.join(READERS)}")
        for row, measurement in zip(group, READERS[name](path, group), strict=True):
            found[row["profile_id"]] = measurement
    return {row["profile_id"]: found[row["profile_id"]] for row in rows}
