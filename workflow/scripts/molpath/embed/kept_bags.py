"""Embedded bags of an unfinished block, so that a killed job resumes."""

from __future__ import annotations

import glob
import json
import logging
import zlib
from pathlib import Path

import numpy as np

log = logging.getLogger(__name__)


def forget_others(folder: Path, block: str, stamp: str) -> None:
    """Remove leftovers of killed jobs for a block of other contents, which nothing can resume.

    block, stamp: a block's file is called <block>.<stamp>.bags. A stamp has no dot, but the name of a block may have:
    `er.v2` is not a version of `er`.
    """
    for path in folder.glob(f"{glob.escape(block)}.*.bags"):
        old_stamp = path.name.removesuffix(".bags").removeprefix(f"{block}.")
        if old_stamp != stamp and "." not in old_stamp:
            log.info("%s, left by a job with other patches, weights or code, is removed", path)
            path.unlink(missing_ok=True)


class KeptBags:
    """A file (not declared) with a line per bag: checksum (seeded with the file's name, so that lines of another block
    are invalid), then its id, patches and vector as JSON.

    The last line may be incomplete if its writer was killed: a damaged line and everything after it is dropped.
    """

    def __init__(self, path: Path):
        self.path, self.seed = path, zlib.crc32(path.name.encode())
        #: Vector (float32 D) and number of patches by bag.
        self.bags: dict[str, tuple[np.ndarray, int]] = {}
        n_valid_bytes = 0
        for line in path.read_bytes().splitlines(keepends=True) if path.exists() else []:
            if not self._take(line):
                break
            n_valid_bytes += len(line)
        if self.bags:
            log.info("%d bags were embedded before this job was stopped: %s", len(self.bags), path)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._handle = open(path, "ab")  # noqa: SIM115 - open as long as bags are embedded
        self._handle.truncate(n_valid_bytes)

    def _take(self, line: bytes) -> bool:
        checksum, _, text = line.partition(b" ")
        if not text.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(text, self.seed):
            return False
        bag = json.loads(text)
        self.bags[bag["id"]] = np.frombuffer(bytes.fromhex(bag["vector"]), np.float32), bag["patches"]
        return True

    def add(self, name: str, vector: np.ndarray, patches: int) -> None:
        """Keep a bag from here on."""
        values = np.asarray(vector, np.float32)
        text = json.dumps({"id": name, "patches": patches, "vector": values.tobytes().hex()}).encode() + b"\n"
        self._handle.write(b"%08x %s" % (zlib.crc32(text, self.seed), text))
        self._handle.flush()
        self.bags[name] = values, patches

    def close(self) -> None:
        """Leave the file to the next attempt."""
        self._handle.close()

    def remove(self) -> None:
        """Remove the file of a finished block, which is kept as a whole."""
        self.close()
        self.path.unlink(missing_ok=True)  # a block of the same contents may have ended first
