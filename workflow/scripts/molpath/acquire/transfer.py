"""One file over the network: resumed after a cut, checked, and renamed only when it is correct."""

from __future__ import annotations

import errno
import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path

import requests
import urllib3

from ..common.files import fsync
from .contents import is_page, wrong_start
from .digest_notes import DigestNotes
from .s3 import SCHEME
from .web import Service, Unreachable, shown

log = logging.getLogger(__name__)

_CHUNK = 1 << 16  # what of a chunk came before a cut is lost
FULL = (errno.ENOSPC, errno.EDQUOT)
PACKED = (".gz", ".tgz", ".bgz")


class SetAside(Exception):
    """A file is set aside: one of `download.REASONS` and a sentence."""


class NoRoom(Exception):
    """The disk is full, or the quota used up."""


class Transfer:
    """Fetches single files. `notes`: the MD5 of those that are finished."""

    def __init__(self, service: Service, notes: DigestNotes):
        self.service, self.notes = service, notes

    def fetch(self, file: Mapping[str, str]) -> tuple[int, str]:
        """Bytes and MD5 of the file at file["path"], which is fetched unless it is there.

        file: id, path, url, md5 and bytes ('' if unknown) and perhaps etag (the version that was listed). Raises
        SetAside for one that is there and differs, or arrived wrong twice; NoRoom; and what `Service.ask` raises.
        """
        path = Path(file["path"])
        if os.path.isdir(path) or os.path.isdir(part_of(path, file)):
            raise SetAside("other_file", f"{path} (or its part) is there, but it is a folder; remove it")
        if os.path.exists(path):
            problem, md5 = self.checked(path, file)
            if problem:
                raise SetAside("other_file", f"{path} is there, but {problem}; remove it to have it fetched again")
            return path.stat().st_size, md5
        path.parent.mkdir(parents=True, exist_ok=True)
        part = part_of(path, file)
        if not file["md5"] and not file.get("etag"):  # a part of another version of the file could not be detected
            part.unlink(missing_ok=True)
        problem = ""
        for _ in range(2):
            problem, md5 = self._complete(file, part), ""
            if not problem:
                problem, md5 = self.checked(part, file)
            if not problem:
                os.replace(part, path)
                fsync(path.parent)
                self.notes.moved(part, path)
                log.info("%s: %d bytes from %s", file["id"], path.stat().st_size, shown(file["url"]))
                return path.stat().st_size, md5
            log.warning("%s: %s; the part is removed", file["id"], problem)
            part.unlink(missing_ok=True)
        raise SetAside(_reason_of(problem), f"twice {problem}")

    def checked(self, path: Path, file: Mapping[str, str]) -> tuple[str, str]:
        """What is wrong with size, MD5 or first bytes, '' if they are as announced; and the MD5.

        First bytes are checked only if no MD5 was announced.
        """
        size = path.stat().st_size
        if file["bytes"] and size != int(file["bytes"]):
            return f"it has {size} bytes, announced were {file['bytes']}", ""
        if not file["md5"] and (problem := wrong_start(path, file["path"])):
            return problem, ""
        md5 = self.notes.md5(path)
        if file["md5"] and md5 != file["md5"].lower():
            return f"its MD5 is {md5}, announced was {file['md5']}", md5
        return "", md5

    def _complete(self, file: Mapping[str, str], part: Path) -> str:
        """Resume `part` until the service has sent all; returns what arrived instead of the file, '' if it arrived.

        Raises Unreachable after too many cuts without a new byte.
        """
        cuts, validator = 0, file.get("etag", "")
        while cuts < self.service.attempts:
            if not validator and not file["md5"]:  # the rest of another version could not be detected
                part.unlink(missing_ok=True)
            size_before = size_of(part)
            complete, validator, page = self._receive(file, part, validator)
            if page:
                return page
            if complete:
                return ""
            log.info("%s: cut off at byte %d, resuming there", file["id"], size_of(part))
            cuts = 0 if size_of(part) > size_before else cuts + 1
        raise Unreachable(f"{shown(file['url'])}: cut off {cuts} times at byte {size_of(part)}")

    def _receive(self, file: Mapping[str, str], part: Path, validator: str) -> tuple[bool, str, str]:
        """Append one answer to `part`: is it complete now, its version (ETag), and what came instead of a file."""
        size_before = offset = size_of(part)
        headers = {"Accept-Encoding": "identity"}
        if offset:
            # Buckets know If-Match only, and refuse to go on with another version.
            condition = "If-Match" if file["url"].startswith(SCHEME) else "If-Range"
            headers |= {"Range": f"bytes={offset}-"} | ({condition: validator} if validator else {})
        with self.service.ask("GET", file["url"], headers, stream=True) as response:
            if response.status_code == 416 and offset:  # nothing after these bytes: the check says if they are right
                return True, validator, ""
            kind = response.headers.get("Content-Type", "")
            if is_page(kind, file["path"]):
                return False, validator, f"the answer is a page of a website ({kind})"
            if response.status_code not in (200, 206):
                return False, validator, f"the answer is not a file (HTTP {response.status_code})"
            version, total = version_of(response, file["url"]), size_announced(file)
            if response.status_code == 206:
                content_range = re.fullmatch(
                    r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip()
                )
                other_version = bool(offset and validator and version and version.strip('"') != validator.strip('"'))
                # Bytes that don't fit those that are there.
                if not content_range or int(content_range[1]) > offset or other_version:
                    part.unlink(missing_ok=True)
                    return False, "", "" if offset else "the answer is a piece of the file that was not requested"
                offset, total = int(content_range[1]), int(content_range[2]) if content_range[2] != "*" else total
            else:
                offset = 0
            received = write_body(response, part, offset, is_packed(file["path"]))
            # A service may send less than was asked for; without a length a cut looks like an end.
            too_short = size_of(part) < total and (
                response.status_code == 206 or "Content-Length" not in response.headers
            )
            # The same bytes again are all that the service has: the check reports that the file is too short.
            return received and (not too_short or size_of(part) <= size_before), version, ""


