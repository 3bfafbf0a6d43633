"""Columns that name genes or samples, recognised by their headers and cells."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

#: Missing values; anything else that isn't a number is an error.
MISSING = ["", "NA", "NaN", "nan", "N/A", "n/a", "null", "NULL", "None", "."]
#: Headers of a column that names genes, and of one that names samples or anything else: never a sample or gene.
GENE_LABEL = re.compile(
    r"(hugo|hgnc|entrez|ensembl|refseq)?[ _.-]?(genes?|symbols?|transcripts?|probes?|probesets?|features?|targets?)"
    r"?[ _.-]?(symbols?|names?|ids?|version)?",
    re.IGNORECASE,
)
ROW_LABEL = re.compile(
    r"|index|unnamed: 0|rownames|(tumou?r|normal|matched)?[ _.-]?"
    r"(samples?|cases?|patients?|slides?|aliquots?|submitter|barcode)[ _.-]?(names?|ids?|barcodes?)?",
    re.IGNORECASE,
)


def is_label(name: str) -> bool:
    """True for the header of a column of names: empty, gene, Hugo_Symbol, sample_id, …"""
    return ROW_LABEL.fullmatch(name) is not None or GENE_LABEL.fullmatch(name) is not None


def are_numbers(cells: np.ndarray) -> bool:
    """True if all cells (str) are numbers or missing."""
    present = cells[~np.isin(cells, MISSING)]
    return not np.isnan(pd.to_numeric(present, errors="coerce")).any()


def are_whole(cells: np.ndarray) -> bool:
    """True if every cell (str) is a whole number, as row numbers and Entrez ids are."""
    return all(str(cell).isdigit() for cell in cells)
