"""MAF files found in practice: joined by cat, truncated rows, notes in any encoding; never shifts a column."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from .tables import BadProfile, open_text

#: Columns that are read, by the names they get; the first three must be there.
COLUMNS = {
    "gene": "Hugo_Symbol",
    "kind": "Variant_Classification",
    "sample": "Tumor_Sample_Barcode",
    "filter": "FILTER",
    "status": "Mutation_Status",
}
NEEDED = ("gene", "kind", "sample")


@dataclass(frozen=True)
class Header:
    """Positions of the columns (by the names of COLUMNS, -1 if missing), and their number."""

    places: dict[str, int]
    width: int


def read_maf(path: str) -> pd.DataFrame:
    """Columns gene, kind (Variant_Classification), sample, filter, status of a MAF (GDC or cBioPortal); '' where the
    file has no such column or cell. It may be empty.

    Headers and comments in the middle (MAFs joined by cat) are read as such; cells missing at a row's end are empty; so
    may be those beyond the header. Raises BadProfile for everything else that doesn't fit.
    """
    columns: dict[str, list[str]] = {name: [] for name in COLUMNS}
    interned: dict[str, str] = {}  # one object per text: a cohort's MAF has millions of rows
    for cells in rows_of(path):
        for values, cell in zip(columns.values(), cells, strict=True):
            values.append(interned.setdefault(cell, cell))
    return pd.DataFrame(columns, dtype=object)


def only_sample(path: str) -> str:
    """The only sample of a MAF, '' if it has none or several, or can't be read."""
    only = ""
    try:
        for _, _, sample, *_ in rows_of(path):
            if only and sample != only:
                return ""
            only = sample
    except BadProfile:
        return ""
    return only


def rows_of(path: str) -> Iterator[list[str]]:
    """Cells of each variant in the order of COLUMNS."""
    header = None
    for number, line in lines_of(path):
        if header is None or COLUMNS["sample"] in line:
            header = header_of(path, number, line)
            continue
        yield cells_of(path, number, line, header)
    if header is None:
        raise BadProfile(f"{path}: empty, or no header after its comments")


def lines_of(path: str) -> Iterator[tuple[int, str]]:
    """Number and text of every line that is neither blank nor a comment."""
    try:
        with open_text(path) as handle:
            # Notes may be in another encoding; the cells that are used are checked in cells_of.
            handle.reconfigure(errors="surrogateescape")
            for number, line in enumerate(handle, 1):
                if "\0" in line:
                    raise BadProfile(f"{path}, line {number}: UTF-16 or not text; save the MAF as UTF-8")
                if line.strip() and not line.startswith("#"):
                    yield number, line.rstrip("\r\n")
    except (UnicodeError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadProfile(f"{path}: text that can't be read ({error}); is the file complete?") from None


def header_of(path: str, number: int, line: str) -> Header:
    """The columns of a header; case doesn't matter. Raises BadProfile unless each needed one is there once."""
    names = [name.strip().casefold() for name in line.split("\t")]
    positions = {}
    for name, column in COLUMNS.items():
        matches = [position for position, title in enumerate(names) if title == column.casefold()]
        if len(matches) > 1:
            raise BadProfile(
                f"{path}, line {number}: column {column} is there {len(matches)} times; rename or remove one"
            )
        positions[name] = matches[0] if matches else -1
    missing = [COLUMNS[name] for name in NEEDED if positions[name] < 0]
    if missing:
        raise BadProfile(f"{path}: no column {', '.join(missing)}; {why_no_maf(line)}")
    return Header(positions, len(names))


def why_no_maf(line: str) -> str:
    """The likely cause of a header without the columns of a MAF, and what to do."""
    if "\t" not in line and line.count(",") > 1:
        return "it is separated by commas; save it with tabs, as a MAF requires"
    if '"' in line:
        return "its header is quoted; write it without quotes (R: quote = FALSE)"
    return f"this is not a MAF. The header has {', '.join(line.split(chr(9))[:6])}, …"


def cells_of(path: str, number: int, line: str, header: Header) -> list[str]:
    """The needed cells of a row, '' if the file has none."""
    cells = line.split("\t")
    if len(cells) > header.width:
        # A delimiter at the row's end is harmless, R's row names without a header would shift every column.
        if any(cell.strip() for cell in cells[header.width :]) or cells[0].strip(' "').isdigit():
            raise BadProfile(
                f"{path}, line {number}: {len(cells)} cells under a header of {header.width}; write one per column "
                "(R: row.names = FALSE)"
            )
    elif len(cells) < header.width:
        cells += [""] * (header.width - len(cells))
    wanted_cells = [cells[position].strip() if position >= 0 else "" for position in header.places.values()]
    check_cells(path, number, wanted_cells)
    return wanted_cells


def check_cells(path: str, number: int, cells: Sequence[str]) -> None:
    """Raise BadProfile for a row without a sample or classification, or with a cell that isn't UTF-8."""
    if not cells[1] or not cells[2]:
        column = COLUMNS["sample"] if cells[1] else COLUMNS["kind"]
        raise BadProfile(f"{path}, line {number}: no {column}; is the row truncated?")
    for column, cell in zip(COLUMNS.values(), cells, strict=True):
        if not cell.isascii() and any("\udc80" <= letter <= "\udcff" for letter in cell):
            raise BadProfile(f"{path}, line {number}, column {column}: not UTF-8; save the MAF as UTF-8")
