"""Slides and expression profiles of GTEx, from the portal's list of histology images and the table of samples."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pandas as pd

from ..common.settings.acquire import GtexCohort
from ..omics.barcodes import parse_barcode
from .web import Service, Unreachable, shown

log = logging.getLogger(__name__)

PAGE = 1000
#: Names of the columns that are read, as the portal's CSV has them and as its API does.
CSV_COLUMNS = {"Tissue Sample ID": "tissueSampleId", "Subject ID": "subjectId", "Tissue": "tissueSiteDetail"}


def list_gtex(service: Service, cohort: str, wanted: GtexCohort, folder: str) -> tuple[list[dict], list[dict]]:
    """Rows of the slide sheet and of the profile sheet, sorted by id.

    wanted: images (address under which a slide is), slide_list (the portal's CSV, or '' to ask `api`), api, samples
    (address of the table of sample attributes), tpm (address of the GCT with every sample), tpm_md5, paired_only
    (specimens that have both). A sample is in the GCT if its SMAFRZE says RNASEQ. Slide and RNA belong together by
    donor and the first three digits of the tissue code. Raises Unreachable, or ValueError for a table without the
    columns.
    """
    images = read_slide_list(wanted["slide_list"]) if wanted["slide_list"] else query_images(service, wanted["api"])
    slides = slide_rows(images, cohort, wanted["images"], folder)
    profiles = profile_rows(read_samples(service, wanted["samples"]), cohort, wanted, folder)
    if wanted["paired_only"]:
        both = {specimen_of(row["slide_id"]) for row in slides} & {specimen_of(row["column"]) for row in profiles}
        slides = [row for row in slides if specimen_of(row["slide_id"]) in both]
        profiles = [row for row in profiles if specimen_of(row["column"]) in both]
    log.info("%s: %d slides and %d profiles", cohort, len(slides), len(profiles))
    return slides, profiles


def specimen_of(name: str) -> tuple[str, str]:
    """Donor and tissue, which the ids of a slide and of the RNA beside it share."""
    code = parse_barcode(name)
    return (code.case, code.sample) if code else (name, "")


def read_slide_list(path: str) -> list[dict[str, str]]:
    """Rows of the CSV that the portal's histology page exports, under the API's names."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    missing = [name for name in CSV_COLUMNS if name not in table]
    if missing:
        raise ValueError(
            f"{path}: no column {', '.join(missing)}; export it at https://gtexportal.org/home/histologyPage"
        )
    return table[list(CSV_COLUMNS)].rename(columns=CSV_COLUMNS).to_dict("records")


def query_images(service: Service, api: str) -> list[dict[str, str]]:
    """Every histology image that the portal's API lists, page by page; Unreachable if fewer come than it counts."""
    found: dict[str, dict[str, str]] = {}
    page = 0
    while True:
        answer = service.ask("GET", f"{api}/histology/image", params={"page": page, "itemsPerPage": PAGE})
        try:
            body = answer.json()
            images, total = body["data"], int(body["paging_info"]["totalNumberOfItems"])
        except (ValueError, KeyError, TypeError):
            raise Unreachable(f"{shown(api)}/histology/image: the answer is not the portal's JSON") from None
        before = len(found)
        found |= {image["tissueSampleId"]: image for image in images}
        if len(found) >= total:
            return list(found.values())
        if len(found) == before:
            raise Unreachable(f"{shown(api)}/histology/image: {before} of {total} images listed, then no more")
        page += 1


def read_samples(service: Service, url: str) -> list[str]:
    """SAMPID of the samples that the expression table has, from the table of sample attributes."""
    table = pd.read_csv(io.BytesIO(service.ask("GET", url).content), sep="\t", dtype=str, quoting=3)
    if missing := {"SAMPID", "SMAFRZE"} - set(table):
        raise ValueError(
            f"{shown(url)}: no column {', '.join(sorted(missing))}; it should be GTEx's SampleAttributesDS"
        )
    return sorted(table.SAMPID[table.SMAFRZE == "RNASEQ"])


def slide_rows(images: list[dict[str, str]], cohort: str, address: str, folder: str) -> list[dict]:
    """Rows of the slide sheet; the service announces neither size nor MD5 of a slide."""
    return [
        {
            "slide_id": image["tissueSampleId"],
            "case_id": image["subjectId"],
            "path": f"{folder}/{image['tissueSampleId']}.svs",
            "cohort": cohort,
            "site": "",
            "organ": (image.get("tissueSiteDetail") or "").split(" - ")[0],
            "project": "GTEx",
            "specimen": "",  # PAXgene-fixed, paraffin-embedded: neither FFPE nor frozen
            "sample_id": image["tissueSampleId"],
            "sample_type": "normal",
            "url": f"{address}/{image['tissueSampleId']}",
            "md5": "",
            "bytes": "",
        }
        for image in sorted(images, key=lambda image: image["tissueSampleId"])
    ]


def profile_rows(samples: list[str], cohort: str, wanted: GtexCohort, folder: str) -> list[dict]:
    """Rows of the profile sheet: each a column of one GCT."""
    return list(_profile_rows(samples, cohort, wanted, f"{folder}/{wanted['tpm'].rsplit('/', 1)[-1]}"))


def _profile_rows(samples: list[str], cohort: str, wanted: GtexCohort, path: str) -> Iterator[dict]:
    for sample in samples:
        if not (code := parse_barcode(sample)) or code.program != "GTEx":  # cell lines (K-562-…) are no donors
            continue
        yield {
            "profile_id": f"{sample}-rna",
            "case_id": code.case,
            "modality": "rna",
            "cohort": cohort,
            "format": "gct",
            "path": path,
            "column": sample,
            "unit": "tpm",
            "sample_id": sample,
            "sample_type": "normal",
            "url": wanted["tpm"],
            "md5": wanted["tpm_md5"],
            "bytes": "",
        }
