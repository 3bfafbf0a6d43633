"""Slides and expression profiles of the GDC, as its API lists them, as rows of the sheets."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..common.settings.acquire import GdcCohort
from ..omics.barcodes import parse_barcode
from ..omics.sample_types import kind_of_words
from .web import Service, Unreachable, shown

log = logging.getLogger(__name__)

#: What is asked of each file (GDC API, appendix A: fields of the endpoint `files`).
FIELDS = (
    "file_id", "file_name", "file_size", "md5sum", "cases.submitter_id", "cases.primary_site",
    "cases.project.project_id", "cases.samples.submitter_id", "cases.samples.sample_type",
    "cases.samples.tissue_type",
)  # fmt: skip
PAGE = 1000
SLIDES = {"data_type": ["Slide Image"]}
PROFILES = {"data_type": ["Gene Expression Quantification"], "analysis.workflow_type": ["STAR - Counts"]}


def list_gdc(service: Service, api: str, cohort: str, wanted: GdcCohort, folder: str) -> tuple[list[dict], list[dict]]:
    """Rows of the slide sheet, by project and id, and of the profile sheet, by id, of one cohort.

    wanted: projects, programs (names of the GDC; either may be empty), sample_types, strategy (kind of slide),
    paired_only (cases that have both). Files lie, or will, as gdc-client puts them: folder/<file id>/<file name>.
    Raises Unreachable if the service doesn't answer, ValueError if it has no such slide or profile.
    """
    common = {"access": ["open"], "cases.samples.sample_type": wanted["sample_types"]}
    common |= {"cases.project.project_id": wanted["projects"], "cases.project.program.name": wanted["programs"]}
    asked = {"slides": SLIDES | {"experimental_strategy": [wanted["strategy"]]}, "profiles": PROFILES}
    found = {kind: list(query_files(service, api, filters | common)) for kind, filters in asked.items()}
    for kind, hits in found.items():
        if not hits:
            raise ValueError(
                f"config, key acquire/gdc/{cohort}: the GDC has no {kind} for it; see projects, sample_types"
            )
    slides = slide_rows(found["slides"], cohort, wanted["strategy"], folder, api)
    profiles = profile_rows(found["profiles"], cohort, folder, api)
    if wanted["paired_only"]:
        both = {row["case_id"] for row in slides} & {row["case_id"] for row in profiles}
        slides = [row for row in slides if row["case_id"] in both]
        profiles = [row for row in profiles if row["case_id"] in both]
    log.info("%s: %d slides and %d profiles listed, %d and %d kept",
             cohort, *(len(hits) for hits in found.values()), len(slides), len(profiles))  # fmt: skip
    return slides, profiles


def query_files(service: Service, api: str, filters: Mapping[str, Sequence[str]]) -> Iterator[dict]:
    """Every file that matches (field -> allowed values; without values the field doesn't matter), page by page.

    Raises Unreachable if fewer come than the service says there are: a sheet must not be cut short in silence.
    """
    content = [{"op": "in", "content": {"field": f, "value": list(v)}} for f, v in sorted(filters.items()) if v]
    body: dict[str, Any] = {"filters": {"op": "and", "content": content}, "fields": ",".join(FIELDS), "format": "JSON"}
    body |= {"size": PAGE, "sort": "file_id:asc"}
    seen: set[str] = set()
    while True:
        answer = service.ask("POST", f"{api}/files", json=body | {"from": len(seen)})
        try:
            data = answer.json()["data"]
            hits, total = data["hits"], int(data["pagination"]["total"])
        except (ValueError, KeyError, TypeError):
            raise Unreachable(f"{shown(api)}/files: the answer is not the GDC's JSON") from None
        fresh = [hit for hit in hits if hit["file_id"] not in seen]
        yield from fresh
        seen |= {hit["file_id"] for hit in fresh}
        if len(seen) >= total:
            return
        if not fresh:
            raise Unreachable(f"{shown(api)}/files: {len(seen)} of {total} files listed, then no more; start again")


def slide_rows(hits: Iterable[dict], cohort: str, strategy: str, folder: str, api: str) -> list[dict]:
    """Rows of the slide sheet. slide_id is the file's name without its ending, as TRIDENT and Patho-Bench have it.

    Slides of a project stand together, so that few shards hold those of the projects that only some models embed.
    """
    rows, names = [], set()
    for hit in sorted(of_one_tissue(hits), key=lambda hit: (hit["file_name"], hit["file_id"])):
        case, sample = case_and_sample(hit)
        name = Path(hit["file_name"]).stem
        name = f"{name}.{hit['file_id']}" if name in names else name
        names.add(name)
        code = parse_barcode(name)
        rows.append(
            {
                "slide_id": name,
                "case_id": case["submitter_id"],
                "path": f"{folder}/{Path(hit['file_id']).name}/{Path(hit['file_name']).name}",
                "cohort": cohort,
                "site": code.site if code else "",
                "organ": case.get("primary_site") or "",
                "project": case["project"]["project_id"],
                "specimen": "FFPE" if strategy == "Diagnostic Slide" else "frozen",
                "sample_id": sample.get("submitter_id", ""),
                "sample_type": kind_of_sample(sample),
            }
            | download_columns(hit, api)
        )
    return sorted(rows, key=lambda row: (row["project"], row["slide_id"]))


def profile_rows(hits: Iterable[dict], cohort: str, folder: str, api: str) -> list[dict]:
    """Rows of the profile sheet; a further file of one sample is numbered, in the order of file_id."""
    rows: list[dict] = []
    seen: dict[str, int] = {}
    for hit in sorted(of_one_tissue(hits), key=lambda hit: hit["file_id"]):
        case, sample = case_and_sample(hit)
        base = f"{sample.get('submitter_id') or case['submitter_id']}-rna"
        seen[base] = seen.get(base, 0) + 1
        rows.append(
            {
                "profile_id": base if seen[base] == 1 else f"{base}-{seen[base]}",
                "case_id": case["submitter_id"],
                "modality": "rna",
                "cohort": cohort,
                "format": "gdc_star",
                "path": f"{folder}/{Path(hit['file_id']).name}/{Path(hit['file_name']).name}",
                "column": "",
                "unit": "counts",
                "sample_id": sample.get("submitter_id", ""),
                "sample_type": kind_of_sample(sample),
            }
            | download_columns(hit, api)
        )
    return sorted(rows, key=lambda row: row["profile_id"])


def of_one_tissue(hits: Iterable[dict]) -> list[dict]:
    """Files of one case and one kind of tissue; pools of cases, mixtures of tumour and normal, and what is neither (a
    cell line, a control) are logged and left out."""
    kept = []
    for hit in hits:
        cases = sorted({case["submitter_id"] for case in hit["cases"]})
        kinds = {kind_of_sample(sample) for case in hit["cases"] for sample in case.get("samples") or []}
        why = ""
        if len(cases) > 1:
            why = f"a pool of {', '.join(cases)}"
        elif "other" in kinds:
            why = f"a sample of {cases[0]} that is neither tumour nor normal"
        elif len(kinds) > 1:
            why = f"a mixture of tumour and normal of {cases[0]}"
        if why:
            log.warning("%s (%s) is left out: %s", hit["file_name"], hit["file_id"], why)
        else:
            kept.append(hit)
    return kept


def case_and_sample(hit: Mapping[str, Any]) -> tuple[dict, dict]:
    """The one case of a file and its (first by id) sample."""
    case = hit["cases"][0]
    return case, min(case.get("samples") or [{}], key=lambda sample: sample.get("submitter_id", ""))


def kind_of_sample(sample: Mapping[str, str | None]) -> str:
    """GDC's words as the sheets say it: tumour, normal, '', or other for what is neither."""
    kinds = [kind_of_words(sample.get(name) or "") for name in ("tissue_type", "sample_type")]
    return "other" if "other" in kinds else next(filter(None, kinds), "")


def download_columns(hit: Mapping[str, Any], api: str) -> dict[str, str]:
    """What the download needs of a file."""
    return {"url": f"{api}/data/{hit['file_id']}", "md5": hit["md5sum"], "bytes": str(hit["file_size"])}
