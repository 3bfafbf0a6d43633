"""A GDC download (a folder and its sample sheet) as rows of the profile sheet."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..common.files import read_tsv, write_tsv
from ..common.settings.omics import GdcDownload
from .barcodes import parse_barcode
from .maf import only_sample
from .sample_types import kind_of_words, split_words
from .tables import BadProfile

NEEDED = ("file_id", "file_name", "data_type", "case_id", "sample_id")
#: Columns with the tissue of a sample: of the current sheet, and of releases before 2024.
KIND_COLUMNS = ("tissue_type", "sample_type")
#: Columns of the current sheet that may name cultures or xenografts; and the terms for them.
ORIGIN_COLUMNS = ("specimen_type", "tumor_descriptor", "sample_type")
GROWN = re.compile(r"cell line|cell culture|xenograft|organoid|neurosphere|cancer model|adherent", re.I)
PRESERVED = {"FFPE": re.compile(r"ffpe|formalin fixed", re.I), "frozen": re.compile(r"froz|\boct\b|cryo", re.I)}
#: GDC's data type -> (modality, format, end of the file's name).
FORMATS = {
    "Gene Expression Quantification": ("rna", "gdc_star", "star_gene_counts.tsv"),
    "Masked Somatic Mutation": ("dna", "maf", ".maf.gz"),
    "Gene Level Copy Number": ("dna", "gdc_copy_number", ".tsv"),
}
#: Why a file of several cases is not a profile.
POOL = "a pool's values belong to none of them"
WHY_NOT = {
    "gdc_star": POOL,
    "gdc_copy_number": POOL,
    "maf": "write a row for each, if it is the MAF of a whole project",
}


class LeftOut(Exception):
    """Why a file of a download is not a profile."""


@dataclass(frozen=True)
class Sample:
    """A sample of a file: its id, tumour or normal, and FFPE or frozen if the sheet says so."""

    sample_id: str
    kind: str
    specimen: str = ""


def list_gdc_profiles(*, downloads: Mapping[str, GdcDownload], output: str, left_out: str) -> None:
    """Write rows of the profile sheet, and the files left out with the reason.

    downloads: by cohort, `folder` and `sample_sheet`. A profile is a tumour or normal sample and a modality; a second
    file of the same sample and format (another aliquot, which GDC's sheet doesn't name) becomes a separate profile,
    numbered in the order of File ID, and pairing chooses the first.
    """
    rows: list[dict] = []
    left_out_rows: list[tuple] = []
    for cohort, download in downloads.items():
        cohort_rows, cohort_left_out = rows_of(
            cohort, Path(download["folder"]), read_sample_sheet(download["sample_sheet"])
        )
        rows, left_out_rows = rows + cohort_rows, left_out_rows + cohort_left_out
    if not rows:
        first = f"; the first of {len(left_out_rows)} files: {left_out_rows[0][3]}" if left_out_rows else ""
        raise BadProfile(f"no file of the GDC downloads holds expression, mutations or copy numbers of genes{first}")
    write_tsv(output, pd.DataFrame(rows))
    write_tsv(left_out, pd.DataFrame(left_out_rows, columns=["cohort", "file_id", "file_name", "reason"]))


def read_sample_sheet(path: str) -> pd.DataFrame:
    """GDC's sample sheet, sorted by file, columns as file_id, sample_type, …, in any spelling (File ID, File.ID,
    file_id)."""
    sheet = read_tsv(path)
    sheet.columns = [re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") for name in sheet.columns]
    missing = [name for name in NEEDED if name not in sheet]
    if missing:
        names = ", ".join(name.replace("_", " ").title().replace("Id", "ID") for name in missing)
        raise BadProfile(f"{path}: no column {names}; this is not a GDC sample sheet")
    return sheet.sort_values("file_id", kind="stable")


def rows_of(cohort: str, folder: Path, sheet: pd.DataFrame) -> tuple[list[dict], list[tuple]]:
    """Rows and left-out files of one download."""
    rows: list[dict] = []
    left_out_rows: list[tuple] = []
    counts: dict[tuple[str, str], int] = {}
    for file in sheet.to_dict("records"):
        try:
            row = row_of(cohort, folder, file)
        except LeftOut as reason:
            left_out_rows.append((cohort, file["file_id"], file["file_name"], str(reason)))
            continue
        base = f"{row['sample_id']}-{row['modality']}"
        number = counts[base, row["format"]] = counts.get((base, row["format"]), 0) + 1
        rows.append({"profile_id": base if number == 1 else f"{base}-{number}"} | row)
    return rows, left_out_rows


def row_of(cohort: str, folder: Path, file: Mapping[str, str]) -> dict[str, str]:
    """A row of the profile sheet, without profile_id; raises LeftOut for a file that is not a profile."""
    reader = FORMATS.get(file["data_type"])
    if reader is None:
        raise LeftOut(f"data type {file['data_type']!r} is not read")
    modality, form, end = reader
    if not file["file_name"].endswith(end):
        raise LeftOut(f"not a file of the workflow that is read (…{end})")
    candidates = (folder / file["file_id"] / file["file_name"], folder / file["file_name"])
    path = next((candidate for candidate in candidates if candidate.is_file()), None)
    if path is None:
        raise LeftOut("not in the folder")
    cases = list(dict.fromkeys(name.strip() for name in file["case_id"].split(",")))
    if len(cases) > 1:
        raise LeftOut(f"of {len(cases)} cases ({', '.join(cases[:4])}{', …' * (len(cases) > 4)}): {WHY_NOT[form]}")
    sample = sample_of(samples_of(file, cases[0]), modality)
    return {
        "case_id": cases[0],
        "modality": modality,
        "cohort": cohort,
        "format": form,
        "path": str(path),
        "column": only_sample(str(path)) if form == "maf" else "",
        "unit": "counts" if form == "gdc_star" else "",
        "sample_id": sample.sample_id,
        "sample_type": sample.kind,
        "specimen": sample.specimen,
    }


def samples_of(file: Mapping[str, str], case: str) -> list[Sample]:
    """The samples of a file; raises LeftOut if their kind isn't known or the sheet contradicts itself."""
    names = [name.strip() for name in file["sample_id"].split(",")]
    grown = [cell for column in ORIGIN_COLUMNS if GROWN.search(cell := file.get(column, ""))]
    if grown:
        raise LeftOut(f"{grown[0]!r} is not tissue of the patient")
    cells_of = {
        column: split_words(file.get(column, ""), len(names)) for column in (*KIND_COLUMNS, "preservation_method")
    }
    unfit = [column for column, cells in cells_of.items() if not cells]
    if unfit:
        raise LeftOut(f"{unfit[0]} {file[unfit[0]]!r} doesn't fit sample {file['sample_id']}")
    samples = []
    for index, name in enumerate(names):
        kind = kind_of_row(name, [cells_of[column][index] for column in KIND_COLUMNS])
        preservation = cells_of["preservation_method"][index]
        samples.append(
            Sample(
                name,
                kind,
                next((specimen for specimen, pattern in PRESERVED.items() if pattern.search(preservation)), ""),
            )
        )
        code = parse_barcode(name)
        if code and code.program == "TCGA" and code.case != case:
            raise LeftOut(f"sample {name} is none of case {case}")
    return samples


