"""The slide sheet and the profile sheet of public cohorts, from what the services list today."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd

from ..common.files import read_tsv, write_tsv
from ..common.settings.acquire import Acquire
from .gdc import list_gdc
from .gtex import list_gtex
from .web import Service

log = logging.getLogger(__name__)


def write_sheets(*, settings: Acquire, sheets: str, downloads: str, service: Service) -> dict[str, str]:
    """Write slides.tsv and profiles.tsv to the folder `sheets`; what changed, in words, by the sheet's path.

    settings: section acquire of the config. Files lie, or will, in a cohort's `folder`, else in downloads/<cohort>.
    Rows are in the order of cohorts, projects and ids: the same answers give the same bytes.
    """
    listed: list[tuple[list[dict], list[dict]]] = []
    api = settings["gdc_api"].rstrip("/")
    for cohort, wanted in sorted(settings["gdc"].items()):
        listed.append(list_gdc(service, api, cohort, wanted, wanted["folder"] or f"{downloads}/{cohort}"))
    for cohort, portal in sorted(settings["gtex"].items()):
        listed.append(list_gtex(service, cohort, portal, portal["folder"] or f"{downloads}/{cohort}"))
    if not listed:
        raise ValueError("config, section acquire names no cohort under gdc or gtex: nothing to ask for")
    told = {}
    for name, key, rows in (
        ("slides", "slide_id", [row for slides, _ in listed for row in slides]),
        ("profiles", "profile_id", [row for _, profiles in listed for row in profiles]),
    ):
        path = Path(sheets) / f"{name}.tsv"
        told[str(path)] = what_changed(path, key, rows)
        write_tsv(path, pd.DataFrame(rows))
        log.info("%s: %s", path, told[str(path)])
    return told


def what_changed(path: Path, key: str, rows: list[dict]) -> str:
    """Rows now, and how they differ from a sheet that is there already."""
    ids = {row[key] for row in rows}
    before = set(read_tsv(path)[key]) if path.exists() else set()
    changed = f" ({len(ids - before)} new, {len(before - ids)} gone)" if before else ""
    return f"{len(rows)} rows{changed}"
