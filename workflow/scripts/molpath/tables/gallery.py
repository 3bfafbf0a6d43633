"""The gallery of slides: a card per slide with layers to switch on, sorted and filtered in the browser, all offline.

Pictures are linked where they lie below the results folder and load as they come into view. Class codes of quality maps
(one byte a pixel) get their colours by a filter of the browser. New slides have a gallery of their own, with what
predictors say of them.
"""

from __future__ import annotations

import html
import json
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np
import pandas as pd

from ..common.files import read_tsv
from ..common.ledger import Entry, first_losses, read_ledger
from ..common.manifests import read_manifests
from ..common.reasons import ALLOWED
from ..tissue.classes import CLASSES
from .gallery_page import SCRIPT, STYLE, controls, introduction
from .names import headings, told_apart
from .pages import NAMES, NUMBER, Section, write_page
from .patch_pictures import picture_of_patches
from .predicted_slides import RESEARCH, Said, as_html, doubt_of, predictions_of
from .qupath import entry_of, write_script

#: Cards of a page at most: browsers grow slow beyond.
MOST = 10_000
#: Edges of a card's picture in pixels.
WIDTH, HEIGHT = 240, 280
#: Red, green, blue of contours of tissue in thumbnails.
TISSUE = (0, 158, 115)
#: Red, green, blue of the classes of quality maps that are shown, as in the thumbnails; others are left clear.
COLOURS = {
    "fold": (240, 228, 66),
    "dark": (0, 0, 0),
    "pen": (0, 114, 178),
    "edge_or_bubble": (86, 180, 233),
    "out_of_focus": (213, 94, 0),
}
#: Folders of maps below figures, and what the switch says.
MAPS = {
    "attention": "attention",
    "top_patches": "highest patches",
    "gene_sets": "gene sets",
    "contributions": "contributions",
    "contributing_patches": "patches that add most",
}
OF_CASES = "A slide has the prediction of its case, where the samples of the task are cases."
#: Columns of numbers that say nothing about a slide's quality.
NO_SCORES = {*NAMES, "pixels", "identity", "quality_mpp", "bytes"}


class Folders(NamedTuple):
    """The page's folder, from which links lead on, and the results of its slides, where wsi/ lies."""

    page: Path
    slides: Path


def write_gallery(
    *,
    table: str,
    ledgers: Sequence[str],
    predictions: Sequence[str],
    inspected: Sequence[str],
    grids: Sequence[str],
    maps: Sequence[str],
    paths: Mapping[str, str],
    note: str,
    output: str,
    script: str,
    listed: str,
) -> None:
    """Write the gallery, and beside it the script for QuPath with the list of slides that it reads.

    table: <results of the slides>/tables/slides.tsv; ledgers: tables/ledger.tsv or parts of it, which say where a slide
    was set aside; predictions: predictions.tsv of each predictor, for new slides; inspected: manifests of the stage
    slides; grids: names of grids whose patches are shown; maps: pictures of slides, figures/<kind>/…/<slide>.png, with
    .geojson beside some; paths: files of slides, '' for none. Every text is escaped.
    """
    folders, slides = Folders(Path(output).parent, Path(table).parents[1]), read_tsv(table)
    losses = first_losses(entry for path in ledgers for entry in read_ledger(path))
    by_slide: dict[str, list[Path]] = defaultdict(list)
    for path in map(Path, maps):
        by_slide[path.stem].append(path)
    shown = slides.head(MOST)
    rows, scores = shown.to_dict("records"), scores_of(shown)
    labels = dict(zip(scores, headings(list(scores)), strict=True))
    predicted = predictions_of(predictions, rows)
    entries = qupath_entries(inspected, paths, folders, by_slide)
    in_qupath = {entry["id"] for entry in entries}
    cards = "".join(
        card(
            row,
            row["slide_id"] in in_qupath,
            losses.get(row["slide_id"]),
            folders,
            grids,
            by_slide[row["slide_id"]],
            labels,
            as_html(predicted, place),
            {"doubt": doubt_of(predicted, place)} if predicted else {},
        )
        for place, row in enumerate(rows)
    )
    head = f"<p><b>The first {MOST:,} of {len(slides):,} slides.</b></p>" if len(slides) > MOST else ""
    head += f"<p>{OF_CASES} {RESEARCH}</p>" * bool(predicted)
    keys = [*scores.values(), *keys_of(predicted).values()]
    titles = [*labels.values(), *keys_of(predicted)]
    layers = {"quality": "quality"} if 'class="quality"' in cards else {}
    layers |= {kind: label for kind, label in MAPS.items() if any(kind == kind_of(path) for path in maps)}
    drawn = {number: grid for number, grid in enumerate(grids) if f'class="patches grid{number}"' in cards}
    filters = ["status", "reason", "cohort"] + ["doubt"] * bool(predicted)
    body = head + introduction({"tissue": TISSUE, **COLOURS} if 'class="ground"' in cards else {}, bool(in_qupath))
    body += controls(drawn, layers, told_apart(titles, titles), filters) + colour_filter()
    data = packed({"scores": [[values[k] for values in keys] for k in range(len(rows))]})
    body += f'<div class="gallery">{cards}</div><script type="application/json" id="data">{data}</script>'
    body += f"<script>{SCRIPT}</script>"
    write_page(output, "New slides" if predicted else "Slides", note, [Section(sentences=body)], style=STYLE)
    write_script(script, listed, entries)


