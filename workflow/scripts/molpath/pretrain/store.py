"""The packed store: patch features of all training slides in one memory-mapped array.

The rows of a slide lie together in random order, so a random sample without replacement is one contiguous read (two
where it wraps): the disk sees long reads, and 2,048 of 30,000 patches cost what 2,048 cost.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..common.digests import digest_of
from ..common.files import atomic_path, read_tsv, write_tsv
from ..common.finished import keep, restore
from ..common.manifests import OK, read_manifests
from ..features.layouts import read_features

log = logging.getLogger(__name__)


def pack_patches(
    *, manifests: Sequence[str], pairs: str, wsi: str, patches: str, index: str, finished: str, code: str
) -> None:
    """Write `patches` (npy, fp16 N x D) and `index` (slide_id, start, count) of every paired slide.

    The same contents are taken from `finished`, where they are kept under a stamp of fingerprints and code.
    """
    paired = set(read_tsv(pairs).query("status == 'paired'").slide_id)
    rows = [row for row in read_manifests(manifests) if row["status"] == OK and row["slide_id"] in paired]
    if not rows:
        raise ValueError("no slide with features is paired with a profile; see omics/pairs.tsv for the reasons")
    stamp = digest_of([(row["slide_id"], row["fingerprint"]) for row in rows], code)
    outputs = {"patches.npy": patches, "index.tsv": index}
    if restore(Path(finished) / stamp, outputs):
        log.info("same slides and features: taken from .finished/%s", stamp)
        return
    counts = [int(row["n_patches"]) for row in rows]
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    with atomic_path(patches) as temporary:
        array = np.lib.format.open_memmap(temporary, "w+", np.float16, (sum(counts), int(rows[0]["dim"])))
        for row, start, count in zip(rows, starts, counts, strict=True):
            order = np.random.default_rng(zlib.crc32(row["slide_id"].encode())).permutation(count)
            array[start : start + count] = read_features(Path(wsi) / row["file"])[order]
        array.flush()
        del array
    table = pd.DataFrame({"slide_id": [row["slide_id"] for row in rows], "start": starts, "count": counts})
    write_tsv(index, table)
    keep(Path(finished) / stamp, outputs)


class PatchStore:
    """The packed patches, by slide."""

    def __init__(self, patches: str, index: str):
        self.array = np.load(patches, mmap_mode="r")
        self.place: Mapping[str, tuple[int, int]] = {
            row["slide_id"]: (int(row["start"]), int(row["count"])) for row in read_tsv(index).to_dict("records")
        }

    @property
    def dim(self) -> int:
        """Width of a patch's features."""
        return self.array.shape[1]

    def sample(self, slide_id: str, count: int | None, rng: np.random.Generator | None = None) -> np.ndarray:
        """`count` patches of a slide without replacement (float16), all of them if there are fewer or count is None."""
        start, length = self.place[slide_id]
        if count is None or count >= length:
            return self.array[start : start + length]
        first = int(rng.integers(length))
        end = first + count
        if end <= length:
            return self.array[start + first : start + end]
        return np.concatenate([self.array[start + first : start + length], self.array[start : start + end - length]])
