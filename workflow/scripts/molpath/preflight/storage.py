"""File systems: can be written to, room for what the run writes, rename, fsync, locks of HDF5, the clock."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..common.contained import Lost, as_sendable, map_contained
from ..common.files import new_h5, write_text
from .estimate import estimated, in_words
from .findings import Finding, note, ok, problem

#: Free share beyond the estimate below which the table says so: the estimate is rough.
MARGIN = 1.25
#: Bytes that fetching weights and the libraries' own temporary files take at most.
SCRATCH_BYTES = 2e9
#: Seconds per write above which it counts as slow, seconds after which locks count as hanging, and seconds between
#: the clocks of this machine and of the file system from which times of files mislead.
SLOW_WRITE_S, LOCK_DEADLINE_S, SKEW_S = 0.2, 20.0, 2.0


def nearest_folder(path: str | os.PathLike) -> Path:
    """The folder itself, or the nearest one above it that exists."""
    path = Path(os.path.abspath(path))
    return next(folder for folder in (path, *path.parents) if folder.exists())


def check_writable(folders: Mapping[str, str]) -> Iterator[Finding]:
    """A file can be created and removed in each folder (name -> path), or where the folder would be made."""
    for name, path in folders.items():
        place = nearest_folder(path)
        try:
            if not place.is_dir():
                raise NotADirectoryError(f"{place} is a file where a folder should be")
            with tempfile.TemporaryDirectory(prefix=".tmp-doctor-", dir=place) as scratch:
                (Path(scratch) / "file").write_bytes(b"x" * 4096)
        except OSError as error:
            remedy = "change owner or mode, mount it for writing, remove the file, or choose another folder"
            yield problem(f"{name} folder", f"{path} can't be written to: {error}", remedy)
        else:
            yield ok(f"{name} folder", _where(path, place))


def _where(path: str, place: Path) -> str:
    same = os.path.abspath(path) == str(place)
    return f"{path} can be written to" if same else f"{path} doesn't exist yet and can be made in {place}"


def check_space(results: str, planned: Mapping[str, float]) -> Finding:
    """Free room for results against `planned` (what is written -> bytes)."""
    place, needed = nearest_folder(results), sum(planned.values())
    free = shutil.disk_usage(place).free
    largest = max(planned, key=lambda name: planned[name], default="")
    message = f"{in_words(free)} free in {results}; the run will write {estimated([in_words(needed)])}"
    message += f", most of it {largest} ({in_words(planned[largest])})" if largest else ""
    if free < needed:
        remedy = (
            "make room, put results elsewhere (`--directory`, or results/ as a link), or plan fewer encoders or grids"
        )
        return problem("disk", message, remedy)
    if free < MARGIN * needed:
        return note("disk", message, "little more than the estimate, which is rough: make room. Quotas aren't checked")
    return ok("disk", message)


def check_files(results: str, files: int) -> Finding:
    """Free inodes for `files` more files."""
    state = os.statvfs(nearest_folder(results))
    if not state.f_files:
        return ok("number of files", f"about {files:,} will be made; this file system sets no limit")
    message = f"about {files:,} will be made, {state.f_favail:,} more fit"
    if state.f_favail < files:
        return problem("number of files", message, "remove small files, or put results on another file system")
    return ok("number of files", message)


def check_scratch(download: float, scratch: str, scratch_gb: float) -> Iterator[Finding]:
    """Room for temporary files, and for copies of slides where the config asks for them (features/scratch)."""
    folder = tempfile.gettempdir()
    needed = SCRATCH_BYTES + download
    yield _room("scratch", folder, needed, "make room, or set TMPDIR to a folder of a larger disk")
    if scratch:
        folder = os.path.expanduser(os.path.expandvars(scratch))
        check, remedy = "scratch for slides", "make room, or lower features/scratch_gb: larger slides are read in place"
        if "$" in folder:
            yield note(check, f"{scratch} is not set here", "run the doctor in a job of the cluster to check it")
        else:
            yield _room(check, folder, scratch_gb * 1e9, remedy)


def _room(check: str, folder: str, needed: float, remedy: str) -> Finding:
    free = shutil.disk_usage(nearest_folder(folder)).free
    message = f"{in_words(free)} free in {folder}; up to {in_words(needed)} are used"
    return ok(check, message) if free >= needed else note(check, message, remedy)


def check_rename(results: str) -> Finding:
    """A file is written, flushed to disk and renamed over another, as all results are; the clocks agree."""
    check, place = "rename and fsync", nearest_folder(results)
    path = place / f".doctor-{uuid.uuid4().hex}"
    try:
        started_at = time.perf_counter()
        for text in ("old", "new"):
            write_text(path, text)
        duration_s = (time.perf_counter() - started_at) / 2
        if path.read_text() != "new":
            return problem(check, f"a file in {place} has its old contents after a rename", "use another file system")
    except OSError as error:
        remedy = (
            "results need a file system with atomic rename: put them on a POSIX one (local disk, NFS, Lustre, GPFS)"
        )
        return problem(check, f"writing a file in {place} and renaming it failed: {error}", remedy)
    finally:
        _remove(path)
    message = f"work in {place}, {duration_s * 1000:.1f} ms per file"
    if duration_s > SLOW_WRITE_S:
        return note(check, message, "slow for many small files: a local disk or scratch for results would help")
    return ok(check, message)


def check_clock(results: str) -> Finding:
    """This machine's clock against that of the file system, whose times decide what Snakemake takes as newer."""
    try:
        with tempfile.NamedTemporaryFile(prefix=".tmp-doctor-", dir=nearest_folder(results)) as file:
            before = time.time()
            os.utime(file.fileno())
            skew = max(0.0, before - os.fstat(file.fileno()).st_mtime, os.fstat(file.fileno()).st_mtime - time.time())
    except OSError as error:
        return note("clock", f"can't be compared with that of the file system: {error}")
    remedy = "let NTP or chrony set the clocks; until then run with --rerun-triggers input params software-env"
    message = (
        f"{time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}, {skew:.1f} s from that of the file system of results"
    )
    if time.gmtime().tm_year < 2025:
        return problem("clock", message, "set this machine's clock: certificates look invalid to it")
    return note("clock", message, remedy) if skew > SKEW_S else ok("clock", message)


