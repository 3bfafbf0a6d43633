"""The packed store: patch features of all training slides in arrays on disk, one per shard of the slide sheet.

The rows of a slide are stored together in random order, so a random sample without replacement is one contiguous read
(two where it wraps): the disk sees long reads, and 2,048 of 30,000 patches cost what 2,048 cost.
"""

from __future__ import annotations

import json
import logging
import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..common.digests import digest_of
from ..common.files import atomic_path, read_tsv, write_json
from ..common.finished import keep, restore
from ..common.manifests import accepted, file_of, read_manifests, set_aside, write_manifest
from ..common.reasons import OK, REASONS
from ..common.record import Record, check_intact
from ..features.layouts import read_features

log = logging.getLogger(__name__)
#: Patches read at a time when checksums are verified.
ROWS = 16384


class DamagedStore(Exception):
    """Packed patches that differ from their index."""


def pack_patches(
    *, manifest: str, pairs: str, wsi: str, patches: str, index: str, finished: str, code: str, repack: int = 0
) -> None:
    """Write `patches` (npy, fp16 N x D) and `index` of the paired slides of a shard.

    index: a manifest with start, count, crc32, and the digests of the weights that encoded a slide (of the feature
    manifest); a slide with numbers beyond fp16 is set aside in it. Another `repack` gives another order of rows. The
    same contents are taken from `finished`, where they are kept under a stamp of fingerprints and code. A shard without
    a paired slide gives an array without rows.
    """
    paired = set(read_tsv(pairs).query("status == 'paired'").slide_id)
    rows = [row for row in read_manifests([manifest]) if row["status"] == OK and row["slide_id"] in paired]
    contents = [(row["slide_id"], row["fingerprint"], row.get("weights", "")) for row in rows]
    stamp = digest_of(contents, repack, code)
    outputs = {"patches.npy": patches, "index.tsv": index}
    if restore(Path(finished) / stamp, outputs):
        log.info("same slides and features: taken from .finished/%s", stamp)
        return
    packed, record = [], Record(Path(manifest).stem)
    with atomic_path(patches) as temporary:
        shape = (sum(int(row["n_patches"]) for row in rows), int(rows[0]["dim"]) if rows else 0)
        array = np.lib.format.open_memmap(temporary, "w+", np.float16, shape)
        start = 0
        for row in rows:
            count = int(row["n_patches"])
            part = array[start : start + count]
            order = np.random.default_rng(zlib.crc32(row["slide_id"].encode(), repack)).permutation(count)
            with np.errstate(over="ignore"):  # checked below
                part[:] = read_features(_intact(row, wsi, record), row.get("dataset") or "features")[order]
            if np.isfinite(part).all():
                place = {"start": start, "count": count, "crc32": f"{zlib.crc32(part.data):08x}"}
                packed.append(accepted(row["slide_id"], **place, weights=row.get("weights", "")))
                start += count
            else:
                packed.append(set_aside(row["slide_id"], "too_large", f"{row['file']}: {REASONS['too_large']}"))
                log.warning("%s set aside: %s", row["slide_id"], packed[-1]["detail"])
        array.flush()
        del array
        if start < shape[0]:
            drop_rows(temporary, start)
    write_manifest(index, packed, ["start", "count", "crc32", "weights"])
    keep(Path(finished) / stamp, outputs)


def _intact(row: Mapping[str, str], wsi: str, record: Record) -> Path:
    """The feature file of a row. Raises ChangedFile where one of this workflow differs from its manifest."""
    path = file_of(row, wsi)
    if path.is_relative_to(os.path.normpath(wsi)):
        check_intact(path, row.get("fingerprint", ""), record, "extract_features")
    return path


def drop_rows(path: Path, length: int) -> None:
    """Shorten the npy file to its first `length` rows."""
    array = np.load(path, mmap_mode="r")
    shorter = path.with_name(f"{path.name}.shorter.npy")
    shortened = np.lib.format.open_memmap(shorter, "w+", array.dtype, (length, *array.shape[1:]))
    shortened[:] = array[:length]
    shortened.flush()
    del array, shortened
    shorter.replace(path)


def marker_of(path: Path) -> Path:
    """The undeclared file that notes which slides of a packed file were verified."""
    return path.with_name(f".{path.name}.verified")


def state_of(path: Path | int) -> list[int]:
    """Bytes, time of change and inode of a file (or open one): a copy keeps its time, and may be damaged."""
    status = os.stat(path)
    return [status.st_size, status.st_mtime_ns, status.st_ino]


@dataclass(frozen=True)
class PackedFile:
    """A packed file: where its rows begin (`offset`, bytes), numbers per row, and its state when the store was
    opened."""

    path: str
    offset: int
    dim: int
    state: list[int]

    def read_into(self, row: int, out: np.ndarray) -> None:
        """Fill `out` (float16 n x dim, contiguous) with the rows from `row` on, without Python's lock while it waits.

        Raises DamagedStore, naming the file, where it can't be read, ends too early, or was replaced. On a disk
        failure a mapped file would kill the process.
        """
        view, place = out.reshape(-1).view(np.uint8).data, self.offset + row * self.dim * out.itemsize
        try:
            handle = os.open(self.path, os.O_RDONLY)
            try:
                if state_of(handle)[:2] != self.state[:2]:
                    raise DamagedStore(f"{self.path} was replaced while a run read it; start the run again")
                while view:
                    count = os.preadv(handle, [view], place)
                    if not count:
                        raise DamagedStore(f"{self.path} ends before its last row; remove it and pack again")
                    view, place = view[count:], place + count
            finally:
                os.close(handle)
        except OSError as error:
            raise DamagedStore(
                f"{self.path} can't be read ({error}); check the disk and start the run again"
            ) from error


