"""Readers of mutation and copy-number files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from .expression_files import BadProfile

MAF_COLUMNS = ("Hugo_Symbol", "Variant_Classification", "Tumor_Sample_Barcode")
GENE_COLUMNS = ("Gene Symbol", "Hugo_Symbol", "Gene.Symbol")


def leading_comments(path: str) -> int:
    """Lines at the top that start with #; a # further down is data."""
    import gzip

    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8", errors="replace") as handle:
        count = 0
        for line in handle:
            if not line.startswith("#"):
                break
            count += 1
    return count


def read_maf(path: str) -> pd.DataFrame:
    """Columns gene, classification, sample of a MAF (GDC or cBioPortal), every row."""
    table = pd.read_csv(path, sep="\t", skiprows=leading_comments(path), dtype=str, keep_default_na=False)
    missing = [name for name in MAF_COLUMNS if name not in table]
    if missing:
        raise BadProfile(f"{path}: no column {', '.join(missing)}; this is no MAF")
    return table[list(MAF_COLUMNS)].set_axis(["gene", "classification", "sample"], axis=1)


def read_copy_numbers(path: str) -> pd.DataFrame:
    """Genes x samples of -2 to 2 (GISTIC2 all_thresholded.by_genes, cBioPortal data_cna); missing stays missing."""
    table = pd.read_csv(path, sep="\t", skiprows=leading_comments(path), dtype=str)
    name = next((column for column in GENE_COLUMNS if column in table), None)
    if name is None:
        raise BadProfile(f"{path}: none of the columns {', '.join(GENE_COLUMNS)}; this is no gene-level table")
    genes = table[name].str.split("|").str[0]
    extra = [c for c in (name, "Locus ID", "Gene ID", "Locus.ID", "Cytoband", "Entrez_Gene_Id") if c in table]
    values = table.drop(columns=extra).dropna(axis=1, how="all").apply(pd.to_numeric, errors="coerce")
    values.index = genes
    wrong = values.stack().loc[lambda v: ~v.isin([-2, -1, 0, 1, 2])]
    if len(wrong):
        raise BadProfile(
            f"{path}: value {wrong.iloc[0]:g} for {wrong.index[0][0]} in {wrong.index[0][1]}; thresholded copy numbers "
            "are -2 to 2"
        )
    return values.groupby(level=0, sort=True).first()


def sample_rows(samples: pd.Series, row: Mapping[str, str]) -> pd.Series:
    """Which entries of a MAF belong to a row of the profile sheet: its `column`, or whatever begins with its case."""
    return samples == row["column"] if row["column"] else samples.str.startswith(row["case_id"])


def find_sample(columns: Sequence[str], row: Mapping[str, str], path: str) -> str:
    """The column of a gene-level table that belongs to a row of the profile sheet."""
    hits = [name for name in columns if (name == row["column"] if row["column"] else name.startswith(row["case_id"]))]
    if len(hits) != 1:
        raise BadProfile(
            f"{path}: {len(hits)} columns for profile {row['profile_id']} (column {row['column']!r}); name exactly one"
        )
    return hits[0]
