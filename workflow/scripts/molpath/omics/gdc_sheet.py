"""A GDC download (a folder and its sample sheet) as rows of the profile sheet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from ..common.files import read_tsv, write_tsv
from ..common.settings.omics import GdcDownload
from .barcodes import kind_of, parse_barcode
from .tables import BadProfile

NEEDED = ("File ID", "File Name", "Data Type", "Case ID", "Sample ID")
#: GDC's data type -> (modality, format, end of the file's name).
KINDS = {
    "Gene Expression Quantification": ("rna", "gdc_star", "star_gene_counts.tsv"),
    "Masked Somatic Mutation": ("dna", "maf", ".maf.gz"),
    "Gene Level Copy Number": ("dna", "gdc_copy_number", ".tsv"),
}


def list_gdc_profiles(*, downloads: Mapping[str, GdcDownload], output: str, left_out: str) -> None:
    """Write rows of the profile sheet, and the files that are none with the reason.

    downloads: by cohort, `folder` and `sample_sheet`. A profile is a tumour or normal sample and a modality; a second
    file of the same sample and format (another aliquot, which GDC's sheet doesn't name) becomes a profile of its own,
    numbered in the order of File ID, and pairing chooses the first.
    """
    rows: list[dict] = []
    others: list[tuple] = []
    for cohort, one in downloads.items():
        sheet = read_tsv(one["sample_sheet"])
        missing = [name for name in NEEDED if name not in sheet]
        if missing:
            raise BadProfile(f"{one['sample_sheet']}: no column {', '.join(missing)}; this is no GDC sample sheet")
        found, aside = rows_of(cohort, Path(one["folder"]), sheet.sort_values("File ID", kind="stable"))
        rows, others = rows + found, others + aside
    if not rows:
        raise BadProfile("no file of the GDC downloads holds expression, mutations or copy numbers of genes")
    write_tsv(output, pd.DataFrame(rows))
    write_tsv(left_out, pd.DataFrame(others, columns=["cohort", "file_id", "file_name", "reason"]))


def rows_of(cohort: str, folder: Path, sheet: pd.DataFrame) -> tuple[list[dict], list[tuple]]:
    """Rows and left-out files of one download."""
    rows: list[dict] = []
    aside: list[tuple] = []
    seen: dict[tuple[str, str], int] = {}
    for file_id, name, data_type, case, sample in sheet[list(NEEDED)].itertuples(index=False):
        kind = KINDS.get(data_type)
        path = next((p for p in (folder / file_id / name, folder / name) if p.is_file()), None)
        if kind is None:
            aside.append((cohort, file_id, name, f"data type {data_type!r} is not read"))
            continue
        if not name.endswith(kind[2]):
            aside.append((cohort, file_id, name, f"not a file of the workflow that is read (…{kind[2]})"))
            continue
        if path is None:
            aside.append((cohort, file_id, name, "not in the folder"))
            continue
        sample_id = tumour_of(sample)
        base = f"{sample_id}-{kind[0]}"
        number = seen[base, kind[1]] = seen.get((base, kind[1]), 0) + 1
        code = parse_barcode(sample_id)
        rows.append(
            {
                "profile_id": base if number == 1 else f"{base}-{number}",
                "case_id": case.split(",")[0].strip(),
                "modality": kind[0],
                "cohort": cohort,
                "format": kind[1],
                "path": str(path),
                "column": "",
                "unit": "counts" if kind[1] == "gdc_star" else "",
                "sample_id": sample_id,
                "sample_type": code.kind if code and code.kind in ("tumour", "normal") else "",
            }
        )
    return rows, aside


def tumour_of(samples: str) -> str:
    """The tumour's of the samples of a file ("tumour, normal" in any order), else the first."""
    names = [name.strip() for name in samples.split(",")]
    codes = [(name, parse_barcode(name)) for name in names]
    return next((name for name, code in codes if code and kind_of(code.sample) == "tumour"), names[0])
