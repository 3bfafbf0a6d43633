"""The map of a model's embeddings: t-SNE, true nearest neighbours, and every column to colour by, on a page per model.

Thumbnails are linked where they lie below the results folder. The data lies packed in the page: see `pages`.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ..common.files import read_tsv, write_tsv
from ..common.reasons import OK, SET_ASIDE
from ..probe.embeddings import NOT_FINITE, are_finite, read_every_column, shortened
from ..probe.tsne import tsne
from .embedding_map_columns import describe, is_shown, short
from .embedding_map_page import STYLE, body_of
from .names import headings
from .pages import Section, pack, write_page

#: Neighbours of a slide that are listed.
NEIGHBOURS = 10
#: Memory for distances between embeddings at a time.
MEGABYTES = 64


class Neighbours(NamedTuple):
    """Rows (int N x k) of the nearest embeddings of each, nearest first, and their cosines (float N x k)."""

    rows: np.ndarray
    cosines: np.ndarray


def map_embeddings(
    *,
    model: str,
    embedded: str,
    fates: str,
    slides: Sequence[str],
    sheets: Sequence[str],
    results: str,
    colours: Sequence[str],
    points: int,
    seed: int,
    note: str,
    table: str,
    page: str,
) -> None:
    """Write the table (slide_id, status, reason, x, y, nearest, cosines) and the page.

    embedded, fates: embed/<model>/slides.h5ad and slides.tsv; slides: tables/slides.tsv, or nothing; sheets: of slides,
    and of cases where there is one, whose rows decide what has which colour, on the maps of all models; results: the
    folder below which thumbnails lie; colours: columns of which the first that differs colours the map at first;
    points: at most so many slides, drawn by the seed; neighbours are looked for among these. Slides whose embeddings
    aren't finite are set aside: rows of the table, named on the page. Every text is escaped.
    """
    columns, every_x = read_every_column(embedded)
    every_id = columns.pop("_index")
    is_finite = are_finite(every_x)
    lost = [every_id[row] for row in np.flatnonzero(~is_finite)]
    rows = np.flatnonzero(is_finite)
    total = len(rows)
    if total > points:
        rows = rows[np.sort(np.random.default_rng(seed).choice(total, points, replace=False))]
    ids, x = [every_id[row] for row in rows], every_x[rows]
    columns = {name: [cells[row] for row in rows] for name, cells in columns.items()}
    places, near = tsne(x, seed), neighbours_of(x, NEIGHBOURS)
    columns.pop("slides_used", None)
    # Only those of the workflow: a sheet may have a column `quality` of its own.
    about = columns | {name: cells for name, cells in quality_of(slides, ids, columns).items() if is_shown(name)}
    write_tsv(table, as_table(ids, places, near, lost))
    counts = {"total": total, "without": int((read_tsv(fates).status != OK).sum()), "width": x.shape[1], "seed": seed}
    measured = {name: cells for name, cells in columns_of(slides).items() if name not in columns}
    cohort = measured | columns_of(sheets)
    write_map(page, model, note, ids, places, near, about, counts, Path(results), colours, cohort, lost)


def neighbours_of(x: np.ndarray, k: int) -> Neighbours:
    """The k embeddings (fewer where there are no more) of highest cosine with each row of x, itself left out.

    An embedding of zeros has a cosine of 0 with all others.
    """
    from sklearn.metrics import pairwise_distances_chunked

    k = min(k, len(x) - 1)
    if k < 1:
        return Neighbours(np.zeros((len(x), 0), int), np.zeros((len(x), 0)))

    def nearest(far: np.ndarray, start: int) -> list[tuple[np.ndarray, np.ndarray]]:
        cosines = np.round(1 - far, 9)
        np.fill_diagonal(cosines[:, start:], -np.inf)
        neighbours = []
        for row in cosines:
            near = np.flatnonzero(row >= np.partition(row, -k)[-k])
            # Of equal ones, within the rounding of a cosine, the first in the order of the slides.
            near = near[np.argsort(-row[near], kind="stable")][:k]
            neighbours.append((near, row[near]))
        return neighbours

    with threadpool_limits(1):
        blocks = pairwise_distances_chunked(
            x.astype(np.float64), reduce_func=nearest, metric="cosine", n_jobs=1, working_memory=MEGABYTES
        )
        rows, cosines = zip(*(pair for block in blocks for pair in block), strict=True)
    return Neighbours(np.array(rows), np.array(cosines))


def as_table(ids: Sequence[str], places: np.ndarray, near: Neighbours, lost: Sequence[str]) -> pd.DataFrame:
    """Coordinates and neighbours; several neighbours are joined by ;. lost: slides whose embeddings aren't finite,
    which come last."""
    shown = pd.DataFrame(
        {
            "slide_id": ids,
            "status": OK,
            "reason": "",
            "x": places[:, 0],
            "y": places[:, 1],
            "nearest": [";".join(ids[k] for k in row) for row in near.rows],
            "cosines": [";".join(f"{value:.6f}" for value in row) for row in near.cosines],
        }
    )
    set_aside = pd.DataFrame({"slide_id": lost, "status": SET_ASIDE, "reason": NOT_FINITE})
    return pd.concat([shown, set_aside], ignore_index=True) if lost else shown


def quality_of(slides: Sequence[str], ids: Sequence[str], sheet_columns: Mapping[str, Any]) -> dict[str, list[str]]:
    """Columns of tables/slides.tsv that the sheets don't have; '' for a slide that is no row of it."""
    if not slides:
        return {}
    rows = read_tsv(slides[0]).set_index("slide_id").reindex(ids).fillna("")
    return {name: rows[name].tolist() for name in rows if name not in sheet_columns}


