"""Download the files named in the sheets: resume, check, and set aside with a reason what can't be obtained."""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pandas as pd

from ..common.files import write_tsv
from ..common.progress import Progress
from .contents import is_page
from .digest_notes import DigestNotes
from .gdc_history import newer_version
from .hosts import IN_DOUBT, Host
from .object_sets import fetch_set, is_set, list_objects
from .room import check_room
from .served import Served
from .transfer import FULL, NoRoom, SetAside, Transfer
from .web import AccessDenied, BadRequest, NotFound, Service, Unreachable, origin

log = logging.getLogger(__name__)

COLUMNS = ("id", "path", "status", "reason", "detail", "bytes", "md5")
#: Why a file is set aside.
REASONS = ("not_found", "denied", "bad_request", "unreachable", "wrong_size", "wrong_md5", "not_the_file", "other_file")
#: Reasons given by the service itself: many of them may mean that the address is wrong.
_OF_SERVICE = ("not_found", "denied", "bad_request", "not_the_file")
_SHOWN = 20
#: System errors for an invalid path.
_OF_PATH = (errno.ENAMETOOLONG, errno.ENOTDIR, errno.EEXIST, errno.EISDIR)

Row = dict[str, str]


class Downloads:
    """Fetches the files of one job, several at a time."""

    def __init__(self, service: Service, notes: DigestNotes, served: str = ""):
        self.transfer = Transfer(service, notes)
        self.served = Served(served)
        self.hosts: defaultdict[str, Host] = defaultdict(Host)
        for name, url in self.served.addresses.items():
            self.hosts[name].good = url
        self.locks: dict[str, threading.Lock] = {}
        self.full: NoRoom | None = None

    def fetch(self, file: Mapping[str, str], last: bool = False) -> Row | None:
        """The manifest row of one file. None if its fate is unknown: no answer (unless this is the `last` try and
        its service sends other files), or its service was given up."""
        host = self.hosts[origin(file["url"])]
        if self.full or host.down:
            return None
        row = {"id": file["id"], "path": file["path"], "status": "ok", "reason": "", "detail": ""}
        existed = os.path.exists(file["path"])
        try:
            with self.locks.setdefault(file["path"], threading.Lock()):  # two rows may name one file
                size, md5, note = self._get(file)
        except NoRoom as error:
            self.full = error
            return None
        except OSError as error:
            if error.errno in FULL:
                self.full = NoRoom(
                    f"{file['path']}: {error.strerror}. Make room or ask for more quota, then start again."
                )
                return None
            if error.errno not in _OF_PATH:
                raise
            return aside(row, "other_file", f"{file['path']}: {error.strerror}: nothing can be written there")
        except Unreachable as error:
            host.fails(str(error), self.peek)
            log.warning("%s", error)
            if not last or not host.lives(self.peek):
                return None
            return aside(row, "unreachable", f"{error}; the service sends other files")
        except (SetAside, NotFound, AccessDenied, BadRequest) as error:
            reason, detail = reason_of(error)
            if reason in _OF_SERVICE:
                host.refuses(detail, self.peek)
            return aside(row, reason, detail)
        if not note:  # else the address is that of an earlier version
            host.came(file["url"], from_service=not existed)
            if not existed:
                self.served.note(file["url"])
        return row | {"bytes": str(size), "md5": md5, "detail": note}

    def _get(self, file: Mapping[str, str]) -> tuple[int, str, str]:
        """Bytes and MD5 of a file, and a note if a newer version was fetched."""
        if is_set(file["url"]):
            return *fetch_set(self.transfer, file), ""
        try:
            return *self.transfer.fetch(file), ""
        except (NotFound, SetAside) as error:
            if isinstance(error, SetAside) and error.args[0] != "other_file":
                raise
            newer, message = newer_version(self.transfer.service, file)
            if newer:
                return *self.transfer.fetch(newer), message
            if message:
                raise NotFound(f"{error}; {message}") from None
            raise

    def peek(self, url: str) -> bool:
        """True if the service still sends the first byte (or the list) of something that it has."""
        service = self.transfer.service
        try:
            if is_set(url):
                list_objects(service, url)
            else:
                with service.ask("GET", url, {"Range": "bytes=0-0"}, stream=True) as answer:
                    return not is_page(answer.headers.get("Content-Type", ""), urlsplit(url).path)
        except (SetAside, NotFound, AccessDenied, BadRequest, Unreachable):
            return False
        return True

    def check(self, files: Sequence[Mapping[str, str]], rows: Sequence[Row | None]) -> list[Row]:
        """All rows, none missing. Raises for what stops the job: NoRoom, AccessDenied, NotFound, Unreachable."""
        if self.full:
            raise self.full
        answered = [row for row in rows if row]
        for name, host in self.hosts.items():
            host_rows = [row for file, row in zip(files, rows, strict=True) if row and origin(file["url"]) == name]
            refused = [row for row in host_rows if row["reason"] == "denied"]
            if refused and len(refused) == len(host_rows) and not host.lives(self.peek):
                raise AccessDenied(refusal(name, refused))
        unanswered = [row["id"] for row in answered if row["reason"] == "unreachable"]
        if len(unanswered) > max(IN_DOUBT, len(rows) / 2):
            raise Unreachable(
                f"no answer for most files, {len(unanswered)} of {len(rows)} ({listed(unanswered)}): the service is "
                "not well. What is downloaded stays: start again later."
            )
        given_up = [host.down for host in self.hosts.values() if host.down]
        last_errors = [host.last_error for host in self.hosts.values() if host.last_error]
        if given_up or len(answered) < len(rows):
            failed = [file["id"] for file, row in zip(files, rows, strict=True) if not row or row["status"] != "ok"]
            raise Unreachable(
                f"{len(failed)} of {len(files)} files could not be fetched ({listed(failed)}): "
                f"{(given_up or last_errors or ['no answer'])[0]}. What is "
                "downloaded stays, parts too: start again when the service is back, or correct column url if its "
                "address has changed."
            )
        return answered


