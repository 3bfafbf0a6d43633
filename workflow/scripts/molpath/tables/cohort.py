"""The cohort as a reader checks it: what each criterion removed, the worst slides, and the slides a run trains on."""

from __future__ import annotations

import base64
import html
import io
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..common.files import read_tsv, write_tsv
from ..common.manifests import FEATURES_ONLY, OK, REASONS, read_manifests
from ..pretrain.parts import sample_evenly
from .pages import Section, write_page

#: Edge of a thumbnail in the page of the worst slides, in pixels.
THUMBNAIL = 360
#: How that page lays out its pictures.
GALLERY = """.sentences{max-width:none} .gallery{display:flex;flex-wrap:wrap;gap:1em} figure{margin:0;width:280px}
figure img{width:100%;max-height:320px;object-fit:contain;background:#f6f6f6}
figcaption{font-size:13px;margin-top:.3em;overflow-wrap:anywhere}
"""
COLUMNS = ["stage", "grid", "criterion", "slides", "patches", "meaning"]


def count_exclusions(*, slides: str, tiles: Sequence[str], output: str) -> None:
    """Write how many slides and patches there were, what each criterion removed, and what was left.

    slides: tables/slides.tsv; tiles: manifests of the stage tiles, each in the folder of its grid. What a criterion
    removed is negative, so that a column adds up to what is left (rows `left` and `duplicates` are no part of the sum).
    """
    table = read_tsv(slides)
    rows = [_row("slides", "", "in the sheet", len(table))]
    for reason in REASONS:
        for stage in ("slides", "tissue"):
            count = int(((table.reason == reason) & (table.stage == stage)).sum())
            if count:
                rows.append(_row(stage, "", reason, -count, meaning=REASONS[reason]))
    rows.append(_row("tissue", "", "left", int((table.status == OK).sum())))
    copies = int((table.duplicate_of != "").sum())
    if copies:
        rows.append(_row("tissue", "", "duplicates", copies, meaning="kept; only the first of them is paired"))
    for grid, manifests in itertools.groupby(sorted(tiles), key=lambda path: Path(path).parent.name):
        rows += _count_patches(grid, pd.DataFrame(read_manifests(manifests)))
    write_tsv(output, pd.DataFrame(rows, columns=COLUMNS).astype({"slides": "Int64", "patches": "Int64"}))


def _count_patches(grid: str, tiled: pd.DataFrame) -> list[dict]:
    counted = tiled[tiled.n_tissue_patches != ""]
    numbers = counted.filter(regex="^n_").replace("", "0").astype(int)
    rows = [_row("tiles", grid, "patches on tissue", len(counted), numbers.n_tissue_patches.sum())]
    classes = [name for name in numbers if name.startswith("n_dropped_") and name != "n_dropped_quality"]
    for name in classes or ["n_dropped_quality"]:
        if numbers[name].sum():
            told = name.removeprefix("n_dropped_").replace("_", " ")
            rows.append(_row("tiles", grid, told, 0, -numbers[name].sum(), "patches that lie in this class"))
    for reason in ("low_resolution", "no_coords", "bad_coords", "no_patches"):
        count = int((tiled.reason == reason).sum())
        if count:
            rows.append(_row("tiles", grid, reason, -count, meaning=REASONS[reason]))
    kept = counted.status == OK
    return [*rows, _row("tiles", grid, "left", int(kept.sum()), numbers.n_patches[kept].sum())]


def _row(stage: str, grid: str, criterion: str, slides: int, patches=None, meaning: str = "") -> dict:
    values = (stage, grid, criterion, slides, None if patches is None else int(patches), meaning)
    return dict(zip(COLUMNS, values, strict=True))


def show_worst_slides(*, slides: str, wsi: str, note: str, output: str, count: int = 24) -> None:
    """Write a page with the slides that were set aside and those kept with the least in focus, pictures embedded.

    wsi: folder of the slides' files. Pictures are the overviews with overlays that the stage tissue drew; a slide set
    aside before that has none. The page stands alone, works offline, and every word in it is escaped.
    """
    table = read_tsv(slides)
    aside = table[(table.status != OK) & (~table.reason.isin(["excluded", FEATURES_ONLY]))].head(count)
    kept = table[table.status == OK].copy()
    kept["order"] = pd.to_numeric(kept.in_focus_fraction, errors="coerce").fillna(0)
    kept = kept.sort_values(["order", "slide_id"], kind="stable").head(count)
    sections = [
        Section("Set aside", _gallery(aside, wsi, lambda row: f"{row.reason}: {row.detail}")),
        Section("Kept, with the least in focus", _gallery(kept, wsi, _numbers)),
    ]
    write_page(output, "Slides to look at", note, sections, style=GALLERY)


def _numbers(row) -> str:
    return f"{float(row.area_mm2):.2f} mm² of tissue, {float(row.in_focus_fraction or 0):.0%} of it in focus"


def _gallery(table: pd.DataFrame, wsi: str, sentence) -> str:
    cards = []
    for row in table.itertuples():
        picture = Path(wsi) / "thumbnails" / f"{row.slide_id}.jpg"
        shown = f'<img alt="" src="{_embedded(picture)}">' if picture.exists() else "<p>no picture</p>"
        caption = f"<b>{html.escape(row.slide_id)}</b><br>{html.escape(sentence(row))}"
        cards.append(f"<figure>{shown}<figcaption>{caption}</figcaption></figure>")
    return f"<div class='gallery'>{''.join(cards) or 'None.'}</div>"


def _embedded(path: Path) -> str:
    from PIL import Image

    with Image.open(path) as image:
        small = image.convert("RGB")
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    data = io.BytesIO()
    small.save(data, format="JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(data.getvalue()).decode()


def list_run_slides(*, run: Mapping[str, Any], pairs: str, indices: Sequence[str], sheet: str, output: str) -> None:
    """Write slide_id, case_id, cohort and organ ('' where the sheet has none) of the slides a run trains on.

    They are paired (omics/pairs.tsv) with a profile of the run's modalities, packed (the store's indices), of its
    cohorts, and of its part of the data.
    """
    packed = {name for path in indices for name in read_tsv(path).slide_id}
    table = read_tsv(pairs)
    table = table[(table.status == "paired") & table.cohort.isin(run["cohorts"]) & table.slide_id.isin(packed)]
    slides = read_tsv(sheet).set_index("slide_id")
    organs = dict(slides.organ) if "organ" in slides else {}
    if run["fraction"] < 1:
        groups = table.groupby("cohort", sort=False).slide_id
        parts = [sample_evenly(dict.fromkeys(names), organs, run["fraction"]) for _, names in groups]
        table = table[table.slide_id.isin(set().union(*parts))]
    table = table[table.modality.isin(run["modalities"])].drop_duplicates("slide_id")
    write_tsv(output, table[["slide_id", "case_id", "cohort"]].assign(organ=table.slide_id.map(organs).fillna("")))
