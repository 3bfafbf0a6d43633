"""Features of other tools, read in place (TRIDENT, CLAM, STAMP …); nothing is written into their folder."""

from __future__ import annotations

import hashlib
import logging
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..common.feature_files import find_feature_files
from ..common.files import fingerprint
from ..common.given_h5 import DEADLINE_S, Unusable, all_contained
from ..common.manifests import accepted, set_aside
from ..common.reasons import FEATURES_ONLY, OK
from ..common.settings.features import Encoder
from ..common.settings.tiles import Grid
from .layouts import Layout, layout_of
from .placing import place

log = logging.getLogger(__name__)


def find_features(
    tiles: Sequence[Mapping[str, str]],
    inspected_rows: Mapping[str, Mapping[str, str]],
    encoder: Encoder,
    wsi: str | os.PathLike,
    grid: Grid,
    *,
    sample: Sequence[str] = (),
    deadline_s: float = DEADLINE_S,
    memory_mb: float | None = None,
) -> list[dict[str, Any]]:
    """Manifest rows for the slides of `tiles` from the files of `encoder["folder"]`.

    inspected_rows: rows of the stage slides by slide; sample: files of the whole cohort, of which most have the width
    that every file must have (the shard's own where there are none); deadline_s, memory_mb: what reading one file may
    take. `file` is relative to `wsi` where the folder was given relatively, else absolute. A file that can't be used
    sets its slide aside.
    """
    slide_ids = [row["slide_id"] for row in tiles if _is_needed(row)]
    files = find_feature_files(encoder["folder"], slide_ids)
    inspect = partial(layout_of, name=encoder["features"], encoder=encoder["name"])
    limits = deadline_s, memory_mb or None
    single_files = {paths[0]: name for name, paths in files.items() if len(paths) == 1}
    layouts = dict(all_contained(inspect, single_files, *limits))
    width = _width(
        layouts, dict(all_contained(inspect, [path for path in sample if path not in layouts], *limits)), sample
    )
    rows = []
    for row in tiles:
        slide_id = row["slide_id"]
        if not _is_needed(row):
            rows.append(set_aside(slide_id, row["reason"], row["detail"]))
        elif slide_id not in files:
            rows.append(set_aside(slide_id, "no_features", f"no file {slide_id}.h5 in {encoder['folder']}"))
        elif len(files[slide_id]) > 1:
            several = f"two files of slide {slide_id}: {' and '.join(files[slide_id][:2])}; name the folder of one"
            rows.append(set_aside(slide_id, "bad_features", several))
        else:
            path = Path(files[slide_id][0])
            rows.append(_row(slide_id, path, layouts[str(path)], width, inspected_rows.get(slide_id, {}), grid, wsi))
    _log(rows, layouts)
    return rows


def _is_needed(row: Mapping[str, str]) -> bool:
    """True for an accepted slide, and for one without a raw file, which no earlier stage could check."""
    return row["status"] == OK or row["reason"] == FEATURES_ONLY


def _width(
    layouts: Mapping[str, Layout | Unusable], sample_layouts: Mapping[str, Layout | Unusable], sample: Sequence[str]
) -> int | None:
    """The most common width in the sample, or in the shard; the larger in a tie. None: no file can be read."""
    all_layouts = {**layouts, **sample_layouts}
    chosen = [all_layouts[path] for path in (sample or layouts)]
    counts = Counter(layout.dim for layout in chosen if isinstance(layout, Layout))
    return max(counts, key=lambda dim: (counts[dim], dim), default=None)


def _row(
    slide_id: str,
    path: Path,
    layout: Layout | Unusable,
    width: int | None,
    inspected: Mapping[str, str],
    grid: Grid,
    wsi: str | os.PathLike,
) -> dict[str, Any]:
    try:
        if isinstance(layout, Unusable):
            raise layout
        if width is not None and layout.dim != width:
            raise Unusable(f"its features are {layout.dim} numbers wide, those of most files {width}")
        placed = place(layout, inspected, grid)
    except Unusable as error:
        return set_aside(slide_id, "bad_features", f"{path}: {error}")
    name = path if path.is_absolute() else os.path.relpath(path, wsi)
    size, contents = _contents(path)
    columns = {"file": str(name), "bytes": size, "fingerprint": contents, "dataset": layout.name}
    return accepted(slide_id, n_patches=layout.count, dim=layout.dim, **columns, **placed)


def _contents(path: Path) -> tuple[int, str]:
    """Bytes and fingerprint of a file, or of all files of a folder (zarr)."""
    if not path.is_dir():
        return path.stat().st_size, fingerprint(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    listing = "".join(f"{file.relative_to(path)} {fingerprint(file)}\n" for file in files)
    return sum(file.stat().st_size for file in files), hashlib.sha256(listing.encode()).hexdigest()[:16]


def _log(rows: Sequence[Mapping[str, Any]], layouts: Mapping[str, Layout | Unusable]) -> None:
    """Log the files by tool, and each slide that was set aside."""
    tools = Counter(layout.tool for layout in layouts.values() if isinstance(layout, Layout))
    for tool, count in sorted(tools.items()):
        log.info("%d files in the layout of %s", count, tool)
    for row in rows:
        if row["reason"] in ("bad_features", "no_features"):
            log.warning("%s set aside (%s): %s", row["slide_id"], row["reason"], row["detail"])
