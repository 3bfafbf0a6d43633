"""Inspection of every slide of a shard before any work: does it open, is it complete, what is its resolution."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ..common.contained import is_out_of_memory, rows_contained
from ..common.manifests import accepted, set_aside, write_manifest
from ..common.progress import Progress
from ..common.reasons import FEATURES_ONLY
from ..common.slide_parts import NoSlideHere, cut_parts, entry_of, files_of, lacks_its_finest, missing_parts
from .bounds import shown_in_qupath
from .damage import is_damage
from .identity import identity_of
from .known_bad import note_of, read_known_bad
from .readers import UnreadableSlide, open_slide
from .resolution import NotSquare, find_mpp, magnification_of, mpp_of_file
from .structure import Broken, Facts, examine

DICOM = "dicom"  # OpenSlide's name of the vendor
#: Other places to try when the last pixels can't be read, as shares of the way across and down.
ELSEWHERE = ((0.5, 0.5), (0.25, 0.25), (0.75, 0.75), (0.25, 0.75), (0.75, 0.25))
COLUMNS = (
    "reader",
    "vendor",
    "width",
    "height",
    "levels",
    "mpp",
    "mpp_y",
    "mpp_source",
    "magnification",
    "identity",
    "bytes",
    "note",
    "bounds_x",
    "bounds_y",
)


def inspect_shard(
    *,
    slides: Sequence[Mapping[str, str]],
    manifest: str,
    known_bad: str | None = None,
    not_downloaded: Mapping[str, str] = {},
    deadline_s: float = 120.0,
    memory_mb: float | None = None,
    mpp_tolerance: float = 0.1,
    log_path: str | None = None,
) -> None:
    """Write the shard's manifest.

    slides: dicts with slide_id, path, mpp and keep, in sheet order; known_bad: table of slides known to be bad, whose
    notes are added; not_downloaded: why a download failed, by path; deadline_s, memory_mb: what looking at one slide
    may take before it is set aside.
    """
    progress = Progress(log_path, "slides", len(slides))
    known_problems = read_known_bad(known_bad) if known_bad else []
    rows = []
    look = partial(inspect_slide, mpp_tolerance=mpp_tolerance, not_downloaded=not_downloaded)
    for slide, row in zip(slides, rows_contained(look, slides, deadline_s, memory_mb), strict=True):
        row["note"] = "; ".join(filter(None, [row.get("note"), note_of(slide, known_problems)]))
        rows.append(row)
        progress.step(aside=row["reason"])
    write_manifest(manifest, rows, COLUMNS)


def inspect_slide(
    slide: Mapping[str, str], mpp_tolerance: float = 0.1, not_downloaded: Mapping[str, str] = {}
) -> dict[str, Any]:
    """Manifest row of one slide; the first thing that is wrong is its reason."""
    slide_id, path = slide["slide_id"], slide["path"]
    if slide["keep"] == "no":
        return set_aside(slide_id, "excluded", "the sheet says keep = no")
    if not path:
        return _features_only(slide_id, slide["mpp"])
    if path in not_downloaded:
        return set_aside(slide_id, "not_downloaded", not_downloaded[path])
    size = sum(os.path.getsize(part) for part in files_of(path))
    try:
        check_parts(path)
        facts = examine(entry_of(path))
        reader = open_checked(path)
        check_finest(reader, slide)
    except Broken as error:
        return set_aside(slide_id, error.reason, error.detail, bytes=size)
    except NoSlideHere as error:
        return set_aside(slide_id, "unreadable", str(error), bytes=size)
    except (PermissionError, IsADirectoryError) as error:
        return set_aside(slide_id, "unreadable", error.strerror or str(error), bytes=size)
    numbers = {
        "reader": reader.name,
        "vendor": reader.vendor,
        "width": reader.levels[0][0],
        "height": reader.levels[0][1],
        "levels": len(reader.levels),
        "identity": identity_of(path),
        "bytes": size,
    }
    numbers["bounds_x"], numbers["bounds_y"], *_ = shown_in_qupath(reader.properties, reader.levels[0][:2])
    reader.close()
    properties, level0 = properties_of(reader, facts), reader.levels[0][:2]
    try:
        mpp, source, note = find_mpp(properties, slide["mpp"], mpp_tolerance, level0)
    except NotSquare as error:
        remedy = "resample the slide, or write its true mpp into column mpp of the slide sheet if the file is wrong"
        return set_aside(slide_id, "not_square", f"{error}: {remedy}", **numbers)
    numbers["note"] = "; ".join(filter(None, [*reader.notes, note_of_depths(facts), note]))
    if mpp is None:
        because = f" ({numbers['note']})" if numbers["note"] else ""
        detail = f"no micrometres per pixel in the file{because}; write them into column mpp of the slide sheet"
        return set_aside(slide_id, "no_resolution", detail, **numbers)
    magnification = magnification_of(mpp)
    down = mpp if source == "sheet" else mpp_of_file(properties, level0)[1] or mpp
    # As the sheet has it: what is just below a border of magnifications must not be rounded up to it.
    numbers |= {
        "mpp": f"{mpp:.10g}" if source == "sheet" else f"{mpp:.6g}",
        "mpp_y": f"{down:.10g}" if source == "sheet" else f"{down:.6g}",
        "mpp_source": source,
        "magnification": magnification or "",
    }
    if magnification is None:
        return set_aside(slide_id, "low_resolution", f"{mpp:g} micrometres per pixel is coarser than 5x", **numbers)
    return accepted(slide_id, **numbers)


def _features_only(slide_id: str, mpp: str) -> dict[str, Any]:
    """A slide without a file: what the sheet says about its resolution places features that another tool made."""
    value, source, note = find_mpp({}, mpp)
    scale = {"mpp": f"{value:.10g}", "mpp_source": source} if value else {}
    if value:
        scale["magnification"] = str(magnification_of(value) or "")
    return set_aside(slide_id, FEATURES_ONLY, "column path of the slide sheet is empty", note=note, **scale)


def note_of_depths(facts: Facts | None) -> str:
    """What is said about an NDPI with several focal planes, '' of all else."""
    if facts is None or facts.depths == 1:
        return ""
    return f"{facts.depths} focal planes, of which the one at depth 0 is read"


def check_parts(path: str) -> None:
    """Raise Broken if a file of a slide that consists of several is missing, or ends too early."""
    for names, fault in ((missing_parts(path), "missing or empty"), (cut_parts(path), "cut off")):
        if names:
            named = f"{', '.join(names[:3])}{' …' if len(names) > 3 else ''}"
            raise Broken("truncated", f"files of the slide are {fault}: {named}; copy the whole slide again")


def check_finest(reader, slide: Mapping[str, str]) -> None:
    """Raise Broken if the finest image of a DICOM series is missing; keep = yes takes it, with a note."""
    if reader.vendor != DICOM or not lacks_its_finest(slide["path"]):
        return
    message = "the largest image of its DICOM series is a smaller copy (RESAMPLED) of one that is missing"
    if slide["keep"] != "yes":
        reader.close()
        raise Broken("truncated", f"{message}: fetch the whole series, or write keep = yes to take it as it is")
    reader.notes.append(message)


def open_checked(path: str):
    """A slide whose last pixels could be read, or if they are damaged, others. Raises Broken."""
    try:
        reader = open_slide(path)
    except UnreadableSlide as error:
        raise Broken("unreadable", str(error).replace(path, os.path.basename(path))) from error
    try:
        read_at(reader, 1, 1)
    except Exception as error:
        if is_out_of_memory(error):
            raise
        message = f"it opens, but its last pixels can't be read: {error}"
        if not is_damage(error) or not any(can_be_read(reader, *place) for place in ELSEWHERE):
            raise Broken("unreadable", message) from error
        reader.notes.append(f"its last pixels can't be read ({error}); patches there are lost")
    return reader


def read_at(reader, across: float, down: float) -> None:
    """Read 64 x 64 pixels of level 0, at a share of the way across and down."""
    width, height, _ = reader.levels[0]
    edges = min(64, width), min(64, height)
    reader.region(int((width - edges[0]) * across), int((height - edges[1]) * down), 0, *edges)


def can_be_read(reader, across: float, down: float) -> bool:
    """False where a tile there is damaged."""
    try:
        read_at(reader, across, down)
    except Exception as error:
        if not is_damage(error):
            raise
        return False
    return True


def properties_of(reader, facts: Facts | None) -> dict[str, str]:
    """What the file says about itself in OpenSlide's names; a unit of the resolution only if the file names one.

    `facts`: the first directory of a TIFF, None for anything else.
    """
    if facts is None:
        return dict(reader.properties)
    unit = reader.properties.get("tiff.ResolutionUnit", "") if facts.names_unit else ""
    return {"tiff.ImageDescription": facts.description} | dict(reader.properties) | {"tiff.ResolutionUnit": unit}