def packed(data: Any) -> str:
    """JSON in which no text ends the script that holds it."""
    return json.dumps(data).replace("<", "\\u003c")


def keys_of(predicted: Said) -> dict[str, list[Any]]:
    """Columns of predictions to sort by, numbers as numbers, None for an empty cell."""
    keys: dict[str, list[Any]] = {}
    for name, columns in predicted.items():
        numbers = scores_of(pd.DataFrame(columns))
        for title, cells in columns.items():
            keys[f"{name}: {title}"] = numbers.get(title) or [cell or None for cell in cells]
    return keys


def scores_of(slides: pd.DataFrame) -> dict[str, list[float | None]]:
    """Columns that hold numbers and nothing else, None for an empty cell."""
    scores = {}
    for name in slides.columns:
        cells = slides[name]
        filled = cells[cells != ""]
        if name not in NO_SCORES and len(filled) and filled.map(lambda cell: bool(NUMBER.fullmatch(cell))).all():
            numbers = [float(cell) if cell else np.nan for cell in cells]
            scores[name] = [number if np.isfinite(number) else None for number in numbers]
    return scores


def card(
    row: Mapping[str, str],
    has_file: bool,
    loss: Entry | None,
    folders: Folders,
    grids: Sequence[str],
    maps: Sequence[Path],
    labels: Mapping[str, str],
    predicted: str,
    filters: dict[str, str],
) -> str:
    """A slide's card: pictures, fate, what is predicted (HTML), and numbers.

    has_file: the slide can be chosen for QuPath; labels: columns of numbers, and what they are called; filters: what
    else the page filters by.
    """
    slide, reason = row["slide_id"], loss.reason if loss else ""
    status = "kept" if not loss else "excluded" if reason in ALLOWED else "set aside"
    fate = f"{status}: {', '.join(filter(None, loss.part))}: {reason}: {loss.detail}" if loss else status
    numbers = ", ".join(f"{label} {row[name]}" for name, label in labels.items() if row[name])
    pictures = "".join(
        f'<a class="map-link {kind_of(path)}" href="{link(path, folders.page)}"><img class="map {kind_of(path)}" '
        f'loading="lazy" alt="{MAPS[kind_of(path)]}: {html.escape(title_of(path))}" '
        f'title="{html.escape(title_of(path))}" src="{link(path, folders.page)}"></a>'
        for path in maps
    )
    origin = f"case {row['case_id']}" * (row["case_id"] != slide), row.get("cohort", "")
    words = {"slide": slide, "status": status, "reason": reason or "none", "cohort": row.get("cohort", "")} | filters
    data = "".join(f' data-{name}="{html.escape(value)}"' for name, value in words.items())
    name = f"<b>{html.escape(slide)}</b>"
    if has_file:
        # By its name a browser fills the box in again where a reader comes back to sorted slides.
        name = f'<label><input type="checkbox" name="{html.escape(slide)}"> {name}</label>'
    return (
        f'<figure class="{status.split()[0]}"{data}>{stack(row, folders, grids)}{pictures}<figcaption>{name}'
        f" {html.escape(', '.join(filter(None, origin)))}<br>{html.escape(fate)}{predicted}"
        f"<details><summary>numbers</summary>{html.escape(numbers)}</details></figcaption></figure>"
    )


