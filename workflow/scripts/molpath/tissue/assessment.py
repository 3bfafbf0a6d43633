"""Tissue and quality of every slide of a shard: masks, numbers, verdicts, and the pictures to check them by."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..common.contained import MethodUnusable, is_out_of_memory, rows_contained
from ..common.digests import digest_of
from ..common.files import remove_leftovers, write_text
from ..common.manifests import accepted, read_manifest, set_aside, write_manifest
from ..common.progress import Progress
from ..common.reasons import OK
from ..common.record import Record, is_current
from ..common.settings.tissue import Tissue
from ..common.slide_parts import state_of
from ..common.stamps import read_stamp, row_of_stamp, save_jpeg, save_png
from ..slides.bounds import shown_in_qupath
from ..slides.damage import Forgiving
from ..slides.readers import open_slide
from . import drawing, given, polygons, quality, segmentation
from .overview import Overview, read_overview

log = logging.getLogger(__name__)

COLUMNS = (
    "area_mm2",
    "tissue_fraction",
    "quality_mpp",
    "pixels",
    *quality.NUMBERS,
    "artefact_fraction",
    "lost_fraction",
    "contours",
    "contours_fingerprint",
    "quality",
    "quality_fingerprint",
    "thumbnail",
    "thumbnail_fingerprint",
)
#: Share of damage above which nothing of a slide was seen.
NOTHING_LEFT = 0.999


def assess_shard(
    *,
    slides: Sequence[Mapping[str, str]],
    inspected: str,
    manifest: str,
    wsi: str,
    settings: Tissue,
    code: str,
    accept_other_code: bool = False,
    deadline_s: float = 120.0,
    memory_mb: float | None = None,
    log_path: str | None = None,
) -> None:
    """Write contours, quality map and thumbnail of each slide under `wsi`, and the shard's manifest.

    `slides` as in inspect_shard; `inspected`: manifest of the stage slides; `settings`: section tissue of the config;
    deadline_s, memory_mb: what one slide may take before it is set aside.
    """
    paths = {slide["slide_id"]: slide for slide in slides}
    rows = read_manifest(inspected)
    progress = Progress(log_path, "tissue", len(rows))
    items = [row | {"path": paths[row["slide_id"]]["path"], "keep": paths[row["slide_id"]]["keep"]} for row in rows]
    record, folders = Record(Path(manifest).stem), written_by(Path(wsi), paths)
    work = partial(
        assess_slide, wsi=Path(wsi), settings=settings, record=record, code=code, accept_other_code=accept_other_code
    )
    for folder, names in folders.items():
        remove_leftovers(folder, names)
    results = []
    for row, item in zip(rows_contained(work, items, deadline_s, memory_mb), items, strict=True):
        results.append(row)
        progress.step(aside=row["reason"] if item["status"] == OK else "")
    record.close(folders)
    write_manifest(manifest, results, COLUMNS)


def assess_slide(
    item: Mapping[str, str], wsi: Path, settings: Tissue, record: Record, code: str, accept_other_code: bool
) -> dict[str, Any]:
    """Manifest row of one slide; its files are taken as they are if they were made from the same contents, and match
    `record`."""
    slide_id = item["slide_id"]
    if item["status"] != OK:
        return set_aside(slide_id, item["reason"], item["detail"])
    paths = files_of(wsi, slide_id)
    contours = None
    if settings["method"] == segmentation.CONTOURS:
        contours = given.find_contours(settings["contours"], slide_id, item["path"])
    inputs = digest_of(item["identity"], item["mpp"], item["keep"], segmentation.inputs_of(settings, contours))
    if all([is_current(path, record, inputs, code, accept_other_code) for path in paths.values()]):
        row = row_of_stamp(paths["contours"])
        # A copy without the damage usually has the same identity, which is that of some blocks of the file.
        if not row["lost_fraction"] or stamped_state(paths["contours"]) == state_of(item["path"]):
            return with_files(row, paths, wsi, record)
    try:
        measured = look(item, settings, contours)
    except MethodUnusable:
        raise
    except given.NoContours as error:
        return set_aside(slide_id, "no_contours", str(error))
    except Exception as error:
        if is_out_of_memory(error):
            raise
        log.exception("%s", slide_id)
        return set_aside(slide_id, "unreadable", f"{type(error).__name__}: {error}")
    row = judge(item, measured, settings)
    stamp = {"inputs": inputs, "code": code, "row": row}
    write_files(paths, measured, stamp | ({"slide": state_of(item["path"])} if row["lost_fraction"] else {}), record)
    return with_files(row, paths, wsi, record)


def stamped_state(path: Path) -> str:
    """State of the files of a damaged slide when `path` was made of it."""
    return str((read_stamp(path) or {}).get("slide", ""))


def files_of(wsi: Path, slide_id: str) -> dict[str, Path]:
    """The three files of a slide."""
    return {
        "thumbnail": wsi / "thumbnails" / f"{slide_id}.jpg",
        "quality": wsi / "quality" / f"{slide_id}.png",
        "contours": wsi / "contours_geojson" / f"{slide_id}.geojson",
    }


def written_by(wsi: Path, slide_ids: Iterable[str]) -> dict[Path, set[str]]:
    """Names of the files of some slides, by folder."""
    names: dict[Path, set[str]] = {}
    for slide_id in slide_ids:
        for path in files_of(wsi, slide_id).values():
            names.setdefault(path.parent, set()).add(path.name)
    return names


def with_files(row: dict[str, Any], paths: Mapping[str, Path], wsi: Path, record: Record) -> dict[str, Any]:
    """The row with names and fingerprints of the files."""
    file_columns = {}
    for name, path in paths.items():
        file_columns[name] = path.relative_to(wsi).as_posix()
        file_columns[f"{name}_fingerprint"] = record.row(path).fingerprint
    return row | file_columns


@dataclass(frozen=True)
class Measured:
    """Everything measured on one slide; the mask of `area_mm2` and `tissue_fraction` is that of the polygons.

    lost_fraction: share of the slide that was taken as white, because its tiles can't be decoded at any level.
    """

    overview: Overview
    polygons: list[list[np.ndarray]]
    quality: quality.Quality
    area_mm2: float
    tissue_fraction: float
    artefact_fraction: float = float("nan")
    lost_fraction: float = 0.0


def look(item: Mapping[str, str], settings: Tissue, contours: Path | None = None) -> Measured:
    """Open the slide and measure it. `contours`: the slide's given polygons, for that method."""
    slide = Forgiving(open_slide(item["path"]))
    measured = measure(slide, float(item["mpp"]), settings, contours)
    slide.close()
    lost = slide.lost_fraction
    if slide.last_error and lost > NOTHING_LEFT:
        raise slide.last_error  # what was measured is white all over: unreadable, not blank
    return replace(measured, lost_fraction=lost)