def check_hdf5(results: str) -> Finding:
    """An HDF5 file is written and read with the locks that the library takes by default, in a separate process."""
    place = nearest_folder(results)
    path = place / f".doctor-{uuid.uuid4().hex}.h5"
    setting = os.environ.get("HDF5_USE_FILE_LOCKING")
    message = f"{place} (HDF5_USE_FILE_LOCKING {'=' + setting if setting else 'not set'})"
    try:
        ((_, error),) = map_contained(_write_and_read, [str(path)], LOCK_DEADLINE_S)
    finally:
        _remove(path)
    if error is None:
        return ok("HDF5 and locks", f"written and read again in {message}")
    if isinstance(error, Lost) and error.reason == "timeout":
        error = f"no answer in {LOCK_DEADLINE_S:g} s"
    remedy = "export HDF5_USE_FILE_LOCKING=FALSE: nothing here relies on these locks (files get their name when whole)"
    return problem("HDF5 and locks", f"an HDF5 file can't be written in {message}: {error}", remedy)


def _write_and_read(path: str) -> Exception | None:
    """What went wrong, returned instead of raised, because errors in a contained process are logged at length."""
    import h5py

    try:
        with new_h5(path) as handle:
            handle["numbers"] = range(1000)
        with h5py.File(path, "r") as handle:
            right = handle["numbers"][999] == 999
    except Exception as error:
        return as_sendable(error)
    return None if right else OSError("other numbers came back than were written")


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # nothing to remove if nothing could be created
        path.unlink()
