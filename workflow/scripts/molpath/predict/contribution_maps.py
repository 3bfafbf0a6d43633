"""What patches add to a prediction: a map on the thumbnail, GeoJSON for QuPath, and the patches that add most."""

from __future__ import annotations

from collections.abc import Iterator
from math import floor, isfinite, log10
from typing import Any

import numpy as np

from ..interpret.patch_maps import (
    DIVERGING,
    Panel,
    Places,
    Scale,
    Seen,
    about_zero,
    draw_map,
    squares,
    write_empty,
    write_geojson,
)
from .contribution_files import Contributions as Contributions
from .contribution_files import read_contributions as read_contributions

#: The percentile of |contribution| at which colours end.
FULL = 99


def draw_contributions(
    *, contributions: str, slide_id: str, inspected: str, assessed: str, wsi: str, note: str, picture: str, patches: str
) -> None:
    """Write the map (PNG, the thumbnail and a panel per output) and the patches (GeoJSON) of a slide.

    contributions: contributions.h5; inspected, assessed: manifests of the slide's shard. A slide that was set aside, or
    whose patches have no place, has a picture that says so.
    """
    contributed = read_contributions(contributions, slide_id)
    slide = Seen(slide_id, inspected, assessed, wsi)
    if contributed is None or contributed.places is None:
        write_empty(slide, "no patches whose place is known", note, picture, patches)
        return
    write_geojson(patches, as_geojson(contributed, contributed.places, slide.origin))
    shown = contributed.shown()
    limit = float(np.percentile(np.abs(contributed.values[:, shown]), FULL))
    panels = panels_of(contributed, limit)
    tick_labels = f"-{limit:.2g} or less", "0", f"{limit:.2g} or more"
    label = f"what a patch adds to the {contributed.unit}, relative to the mean training slide"
    scale = Scale(DIVERGING, label, (0, 0.5, 1), tick_labels)
    title = f"{slide_id}: what patches add to the {contributed.unit} of case {contributed.case} by {contributed.about}"
    draw_map(
        slide.ground(contributed.places),
        contributed.places,
        panels,
        scale,
        title,
        note,
        picture,
        grey=True,
    )


def panels_of(contributions: Contributions, limit: float) -> list[Panel]:
    """A panel per output; limit: contribution at which its colours end."""
    return [
        Panel(sum_of(contributions, column), about_zero(contributions.values[:, column], limit))
        for column in contributions.shown()
    ]


def sum_of(contributions: Contributions, column: int) -> str:
    """Title of a panel: how patches of the slide add up to the output."""
    added, from_other_slides = contributions.values[:, column], contributions.others[column]
    terms = {"usual": contributions.constant[column], "red": added[added > 0].sum(), "blue": added[added < 0].sum()}
    terms |= {"other slides": from_other_slides} if from_other_slides else {}
    largest = max(abs(value) for value in terms.values() if isfinite(value))
    digits = max(0, 2 - floor(log10(largest))) if largest else 0
    parts = [f"{value:+.{digits}f} {name}" for name, value in terms.items()]
    equation = "\n".join([" ".join(parts[:3]), *parts[3:]])  # no wider than the panel
    output = f"{contributions.unit} {contributions.outputs[column]:+.{digits}f}"
    return f"{contributions.columns[column]}: {output}\n= {equation}"


def as_geojson(contributions: Contributions, places: Places, origin: tuple[int, int] = (0, 0)) -> dict[str, Any]:
    """FeatureCollection of QuPath tiles with contributions as measurements, in pixels that begin at `origin`.

    Its members `constant` and `output` give by column the constant and the output for the case.
    """
    totals = {
        key: {
            name: float(f"{value:.6g}")
            for name, value in zip(contributions.columns, values, strict=True)
            if isfinite(value)
        }
        for key, values in (("constant", contributions.constant), ("output", contributions.outputs))
    }
    return squares(places, measured(contributions), origin, **totals)


def measured(contributions: Contributions) -> Iterator[dict[str, float]]:
    """Measurements of each patch."""
    names = [f"contribution to {contributions.unit}, {name}" for name in contributions.columns]
    for values in contributions.values:
        yield {name: float(f"{value:.6g}") for name, value in zip(names, values, strict=True)}
