"""Which pairs a run trains on: a part of the slides, for studies of scale, or shuffled pairs, as a control."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd


def sample_evenly(slide_ids: Iterable[str], organs: Mapping[str, str], fraction: float) -> set[str]:
    """round(fraction x slides) of a cohort, the same number from each organ until one runs out.

    Which slides come first within an organ follows from their ids, so a smaller fraction lies within a larger one.
    Slides without an organ form one more.
    """
    waiting: dict[str, list[str]] = {}
    for slide_id in sorted(slide_ids, key=lambda name: (zlib.crc32(name.encode()), name)):
        waiting.setdefault(organs.get(slide_id, ""), []).append(slide_id)
    turns = [(turn, organ, slide_id) for organ, names in sorted(waiting.items()) for turn, slide_id in enumerate(names)]
    turns.sort(key=lambda turn_of_slide: turn_of_slide[:2])
    return {slide_id for _, _, slide_id in turns[: round(fraction * len(turns))]}


def shuffled_pairs(pairs: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Every slide with all profiles of another case of its cohort, drawn by `seed`; a cohort of one case has no pair.

    pairs: columns slide_id, case_id, cohort, modality, profile_id; case_id stays the slide's. Each case gives its
    profiles to exactly one other, so that what the branches see keeps its distribution, and only the pairing is lost.
    """
    parts = [pairs.iloc[:0]]
    for number, (_, group) in enumerate(pairs.groupby("cohort", sort=True)):
        cases = sorted(group.case_id.unique())
        order = np.random.default_rng([seed, number]).permutation(cases).tolist()
        donor = dict(zip(order, order[1:] + order[:1], strict=True))
        slides = group[["slide_id", "case_id", "cohort"]].drop_duplicates()
        profiles = group[["case_id", "modality", "profile_id"]].drop_duplicates().rename(columns={"case_id": "donor"})
        if len(cases) > 1:
            parts.append(
                slides.assign(donor=slides.case_id.map(donor)).merge(profiles, on="donor").drop(columns="donor")
            )
    return pd.concat(parts, ignore_index=True)
