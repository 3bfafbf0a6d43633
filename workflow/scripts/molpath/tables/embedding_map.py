"""The map of a model's embeddings: t-SNE, true nearest neighbours, and every column to colour by, on a page per model.

Thumbnails are linked where they lie below the results folder. The data lies packed in the page: see `pages`.
"""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ..common.files import read_tsv, write_tsv
from ..common.reasons import OK
from ..probe.embeddings import read_every_column
from ..probe.tsne import tsne
from .embedding_map_page import STYLE, body_of
from .pages import NAMES, NUMBER, Section, pack, write_page

#: Neighbours of a slide that are listed.
NEIGHBOURS = 10
#: Memory for distances between embeddings at a time.
MEGABYTES = 64
#: Columns that name files or say how an embedding was put together.
NOT_SHOWN = ("slides_used", "identity", "contours", "quality", "thumbnail", "pixels", "bytes")
#: Whole numbers from which on a float doesn't hold every digit.
WHOLE = 1e15
#: Percentiles at which the scale of a column of numbers ends.
ENDS = (1, 99)


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
    results: str,
    colours: Sequence[str],
    points: int,
    seed: int,
    note: str,
    table: str,
    page: str,
) -> None:
    """Write the table (slide_id, x, y, nearest, cosines) and the page.

    embedded, fates: embed/<model>/slides.h5ad and slides.tsv; slides: tables/slides.tsv, or nothing; results: the
    folder below which thumbnails lie; colours: columns of which the first that differs colours the map at first;
    points: at most so many slides, drawn by the seed; neighbours are looked for among these. Every text is escaped.
    """
    columns, x = read_every_column(embedded)
    ids, total = columns.pop("_index"), len(x)
    if total > points:
        kept = np.sort(np.random.default_rng(seed).choice(total, points, replace=False))
        ids, x = [ids[row] for row in kept], x[kept]
        columns = {name: [cells[row] for row in kept] for name, cells in columns.items()}
    places, near = tsne(x, seed), neighbours_of(x, NEIGHBOURS)
    about = columns | quality_of(slides, ids, columns)
    write_tsv(table, as_table(ids, places, near))
    counts = {"total": total, "without": int((read_tsv(fates).status != OK).sum()), "width": x.shape[1], "seed": seed}
    write_map(page, model, note, ids, places, near, about, counts, Path(results), colours)


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


def as_table(ids: Sequence[str], places: np.ndarray, near: Neighbours) -> pd.DataFrame:
    """Coordinates and neighbours; several neighbours are joined by ;."""
    return pd.DataFrame(
        {
            "slide_id": ids,
            "x": places[:, 0],
            "y": places[:, 1],
            "nearest": [";".join(ids[k] for k in row) for row in near.rows],
            "cosines": [";".join(f"{value:.6f}" for value in row) for row in near.cosines],
        }
    )


def quality_of(slides: Sequence[str], ids: Sequence[str], sheet_columns: Mapping[str, Any]) -> dict[str, list[str]]:
    """Columns of tables/slides.tsv that the sheets don't have; '' for a slide that is no row of it."""
    if not slides:
        return {}
    rows = read_tsv(slides[0]).set_index("slide_id").reindex(ids).fillna("")
    return {name: rows[name].tolist() for name in rows if name not in sheet_columns}


def describe(name: str, cells: Sequence[str]) -> dict[str, Any]:
    """A column as the page reads it, '' for what is missing.

    numbers: as they are, None for missing, with the ends of the scale. classes: words, the commonest first, and the
    place of each cell's word in them, -1 for missing.
    """
    filled = [cell for cell in cells if cell]
    if name not in NAMES and len(set(filled)) > 2 and all(map(NUMBER.fullmatch, filled)):
        numbers = np.array([float(cell) if cell else np.nan for cell in cells])
        finite = numbers[np.isfinite(numbers)]
        if len(np.unique(finite)) > 2:
            ends = [short(value) for value in np.percentile(finite, ENDS)]
            if ends[0] == ends[1]:
                ends = [short(finite.min()), short(finite.max())]
            shown = [short(value) if np.isfinite(value) else None for value in numbers]
            return {"name": name, "numbers": shown, "ends": ends, "range": [short(finite.min()), short(finite.max())]}
    counts = Counter(filled)
    words = sorted(counts, key=lambda word: (-counts[word], word))
    place = {word: k for k, word in enumerate(words)} | {"": -1}
    return {"name": name, "words": words, "codes": [place[cell] for cell in cells]}


def short(value: float) -> float:
    """Six significant digits; a whole number keeps all of its digits."""
    return float(value if float(value).is_integer() and abs(value) < WHOLE else f"{value:.6g}")


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
) -> None:
    """Write the page; columns of one value in every slide say nothing and are left out."""
    blank = [""] * len(ids)
    columns = {name: cells for name, cells in about.items() if len(set(cells)) > 1 and is_shown(name)}
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
        "columns": [describe(name, cells) for name, cells in columns.items()],
        "first": next((name for name in colours if name in columns), ""),
    }
    body = body_of(pack(json.dumps(data)), [html.escape(line) for line in sentences(data, counts)])
    write_page(page, f"Map of embeddings: {model}", note, [Section(sentences=body)], style=STYLE)


def is_shown(name: str) -> bool:
    """True for a column that says something of a slide."""
    return name not in NOT_SHOWN and not name.endswith("_fingerprint")


def sentences(data: Mapping[str, Any], counts: Mapping[str, int]) -> list[str]:
    """What the map shows, what it leaves out, and what its distances don't mean."""
    shown = len(data["slides"])
    lines = [
        f"{shown:,} slide{'s' * (shown > 1)}, {counts['width']:,} number{'s' * (counts['width'] > 1)} each, in two "
        "dimensions by t-SNE (started from PCA)."
    ]
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