def kind_of_row(name: str, terms: Sequence[str]) -> str:
    """tumour or normal of a sample, from the sheet's columns and the barcode."""
    term_of = {kind_of_words(term): term for term in terms} | {"": ""}
    code = parse_barcode(name)
    if code and code.kind:
        term_of.setdefault(code.kind, name)
    del term_of[""]
    if "other" in term_of or "control" in term_of:
        raise LeftOut(f"sample type {term_of.get('other') or term_of['control']!r} is neither tumour nor normal")
    if len(term_of) > 1:
        raise LeftOut(f"{term_of['tumour']!r} and {term_of['normal']!r} contradict each other: tumour or normal?")
    if not term_of:
        raise LeftOut(f"nothing says whether sample {name} is tumour or normal; write its row yourself")
    return next(iter(term_of))


def sample_of(samples: Sequence[Sample], modality: str) -> Sample:
    """The sample whose values a file holds: for mutations and copy numbers the tumour, compared with the normal.

    Raises LeftOut for a mixture of tumour and normal, or of two specimens.
    """
    kinds = {sample.kind for sample in samples}
    if modality == "rna" and len(kinds) > 1:
        raise LeftOut(f"a mixture of tumour and normal ({', '.join(sample.sample_id for sample in samples)})")
    kind = "tumour" if "tumour" in kinds else "normal"
    chosen = sorted(
        (candidate for candidate in samples if candidate.kind == kind), key=lambda candidate: candidate.sample_id
    )
    types = {
        code.sample for candidate in chosen if (code := parse_barcode(candidate.sample_id)) and code.program == "TCGA"
    }
    if len(types) > 1:
        raise LeftOut(f"a mixture of {len(chosen)} samples ({', '.join(candidate.sample_id for candidate in chosen)})")
    return chosen[0]
