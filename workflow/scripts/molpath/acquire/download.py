"""Files that the sheets name, fetched: resumed, checked, and set aside with a reason where they can't be had."""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import requests
import urllib3

from ..common.files import write_tsv
from ..common.progress import Progress
from .web import AccessDenied, NotFound, Service, Unreachable, shown

log = logging.getLogger(__name__)

COLUMNS = ("id", "path", "status", "reason", "detail", "bytes", "md5")
#: Why a file is set aside.
REASONS = ("not_found", "wrong_size", "wrong_md5", "other_file")
#: So many files without an answer, and the service is taken to be down: the rest is not tried.
MAX_UNREACHABLE = 3
_CHUNK = 1 << 16  # what of a chunk came before a cut is lost


class _Aside(Exception):
    """A file that is left out: a word of REASONS and a sentence."""


class Downloads:
    """Fetches the files of one job, several at a time."""

    def __init__(self, service: Service):
        self.service = service
        self.unreachable: list[str] = []
        self.denied: AccessDenied | None = None

    def fetch(self, file: Mapping[str, str]) -> dict[str, str] | None:
        """The manifest row of one file; None if the service did not answer, or has been given up."""
        if self.denied or len(self.unreachable) >= MAX_UNREACHABLE:
            return None
        row = {"id": file["id"], "path": file["path"], "status": "ok", "reason": "", "detail": ""}
        try:
            md5 = self._fetch(file, Path(file["path"]))
        except (_Aside, NotFound) as error:
            reason, detail = error.args if isinstance(error, _Aside) else ("not_found", str(error))
            log.warning("%s set aside (%s): %s", file["id"], reason, detail)
            return row | {"status": "set_aside", "reason": reason, "detail": detail, "bytes": "", "md5": ""}
        except AccessDenied as error:
            self.denied = error
            return None
        except Unreachable as error:
            log.warning("%s", error)
            self.unreachable.append(str(error))
            return None
        return row | {"bytes": str(os.path.getsize(file["path"])), "md5": md5}

    def _fetch(self, file: Mapping[str, str], path: Path) -> str:
        if path.exists():
            wrong, md5 = checked(path, file)
            if wrong:
                raise _Aside("other_file", f"{path} is there, but {wrong}; remove it to have it fetched again")
            return md5
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        if not file["md5"]:  # nothing would tell that a part is of another version of the file
            part.unlink(missing_ok=True)
        for _ in range(2):
            self._complete(file, part)
            wrong, md5 = checked(part, file)
            if not wrong:
                os.replace(part, path)
                sync(path.parent)
                log.info("%s: %d bytes from %s", file["id"], path.stat().st_size, shown(file["url"]))
                return md5
            log.warning("%s: %s; the part is removed", file["id"], wrong)
            part.unlink()
        raise _Aside("wrong_md5" if "MD5" in wrong else "wrong_size", f"twice {wrong}")

    def _complete(self, file: Mapping[str, str], part: Path) -> None:
        """Go on with `part` until the service has sent all; Unreachable after too many cuts without a new byte."""
        cuts, validator = 0, ""
        while cuts < self.service.attempts:
            before = size_of(part)
            whole, validator = self._receive(file["url"], part, validator)
            if whole:
                return
            log.info("%s: cut off at byte %d, going on from there", file["id"], size_of(part))
            cuts = 0 if size_of(part) > before else cuts + 1
        raise Unreachable(f"{shown(file['url'])}: cut off {cuts} times at byte {size_of(part)}")

    def _receive(self, url: str, part: Path, validator: str) -> tuple[bool, str]:
        """Append one answer to `part`: is it whole now, and the version (ETag) that was sent."""
        have = size_of(part)
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-"} | ({"If-Range": validator} if validator else {})
        with self.service.ask("GET", url, headers, stream=True) as response:
            if response.status_code == 416:  # nothing after these bytes: the check says if they are right
                return True, validator
            if response.status_code == 206:
                start = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
                have = int(start[1]) if start else have
            else:
                have = 0
            etag = response.headers.get("ETag", "")
            validator = "" if etag.startswith("W/") else etag
            with open(part, "r+b" if part.exists() else "wb") as handle:
                handle.seek(have)
                handle.truncate()
                try:
                    for chunk in response.iter_content(_CHUNK):
                        handle.write(chunk)
                except (requests.RequestException, urllib3.exceptions.HTTPError):
                    return False, validator
                finally:
                    handle.flush()
                    os.fsync(handle.fileno())
        return True, validator


def download_files(
    *, files: Sequence[Mapping[str, str]], manifest: str, service: Service, connections: int = 4, log_path: str = ""
) -> None:
    """Fetch every file that isn't there yet, and write one manifest row each, in the order of `files`.

    files: id, path, url, md5 ('' if unknown), bytes ('' if unknown). A file is written under `<path>.part`, which a
    later call goes on with, and takes its name only with the right size and MD5. One that the service doesn't have, or
    sends wrong twice, is set aside. Raises AccessDenied, or Unreachable when all other files are there.
    """
    work, progress = Downloads(service), Progress(log_path or None, "downloading", len(files), "files")
    with ThreadPoolExecutor(connections) as pool:
        rows = []
        for row in pool.map(work.fetch, files):
            rows.append(row)
            progress.step()
    if work.denied:
        raise work.denied
    if work.unreachable:
        raise Unreachable(
            f"{rows.count(None)} of {len(files)} files could not be fetched, first {work.unreachable[0]}. What is "
            "downloaded stays, parts too: start again when the service is back."
        )
    write_tsv(manifest, pd.DataFrame(rows, columns=list(COLUMNS)))


def checked(path: Path, file: Mapping[str, str]) -> tuple[str, str]:
    """In words what size or MD5 are that should be others, '' if both are as announced (or not announced); the MD5."""
    size = size_of(path)
    if file["bytes"] and size != int(file["bytes"]):
        return f"it has {size} bytes, announced were {file['bytes']}", ""
    md5 = md5_of(path)
    if file["md5"] and md5 != file["md5"].lower():
        return f"its MD5 is {md5}, announced was {file['md5']}", md5
    return "", md5


def md5_of(path: Path) -> str:
    """MD5 of the whole file, 32 hexadecimal digits: what data services announce."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def size_of(path: Path) -> int:
    """Bytes of a file, 0 if there is none."""
    return path.stat().st_size if path.exists() else 0


def sync(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