def stack(row: Mapping[str, str], folders: Folders, grids: Sequence[str]) -> str:
    """Thumbnail with the layers that lie on it, cut off where the slide ends: its last rows are a legend."""
    slide = row["slide_id"]
    ground = folders.slides / f"wsi/thumbnails/{slide}.jpg"
    width, height = (float(row.get(name) or 0) for name in ("width", "height"))
    if not ground.is_file() or not (width and height):
        return '<p class="none">no picture</p>'
    edge = round(min(WIDTH, HEIGHT * width / height), 1)
    layers = []
    if (quality := folders.slides / f"wsi/quality/{slide}.png").is_file():
        layers.append(f'<img class="quality" loading="lazy" alt="" src="{link(quality, folders.page)}">')
    for number, grid in enumerate(grids):
        if (patches := folders.slides / f"wsi/{grid}/patches/{slide}_patches.h5").is_file():
            layers.append(picture_of_patches(patches, number, (width, height)))
    return (
        f'<div class="stack" style="width:{edge}px;height:{edge * height / width:.1f}px"><img class="ground" '
        f'loading="lazy" alt="" src="{link(ground, folders.page)}"><div class="over">{"".join(layers)}</div></div>'
    )


def colour_filter() -> str:
    """SVG filter that gives each class code its colour, and leaves all else clear."""
    channels = np.zeros((4, 256))
    for name, colour in COLOURS.items():
        channels[:3, CLASSES[name]] = np.array(colour) / 255
        channels[3, CLASSES[name]] = 1
    tables = [" ".join(f"{value:.6g}" for value in channel) for channel in channels]
    parts = "".join(
        f'<feFunc{channel} type="discrete" tableValues="{table}"/>'
        for channel, table in zip("RGBA", tables, strict=True)
    )
    # The code is the same in red, green and blue; alpha takes it, too, to look up what is clear.
    copied = '<feColorMatrix values="1 0 0 0 0  1 0 0 0 0  1 0 0 0 0  1 0 0 0 0"/>'
    return (
        '<svg width="0" height="0" style="position:absolute"><filter id="classes" color-interpolation-filters="sRGB" '
        f'x="0" y="0" width="1" height="1">{copied}<feComponentTransfer>{parts}</feComponentTransfer></filter></svg>'
    )


def qupath_entries(
    inspected: Sequence[str], paths: Mapping[str, str], folders: Folders, maps: Mapping[str, Sequence[Path]]
) -> list[dict[str, Any]]:
    """What the script for QuPath reads of each slide that has a file."""
    entries = []
    for row in read_manifests(inspected):
        slide = row["slide_id"]
        origin = int(row.get("bounds_x") or 0), int(row.get("bounds_y") or 0)
        drawn = [path.with_suffix(".geojson") for path in maps.get(slide, [])]
        if paths.get(slide):
            contours = folders.slides / f"wsi/contours_geojson/{slide}.geojson"
            entries.append(entry_of(slide, paths[slide], folders.page, contours, drawn, origin))
    return entries


def kind_of(path: str | Path) -> str:
    """The folder of a map below figures."""
    return _below_figures(path)[0]


def title_of(path: str | Path) -> str:
    """Model, and task where there is one, of a map."""
    return "/".join(_below_figures(path)[1:-1])


def _below_figures(path: str | Path) -> tuple[str, ...]:
    """Parts of a map's path from its kind on; a model or a task may be called figures, too."""
    parts = Path(path).parts
    pairs = list(zip(parts, parts[1:], strict=False))
    last = max(place for place, (folder, kind) in enumerate(pairs) if folder == "figures" and kind in MAPS)
    return parts[last + 1 :]


def link(path: Path, folder: Path) -> str:
    """A link from a page in `folder` to a file of the results, fit for an attribute."""
    return quote(Path(os.path.relpath(path, folder)).as_posix())