class PatchStore:
    """The packed patches, by slide.

    Only what a step needs is read, so the store may be larger than memory; each file is written whole or not at all
    and never changed. Reading holds no lock: several threads may read at once. Raises DamagedStore where a file is
    shorter than its index says.
    """

    def __init__(self, patches: Sequence[str], indices: Sequence[str]):
        self.place: dict[str, tuple[PackedFile, int, int, int]] = {}
        self.dim = 0
        for path, index in zip(patches, indices, strict=True):
            table = read_tsv(index).query("status == @OK")
            if not len(table):
                continue
            try:
                array = np.load(path, mmap_mode="r")
            except ValueError as error:
                raise DamagedStore(f"{path} can't be mapped ({error}); remove it and pack again") from error
            if len(array) != table["count"].astype(int).sum():
                raise DamagedStore(f"{path} has {len(array)} rows, not those of {index}; remove both and pack again")
            if self.dim and array.shape[1] != self.dim:
                raise DamagedStore(f"{path} has {array.shape[1]} numbers per patch, files before it {self.dim}")
            self.dim = array.shape[1]
            file = PackedFile(str(path), array.offset, self.dim, state_of(Path(path)))
            for row in table.to_dict("records"):
                self.place[row["slide_id"]] = (file, int(row["start"]), int(row["count"]), int(row["crc32"], 16))

    def verify(self, slide_ids: Sequence[str]) -> None:
        """Read these slides once and compare with their checksums. Raises DamagedStore for the first that differs."""
        block = np.empty((ROWS, self.dim), np.float16)
        for slide_id in slide_ids:
            file, start, length, crc = self.place[slide_id]
            checksum = 0
            for first in range(0, length, ROWS):
                part = block[: min(ROWS, length - first)]
                file.read_into(start + first, part)
                checksum = zlib.crc32(part.data, checksum)
            if checksum != crc:
                raise DamagedStore(
                    f"packed patches of {slide_id} ({file.path}) differ from their checksum; "
                    "remove the file and pack again"
                )

    def unverified(self, slide_ids: Sequence[str]) -> list[str]:
        """Those of these slides that `mark` doesn't know, or whose file was replaced since."""
        marked: dict[str, dict[str, int]] = {}
        for path in {self._file_of(slide_id) for slide_id in slide_ids}:
            marked[path] = self._marked(Path(path))
        return [name for name in slide_ids if marked[self._file_of(name)].get(name) != self.place[name][3]]

    def mark(self, slide_ids: Sequence[str]) -> None:
        """Remember that these slides are what their checksums say, beside their files: the next start or resume, of
        this run or another, need not read them for that. Where nothing can be written they are read again."""
        for name in sorted({self._file_of(slide_id) for slide_id in slide_ids}):
            path = Path(name)
            checksums = {slide_id: self.place[slide_id][3] for slide_id in slide_ids if self._file_of(slide_id) == name}
            try:
                write_json(marker_of(path), {"file": state_of(path), "slides": self._marked(path) | checksums})
            except OSError as error:
                log.info("%s can't be written (%s): checksums are verified again next time", marker_of(path), error)

    def _file_of(self, slide_id: str) -> str:
        return self.place[slide_id][0].path

    @staticmethod
    def _marked(path: Path) -> dict[str, int]:
        """Checksums of the slides of a file that were verified since it was written."""
        try:
            marker = json.loads(marker_of(path).read_text())
            return dict(marker["slides"]) if marker["file"] == state_of(path) else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def first(self, slide_id: str, count: int | None, rng: np.random.Generator | None = None) -> int:
        """Where a random sample of `count` patches begins; 0 where all are taken."""
        length = self.place[slide_id][2]
        if count is None or count >= length:
            return 0
        assert rng is not None  # a part of a slide is always drawn
        return int(rng.integers(length))

    def rows(self, slide_id: str, count: int | None) -> int:
        """Patches in a sample of `count`: all of a slide that has fewer, or for None."""
        length = self.place[slide_id][2]
        return length if count is None else min(count, length)

    def read_into(self, slide_id: str, first: int, out: np.ndarray) -> None:
        """Fill `out` (float16 n x dim, contiguous) with n patches of a slide from `first` on, around the end."""
        file, start, length, _ = self.place[slide_id]
        end = min(len(out), length - first)
        file.read_into(start + first, out[:end])
        if end < len(out):
            file.read_into(start, out[end:])

    def sample(self, slide_id: str, count: int | None, rng: np.random.Generator | None = None) -> np.ndarray:
        """`count` patches of a slide without replacement (float16), all of them if there are fewer or count is None."""
        features = np.empty((self.rows(slide_id, count), self.dim), np.float16)
        self.read_into(slide_id, self.first(slide_id, count, rng), features)
        return features