def download_files(
    *,
    files: Sequence[Mapping[str, str]],
    manifest: str,
    service: Service,
    connections: int = 4,
    log_path: str = "",
    notes: str = "",
) -> list[Row]:
    """Fetch every missing file and write one manifest row per file, in the order of `files`; returns those set aside.

    files: id, path, url, md5 ('' if unknown), bytes ('' if unknown). A file is written under `<path>.part`, which a
    later call resumes, and takes its name only with the right size and MD5 (without an MD5: if it begins as files
    of its name do). An address s3://bucket/prefix/* is a set of objects, and `path` their folder. A file that the
    service doesn't have, refuses, or sends wrong twice is set aside; so is one without an answer, after all others and
    a second round, if its service sends others. notes: file with the MD5 of finished files. Raises NoRoom, and
    AccessDenied or Unreachable (nothing of a service came) when all other files are there.
    """
    check_room(files)
    work, progress = (
        Downloads(service, DigestNotes(notes), notes and f"{notes}.served"),
        Progress(log_path or None, "downloading", len(files), "files"),
    )
    rows: list[Row | None] = []
    with ThreadPoolExecutor(connections) as pool:
        for row in pool.map(work.fetch, files):
            rows.append(row)
            progress.step()
        missing = [i for i, row in enumerate(rows) if row is None]
        for i, row in zip(missing, pool.map(lambda i: work.fetch(files[i], last=True), missing), strict=True):
            rows[i] = row
    answered = work.check(files, rows)
    write_tsv(manifest, pd.DataFrame(answered, columns=list(COLUMNS)))
    return [row for row in answered if row["status"] != "ok"]


def aside(row: Row, reason: str, detail: str) -> Row:
    """The row of a file that is set aside; the detail on one line."""
    detail = " ".join(detail.split())
    log.warning("%s set aside (%s): %s", row["id"], reason, detail)
    return row | {"status": "set_aside", "reason": reason, "detail": detail, "bytes": "", "md5": ""}


def reason_of(error: Exception) -> tuple[str, str]:
    """One of REASONS, and a sentence."""
    if isinstance(error, SetAside):
        return error.args[0], error.args[1]
    kinds = {NotFound: "not_found", AccessDenied: "denied", BadRequest: "bad_request"}
    return kinds[type(error)], str(error)


def refusal(host: str, rows: Sequence[Row]) -> str:
    """The message if a service refuses all files of a job."""
    return (
        f"{host} refuses all {len(rows)} files requested from it ({listed([row['id'] for row in rows])}): "
        + rows[0]["detail"]
    )


def listed(ids: Sequence[str]) -> str:
    """The first ids, and how many more there are."""
    remainder = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
    return ", ".join(ids[:_SHOWN]) + remainder
