"""Slides and expression profiles of GTEx, from the portal's list of histology images and the table of samples."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from ..common.settings.acquire import GtexCohort
from ..omics.barcodes import parse_barcode
from .contents import is_page
from .left_out import LeftOut
from .web import AccessDenied, BadRequest, NotFound, Service, Unreachable, shown

log = logging.getLogger(__name__)

PAGE = 1000
#: Names of the columns that are read, as the portal's CSV has them and as its API does.
CSV_COLUMNS = {"Tissue Sample ID": "tissueSampleId", "Subject ID": "subjectId", "Tissue": "tissueSiteDetail"}


def list_gtex(
    service: Service, cohort: str, settings: GtexCohort, folder: str, left_out: LeftOut, slides: Sequence[dict] = ()
) -> tuple[list[dict], list[dict], list[str]]:
    """Rows of the slide sheet and of the profile sheet, sorted by id, and the column of each slide's RNA ('': none).

    settings: images (address under which a slide is), slide_list (the portal's CSV, or '' to ask `api`), api, samples
    (address of the table of sample attributes), tpm (address of the GCT with every sample), tpm_md5. slides: rows of
    another service, which get what the portal says of the same specimen. A sample is in the GCT if its SMAFRZE says
    RNASEQ. Slide and RNA are matched by the portal's sampleId, and if it names none (or one that the GCT
    does not hold) by donor and the first three digits of the tissue code. Images that the portal hides are left out.
    Raises Unreachable, or ValueError for a table without the columns and for slides that are no longer under `images`.
    """
    images = (
        read_slide_list(settings["slide_list"]) if settings["slide_list"] else query_images(service, settings["api"])
    )
    if not images:
        raise ValueError(f"config, key acquire/gtex/{cohort}: the portal lists no histology image; see api, slide_list")
    if slides:
        check_named(slides, cohort)
    else:
        slides = slide_rows(images, cohort, settings["images"], folder)
        check_address(service, slides, cohort)
    image_of = {specimen_of(image["tissueSampleId"]): image for image in images}
    visible = []
    for slide in slides:
        image = image_of.get(specimen_of(slide["slide_id"]), {})
        if image.get("hide"):
            left_out.add(cohort, "slides", slide["project"], "normal", "the portal hides it")
        else:
            visible.append(slide | portal_columns(image, slide))
    samples = read_samples(service, settings["samples"])
    profiles = profile_rows(list(samples), cohort, settings, folder)
    columns = {row["column"] for row in profiles}
    by_specimen = {specimen_of(row["column"]): row["column"] for row in reversed(profiles)}
    rna = [
        row["sample_id"] if row["sample_id"] in columns else by_specimen.get(specimen_of(row["slide_id"]), "")
        for row in visible
    ]
    scored = [row | {"autolysis": samples.get(name, "")} for row, name in zip(visible, rna, strict=True)]
    log.info("%s: %d slides and %d profiles", cohort, len(scored), len(profiles))
    return scored, profiles, rna


def specimen_of(name: str) -> tuple[str, str]:
    """Donor and tissue, which the ids of a slide and of the RNA beside it share."""
    code = parse_barcode(name)
    return (code.case, code.sample) if code else (name, "")


def portal_columns(image: Mapping[str, Any], slide: Mapping[str, str]) -> dict[str, str]:
    """What the portal says about a slide: sample with RNA from beside it, pathologists' findings, organ."""
    categories = image.get("pathologyNotesCategories") or {}
    return {
        "sample_id": image.get("sampleId") or slide["sample_id"],
        "organ": (image.get("tissueSiteDetail") or "").split(" - ")[0] or slide["organ"],
        "pathology": ",".join(sorted(name for name, present in categories.items() if present)),
    }


def check_named(slides: Sequence[dict], cohort: str) -> None:
    """Slides of another service must name their tissue: a donor has dozens."""
    nameless = [row["slide_id"] for row in slides if not specimen_of(row["slide_id"])[1]]
    if nameless:
        raise ValueError(
            f"{len(nameless)} of {len(slides)} slides of cohort {cohort} don't name their tissue, first {nameless[0]}: "
            "no RNA can be matched. Set key acquire/idc_names (config), or leave out acquire/gtex of this cohort"
        )


