"""A second run over finished slides: what it takes to know a shard's feature files as they are, record or none.

Manifests and files are generated: 47,171 slides in shards of 64, small files with our stamps. Rows: what is done,
slides, CPU-seconds, ratio to the first: attributes alone (nothing is known of the bytes); record (size and time as
recorded, as jobs do); fingerprint (attributes and a look at all bytes, as manifests were written before records).
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from molpath.common.files import fingerprint, open_h5
from molpath.common.record import Record, is_current
from molpath.common.recorded import row_of
from molpath.common.stamps import read_stamp, stamp_h5

SLIDES, SHARD = 47_171, 64
STAMP = {"inputs": "0" * 16, "code": "1" * 16}


def generate(folder: Path, slides: int) -> list[list[Path]]:
    """Feature files and records, by shard."""
    template = folder / "template.h5"
    with h5py.File(template, "w") as handle:
        handle["features"] = np.zeros((4, 768), np.float16)
        stamp_h5(handle, STAMP)
    data = template.read_bytes()
    shards = []
    for start in range(0, slides, SHARD):
        name, paths = f"{start // SHARD:05d}", []
        (folder / "files/.record").mkdir(parents=True, exist_ok=True)
        with open(folder / f"files/.record/{name}.tsv", "w") as record:
            for index in range(start, min(slides, start + SHARD)):
                paths.append(folder / f"files/{index:06d}.h5")
                paths[-1].write_bytes(data)
                record.write(row_of(paths[-1]).line())
        shards.append(paths)
    return shards


def by_attributes(paths: list[Path], shard: str) -> list[str]:
    """The earlier way: the stamp, and what the manifest records of the file's arrays."""
    return [_shape(path) for path in paths if read_stamp(path) == STAMP]


def by_record(paths: list[Path], shard: str) -> list[str]:
    """As it is: the record, the stamp, the same facts, and the fingerprint out of the record."""
    record = Record(shard)
    fingerprints = [
        _shape(path) + record.row(path).fingerprint for path in paths if is_current(path, record, *STAMP.values())
    ]
    record.close([paths[0].parent])
    return fingerprints


def by_fingerprint(paths: list[Path], shard: str) -> list[str]:
    """The stamp, the facts, and a fingerprint of all bytes."""
    return [_shape(path) + fingerprint(path) for path in paths if read_stamp(path) == STAMP]


def _shape(path: Path) -> str:
    with open_h5(path) as handle:
        return str(handle["features"].shape)


def main() -> int:
    """Rows, the best of three rounds; an argument gives another number of slides."""
    slides = int(sys.argv[1]) if len(sys.argv) > 1 else SLIDES
    ways: dict[str, Callable] = {"attributes": by_attributes, "record": by_record, "fingerprint": by_fingerprint}
    with tempfile.TemporaryDirectory() as temporary:
        shards = generate(Path(temporary), slides)
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(3):
            for name, way in ways.items():
                began = time.process_time()
                assert sum(len(way(paths, f"{index:05d}")) for index, paths in enumerate(shards)) == slides
                seconds[name].append(time.process_time() - began)
    print("way\tslides\tcpu_seconds\tratio")
    for name, took in seconds.items():
        print(
            name,
            slides,
            f"{sorted(took)[1]:.1f}",
            f"{sorted(took)[1] / sorted(seconds['attributes'])[1]:.2f}",
            sep="\t",
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