def columns_of(tables: Sequence[str]) -> dict[str, list[str]]:
    """Every column of some tables, the first that has it."""
    columns: dict[str, list[str]] = {}
    for path in tables:
        columns = {name: cells.tolist() for name, cells in read_tsv(path).items()} | columns
    return columns


def write_map(
    page: str,
    model: str,
    note: str,
    ids: Sequence[str],
    places: np.ndarray,
    near: Neighbours,
    about: Mapping[str, Sequence[str]],
    counts: Mapping[str, int],
    results: Path,
    colours: Sequence[str],
    cohort: Mapping[str, Sequence[str]],
    lost: Sequence[str] = (),
) -> None:
    """Write the page; columns of one value in every slide say nothing and are left out.

    cohort: columns of all slides or cases of the study, see `describe`; lost: see `as_table`.
    """
    blank = [""] * len(ids)
    columns = {name: cells for name, cells in about.items() if len(set(cells)) > 1}
    up = "../" * len(Path(page).parent.relative_to(results).parts)
    data = {
        "slides": list(ids),
        "cases": list(about.get("case_id", blank)),
        "cohorts": list(about.get("cohort", blank)),
        "x": [short(value) for value in places[:, 0]],
        "y": [short(value) for value in places[:, 1]],
        "near": near.rows.tolist(),
        "cosines": [[round(value, 4) for value in row] for row in near.cosines.tolist()],
        "pictures": [int((results / f"wsi/thumbnails/{name}.jpg").is_file()) for name in ids],
        "thumbnails": f"{up}wsi/thumbnails/",
        "columns": [describe(name, cells, cohort.get(name, ())) for name, cells in columns.items()],
        "labels": headings(list(columns)),
        "first": next((name for name in colours if name in columns), ""),
    }
    body = body_of(pack(json.dumps(data)), [html.escape(line) for line in sentences(data, counts, lost)])
    write_page(page, f"Map of embeddings: {model}", note, [Section(sentences=body)], style=STYLE)


def sentences(data: Mapping[str, Any], counts: Mapping[str, int], lost: Sequence[str]) -> list[str]:
    """What the map shows, what it leaves out, and what its distances don't mean. lost: see `as_table`."""
    shown = len(data["slides"])
    lines = [
        f"{shown:,} slide{'s' * (shown > 1)}, {counts['width']:,} number{'s' * (counts['width'] > 1)} each, in two "
        "dimensions by t-SNE (started from PCA)."
        if shown
        else "No slide is shown."
    ]
    if lost:
        subject = "1 slide is" if len(lost) == 1 else f"{len(lost):,} slides are"
        embeddings = "its embedding holds" if len(lost) == 1 else "their embeddings hold"
        lines.append(f"{subject} set aside, because {embeddings} NaN or infinite numbers: {shortened(lost)}.")
    if counts["total"] > shown:
        lines.append(
            f"Only {shown:,} of {counts['total']:,} slides are shown, drawn at random (seed {counts['seed']}, "
            "report/map/points), and neighbours are looked for among them alone."
        )
    if counts["without"]:
        have = "slide has no embedding and is" if counts["without"] == 1 else "slides have no embedding and are"
        lines.append(f"{counts['without']:,} {have} not shown: embed/…/slides.tsv says why.")
    if len({*zip(data["x"], data["y"], strict=True)}) == 1:
        lines.append("All lie on one point: there are fewer than four slides, or the model gives all the same vector.")
    if not shown:
        return lines
    lines.append(
        "Slides that lie together have similar embeddings. Distances between groups, sizes of groups and empty space "
        "mean nothing, the axes have no units, and other settings of t-SNE draw another map."
    )
    if shown > 1:
        lines.append(
            f"Lines lead to the nearest slides ({len(data['near'][0])}) by the cosine of whole embeddings. Where they "
            "lead far away, the map is wrong and the lines are right."
        )
    return lines