def measure(slide, mpp: float, settings: Tissue, contours: Path | None = None) -> Measured:
    """Read a slide's overview once, and measure tissue and quality; `mpp`: the slide's, at level 0."""
    overview = read_overview(slide, mpp, settings["mpp"])
    if settings["method"] == segmentation.CONTOURS:
        size = slide.levels[0][:2]
        shown = shown_in_qupath(slide.properties, size)
        regions = given.read_contours(contours, settings["contours"], size, shown, settings["contours_frame"])
    else:
        mask = segmentation.segment(slide, mpp, overview, settings)
        min_region, fill = settings["min_region_mm2"], settings["fill_holes"]
        regions = polygons.find_polygons(mask, overview.scale, overview.mpp, min_region, fill)
    tissue = polygons.mask_of(regions, overview.image.shape[:2], overview.scale)
    assessed = quality.examine(slide, mpp, overview, tissue, settings["quality"])
    artefacts = segmentation.find_artefacts(slide, mpp, overview, tissue, settings)
    share = float("nan")
    if artefacts is not None:
        rules = tissue.astype(np.uint8) if settings["artefacts"]["alone"] else assessed.classes
        assessed = replace(assessed, classes=np.where(artefacts > 0, artefacts, rules))
        share = float((artefacts > 0).sum() / max(1, tissue.sum()))
    area = float(tissue.sum()) * overview.mpp**2 / 1e6
    return Measured(overview, regions, assessed, area, float(tissue.mean()), share)


def judge(item: Mapping[str, str], measured: Measured, settings: Tissue) -> dict[str, Any]:
    """Numbers against the thresholds of the config; keep = yes in the sheet keeps a slide whatever they say."""
    numbers = {
        "area_mm2": f"{measured.area_mm2:.4f}",
        "tissue_fraction": f"{measured.tissue_fraction:.4f}",
        "quality_mpp": f"{measured.overview.mpp:.6g}",
        "pixels": digest_of(measured.overview.image),
        "artefact_fraction": as_cell(measured.artefact_fraction),
        "lost_fraction": as_cell(measured.lost_fraction),
    }
    numbers |= {name: as_cell(measured.quality.numbers[name]) for name in quality.NUMBERS}
    slide_id = item["slide_id"]
    fault = quality.find_faults(measured.quality.numbers, settings["quality"])
    if fault and fault[0] == "not_he" and item["keep"] != "yes":  # first: a grey slide shows no tissue to a method
        return set_aside(slide_id, *fault, **numbers)
    if not measured.polygons:
        return set_aside(slide_id, "blank", "no tissue found", **numbers)
    if item["keep"] != "yes":
        if measured.area_mm2 < settings["min_area_mm2"]:
            detail = f"{measured.area_mm2:.3f} mm2 of tissue, less than {settings['min_area_mm2']:g}"
            return set_aside(slide_id, "blank", detail, **numbers)
        if fault:
            return set_aside(slide_id, *fault, **numbers)
    return accepted(slide_id, **numbers)


def as_cell(value: float) -> str:
    """Four decimals, or an empty cell where nothing could be measured."""
    return "" if np.isnan(value) else f"{value:.4f}"


def write_files(paths: Mapping[str, Path], measured: Measured, stamp: dict[str, Any], record: Record) -> None:
    """Thumbnail with contours, class map, and last the contours."""
    import json

    from PIL import Image

    short = {"inputs": stamp["inputs"], "code": stamp["code"]}
    picture = drawing.draw(measured.overview, measured.polygons, measured.quality.classes)
    with record.writing(paths["thumbnail"]) as temporary:
        save_jpeg(Image.fromarray(picture), temporary, short)
    with record.writing(paths["quality"]) as temporary:
        save_png(Image.fromarray(measured.quality.classes), temporary, short)
    document = polygons.as_geojson(measured.polygons, stamp)
    write_text(paths["contours"], json.dumps(document, sort_keys=True) + "\n", record.writing)
