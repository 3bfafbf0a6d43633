"""Transcripts of salmon and kallisto summed to genes.

The results equal those of pytximport 0.13.0 (counts_from_abundance=None), which would add twelve packages to
the environment for one sum per gene.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

import numpy as np
import pandas as pd

from .genes import Genes
from .tables import BadProfile, Delimited, to_names

#: Transcripts whose names end in a version; in StringTie's MSTRG.1.2 the numbers distinguish transcripts.
VERSIONED = re.compile(r"(ENS[A-Z]*T\d+|[NX][MR]_\d+)\.\d+.*")
#: File -> columns of name, estimated counts, TPM.
FILES = {
    "quant.sf": ("Name", "NumReads", "TPM"),
    "quant.sf.gz": ("Name", "NumReads", "TPM"),
    "abundance.tsv": ("target_id", "est_counts", "tpm"),
    "abundance.tsv.gz": ("target_id", "est_counts", "tpm"),
}


def find_quant(path: str) -> tuple[str, tuple[str, str, str]]:
    """The file and its columns, given the file or the folder that salmon or kallisto made."""
    file = Path(path)
    if file.is_dir():
        file = next((file / name for name in FILES if (file / name).is_file()), file / "quant.sf")
        if not file.is_file():
            raise BadProfile(f"{path}: neither {' nor '.join(FILES)} in this folder")
    name = file.name if file.name in FILES else ("quant.sf" if ".sf" in file.name else "abundance.tsv")
    return str(file), FILES[name]


@functools.cache
def read_transcripts(path: str) -> pd.DataFrame:
    """Table transcript → gene: columns transcript, gene and, if given, symbol; versions are removed."""
    file = Delimited(path)
    file.require(["transcript", "gene"], "table transcript to gene (it may have a column symbol, too)")
    names = [name for name in ("transcript", "gene", "symbol") if name in file.columns]
    columns = file.read(names, [])
    table = pd.DataFrame({name: to_names(columns[name]) for name in names}, dtype=str)
    table["transcript"] = [without_version(name) for name in table.transcript]
    return table.drop_duplicates("transcript").set_index("transcript")


def without_version(name: str) -> str:
    """A transcript's name without the version that Ensembl and RefSeq append."""
    match = VERSIONED.fullmatch(name)
    return match[1] if match else name


def genes_of_transcripts(path: str, names: np.ndarray, reading) -> tuple[Genes, np.ndarray]:
    """Genes of the transcripts and, for each transcript, the position of its gene (-1 for none).

    Raises BadProfile if less than half of the transcripts have a gene, probably due to a table of another release.
    """
    first = [without_version(name.split("|")[0]) for name in names]
    if reading.transcripts:
        table = read_transcripts(reading.transcripts).reindex(first)
        ids = table.gene.fillna("").to_numpy(object)
        symbols = table.symbol.fillna("").to_numpy(object) if "symbol" in table else np.full(len(ids), "", object)
    elif any("|" in name for name in names[:10]):
        name_fields = [name.split("|") for name in names]
        ids = np.array([fields[1] if len(fields) > 1 else "" for fields in name_fields], object)
        symbols = np.array([fields[5] if len(fields) > 5 else "" for fields in name_fields], object)
    else:
        raise BadProfile(f"{path}: which gene {names[0]} belongs to is not in the file; set omics/transcripts")
    has_gene = ids != ""
    if has_gene.mean() < 0.5:
        nameless = f"{path}: {int((~has_gene).sum())} of {len(has_gene)} transcripts"
        if reading.transcripts:
            raise BadProfile(f"{nameless} are not in {reading.transcripts}")
        raise BadProfile(f"{nameless} have no gene in their names; set omics/transcripts")
    unique, gene_positions = np.unique(ids[has_gene].astype(str), return_inverse=True)
    groups = np.full(len(ids), -1)
    groups[has_gene] = gene_positions
    symbol_of = dict(zip(ids[has_gene][::-1], symbols[has_gene][::-1], strict=True))
    return Genes(unique.astype(object), np.array([symbol_of[gene] for gene in unique], object)), groups
