"""Attention over a slide: a map on its thumbnail, and its patches as GeoJSON for QuPath."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata

from ..common.files import open_h5
from ..embed.evenness import effective_number
from .patch_maps import Panel, Places, Scale, Seen, about_zero, draw_map, squares, write_empty, write_geojson

COLOURS = "viridis"
#: The middle of a scale is between two of its 256 colours: this offset moves it into one.
HALF_A_COLOUR = 1 / 512


@dataclass(frozen=True)
class Attention:
    """Attention of a slide's patches: shares (float32 heads x N, each head adds up to 1), and positions of patches."""

    shares: np.ndarray
    places: Places

    def percentiles(self) -> np.ndarray:
        """Percentile of each patch among those of the slide (float heads x N, over 0 to 100), ties in the middle."""
        return rankdata(self.shares, axis=1) / self.shares.shape[1] * 100

    def times(self) -> np.ndarray:
        """Attention as a multiple of an even share (float64 heads x N)."""
        return self.shares.astype(np.float64) * self.shares.shape[1]

    def effective(self) -> list[float]:
        """Effective number of patches of each head, see `effective_number`."""
        return [float(f"{number:.6g}") for number in effective_number(self.shares)]


def read_attention(path: str, slide_id: str) -> Attention | None:
    """A slide's group of attention.h5; None if it was set aside, or its patches have no coordinates."""
    with open_h5(path) as handle:
        if slide_id not in handle:
            return None
        group = handle[slide_id]
        edge = int(group["coords"].attrs["patch_size_level0"])
        return Attention(group["attention"][:], Places(group["coords"][:], edge))


def draw_attention(
    *, attention: str, slide_id: str, inspected: str, assessed: str, wsi: str, note: str, picture: str, patches: str
) -> None:
    """Write the map (PNG, one panel per head beside the thumbnail) and the patches (GeoJSON) of a slide.

    inspected, assessed: manifests of its shard, for its size and resolution and for its thumbnail. A slide without
    attention has a picture that says why and an empty FeatureCollection.
    """
    slide_attention = read_attention(attention, slide_id)
    records = Seen(slide_id, inspected, assessed, wsi)
    if slide_attention is None:
        write_empty(records, "no patches with coordinates", note, picture, patches)
        return
    write_geojson(patches, as_geojson(slide_attention, records.origin))
    levels, scale = levels_of(slide_attention)
    panels = [Panel(title, level) for title, level in zip(titles_of(slide_attention), levels, strict=True)]
    draw_map(records.ground(slide_attention.places), slide_attention.places, panels, scale, slide_id, note, picture)


def titles_of(attention: Attention) -> list[str]:
    """Title of each head's panel, with its effective number of patches."""
    heads, count = attention.shares.shape
    names = [f"head {head + 1}" for head in range(heads)] if heads > 1 else ["attention"]
    return [
        f"{name}\neffectively {number:,.4g} of {count:,} patches"
        for name, number in zip(names, attention.effective(), strict=True)
    ]


def levels_of(attention: Attention) -> tuple[np.ndarray, Scale]:
    """The level of each patch on the colour scale (heads x N, over 0 to 1), and the scale: multiples of an even share.

    The scale is logarithmic, the same for all heads, with an even share in the middle. It ends at the highest multiple
    and never below 2: attention that is even up to noise has one colour.
    """
    times = attention.times()
    limit = max(2.0, float(times.max(initial=0)))
    levels = about_zero(np.log(np.maximum(times, np.finfo(float).tiny)), float(np.log(limit)))
    levels = np.minimum(levels + HALF_A_COLOUR, 1)
    tick_labels = f"1/{limit:.3g} or less", "even share", f"{limit:.3g} x"
    return levels, Scale(COLOURS, "attention, as a multiple of an even share", (0, 0.5, 1), tick_labels)


def as_geojson(attention: Attention, origin: tuple[int, int] = (0, 0)) -> dict[str, Any]:
    """FeatureCollection of QuPath tiles: weights and percentiles of heads as measurements, pixels from `origin` on.

    Its member `effective_patches` has each head's effective number of patches.
    """
    return squares(attention.places, measured(attention), origin, effective_patches=attention.effective())


def measured(attention: Attention) -> Iterator[dict[str, float]]:
    """Measurements of each patch."""
    for weights, ranks in zip(attention.shares.T, attention.percentiles().T, strict=True):
        measurements = {f"attention weight, head {i + 1}": float(f"{weight:.6g}") for i, weight in enumerate(weights)}
        measurements |= {f"attention percentile, head {i + 1}": round(float(rank), 3) for i, rank in enumerate(ranks)}
        yield measurements | {"attention percentile, mean": round(float(ranks.mean()), 3)}