def check_address(service: Service, slides: Sequence[dict], cohort: str) -> None:
    """Request the first byte of one slide before thousands are listed under an address that has moved."""
    if not slides:
        return
    url = slides[0]["url"]
    try:
        with service.ask("GET", url, {"Range": "bytes=0-0"}, stream=True) as answer:
            failure = "a page of HTML" if is_page(answer.headers.get("Content-Type", ""), ".svs") else ""
    except (AccessDenied, BadRequest, NotFound, Unreachable) as error:
        failure = str(error)
    if failure:
        raise ValueError(
            f"config, key acquire/gtex/{cohort}/images: {shown(url)} returns no slide ({failure}). Take slides from "
            f"the Imaging Data Commons, acquire: {{idc: {{{cohort}: {{collections: [gtex]}}}}}}, or correct the address"
        )


def read_slide_list(path: str) -> list[dict[str, Any]]:
    """Rows of the CSV that the portal's histology page exports, under the API's names."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    missing = [name for name in CSV_COLUMNS if name not in table]
    if missing:
        raise ValueError(
            f"{path}: no column {', '.join(missing)}; export it at https://gtexportal.org/home/histologyPage"
        )
    return table[list(CSV_COLUMNS)].rename(columns=CSV_COLUMNS).to_dict("records")


def query_images(service: Service, api: str) -> list[dict[str, Any]]:
    """Every histology image that the portal's API lists, page by page; Unreachable if fewer come than it counts."""
    by_sample: dict[str, dict[str, Any]] = {}
    page = 0
    while True:
        answer = service.ask("GET", f"{api}/histology/image", params={"page": page, "itemsPerPage": PAGE})
        try:
            body = answer.json()
            images, total = body["data"], int(body["paging_info"]["totalNumberOfItems"])
        except (ValueError, KeyError, TypeError):
            raise Unreachable(f"{shown(api)}/histology/image: the answer is not the portal's JSON") from None
        n_before = len(by_sample)
        by_sample |= {image["tissueSampleId"]: image for image in images}
        if len(by_sample) >= total:
            return list(by_sample.values())
        if len(by_sample) == n_before:
            raise Unreachable(f"{shown(api)}/histology/image: {n_before} of {total} images listed, then no more")
        page += 1


def read_samples(service: Service, url: str) -> dict[str, str]:
    """SAMPID of the samples that the expression table has, with their autolysis score (0 to 3, '' if unknown)."""
    contents = io.BytesIO(service.ask("GET", url).content)
    table = pd.read_csv(contents, sep="\t", dtype=str, quoting=3, keep_default_na=False)
    if missing := {"SAMPID", "SMAFRZE"} - set(table):
        raise ValueError(
            f"{shown(url)}: no column {', '.join(sorted(missing))}; it should be GTEx's SampleAttributesDS"
        )
    table = table[table.SMAFRZE == "RNASEQ"].sort_values("SAMPID")
    scores = table.SMATSSCR if "SMATSSCR" in table else [""] * len(table)
    return dict(zip(table.SAMPID, scores, strict=True))


def slide_rows(images: Sequence[Mapping[str, Any]], cohort: str, address: str, folder: str) -> list[dict]:
    """Rows of the slide sheet; the service announces neither size nor MD5 of a slide."""
    return [
        {
            "slide_id": image["tissueSampleId"],
            "case_id": image["subjectId"],
            "path": f"{folder}/{image['tissueSampleId']}.svs",
            "cohort": cohort,
            "site": "",
            "organ": "",
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


def profile_rows(samples: Sequence[str], cohort: str, settings: GtexCohort, folder: str) -> list[dict]:
    """Rows of the profile sheet, one per column of the GCT."""
    return list(
        _profile_rows(samples, cohort, settings, f"{folder}/{urlsplit(settings['tpm']).path.rsplit('/', 1)[-1]}")
    )


def _profile_rows(samples: Sequence[str], cohort: str, settings: GtexCohort, path: str) -> Iterator[dict]:
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
            "url": settings["tpm"],
            "md5": settings["tpm_md5"],
            "bytes": "",
        }
