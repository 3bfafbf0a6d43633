"""Looking at every slide of a shard before any work: does it open, is it whole, what is its resolution."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ..common.contained import Lost, map_contained
from ..common.manifests import accepted, set_aside, write_manifest
from ..common.progress import Progress
from .identity import identity_of
from .readers import UnreadableSlide, open_slide
from .resolution import find_mpp, magnification_of

log = logging.getLogger(__name__)

COLUMNS = (
    "reader",
    "vendor",
    "width",
    "height",
    "levels",
    "mpp",
    "mpp_source",
    "magnification",
    "identity",
    "bytes",
    "note",
)


def inspect_shard(
    *,
    slides: Sequence[Mapping[str, str]],
    manifest: str,
    deadline_s: float = 120.0,
    mpp_tolerance: float = 0.1,
    log_path: str | None = None,
) -> None:
    """Write the shard's manifest. `slides`: dicts with slide_id, path, mpp and keep, in sheet order."""
    progress = Progress(log_path, "slides", len(slides))
    rows = []
    for slide, result in map_contained(partial(inspect_slide, mpp_tolerance=mpp_tolerance), slides, deadline_s):
        if isinstance(result, Lost):
            result = set_aside(slide["slide_id"], result.reason, result.detail)
        elif isinstance(result, Exception):
            raise result
        if result["reason"]:
            log.warning("%s set aside (%s): %s", slide["slide_id"], result["reason"], result["detail"])
        rows.append(result)
        progress.step()
    write_manifest(manifest, rows, COLUMNS)


def inspect_slide(slide: Mapping[str, str], mpp_tolerance: float = 0.1) -> dict[str, Any]:
    """Manifest row of one slide; the first thing that is wrong is its reason (in the order of REASONS)."""
    slide_id, path = slide["slide_id"], slide["path"]
    if slide["keep"] == "no":
        return set_aside(slide_id, "excluded", "the sheet says keep = no")
    if missing := missing_bytes(path):
        return set_aside(slide_id, "truncated", missing, bytes=os.path.getsize(path))
    try:
        reader = open_slide(path)
        width, height, _ = reader.levels[0]
        reader.region(max(0, width - 64), max(0, height - 64), 0, min(64, width), min(64, height))
    except UnreadableSlide as error:
        return set_aside(slide_id, "unreadable", str(error), bytes=os.path.getsize(path))
    except Exception as error:
        return set_aside(slide_id, "truncated", f"the last pixels can't be read: {error}", bytes=os.path.getsize(path))
    mpp, source, note = find_mpp(reader.properties, slide["mpp"], mpp_tolerance)
    facts = {
        "reader": reader.name,
        "vendor": reader.vendor,
        "width": width,
        "height": height,
        "levels": len(reader.levels),
        "identity": identity_of(path),
        "bytes": os.path.getsize(path),
        "note": note,
    }
    reader.close()
    if mpp is None:
        remedy = "no micrometres per pixel in the file; write them into column mpp of the slide sheet"
        return set_aside(slide_id, "no_resolution", remedy, **facts)
    magnification = magnification_of(mpp)
    facts |= {"mpp": f"{mpp:.6g}", "mpp_source": source, "magnification": magnification or ""}
    if magnification is None:
        return set_aside(slide_id, "low_resolution", f"{mpp:g} micrometres per pixel is coarser than 5x", **facts)
    return accepted(slide_id, **facts)


def missing_bytes(path: str) -> str:
    """A sentence if a TIFF's tiles or strips reach beyond the end of the file; '' if it is whole or no TIFF."""
    import tifffile

    size = os.path.getsize(path)
    try:
        with tifffile.TiffFile(path) as file:
            ends = [
                offset + count
                for page in file.pages
                for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True)
            ]
    except Exception:  # not a TIFF, or so broken that no reader will open it either: told there
        return ""
    if ends and max(ends) > size:
        return f"the file ends at byte {size}, its image data at byte {max(ends)}: an incomplete copy or download"
    return ""
