"""Is a new case like those a predictor was trained on? One decision from its embedding, patches and slides.

Each training case was measured as if it were new (`reference.py`). How rare a number of a case is among theirs
(`levels.py`) makes numbers of any kind comparable; the rarest of each part (embedding, patches, slides), compared with
the same of the training cases, and the rarest part make its score. Its p-value is conformal (Vovk, Gammerman and
Shafer 2005): the share of training cases with a score as large, so that cases like them are flagged at the rate that
was asked for, whatever the numbers' distributions, and however many there are.

A training case is measured by one of its slides. Those of a new case are compared with it one by one, and their levels
combined so that a case is flagged no more often however many slides it has, and however alike they are.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .distances import Distances
from .levels import conformal_p, left_out_levels, levels
from .patch_kinds import PatchKinds
from .reasons import GRAINS, GROUPS, ITEMS, QUALITY, VENDOR, quality_of, sentence, vendor_sentence
from .reference_files import pack, read_files, unpack, write_files

log = logging.getLogger(__name__)

#: Patches (float N x W) of a slide by its id; None where it has none.
Patches = Callable[[str], np.ndarray | None]
#: An item counts where it is known of this share of the training cases, or of so many.
KNOWN_SHARE, KNOWN_CASES = 0.5, 500
NO_SLIDES = pd.DataFrame(columns=["slide_id", "case_id"])
#: Sentences on slides that one reason holds at most.
SAID = 3


@dataclass(frozen=True)
class Scores:
    """Values (float N x items, NaN: unknown) of the training cases of which something of each part of `items` is known,
    the rarest left-out level of each part, and their scores (float N each).
    """

    items: tuple[str, ...]
    values: np.ndarray
    groups: dict[str, np.ndarray]
    score: np.ndarray


@dataclass
class Reference:
    """The training cases of a predictor, each measured as if it were new, by one of its slides.

    table: items (ITEMS, float64 N, NaN: unknown) of each case. distances, kinds: None where embeddings were too few,
    or there were no patches. facts: reference.json.
    """

    table: pd.DataFrame
    distances: Distances | None
    kinds: PatchKinds | None
    facts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: str | Path) -> Reference:
        """Read reference.safetensors and reference.json. Raises DamagedReference where they don't belong together."""
        arrays, facts = read_files(Path(folder))
        table, distances, kinds = unpack(arrays, facts)
        named = pd.DataFrame(table, columns=facts["items"]).reindex(columns=list(ITEMS))
        return cls(named, distances, kinds, facts)

    def save(self, tensors: str, facts: str) -> None:
        """Write reference.safetensors and reference.json, the same bytes for the same cases."""
        arrays = pack(self.table[list(ITEMS)].to_numpy(np.float64), self.distances, self.kinds)
        write_files(arrays, self.facts, tensors, facts)

    def judge(
        self,
        x: np.ndarray,
        slides: pd.DataFrame,
        patches: Patches | None = None,
        false_alarms: float = 0.05,
        cases: Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """One row per case: `ood_score`, `ood_flag`, `ood_p`, `ood_reason`, `ood_missing` (what said nothing).

        x: float N x D. slides: a row per slide, columns slide_id, case_id and those of the manifests of slides and
        tissue; those of other cases are left aside. patches: of a slide, by its id. cases: whose the rows of x are; by
        default those of `slides` in the order in which they come. A part that is unknown of a case, or of the training
        cases, says nothing. Raises ValueError for embeddings that are not finite
        or of another width, for cases that aren't those of x, and for patches of another width.
        """
        if cases is None:
            cases = list(dict.fromkeys(slides["case_id"])) if len(slides) else [f"row {k}" for k in range(len(x))]
        if x.ndim != 2 or len(cases) != len(x):
            raise ValueError(f"{len(cases)} cases, and embeddings of shape {x.shape}: give one a case, in that order")
        if len(set(cases)) < len(cases):
            raise ValueError("a case is there twice: give each one row")
        measured = self._measure(x, cases, slides, patches)
        used = measured.notna().groupby(level=0).any() & self._known
        result = pd.DataFrame(index=range(len(cases)))
        result["ood_score"], result["ood_p"], result["ood_flag"], result["ood_reason"] = np.nan, np.nan, False, ""
        for pattern, rows in used.groupby(list(ITEMS), sort=True).indices.items():
            items = tuple(item for item, is_used in zip(ITEMS, pattern, strict=True) if is_used)
            self._judge_alike(measured.loc[rows], items, false_alarms, result, np.asarray(rows))
        result["ood_missing"] = [_missing(row) for row in used.to_numpy()]
        self._add_vendors(result, cases, slides)
        for part, count in result["ood_missing"].str.split("; ").explode().value_counts().items():
            if part:
                log.info("%d of %d cases: %s unknown, which says nothing for or against them", count, len(cases), part)
        return result[["ood_score", "ood_flag", "ood_reason", "ood_p", "ood_missing"]]

    @cached_property
    def _known(self) -> pd.Series:
        """True for each item that is known of enough training cases."""
        counts = self.table.notna().sum()
        return (counts > 1) & ((counts >= KNOWN_SHARE * len(self.table)) | (counts >= KNOWN_CASES))

    def _measure(
        self, x: np.ndarray, cases: Sequence[str], slides: pd.DataFrame, patches: Patches | None
    ) -> pd.DataFrame:
        """Items of each slide of each new case (index: the case's place); of a case without slides one row."""
        width = self.facts.get("width", x.shape[1])
        if x.shape[1] != width:
            raise ValueError(f"embeddings of {x.shape[1]} numbers, and the training cases have {width}")
        if not np.isfinite(x).all():
            wrong = cases[int(np.flatnonzero(~np.isfinite(x).all(1))[0])]
            raise ValueError(f"the embedding of {wrong} holds NaN or infinite numbers: embed it again")
        places = {name: k for k, name in enumerate(cases)}
        slides = slides[slides["case_id"].isin(places)] if len(slides) else NO_SLIDES
        of_slides = quality_of(slides).set_index(slides["case_id"].map(places).to_numpy(int))
        if self.kinds is not None and patches is not None:
            patch_items = [self._look(name, patches) for name in slides["slide_id"]]
            share, distance, spread = np.array(patch_items, float).reshape(-1, 3).T
            of_slides[list(GROUPS["patches"])] = np.column_stack([share, distance, spread, -spread])
        lacking = sorted(set(range(len(cases))) - set(of_slides.index))
        places_of_rows = np.array([*of_slides.index, *lacking], int)
        measured = of_slides.set_axis(range(len(of_slides))).reindex(range(len(places_of_rows)), columns=list(ITEMS))
        measured.index = pd.Index(places_of_rows)
        if self.distances is not None:
            near, far = self.distances.of(x)
            measured["embedding:near"], measured["embedding:far"] = near[places_of_rows], far[places_of_rows]
            measured["embedding:inside"] = -measured["embedding:far"]
        return measured

    def _look(self, slide_id: str, patches: Patches) -> tuple[float, float, float]:
        rows = patches(slide_id)
        return (np.nan, np.nan, np.nan) if rows is None or self.kinds is None else self.kinds.look(slide_id, rows)

    def scores(self, items: tuple[str, ...]) -> Scores:
        """Left-out scores of the training cases of which something of each part of `items` is known."""
        parts = [self.table[members].notna().any(axis=1) for members in _groups(items).values()]
        trained = self.table.loc[np.logical_and.reduce(parts), list(items)].to_numpy()
        single = {item: left_out_levels(trained[:, k], GRAINS.get(item, 0)) for k, item in enumerate(items)}
        groups = {}
        for name, members in _groups(items).items():
            groups[name] = _rarest(np.array([single[item] for item in members]))
        score = _rarest(np.array([left_out_levels(values) for values in groups.values()]))
        return Scores(items, trained, groups, score)

    def _judge_alike(
        self,
        measured: pd.DataFrame,
        items: tuple[str, ...],
        false_alarms: float,
        result: pd.DataFrame,
        rows: np.ndarray,
    ) -> None:
        """Fill the rows of cases of which the same items are known; measured: their slides."""
        trained = self.scores(items) if items else None
        count = len(trained.score) if trained else len(self.table)
        needed = int(np.ceil(1 / false_alarms - 1e-9)) - 1
        if trained is None:
            text = "nothing is known of it that is known of the training cases"
            result.loc[rows, "ood_reason"] = (
                f"cannot tell: {text}" if count >= needed else _too_few(count, needed, false_alarms)
            )
            return
        score, alone = _compare(trained, measured[list(items)].to_numpy(), np.searchsorted(rows, measured.index))
        p = conformal_p(trained.score, score)
        result.loc[rows, "ood_score"], result.loc[rows, "ood_p"] = score, p
        if count < needed:
            result.loc[rows, "ood_reason"] = _too_few(count, needed, false_alarms)
            return
        flagged = np.flatnonzero(p <= false_alarms + 1e-12)
        result.loc[rows[flagged], "ood_flag"] = True
        cut = np.sort(trained.score)[::-1][int(np.floor(false_alarms * (count + 1) + 1e-9)) - 1]
        typical = dict(zip(items, np.nanquantile(trained.values, (0.05, 0.95), axis=0).T.tolist(), strict=True))
        largest = measured.groupby(level=0).max()
        for case in flagged:
            reasons = _named(dict(zip(items, alone[case], strict=True)), min(cut, score[case]))
            words = [sentence(item, largest.loc[rows[case], item], typical[item]) for item in reasons]
            result.loc[rows[case], "ood_reason"] = "; ".join(words)

    def _add_vendors(self, result: pd.DataFrame, cases: Sequence[str], slides: pd.DataFrame) -> None:
        """Name scanners that no training slide came from.

        They are named and flag nothing: the vendor is what a file says of itself, the same image saved by another
        program has another one; what another scanner does to colours, sharpness and patches is measured by itself.
        """
        training_vendors = self.facts.get("vendors", {})
        if not training_vendors or VENDOR not in slides or not len(slides):
            return
        places = {name: k for k, name in enumerate(cases)}
        scanners = slides[[VENDOR, "case_id"]].fillna("").astype(str)
        other = scanners[
            (scanners[VENDOR] != "") & ~scanners[VENDOR].isin(training_vendors) & scanners["case_id"].isin(places)
        ]
        for case, group in other.groupby("case_id", sort=False):
            words = vendor_sentence(sorted(set(group[VENDOR])), training_vendors)
            before = result.loc[places[case], "ood_reason"]
            result.loc[places[case], "ood_reason"] = "; ".join(filter(None, [before, words]))


def _rarest(levels_of_items: np.ndarray) -> np.ndarray:
    """The largest of each column; NaN, of what is unknown of a case or alone in being known, says nothing."""
    return np.asarray(np.max(np.where(np.isnan(levels_of_items), 0, levels_of_items), axis=0))


def _compare(trained: Scores, values: np.ndarray, owners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores of C cases (float C), and the level in its part of each item by itself (float C x items).

    values: float S x items, of the slides of these cases; owners: int S, 0 to C - 1, each of which has one or more.
    """
    items = trained.items
    pairs = [(trained.values[:, k], values[:, k], GRAINS.get(item, 0)) for k, item in enumerate(items)]
    single = np.column_stack([levels(*pair) for pair in pairs])
    parts, alone = [], np.empty((owners.max() + 1, len(items)))
    for name, members in _groups(items).items():
        combine = _largest if name == "embedding" else _among_slides
        ks = [items.index(item) for item in members]
        is_known = ~np.isnan(single[:, ks]).all(axis=1)
        parts.append(
            combine(levels(trained.groups[name], np.where(is_known, _rarest(single[:, ks].T), np.nan)), owners)
        )
        for k in ks:
            alone[:, k] = combine(levels(trained.groups[name], single[:, k]), owners)
    return _rarest(np.array(parts)), alone


def _largest(rarity: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """The largest level (float S, NaN: unknown) of each case's slides (owners: int S); 0 where none is known."""
    largest = np.zeros(owners.max() + 1)
    is_known = ~np.isnan(rarity)
    np.maximum.at(largest, owners[is_known], rarity[is_known])
    return largest


def _among_slides(rarity: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """Levels of cases by those of their slides (float S, NaN: unknown): Simes' (1986, Biometrika 73: 751-754).

    Of k shares the smallest is multiplied by k, the j-th smallest by k / j, and the least of these counts. Slides that
    have nothing in common are flagged at the rate of one slide, so are slides that are all alike, and those between at
    no higher one (Sarkar 1998, Ann. Stat. 26: 494-504). A level is the logarithm of one over a share.
    """
    order = np.lexsort((-rarity, owners))
    known_rows = order[~np.isnan(rarity[order])]
    counts = np.bincount(owners[known_rows], minlength=owners.max() + 1)
    first = np.cumsum(counts) - counts
    rank = np.arange(1, len(known_rows) + 1) - first[owners[known_rows]]
    levels_of_ranks = np.full(len(rarity), np.nan)
    levels_of_ranks[known_rows] = rarity[known_rows] - np.log(counts[owners[known_rows]] / rank)
    return _largest(levels_of_ranks, owners)


def _too_few(count: int, needed: int, false_alarms: float) -> str:
    return f"cannot tell: {count} training cases, {needed} needed for false alarms of {false_alarms:g}"


def _groups(items: Sequence[str]) -> dict[str, list[str]]:
    """The parts that have some of `items`, with those."""
    items_of = {name: [item for item in members if item in items] for name, members in GROUPS.items()}
    return {name: members for name, members in items_of.items() if members}


def _named(alone: dict[str, float], cut: float) -> list[str]:
    """Items that would be flagged by themselves, slides' first, for these are causes; each part's rarest first."""
    named = []
    for members in (QUALITY, GROUPS["patches"], GROUPS["embedding"]):
        rare = sorted((item for item in members if alone.get(item, -1) >= cut), key=lambda item: -alone[item])
        columns = dict.fromkeys(item.split(":")[0] for item in rare)
        firsts = [next(item for item in rare if item.split(":")[0] == name) for name in columns]
        named += firsts[: SAID if members is QUALITY else 1]
    return named


def _missing(used: np.ndarray) -> str:
    """What said nothing of a case: parts as a whole, else columns of its slides."""
    used_items = {item for item, is_used in zip(ITEMS, used, strict=True) if is_used}
    missing = [name for name, members in GROUPS.items() if not used_items & set(members)]
    columns = dict.fromkeys(item.split(":")[0] for item in QUALITY if item not in used_items)
    return "; ".join([*missing, *([] if "slides" in missing else columns)])
