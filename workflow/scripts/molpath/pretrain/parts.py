"""A part of the slides, for studies of scale."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping


def sample_evenly(slide_ids: Iterable[str], organs: Mapping[str, str], fraction: float) -> set[str]:
    """round(fraction x slides) of a cohort, the same number from each organ until one runs out.

    Which slides come first within an organ follows from their ids, so a smaller fraction lies within a larger one.
    Slides without an organ count as one more.
    """
    waiting: dict[str, list[str]] = {}
    for slide_id in sorted(slide_ids, key=lambda name: (zlib.crc32(name.encode()), name)):
        waiting.setdefault(organs.get(slide_id, ""), []).append(slide_id)
    turns = [(turn, organ, slide_id) for organ, names in sorted(waiting.items()) for turn, slide_id in enumerate(names)]
    turns.sort(key=lambda one: one[:2])
    return {slide_id for _, _, slide_id in turns[: round(fraction * len(turns))]}
