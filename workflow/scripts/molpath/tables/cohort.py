"""The cohort as a reader checks it: what each criterion removed, the worst slides, and the slides a run trains on."""

from __future__ import annotations

import base64
import html
import io
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..common.files import read_tsv, write_tsv
from ..common.ledger import NOT_DRAWN, Entry, Part, count, first_losses, read_ledger
from ..common.manifests import read_manifests
from ..common.reasons import ALLOWED, OK, REASONS
from ..common.record import Record, check_intact
from ..omics.left_out import REASONS as PAIRING
from ..pretrain.parts import sample_evenly
from .pages import Section, write_page

#: Edge of a thumbnail in the page of the worst slides, in pixels.
THUMBNAIL = 360
#: How that page lays out its pictures.
GALLERY = """.sentences{max-width:none} .gallery{display:flex;flex-wrap:wrap;gap:1em} figure{margin:0;width:280px}
figure img{width:100%;max-height:320px;object-fit:contain;background:#f6f6f6}
figcaption{font-size:13px;margin-top:.3em;overflow-wrap:anywhere}
"""
#: What each criterion means: reasons of slides, of pairing, and of a run on a part of the pairs.
MEANINGS = PAIRING | {NOT_DRAWN: "the run trains on a part of the pairs"} | REASONS
COLUMNS = ["stage", "grid", "encoder", "model", "criterion", "slides", "patches", "meaning"]


def count_exclusions(*, ledger: str, slides: str, tiles: Sequence[str], output: str) -> None:
    """Write how many slides and patches there were, what each criterion removed, and what was left, stage by stage.

    ledger: tables/ledger.tsv, of which every number of slides is a count; slides: tables/slides.tsv, for duplicates;
    tiles: manifests of the stage tiles, for patches. What a criterion removed is negative: `came` and what was removed
    add up to `left` at each stage, grid, encoder, run and model.
    """
    entries = read_ledger(ledger)
    classes = {
        grid: pd.DataFrame(read_manifests(manifests))
        for grid, manifests in itertools.groupby(sorted(tiles), key=lambda path: Path(path).parent.name)
    }
    patches: Counter[Part] = Counter()
    for entry in entries:
        patches[entry.part] += int(entry.patches or 0)
    rows = []
    for part, number in count(entries).items():
        first = "in the sheet" if part.stage == "slides" else "came"
        rows.append(_row(part, first, number.came))
        rows += [
            _row(part, reason, -n_lost, meaning=MEANINGS.get(reason, "")) for reason, n_lost in number.lost.items()
        ]
        if part.stage == "tiles":
            rows += _count_patches(part, classes[part.grid])
        rows.append(_row(part, "left", number.done, patches[part] or None))
        copies = int((read_tsv(slides).duplicate_of != "").sum()) if part.stage == "tissue" else 0
        if copies:
            rows.append(_row(part, "duplicates", copies, meaning="kept; only the first of them is paired"))
    write_tsv(output, pd.DataFrame(rows, columns=COLUMNS).astype({"slides": "Int64", "patches": "Int64"}))


def _count_patches(part: Part, tiled: pd.DataFrame) -> list[dict]:
    """Patches on tissue of the slides that were tiled, and those that quality control dropped."""
    counted = tiled[tiled.n_tissue_patches != ""]
    numbers = counted.filter(regex="^n_").replace("", "0").astype(int)
    rows = [_row(part, "patches on tissue", None, numbers.n_tissue_patches.sum())]
    classes = [name for name in numbers if name.startswith("n_dropped_") and name != "n_dropped_quality"]
    for name in classes or ["n_dropped_quality"]:
        if numbers[name].sum():
            class_name = name.removeprefix("n_dropped_").replace("_", " ")
            rows.append(_row(part, class_name, None, -numbers[name].sum(), "patches in this class"))
    return rows


def _row(part: Part, criterion: str, slides: int | None, patches=None, meaning: str = "") -> dict:
    values = (*part, criterion, slides, None if patches is None else int(patches), meaning)
    return dict(zip(COLUMNS, values, strict=True))


def show_worst_slides(*, slides: str, ledger: str, wsi: str, note: str, output: str, limit: int = 24) -> None:
    """Write a page with the slides that were set aside and those kept with the least in focus, pictures embedded.

    slides: tables/slides.tsv; ledger: tables/ledger.tsv, which says at which stage a slide was set aside; wsi: folder
    of the slides' files. Pictures are the overviews with overlays that the stage tissue drew; a slide set aside before
    that has none. The page needs no other file or network, and all its text is escaped.
    """
    table = read_tsv(slides)
    losses = {slide: loss for slide, loss in first_losses(read_ledger(ledger)).items() if loss}
    failed = {slide for slide, loss in losses.items() if loss.reason not in ALLOWED}
    set_aside = table[table.slide_id.isin(failed)].head(limit)
    kept_slides = table[(table.status == OK) & ~table.slide_id.isin(failed)].copy()
    kept_slides["order"] = pd.to_numeric(kept_slides.in_focus_fraction, errors="coerce").fillna(0)
    kept_slides = kept_slides.sort_values(["order", "slide_id"], kind="stable").head(limit)
    sections = [
        Section("Set aside", _gallery(set_aside, wsi, lambda row: _fate(losses[row.slide_id]))),
        Section("Kept, with the least in focus", _gallery(kept_slides, wsi, _numbers)),
    ]
    write_page(output, "Slides to look at", note, sections, style=GALLERY)


def _fate(loss: Entry) -> str:
    return f"{', '.join(filter(None, loss.part))}: {loss.reason}: {loss.detail}"


def _numbers(row) -> str:
    return f"{float(row.area_mm2):.2f} mm² of tissue, {float(row.in_focus_fraction or 0):.0%} of it in focus"


def _gallery(table: pd.DataFrame, wsi: str, sentence) -> str:
    cards, record = [], Record()
    for row in table.itertuples():
        picture = Path(wsi) / "thumbnails" / f"{row.slide_id}.jpg"
        if picture.exists():
            check_intact(picture, "", record, "assess_tissue")
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
    packed = {name for path in indices for name in read_tsv(path).query("status == @OK").slide_id}
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
