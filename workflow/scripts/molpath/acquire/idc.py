"""Slides of the NCI's Imaging Data Commons (IDC), as its index lists them, as rows of the slide sheet.

The index is the Python package idc-index-data: a Parquet file with one row per DICOM series, read without network. A
slide is a series: a folder of objects in an open bucket, with no login. The index has no names of slides; a second
table of the same release (`sm_index`, https://github.com/ImagingDataCommons/idc-index-data) has them, and the tissue.
"""

from __future__ import annotations

import fnmatch
import hashlib
import io
import logging
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow.parquet as parquet

from ..common.settings.acquire import IdcCohort
from ..omics.barcodes import Barcode, parse_barcode
from .left_out import LeftOut
from .names import check_distinct, fit_for_a_file
from .web import NotFound, Service, shown

log = logging.getLogger(__name__)

COLUMNS = (
    "collection_id", "analysis_result_id", "PatientID", "SeriesInstanceUID", "SeriesDescription", "Modality",
    "source_DOI", "license_short_name", "transfer_syntax_name", "series_aws_url", "series_size_MB",
)  # fmt: skip
#: Columns of the table with names.
NAMES = ("SeriesInstanceUID", "ContainerIdentifier", "primaryAnatomicStructure_CodeMeaning")
#: Words of a series description, in lower case.
TUMOUR, NORMAL = {"tp", "tumor", "tumor_tissue"}, {"nt", "normal", "normal_tissue"}
SPECIMENS = {"ffpe": "FFPE", "frozen": "frozen", "fz": "frozen"}
_BATCH = 1 << 16


@dataclass(frozen=True)
class Index:
    """Slides of the IDC: `series` with COLUMNS, `names` (name, organ) by series, organ by collection."""

    version: str
    series: pd.DataFrame
    names: dict[str, tuple[str, str]]
    organs: dict[str, str]


def read_index(service: Service, path: str, names: str) -> Index:
    """The index at `path` ('': that of the installed package) and, from address or file `names` ('': none), the names.

    {version} in `names` is the index's own. Raises ValueError for a table without the columns, NotFound, Unreachable.
    """
    index_path = Path(path) if path else package_index()
    table = parquet.ParquetFile(index_path)
    if missing := set(COLUMNS) - set(table.schema_arrow.names):
        raise ValueError(
            f"{index_path}: no column {', '.join(sorted(missing))}; it should be idc_index.parquet of the IDC"
        )
    metadata = table.schema_arrow.metadata or {}
    version = metadata.get(b"idc_index_data_version", b"").decode().partition("-")[0]
    batches = (batch.to_pandas() for batch in table.iter_batches(_BATCH, columns=list(COLUMNS)))
    slides = [batch[(batch.Modality == "SM") & batch.analysis_result_id.isna()] for batch in batches]
    series = pd.concat(slides, ignore_index=True).drop(columns=["Modality", "analysis_result_id"])
    series = series.drop_duplicates("SeriesInstanceUID")
    slide_names = read_names(service, names.replace("{version}", version)) if names else {}
    log.info("%s: index %s, %d slides, %d names", index_path, version or "of no version", len(series), len(slide_names))
    return Index(version, series, slide_names, read_organs(index_path.with_name("collections_index.parquet")))


def package_index() -> Path:
    """The index of the installed package."""
    import idc_index_data

    return Path(str(idc_index_data.IDC_INDEX_PARQUET_FILEPATH))


def read_names(service: Service, address: str) -> dict[str, tuple[str, str]]:
    """Name of the slide and part of the body by series, from a file or from an address with its SHA-256 beside it."""
    if "://" in address:
        contents = service.ask("GET", address).content
        try:
            announced = next(iter(service.ask("GET", f"{address}.sha256").text.split()), "")
        except NotFound:
            announced = ""
            log.warning("%s.sha256: not found, so the table is not verified", shown(address))
        if announced and announced != hashlib.sha256(contents).hexdigest():
            raise ValueError(f"{shown(address)}: its SHA-256 is not the one beside it; start again")
    else:
        contents = Path(address).read_bytes()
    table = pd.read_parquet(io.BytesIO(contents))
    if missing := set(NAMES) - set(table):
        raise ValueError(f"{shown(address)}: no column {', '.join(sorted(missing))}; it should be sm_index of the IDC")
    rows = table[list(NAMES)].fillna("").astype(str)
    return {uid: (name, organ) for uid, name, organ in rows.itertuples(index=False)}


def read_organs(path: Path) -> dict[str, str]:
    """The part of the body by collection, if it is a single one ("Various" and lists are left out)."""
    if not path.exists():
        return {}
    table = pd.read_parquet(path, columns=["collection_id", "tumor_locations"]).fillna("")
    single_organ = table[~table.tumor_locations.str.contains(",") & (table.tumor_locations != "Various")]
    return dict(zip(single_organ.collection_id, single_organ.tumor_locations, strict=True))


