"""The slide sheet and the profile sheet of public cohorts, from what the services list today."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

import pandas as pd

from ..common.files import read_tsv, write_tsv
from ..common.settings.acquire import Acquire
from .gdc import list_gdc
from .gtex import list_gtex
from .idc import Index, list_idc, read_index
from .left_out import COLUMNS, LeftOut, keep_pairs
from .room import check_room
from .transfer import NoRoom
from .web import Service

log = logging.getLogger(__name__)


def write_sheets(*, settings: Acquire, sheets: str, downloads: str, service: Service) -> dict[str, str]:
    """Write slides.tsv, profiles.tsv and left_out.tsv to folder `sheets`; returns a summary of each by path.

    settings: section acquire of the config. Files are or will be in a cohort's `folder`, else in downloads/<cohort>. A
    cohort under `idc` and also `gdc` or `gtex` has its slides from the IDC and its profiles from the other.
    Rows are in the order of cohorts, projects and ids: the same answers give the same bytes.
    """
    of_idc = {name for name, idc_settings in settings["idc"].items() if idc_settings["collections"]}
    cohorts = sorted({*settings["gdc"], *settings["gtex"], *of_idc})
    if not cohorts:
        raise ValueError("config, section acquire names no cohort under gdc, gtex or idc: nothing to ask for")
    if twice := sorted(set(settings["gdc"]) & set(settings["gtex"])):
        raise ValueError(f"config, section acquire: {twice[0]} is listed under gdc and gtex; rename one")
    left_out = LeftOut()
    index = read_index(service, settings["idc_index"], settings["idc_names"]) if of_idc else None
    slides: list[dict] = []
    profiles: list[dict] = []
    for cohort in cohorts:
        cohort_rows = list_cohort(settings, cohort, downloads, service, index, left_out)
        slides, profiles = slides + cohort_rows[0], profiles + cohort_rows[1]
    messages = {}
    for name, key, rows in (("slides", "slide_id", slides), ("profiles", "profile_id", profiles)):
        path = Path(sheets) / f"{name}.tsv"
        count = Counter(row[key] for row in rows)
        if twice := [row_id for row_id in count if count[row_id] > 1]:
            left_out.warn(
                f"{path} repeats ids ({len(twice)} in all, first {twice[0]}), which no other command accepts: "
                "cohorts of section acquire overlap; list a project or collection once"
            )
        messages[str(path)] = what_changed(path, key, rows)
        write_tsv(path, pd.DataFrame(rows, columns=None if rows else [key, "case_id", "path"]).fillna(""))
        log.info("%s: %s", path, messages[str(path)])
    try:
        check_room([*slides, *{row["path"]: row for row in profiles}.values()])
    except NoRoom as error:
        left_out.warn(str(error))
    counts = left_out.rows()
    write_tsv(Path(sheets) / "left_out.tsv", pd.DataFrame(counts, columns=list(COLUMNS)))
    for cohort, sheet in sorted({(row["cohort"], row["sheet"]) for row in counts}):
        messages[f"{sheets}/left_out.tsv, {sheet} of {cohort}"] = left_out.summary(cohort, sheet)
    return messages | {f"warning {i}": message for i, message in enumerate(left_out.warnings, start=1)}


def list_cohort(
    settings: Acquire, cohort: str, downloads: str, service: Service, index: Index | None, left_out: LeftOut
) -> tuple[list[dict], list[dict]]:
    """Rows of slides and profiles of a cohort, from one or two services; paired if requested."""

    def folder(section: str) -> str:
        return settings[section][cohort]["folder"] or f"{downloads}/{cohort}"  # type: ignore[literal-required, no-any-return]

    slides: list[dict] = []
    if index and cohort in settings["idc"] and settings["idc"][cohort]["collections"]:
        slides = list_idc(index, cohort, settings["idc"][cohort], folder("idc"), left_out)
    if cohort in settings["gtex"]:
        portal = settings["gtex"][cohort]
        slides, profiles, rna = list_gtex(service, cohort, portal, folder("gtex"), left_out, slides)
        if portal["paired_only"]:
            columns = [row["column"] for row in profiles]
            return keep_pairs(slides, profiles, (rna, columns), left_out)
        return slides, profiles
    if cohort not in settings["gdc"]:
        return slides, []
    gdc, api = settings["gdc"][cohort], settings["gdc_api"].rstrip("/")
    gdc_slides, profiles = list_gdc(service, api, cohort, gdc, folder("gdc"), left_out, slides=not slides)
    slides = slides or gdc_slides
    if gdc["paired_only"]:
        cases = [row["case_id"] for row in slides], [row["case_id"] for row in profiles]
        return keep_pairs(slides, profiles, cases, left_out)
    return slides, profiles


def what_changed(path: Path, key: str, rows: list[dict]) -> str:
    """Number of rows and announced bytes, and how the rows differ from an existing sheet."""
    ids = {row[key] for row in rows}
    previous = set(read_tsv(path)[key]) if path.exists() else set()
    changed = f" ({len(ids - previous)} new, {len(previous - ids)} gone)" if previous else ""
    size = sum(int(row["bytes"] or 0) for row in rows)
    return f"{len(rows)} rows{changed}" + (f", {size / 1e12:,.3f} TB" if size >= 1e9 else "")
