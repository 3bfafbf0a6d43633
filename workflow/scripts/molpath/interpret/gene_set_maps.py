"""What patches add to a slide's scores of gene sets: a map on its thumbnail, and its patches as GeoJSON for QuPath."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..common.files import open_h5, read_tsv
from ..probe.embeddings import as_text
from .patch_maps import (
    DIVERGING,
    Panel,
    Places,
    Scale,
    Seen,
    about_zero,
    draw_map,
    save_words,
    squares,
    write_empty,
    write_geojson,
)

#: Panels of a map, and the percentile of |score| at which its colours end.
PANELS, FULL = 7, 99
SCALE = Scale(DIVERGING, "what a patch adds to the slide's score", (0, 0.5, 1), ("lowers", "as usual", "raises"))
READ = "read"


@dataclass(frozen=True)
class PatchScores:
    """Patches of one slide: scores (float N x K), set and way of each column, and positions of patches."""

    scores: np.ndarray
    sets: list[str]
    ways: list[str]
    places: Places


def read_patch_scores(path: str, slide_id: str) -> PatchScores | None:
    """A slide's group of patches.h5; None if it was set aside, or its patches have no coordinates."""
    with open_h5(path) as handle:
        if f"slides/{slide_id}" not in handle:
            return None
        group = handle[f"slides/{slide_id}"]
        sets, ways = (as_text(handle[f"columns/{key}"][:]) for key in ("set", "way"))
        places = Places(group["coords"][:], int(group["coords"].attrs["patch_size_level0"]))
        return PatchScores(group["scores"][:].astype(float), sets, ways, places)


def draw_gene_sets(
    *,
    scores: str,
    sets: str,
    slide_id: str,
    inspected: str,
    assessed: str,
    wsi: str,
    note: str,
    picture: str,
    patches: str,
) -> None:
    """Write the map (PNG, the thumbnail and a panel per set that can be read) and the patches (GeoJSON, all sets).

    scores: patches.h5; sets: the table of verdicts; inspected, assessed: manifests of the slide's shard. A slide that
    was set aside, and one of which no set can be read, has a picture that says so.
    """
    patch_scores = read_patch_scores(scores, slide_id)
    records = Seen(slide_id, inspected, assessed, wsi)
    if patch_scores is None:
        write_empty(records, "no patches with coordinates", note, picture, patches)
        return
    write_geojson(patches, as_geojson(patch_scores, records.origin))
    columns = readable(read_tsv(sets), patch_scores)
    if not columns:
        save_words(picture, f"{slide_id}: no gene set can be read from this model (the table of sets says why)", note)
        return
    panels = [
        Panel(f"{patch_scores.sets[column]}\n({patch_scores.ways[column]})", levels_of(patch_scores, column))
        for column in columns
    ]
    draw_map(records.ground(patch_scores.places), patch_scores.places, panels, SCALE, slide_id, note, picture)


def readable(table: pd.DataFrame, patch_scores: PatchScores) -> list[int]:
    """Columns of the sets that can be read, the surest first, each by the way whose correlation is higher."""
    readable_sets = table[table.verdict == READ].assign(spearman=lambda t: t.spearman.astype(float))
    best = readable_sets.sort_values("spearman", ascending=False, kind="stable").drop_duplicates("set")
    columns = {pair: i for i, pair in enumerate(zip(patch_scores.sets, patch_scores.ways, strict=True))}
    return [columns[pair] for pair in zip(best.set, best.way, strict=True) if pair in columns][:PANELS]


def as_geojson(patch_scores: PatchScores, origin: tuple[int, int] = (0, 0)) -> dict[str, Any]:
    """FeatureCollection of QuPath tiles with the scores as measurements, in pixels that begin at `origin`."""
    names = [f"{name} ({way})" for name, way in zip(patch_scores.sets, patch_scores.ways, strict=True)]
    measured = (
        {name: float(f"{value:.5g}") for name, value in zip(names, values, strict=True)}
        for values in patch_scores.scores
    )
    return squares(patch_scores.places, measured, origin)


def levels_of(patch_scores: PatchScores, column: int) -> np.ndarray:
    """The level of each patch on the colour scale: above the middle if it raises the score, below if it lowers it."""
    values = patch_scores.scores[:, column]
    return about_zero(values, float(np.percentile(np.abs(values), FULL)))
