"""What writing and verifying provenance costs: a file of 1 GB, and 2,000 and 10,000 small files.

Sizes: MOLPATH_BENCH_FILES (default 2000,10000).
"""

import os
import tempfile
import time
from pathlib import Path

from molpath.common.files import write_json
from molpath.provenance.crate import write_crate
from molpath.provenance.inventory import compare, describe, list_files

SIZES = [int(n) for n in os.environ.get("MOLPATH_BENCH_FILES", "2000,10000").split(",")]
GIGABYTE = 10**9


def hash_one_large(folder: Path) -> None:
    """Seconds of one thread for a file of a gigabyte, which is in the page cache."""
    (folder / "large.h5ad").write_bytes(bytes(GIGABYTE))
    start = time.perf_counter()
    describe(str(folder), ["large.h5ad"])
    print(f"hashing 1 GB, one thread: {time.perf_counter() - start:.2f} s", flush=True)
    (folder / "large.h5ad").unlink()


def write_many(folder: Path, n: int) -> None:
    """Seconds for n files of 200 bytes: listing and hashing, the crate, and `verify` afterwards."""
    results = folder / f"results-{n}"
    names = [results / f"probe/m{i % 8}/t{i // 40}/frozen/f{i}.tsv" for i in range(n)]
    for path in names:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x" * 200)
    start = time.perf_counter()
    files = describe(str(results), list_files(str(results), map(str, names)), threads=4)
    hashed = time.perf_counter()
    write_crate(
        provenance={
            "workflow": {"commit": None, "modified": None, "digests": {}},
            "software": {"packages": {}},
            "config": {},
            "inputs": {},
            "files": files,
        },
        snakefile=__file__,
        workflow=str(results / "workflow/Snakefile"),
        benchmarks=str(results / "benchmarks"),
        times=str(results / "job_times.tsv"),
        note="",
        output=str(results / "ro-crate-metadata.json"),
    )
    written = time.perf_counter()
    write_json(results / "provenance.json", {"files": files})
    assert compare(results, threads=4) == []
    megabytes = (results / "ro-crate-metadata.json").stat().st_size / 1e6
    print(
        f"{n} files: hashing {hashed - start:.1f} s, crate {written - hashed:.1f} s and {megabytes:.1f} MB, "
        f"verify {time.perf_counter() - written:.1f} s",
        flush=True,
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        hash_one_large(Path(name))
        for size in SIZES:
            write_many(Path(name), size)