def list_idc(index: Index, cohort: str, settings: IdcCohort, folder: str, left_out: LeftOut) -> list[dict]:
    """Rows of the slide sheet of one cohort, by project and id; a slide is the folder <folder>/<series>.

    settings: collections (names, or patterns with *), description (regular expression that is searched in the series
    description; '': any). Raises ValueError if a pattern matches no collection, or nothing is left.
    """
    key = f"config, key acquire/idc/{cohort}"
    collections = sorted(set(index.series.collection_id.dropna()))
    chosen: set[str] = set()
    for requested in settings["collections"]:
        matches = fnmatch.filter(collections, requested.lower())
        if not matches:
            suggestions = ", ".join(name for name in collections if name[:4] == requested[:4].lower()) or ", ".join(
                collections
            )
            raise ValueError(
                f"{key}: the index {index.version} has no collection {requested} of slides; it has {suggestions}"
            )
        chosen |= set(matches)
    candidates = index.series[index.series.collection_id.isin(chosen)]
    try:
        pattern = re.compile(settings["description"])
    except re.error as error:
        raise ValueError(
            f"{key}/description: {settings['description']!r} is not a regular expression ({error})"
        ) from None
    match = candidates.SeriesDescription.fillna("").map(lambda text: bool(pattern.search(text))).astype(bool)
    for (collection, label), count in Counter(
        zip(
            candidates.collection_id[~match],
            map(label_of, candidates.SeriesDescription[~match].fillna("")),
            strict=True,
        )
    ).items():
        left_out.add(cohort, "slides", project_of(collection), label, "description is not what is asked for", count)
    if not match.any():
        raise ValueError(f"{key}: no series description holds {settings['description']!r}")
    chosen_series = candidates[match].to_dict("records")
    check_distinct(sorted({series["PatientID"] or "" for series in chosen_series} - {""}), key)
    rows = [slide_row(index, series, cohort, folder, left_out) for series in chosen_series]
    return sorted(named(filter(None, rows)), key=lambda row: (row["project"], row["slide_id"]))


def slide_row(index: Index, series: Mapping, cohort: str, folder: str, left_out: LeftOut) -> dict | None:
    """One row; None (counted) if description and name of a slide contradict each other, or if case or address is
    missing."""
    case, uid, text = series["PatientID"] or "", series["SeriesInstanceUID"], series["SeriesDescription"] or ""
    if not fit_for_a_file(case) or not series["series_aws_url"]:
        left_out.add(
            cohort, "slides", project_of(series["collection_id"]), label_of(text), "the index has no case or address"
        )
        return None
    name, organ = index.names.get(uid, ("", ""))
    code = parse_barcode(name) or parse_barcode(case) or Barcode("", case)
    project = project_of(series["collection_id"])
    kinds = {*kind_of_description(text), code.kind} - {""}
    if len(kinds) > 1 or (name and code.program and code.case != case):
        log.warning("series %s of %s is left out: it is named %s and described %r", uid, case, name, text)
        left_out.add(cohort, "slides", project, label_of(text), "name and description contradict each other")
        return None
    return {
        "slide_id": fit_for_a_file(name or f"{case}.{uid}"),
        "case_id": fit_for_a_file(case),
        "path": f"{folder}/{uid}",
        "cohort": cohort,
        "site": code.site,
        "organ": organ or index.organs.get(series["collection_id"], ""),
        "project": project,
        "specimen": next((SPECIMENS[term] for term in text.lower().split() if term in SPECIMENS), ""),
        "sample_id": sample_of(code, name),
        "sample_type": next(iter(kinds), ""),
        "url": series["series_aws_url"],
        "md5": "",
        "bytes": bytes_of(series["series_size_MB"]),
        "series_uid": uid,
        "description": text,
        "licence": series["license_short_name"] or "",
        "doi": series["source_DOI"] or "",
        "transfer_syntax": series["transfer_syntax_name"] or "",
    }


def bytes_of(megabytes: float | None) -> str:
    """Bytes of a series; '' if the index doesn't say."""
    return str(round(megabytes * 1e6)) if megabytes and megabytes == megabytes else ""


def kind_of_description(text: str) -> set[str]:
    """tumour and normal, if a series description says so ("FFPE HE TP DX1", "HE normal_tissue")."""
    terms = set(text.lower().split())
    return {kind for kind, kind_terms in (("tumour", TUMOUR), ("normal", NORMAL)) if terms & kind_terms}


def sample_of(code: Barcode, name: str) -> str:
    """The sample in a slide's name: for TCGA the vial, for GTEx the piece of tissue; '' if there is none."""
    if code.program == "TCGA" and code.sample:
        return f"{code.case}-{code.sample}{code.vial}"
    return name if code.program == "GTEx" and code.sample else ""


def label_of(text: str) -> str:
    """A series description without the number of its slide."""
    return re.sub(r"\s+[A-Z]{2}[A-Z0-9]$", "", text)


def project_of(collection: str) -> str:
    """TCGA-BRCA of tcga_brca, as the GDC writes it; GTEx of gtex."""
    return "GTEx" if collection == "gtex" else collection.upper().replace("_", "-")


def named(rows) -> list[dict]:
    """The rows; names shared by several slides are extended by the series."""
    rows = list(rows)
    counts = Counter(row["slide_id"] for row in rows)
    return [
        row | ({"slide_id": f"{row['slide_id']}.{row['series_uid']}"} if counts[row["slide_id"]] > 1 else {})
        for row in rows
    ]
