"""Readers of expression files, by the profile sheet's `format`: each returns measurements of profiles."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from .genes import Genes, GeneTable, genes_of
from .labels import ROW_LABEL, are_whole, is_label
from .no_genes import are_row_numbers, is_summary
from .tables import NAMELESS, BadProfile, Delimited, open_text, read_frame, to_names, to_numpy
from .transcripts import find_quant, genes_of_transcripts
from .units import check_unit, to_kind
from .wide import read_wide_expression

log = logging.getLogger(__name__)

#: Headers of row numbers (lower case).
NUMBERED = (NAMELESS, "unnamed: 0", "index", "x")
Rows = Sequence[Mapping[str, str]]


@dataclass
class Measurement:
    """One RNA profile: its genes, and float64 values by kind (counts, tpm, cpm, norm_count, zscore); NaN is missing.

    note: remarks on the unit of accepted values.
    """

    genes: Genes
    values: dict[str, np.ndarray]
    note: str = ""


@dataclass
class Reading:
    """Settings of the readers, and the genes of the last file, which the next one usually shares.

    star_column: counts of a STAR file; transcripts: path of a table transcript → gene for salmon and kallisto.
    """

    star_column: str = "unstranded"
    transcripts: str = ""
    table: GeneTable = field(default_factory=GeneTable)
    last: tuple | None = None
    namings: list = field(default_factory=list)

    def genes(self, ids, symbols) -> Genes:
        """Genes of two text columns; the object of the last file where they are the same."""
        if self.last is None or not (self.last[0].equals(ids) and self.last[1].equals(symbols)):
            self.last = (ids, symbols, Genes(to_names(ids), to_names(symbols)))
        return self.last[2]


def read_star(path: str, rows: Rows, reading: Reading) -> list[Measurement]:
    """GDC "STAR - Counts": one sample per file, N_* rows dropped. TPM exists for unstranded counts only."""
    file, column = Delimited(path), reading.star_column
    file.require(["gene_id", "gene_name", column], "STAR - Counts file")
    for row in rows:
        if row["unit"] not in ("", "counts"):
            raise BadProfile(f"{path}: unit {row['unit']!r}, but a STAR - Counts file holds counts; leave it empty")
    with_tpm = column == "unstranded" and "tpm_unstranded" in file.columns
    numbers = [column, "tpm_unstranded"] if with_tpm else [column]
    table = file.read(["gene_id", "gene_name"], numbers)
    head = [str(name) for name in table["gene_id"].slice(0, 8).to_pylist()]
    special = sum(name.startswith("N_") for name in head)  # the four of them come first
    table = table.slice(special)
    values = {"counts": to_numpy(table[column])}
    notes = [check_unit(values["counts"], "counts", f"{path}, column {column}", *_lenience(rows))]
    if with_tpm:
        values["tpm"] = to_numpy(table["tpm_unstranded"])
        notes.append(check_unit(values["tpm"], "tpm", f"{path}, column tpm_unstranded", *_lenience(rows)))
    genes = reading.genes(table["gene_id"].combine_chunks(), table["gene_name"].combine_chunks())
    return [Measurement(genes, values, "; ".join(filter(None, notes)))] * len(rows)


def _refuse_gene_as_corner(path: str, corner: str, table: GeneTable) -> None:
    """Raise BadProfile for samples in rows under the name of a gene: if a row lost a cell below a header without
    a corner, it has as many cells as the header, and every value would be assigned to the neighbouring gene.
    """
    if corner in table.approved or corner in table.by_id or is_summary(corner):
        raise BadProfile(
            f"{path}: samples are in rows, and the column of their names is called {corner!r}, like a gene: give "
            "that column a name of its own, and all rows as many cells as the header"
        )


def read_matrix(path: str, rows: Rows, reading: Reading) -> list[Measurement]:
    """A table of genes x samples or samples x genes (TSV, CSV, Parquet, h5ad; also .gz); `column` names the sample."""
    if path.endswith((".h5ad", ".parquet")):
        return _from_frame(path, read_frame(path), rows)
    file, samples = Delimited(path), _sample_names(rows)
    if not set(samples) & set(file.columns[1:]):
        _refuse_gene_as_corner(path, file.columns[int(_is_numbered(file))], reading.table)
        names, headers, values = file.read_all(int(_is_numbered(file)))
        return _from_frame(path, pd.DataFrame(values, names, headers), rows)
    _require_samples(path, samples, file.columns[1:])
    label = file.columns[int(_is_numbered(file))]
    table = file.read([label], list(dict.fromkeys(samples)))
    names = _refuse_numbers(path, to_names(table[label]))
    if set(samples) <= set(names):
        raise BadProfile(f"{path}: samples {', '.join(samples[:3])} name rows and columns; rename one or the other")
    _refuse_long(file, names)
    genes = genes_of(names)
    return [_measure(path, row, genes, to_numpy(table[name])) for row, name in zip(rows, samples, strict=True)]


def _refuse_long(file: Delimited, names: np.ndarray) -> None:
    """Raise BadProfile for a table with one row per gene and sample, because rows of a gene are summed."""
    times = Counter(names[names != ""])
    by_sample = any(name and ROW_LABEL.fullmatch(name) for name in file.columns[1:])
    if times and 2 * len(times) <= len(names) and (by_sample or len(set(times.values())) == 1):
        name, number = times.most_common(1)[0]
        raise BadProfile(
            f"{file.path}: {name} has {number} rows, and so have the other genes: this is a table with a row per gene "
            "and sample; write it with a column per sample (pandas: pivot)"
        )


def _is_numbered(file: Delimited) -> bool:
    """True if row numbers precede the column of names, as pandas and R write them."""
    first, second = file.columns[:1], file.columns[1:2]
    if len(file.columns) < 3 or first[0].lower() not in NUMBERED or not second[0] or not is_label(second[0]):
        return False
    return are_whole(to_names(file.read(first, [])[first[0]]))


def _refuse_numbers(path: str, names: np.ndarray) -> np.ndarray:
    """Names of genes; raises BadProfile if they are only row numbers."""
    if len(names) > 1 and are_whole(names) and are_row_numbers([int(name) for name in names]):
        raise BadProfile(
            f"{path}: the genes are numbered from {names[0]} and have no names: write the names in the first column "
            "or the header"
        )
    return names


def read_wide(path: str, rows: Rows, reading: Reading) -> list[Measurement]:
    """Columns that end in _rnaseq (or the like) of a table with one row per slide or case."""
    names, values = read_wide_expression(path, rows)
    genes = genes_of(np.array(names, dtype=object))
    return [_measure(path, row, genes, profile_values) for row, profile_values in zip(rows, values, strict=True)]


def read_gct(path: str, rows: Rows, reading: Reading) -> list[Measurement]:
    """GTEx GCT 1.2: two lines before the header, Name (versioned Ensembl), Description (symbol), needed samples."""
    with open_text(path) as handle:
        version = handle.readline().strip()
    if version != "#1.2":
        raise BadProfile(f"{path}: first line {version[:20]!r}, not #1.2; this reader knows GCT 1.2")
    file, samples = Delimited(path, skip=2, comments=False), _sample_names(rows)
    written = {"name": "Name", "description": "Description"}  # GenePattern writes NAME
    file.columns[:3] = [written.get(name.lower(), name) for name in file.columns[:3]]
    file.require(["Name", "Description"], "GCT")
    _require_samples(path, samples, [name for name in file.columns if name not in ("id", "Name", "Description")])
    table = file.read(["Name", "Description"], list(dict.fromkeys(samples)))
    names, symbols = to_names(table["Name"]), to_names(table["Description"])
    genes = genes_of(names)
    symbols = np.where(genes.ids != "", np.where(symbols == names, "", symbols), genes.symbols)
    genes = Genes(genes.ids, symbols, genes.entrez)
    return [_measure(path, row, genes, to_numpy(table[name])) for row, name in zip(rows, samples, strict=True)]


def read_quant(path: str, rows: Rows, reading: Reading) -> list[Measurement]:
    """Salmon quant.sf or kallisto abundance.tsv, or the folder that holds it: transcripts summed to genes.

    The gene of a transcript is taken from the table of the config (omics/transcripts: transcript, gene[, symbol]),
    else from GENCODE's long names (ENST…|ENSG…|…). Counts are rounded sums of estimated counts; TPM are summed.
    """
    path, (name, counts, tpm) = find_quant(path)
    file = Delimited(path)
    file.require([name, counts, tpm], "quantification of salmon or kallisto")
    table = file.read([name], [counts, tpm])
    genes, groups = genes_of_transcripts(path, to_names(table[name]), reading)
    values, notes = {}, []
    for kind, column, unit in (("counts", counts, "estimated_counts"), ("tpm", tpm, "tpm")):
        numbers = to_numpy(table[column])
        notes.append(check_unit(numbers, unit, f"{path}, column {column}", *_lenience(rows)))
        sums = np.bincount(groups[groups >= 0], numbers[groups >= 0], len(genes))
        values[kind] = np.round(sums) if kind == "counts" else sums
    return [Measurement(genes, values, "; ".join(filter(None, notes)))] * len(rows)


def _lenience(rows: Rows) -> tuple[bool, bool]:
    """Options of check_unit for a file: whether it holds a panel, and whether units are checked."""
    return any(row["panel"] for row in rows), not any(row.get("unit_check") == "off" for row in rows)


def _sample_names(rows: Rows) -> list[str]:
    return [row["column"] or row["profile_id"] for row in rows]


def _require_samples(path: str, samples: Sequence[str], names: Sequence[str]) -> None:
    available = set(names)
    missing = [name for name in samples if name not in available]
    if missing:
        raise BadProfile(
            f"{path}: no sample {', '.join(missing[:5])}; the file has {', '.join(map(str, names[:5]))}, … "
            "Correct column `column` of the profile sheet."
        )


def _from_frame(path: str, frame: pd.DataFrame, rows: Rows) -> list[Measurement]:
    frame.index, frame.columns = frame.index.astype(str), frame.columns.astype(str)
    samples = _sample_names(rows)
    if not set(samples) & set(frame.columns) and set(samples) & set(frame.index):
        log.info("%s: samples are in rows", path)
        frame = frame.T
    _require_samples(path, samples, list(frame.columns))
    duplicates = [name for name in samples if (frame.columns == name).sum() > 1]
    if duplicates:
        raise BadProfile(f"{path}: sample {duplicates[0]} is there more than once; rename or remove one")
    genes = genes_of(_refuse_numbers(path, frame.index.to_numpy(dtype=object)))
    try:
        columns = [frame[name].to_numpy(float) for name in samples]
    except (ValueError, TypeError) as error:
        raise BadProfile(f"{path}: not all values are numbers ({error})") from None
    return [_measure(path, row, genes, values) for row, values in zip(rows, columns, strict=True)]


def _measure(path: str, row: Mapping[str, str], genes: Genes, values: np.ndarray) -> Measurement:
    location = f"{path}, sample {row['column'] or row['profile_id']}"
    note = check_unit(values, row["unit"], location, *_lenience([row]))
    kind, values = to_kind(np.where(genes.are_summaries, np.nan, values), row["unit"])
    return Measurement(genes, {kind: values}, note)


READERS: dict[str, Callable[[str, Rows, Reading], list[Measurement]]] = {
    "gdc_star": read_star,
    "matrix": read_matrix,
    "xena": read_matrix,
    "wide": read_wide,
    "gct": read_gct,
    "salmon": read_quant,
    "kallisto": read_quant,
}
#: Formats whose files hold one sample each.
ONE_SAMPLE = ("gdc_star", "salmon", "kallisto")


def read_rows(rows: Rows, reading: Reading) -> list[Measurement]:
    """Measurements of RNA rows that name one file and format."""
    name, path = rows[0]["format"], rows[0]["path"]
    if name not in READERS:
        raise BadProfile(f"format {name!r} holds no expression; one of: {', '.join(READERS)}")
    return READERS[name](path, rows, reading)