def version_of(response: requests.Response, url: str) -> str:
    """What distinguishes versions of a file, and If-Range accepts: its ETag, else its time of modification; or ''."""
    etag = response.headers.get("ETag", "")
    if etag and not etag.startswith("W/"):
        return etag
    return "" if url.startswith(SCHEME) else response.headers.get("Last-Modified", "")


def size_announced(file: Mapping[str, str]) -> int:
    """Bytes announced in the sheet, 0 if unknown."""
    return int(file["bytes"] or 0)


def is_packed(path: str) -> bool:
    """True for names of packed files: services that call this a Content-Encoding (Apache, buckets) mean the file."""
    return Path(path).suffix.lower() in PACKED


def part_of(path: Path, file: Mapping[str, str]) -> Path:
    """Where a file is written until it is complete. Without an MD5 the name holds the listed version: a part of another
    version is then not resumed."""
    version = "" if file["md5"] else re.sub("[^0-9A-Za-z-]", "", file.get("etag", ""))
    return path.with_name(f"{path.name}.{version}.part" if version else f"{path.name}.part")


def write_body(response: requests.Response, part: Path, start: int, packed: bool = False) -> bool:
    """Write an answer's bytes from byte `start` of `part` on, as they were sent where the file is `packed`; False if
    it was cut off. Raises NoRoom.
    """
    chunks = response.raw.stream(_CHUNK, decode_content=False) if packed else response.iter_content(_CHUNK)
    try:
        with open(part, "r+b" if part.exists() else "wb") as handle:
            handle.seek(start)
            handle.truncate()
            try:
                for chunk in chunks:
                    handle.write(chunk)
            except (requests.RequestException, urllib3.exceptions.HTTPError):
                return False
            finally:
                handle.flush()
                os.fsync(handle.fileno())
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise NoRoom(
            f"{part}: {error.strerror}. Make room or ask for more quota, then start again: what is downloaded stays, "
            "and parts are resumed."
        ) from None
    return True


def _reason_of(problem: str) -> str:
    if "MD5" in problem:
        return "wrong_md5"
    return "wrong_size" if "bytes, announced" in problem else "not_the_file"


def size_of(path: Path) -> int:
    """Bytes of a file, 0 if it doesn't exist."""
    return path.stat().st_size if path.exists() else 0
