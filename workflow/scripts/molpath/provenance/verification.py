"""Claims against files: all claimed files exist, and no others."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..common.digests import sha256_of
from ..common.files import fingerprint, is_being_written, is_temporary
from ..common.finished import damaged
from ..common.manifests import read_manifest
from ..common.reasons import OK
from ..common.recorded import FOLDER, Row, read_rows
from .inventory import compare, listed_in

#: Manifests, relative to the results folder.
MANIFESTS = ("slides/*.tsv", "tissue/*.tsv", "tiles/*/*.tsv", "features/*/*/*.tsv")
#: Folder of results of new slides, laid out like a results folder.
NEW_SLIDES = "predict/cohort"
#: Pairs of columns that name a file below wsi/ and its fingerprint.
FILE_COLUMNS = (
    ("file", "fingerprint"),
    ("contours", "contours_fingerprint"),
    ("quality", "quality_fingerprint"),
    ("thumbnail", "thumbnail_fingerprint"),
)


def manifests_of(results: str | os.PathLike) -> list[Path]:
    """Every manifest of a results folder, sorted."""
    return sorted(path for pattern in MANIFESTS for path in Path(results).glob(pattern))


def verify_all(results: str | os.PathLike, threads: int = 1) -> list[str]:
    """Check all claims about a results folder: of its manifests, of provenance.json, and of the records of jobs.

    Covers files of single slides, kept results and whatever else a rule declares. One sentence per difference; all
    files are read whole.
    """
    results = Path(results)
    parts = [part for part in (results, results / NEW_SLIDES) if manifests_of(part)]
    if not parts and not listed_in(results):
        parts = [results]  # verify refuses it: nothing is claimed of it
    return (
        [wrong for part in parts for wrong in verify(part)]
        + compare(results, threads)
        + recorded_differences(results, threads)
    )


def recorded_differences(results: Path, threads: int = 1) -> list[str]:
    """One sentence for each file that isn't what the job that made it recorded, or that has no record.

    Only files in no manifest and no provenance.json; those are compared with these.
    """
    recorded = {
        *map(os.path.normpath, _in_manifests(results)),
        *(os.path.normpath(results / name) for name in listed_in(results)),
    }
    claims = [(path, rows) for path, rows in _records(results) if os.path.normpath(path) not in recorded]
    with ThreadPoolExecutor(threads) as pool:
        differences = pool.map(lambda claim: _unlike(*claim), claims)
        problems = [f"{path} {wrong}" for (path, _), wrong in zip(claims, differences, strict=True) if wrong]
    damaged_files = [
        path for marker in sorted(results.glob("*/.finished/*/complete")) for path in damaged(marker.parent)
    ]
    return problems + [
        f"{path} differs from what was kept: the work is repeated where it is needed" for path in damaged_files
    ]


def _records(results: Path) -> Iterator[tuple[Path, list[Row]]]:
    """Each file of a record, with its rows."""
    for parent, folders, names in os.walk(results):
        folders.sort()
        if Path(parent).name != FOLDER:
            continue
        rows: dict[str, list[Row]] = {}
        for name in sorted(name for name in names if not is_temporary(name)):
            for row in read_rows(Path(parent, name)):
                # A file of a slide that is in no manifest may be deleted; `orphans` names such files.
                if not name.endswith(".tsv") or (Path(parent).parent / row.name).exists():
                    rows.setdefault(row.name, []).append(row)
        yield from ((Path(parent).parent / name, rows[name]) for name in sorted(rows))


def _unlike(path: Path, rows: list[Row]) -> str:
    if not path.is_file():
        return "is missing"
    size = path.stat().st_size
    alike = [row.sha256 for row in rows if row.bytes == size]
    if not alike:
        return f"has {size} bytes, the job that made it recorded {rows[-1].bytes}"
    return "" if sha256_of(path) in alike else "has other contents than the job that made it recorded"


def _in_manifests(results: Path) -> Iterator[Path]:
    """Files of all manifests that can be read; those of new slides, too."""
    for part in (results, results / NEW_SLIDES):
        for manifest in manifests_of(part):
            with contextlib.suppress(Exception):
                for row in read_manifest(manifest):
                    yield from (path for path, _, digest in _named_files(row, part / "wsi") if digest)


def verify(results: str | os.PathLike) -> list[str]:
    """Compare every file that a manifest names with what the manifest says about it.

    Returns one sentence per difference: a file that is missing, of another size or of other contents, and a manifest
    that can't be read. All files are read whole. Raises FileNotFoundError if there is no manifest at all.
    """
    results, problems = Path(results), []
    manifests = manifests_of(results)
    if not manifests:
        raise FileNotFoundError(f"no manifest in {results}: nothing to verify")
    for manifest in manifests:
        try:
            rows = read_manifest(manifest)
        except Exception as error:  # any error of pandas for a damaged table
            problems.append(f"{manifest}: can't be read: {error}")
            continue
        for row in rows:
            for path, size, digest in _named_files(row, results / "wsi"):
                wrong = _difference(path, size, digest)
                if wrong:
                    problems.append(f"{manifest}, slide {row.get('slide_id', '?')}: {path} {wrong}")
    return problems


def orphans(results: str | os.PathLike, manifests: Collection[str] | None = None) -> list[str]:
    """Files below `results`/wsi that no manifest names, and temporary files that no living process writes.

    manifests: those that the config and the slide sheet ask for (None: all). Others are of slides, grids or encoders
    that are gone: what they name is listed, and they are, too.
    """
    results = Path(results)
    parts = (results, results / NEW_SLIDES)
    current = None if manifests is None else set(map(os.path.normpath, manifests))
    outdated = [path for path in manifests_of(results) if current is not None and os.path.normpath(path) not in current]
    claimed = {os.path.normpath(path) for part in parts for path in _claimed(part, outdated)}
    unclaimed = [path for part in parts for path in _files_below(part / "wsi") if os.path.normpath(path) not in claimed]
    unclaimed = [path for path in unclaimed if not is_temporary(path) and path.parent.name != FOLDER]
    return sorted(map(str, [*unclaimed, *outdated, *_leftovers(results)]))


def _claimed(results: Path, outdated: Collection[Path]) -> Iterator[Path]:
    for manifest in [path for path in manifests_of(results) if path not in outdated]:
        for row in read_manifest(manifest):
            if manifest.parent == results / "tissue":  # a picture of each slide seen, set aside or not
                yield results / "wsi" / "thumbnails" / f"{row['slide_id']}.jpg"
            yield from (path for path, _, _ in _named_files(row, results / "wsi"))


def _named_files(row: dict[str, str], wsi: Path) -> Iterator[tuple[Path, str, str]]:
    """Path, size ('' if unknown) and fingerprint of every file a row names; paths are relative to `wsi`."""
    for column, digest in FILE_COLUMNS:
        if row.get(column) and row.get(digest):
            size = row.get("bytes", "") if column == "file" else ""
            yield wsi / row[column], size, row[digest]
    if row.get("status") == OK and "file" in row and not row["file"]:
        yield wsi / "(no file named)", "", ""


def _difference(path: Path, size: str, digest: str) -> str:
    if not path.is_file():
        return "is missing"
    if size and path.stat().st_size != int(size):
        return f"has {path.stat().st_size} bytes, the manifest says {size}"
    return "" if fingerprint(path) == digest else "has other contents than the manifest says"


def _leftovers(results: Path) -> Iterator[Path]:
    for path in _files_below(results):
        if is_temporary(path) and not is_being_written(path):
            yield path


def _files_below(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(parent) / name for name in sorted(names))
