"""What a cohort's downloads cost on loopback, five of its files always refused; and the sheet of 44,646 slides.

Rows: MOLPATH_BENCH_ROWS (default 11000), of 4 kB each. The sheet is made of the index that idc-index-data brings, in a
process of its own, without a network.
"""

import hashlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "helpers"))
from data_services import serving
from molpath.acquire.download import download_files
from molpath.acquire.web import Service
from molpath.common.files import read_tsv

ROWS = int(os.environ.get("MOLPATH_BENCH_ROWS", "11000"))
SHEET = """
import sys, tempfile
from molpath.acquire.sheets import write_sheets
from molpath.acquire.web import Service
every = {"description": "", "folder": ""}
idc = {"TCGA": every | {"collections": ["tcga_*"], "description": "^FFPE"}}
idc |= {"GTEX": every | {"collections": ["gtex"]}, "CPTAC": every | {"collections": ["cptac_*"]}}
settings = {"gdc": {}, "gtex": {}, "idc": idc, "gdc_api": "", "idc_index": "", "idc_names": ""}
with tempfile.TemporaryDirectory() as folder:
    told = write_sheets(settings=settings, sheets=folder, downloads="downloads", service=Service())
    print(told[f"{folder}/slides.tsv"], end=": ")
"""


def run(server, files: list[dict], folder: Path, name: str) -> None:
    """One call over all rows: seconds, requests, bytes on disk, and what became of the rows."""
    requests_before, started = len(server.requests), time.perf_counter()
    manifest = folder / "manifest.tsv"
    service = Service(attempts=2, wait_s=0.01, timeout_s=10)
    download_files(
        files=files, manifest=str(manifest), service=service, connections=8, notes=str(folder / "digests.tsv")
    )
    rows = read_tsv(manifest)
    size = sum(int(row) for row in rows.bytes[rows.status == "ok"])
    reasons = dict(Counter(rows.reason[rows.status != "ok"]))
    print(
        f"{name}: {time.perf_counter() - started:.1f} s, {len(server.requests) - requests_before} requests, "
        f"{(rows.status == 'ok').sum()} files, {size} bytes, set aside {reasons}",
        flush=True,
    )


def main() -> None:
    """Both measurements."""
    os.environ["NO_PROXY"] = "127.0.0.1"
    with tempfile.TemporaryDirectory() as scratch, serving() as server:
        folder = Path(scratch)
        server.files = {f"/data/{i:05d}": f"{i:05d}".encode() * 800 for i in range(ROWS)}
        for place, answer in zip((0, 1, ROWS // 2, ROWS - 2, ROWS - 1), (500, 403, 500, 403, 500), strict=True):
            server.always[f"/data/{place:05d}"] = answer
        files = [
            {"id": path[-5:], "path": str(folder / f"files{path[:-2]}/{path[-5:]}"), "url": server.address + path}
            | {"md5": hashlib.md5(contents).hexdigest(), "bytes": str(len(contents))}
            for path, contents in server.files.items()
        ]
        run(server, files, folder, f"{ROWS} rows")
        run(server, files, folder, "the same again")
    started = time.perf_counter()
    if subprocess.run([sys.executable, "-c", SHEET]).returncode == 0:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        busy = f"{used.ru_utime + used.ru_stime:.1f} s of it on a core"
        print(f"{time.perf_counter() - started:.1f} s, {busy}, {used.ru_maxrss / 1e6:.2f} GB at most")


if __name__ == "__main__":
    main()
