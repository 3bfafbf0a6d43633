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
    found = read_contributions(contributions, slide_id)
    seen = Seen(slide_id, inspected, assessed, wsi)
    if found is None or found.places is None:
        write_empty(seen, "no patches whose place is known", note, picture, patches)
        return
    write_geojson(patches, as_geojson(found, found.places, seen.origin))
    shown = found.shown()
    limit = float(np.percentile(np.abs(found.values[:, shown]), FULL))
    panels = panels_of(found, limit)
    words = f"-{limit:.2g} or less", "0", f"{limit:.2g} or more"
    label = f"what a patch adds to the {found.unit}, beside the mean training slide"
    scale = Scale(DIVERGING, label, (0, 0.5, 1), words)
    title = f"{slide_id}: what patches add to the {found.unit} of case {found.case} by {found.about}"
    draw_map(seen.ground(found.places), found.places, panels, scale, title, note, picture, grey=True)


def panels_of(found: Contributions, limit: float) -> list[Panel]:
    """A panel per output; limit: contribution at which its colours end."""
    return [Panel(sum_of(found, one), about_zero(found.values[:, one], limit)) for one in found.shown()]


def sum_of(found: Contributions, column: int) -> str:
    """Title of a panel: how patches of the slide add up to the output."""
    mine, others = found.values[:, column], found.others[column]
    terms = {"usual": found.constant[column], "red": mine[mine > 0].sum(), "blue": mine[mine < 0].sum()}
    terms |= {"other slides": others} if others else {}
    largest = max(abs(value) for value in terms.values() if isfinite(value))
    digits = max(0, 2 - floor(log10(largest))) if largest else 0
    parts = [f"{value:+.{digits}f} {name}" for name, value in terms.items()]
    said = "\n".join([" ".join(parts[:3]), *parts[3:]])  # no wider than the panel
    return f"{found.columns[column]}: {found.unit} {found.outputs[column]:+.{digits}f}\n= {said}"


def as_geojson(found: Contributions, places: Places, origin: tuple[int, int] = (0, 0)) -> dict[str, Any]:
    """FeatureCollection of QuPath tiles with contributions as measurements, in pixels that begin at `origin`.

    Its members `constant` and `output` say by column what they add to and what comes out for the case.
    """
    told = {
        key: {name: float(f"{value:.6g}") for name, value in zip(found.columns, values, strict=True) if isfinite(value)}
        for key, values in (("constant", found.constant), ("output", found.outputs))
    }
    return squares(places, measured(found), origin, **told)


def measured(found: Contributions) -> Iterator[dict[str, float]]:
    """Measurements of each patch."""
    names = [f"contribution to {found.unit}, {name}" for name in found.columns]
    for values in found.values:
        yield {name: float(f"{value:.6g}") for name, value in zip(names, values, strict=True)}
