"""Slides and expression profiles of the GDC, as its API lists them, as rows of the sheets."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..common.settings.acquire import GdcCohort
from ..omics.barcodes import parse_barcode
from . import gdc_samples
from .gdc_samples import NotOneTissue, Tissue, tissue_of
from .left_out import LeftOut
from .names import check_distinct, fit_for_a_file
from .web import Service, Unreachable, shown

log = logging.getLogger(__name__)

#: Fields requested for each file (GDC API, appendix A: fields of the endpoint `files`).
FIELDS = (
    "file_id", "file_name", "file_size", "md5sum", "cases.submitter_id", "cases.primary_site",
    "cases.project.project_id", *gdc_samples.FIELDS,
)  # fmt: skip
PAGE = 1000
SLIDES = {"data_type": ["Slide Image"]}
PROFILES = {"data_type": ["Gene Expression Quantification"], "analysis.workflow_type": ["STAR - Counts"]}

Found = list[tuple[dict, Tissue]]


def list_gdc(
    service: Service, api: str, cohort: str, settings: GdcCohort, folder: str, left_out: LeftOut, slides: bool = True
) -> tuple[list[dict], list[dict]]:
    """Rows of the slide sheet, by project and id, and of the profile sheet, by id, of one cohort.

    settings: projects, programs (names of the GDC; either may be empty), sample_types, access, strategy (kind of
    slide). slides: False if another service has them. Files are where gdc-client puts them: folder/<file
    id>/<file name>. Kinds of tissue are chosen here and not by the service, so that what is left out can be counted.
    Raises Unreachable if the service doesn't answer, ValueError if it lacks what is required, or if two cases would get
    one name.
    """
    common = {"access": settings["access"]}
    common |= {"cases.project.project_id": settings["projects"], "cases.project.program.name": settings["programs"]}
    filters = {"slides": SLIDES | {"experimental_strategy": [settings["strategy"]]}, "profiles": PROFILES}
    matches: dict[str, Found] = {"slides": [], "profiles": []}
    for sheet in ["slides"] * slides + ["profiles"]:
        hits = query_files(service, api, filters[sheet] | common, left_out)
        matches[sheet] = choose(hits, cohort, sheet, settings["sample_types"], left_out)
        if not matches[sheet]:
            explanation = left_out.summary(cohort, sheet) or "; ".join(left_out.warnings) or "it lists no such file"
            message = (
                f"config, key acquire/gdc/{cohort}: no {sheet} of the GDC ({explanation}); see projects, sample_types"
            )
            if settings["paired_only"] or sheet == "slides":
                raise ValueError(message)
            left_out.warn(message)
    projects: dict[str, set[str]] = {}
    for _, tissue in [*matches["slides"], *matches["profiles"]]:
        projects.setdefault(tissue.case["submitter_id"], set()).add(project_of(tissue.case))
    check_distinct(sorted(projects), f"config, key acquire/gdc/{cohort}")
    if shared := sorted(case for case, names in projects.items() if len(names) > 1):
        names = ", ".join(sorted(projects[shared[0]]))
        left_out.warn(
            f"cohort {cohort}: projects share names of cases ({len(shared)} in all, first {shared[0]}, in {names}): "
            "slides and profiles are paired by case; make one cohort per project if these are different patients"
        )
    return (
        slide_rows(matches["slides"], cohort, settings["strategy"], folder, api),
        profile_rows(matches["profiles"], cohort, folder, api),
    )


def query_files(service: Service, api: str, filters: Mapping[str, Sequence[str]], left_out: LeftOut) -> list[dict]:
    """Every file that matches (field -> allowed values; without values the field doesn't matter), page by page.

    Warnings of the service (fields that it no longer knows) go to `left_out`. Raises Unreachable if fewer
    files arrive than the service announces: a sheet must not be truncated silently.
    """
    content = [{"op": "in", "content": {"field": f, "value": list(v)}} for f, v in sorted(filters.items()) if v]
    body: dict[str, Any] = {"filters": {"op": "and", "content": content}, "fields": ",".join(FIELDS), "format": "JSON"}
    body |= {"size": PAGE, "sort": "file_id:asc"}
    files: dict[str, dict] = {}
    while True:
        answer = service.ask("POST", f"{api}/files", json=body | {"from": len(files)})
        try:
            reply = answer.json()
            hits, total = reply["data"]["hits"], total_of(reply["data"]["pagination"]["total"])
        except (ValueError, KeyError, TypeError):
            raise Unreachable(f"{shown(api)}/files: the answer is not the GDC's JSON") from None
        warnings = reply.get("warnings") or {}
        for field, message in warnings.items() if isinstance(warnings, dict) else [("files", warnings)]:
            left_out.warn(f"the GDC warns, {field}: {message}")
        n_before = len(files)
        files |= {hit["file_id"]: hit for hit in hits if hit and hit.get("file_id")}
        if len(files) >= total:
            return list(files.values())
        if len(files) == n_before:
            raise Unreachable(f"{shown(api)}/files: {len(files)} of {total} files listed, then no more; start again")


def total_of(value: Any) -> int:
    """The total: a number, or an object that holds it."""
    return int(value["value"] if isinstance(value, dict) else value)


def choose(hits: Iterable[dict], cohort: str, sheet: str, types: Sequence[str], left_out: LeftOut) -> Found:
    """Files of one case and one requested kind of tissue (sample_types; empty: any); the others are counted."""
    allowed = {name.lower() for name in types}
    chosen: Found = []
    for hit in hits:
        try:
            if Path(hit.get("file_name") or "").name in ("", ".", ".."):
                raise NotOneTissue("it has no name")
            tissue = tissue_of(hit)
        except NotOneTissue as error:
            log.warning("%s (%s) is left out: %s", hit.get("file_name"), hit["file_id"], error)
            first: dict[str, Any] = next((case for case in hit.get("cases") or [] if case), {})
            left_out.add(cohort, sheet, project_of(first), "", error.reason)
            continue
        if allowed and not allowed & tissue.words:
            left_out.add(cohort, sheet, project_of(tissue.case), tissue.label, "not among sample_types")
        else:
            chosen.append((hit, tissue))
    return chosen


def project_of(case: Mapping[str, Any]) -> str:
    """The project of a case, '' if not given."""
    return (case.get("project") or {}).get("project_id") or ""


def slide_rows(files: Found, cohort: str, strategy: str, folder: str, api: str) -> list[dict]:
    """Rows of the slide sheet. slide_id is the file's name without its ending, as TRIDENT and Patho-Bench have it.

    Slides of a project are kept together, so that few shards hold those of projects that only some models embed.
    """
    rows, names = [], set()
    for hit, tissue in sorted(
        files, key=lambda file_and_tissue: (file_and_tissue[0]["file_name"], file_and_tissue[0]["file_id"])
    ):
        name = fit_for_a_file(Path(hit["file_name"]).stem) or hit["file_id"]
        name = f"{name}.{hit['file_id']}" if name in names else name
        names.add(name)
        code = parse_barcode(name)
        rows.append(
            {
                "slide_id": name,
                "case_id": fit_for_a_file(tissue.case["submitter_id"]),
                "path": path_of(hit, folder),
                "cohort": cohort,
                "site": code.site if code else "",
                "organ": tissue.case.get("primary_site") or "",
                "project": project_of(tissue.case),
                "specimen": tissue.specimen or ("FFPE" if strategy == "Diagnostic Slide" else "frozen"),
                "sample_id": tissue.sample_id,
                "sample_type": tissue.kind,
            }
            | download_columns(hit, api)
        )
    return sorted(rows, key=lambda row: (row["project"], row["slide_id"]))


def profile_rows(files: Found, cohort: str, folder: str, api: str) -> list[dict]:
    """Rows of the profile sheet, named by aliquot if the GDC gives it, so that the rule for aliquots can choose.

    For TCGA the aliquot's barcode, which contains its sample's, is the sample_id. Two files of one name are numbered in
    order of file_id.
    """
    rows: list[dict] = []
    name_counts: dict[str, int] = {}
    for hit, tissue in sorted(files, key=lambda file_and_tissue: file_and_tissue[0]["file_id"]):
        case = fit_for_a_file(tissue.case["submitter_id"])
        base = fit_for_a_file(f"{tissue.aliquot or tissue.sample_id or case}-rna")
        name_counts[base] = name_counts.get(base, 0) + 1
        code = parse_barcode(tissue.aliquot)
        barcode = code is not None and code.program == "TCGA" and bool(code.plate)
        rows.append(
            {
                "profile_id": base if name_counts[base] == 1 else f"{base}-{name_counts[base]}",
                "case_id": case,
                "modality": "rna",
                "cohort": cohort,
                "format": "gdc_star",
                "path": path_of(hit, folder),
                "column": "",
                "unit": "counts",
                "sample_id": tissue.aliquot if barcode else tissue.sample_id,
                "sample_type": tissue.kind,
                "specimen": tissue.specimen,
                "aliquot_id": tissue.aliquot,
                "project": project_of(tissue.case),
            }
            | download_columns(hit, api)
        )
    return sorted(rows, key=lambda row: row["profile_id"])


def path_of(hit: Mapping[str, Any], folder: str) -> str:
    """Where a file is, or will be."""
    return f"{folder}/{Path(hit['file_id']).name}/{Path(hit['file_name']).name}"


def download_columns(hit: Mapping[str, Any], api: str) -> dict[str, str]:
    """What the download needs to know; cells are empty if the GDC doesn't say (an index that is being rebuilt)."""
    size, md5 = hit.get("file_size"), hit.get("md5sum") or ""
    if not size or not md5:
        log.warning("%s (%s): the GDC announces no %s", hit["file_name"], hit["file_id"], "MD5" if size else "size")
    return {"url": f"{api}/data/{hit['file_id']}", "md5": md5, "bytes": str(size) if size else ""}
