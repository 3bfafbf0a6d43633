"""Whether a whole service fails, or only single files."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

#: After so many files in a row without an answer, the service is asked for a file that it is known to have.
IN_DOUBT = 3
#: After so many failed or refused files in a row, with none known to work, the service is given up.
GIVEN_UP = 12


@dataclass
class Host:
    """One service in one job.

    good: address of a file fetched (or present) before; served: bytes arrived in this job. failed, refused: files in a
    row without an answer, and refused, since the last one that arrived. last_error: of the last file without an
    answer. down: why it is given up, or ''.
    """

    good: str = ""
    served: bool = False
    failed: int = 0
    refused: int = 0
    last_error: str = ""
    down: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def came(self, url: str, from_service: bool) -> None:
        """A file is correct: fetched now, or present before."""
        with self.lock:
            self.good = self.good or url
            if from_service:
                self.served, self.failed, self.refused = True, 0, 0

    def fails(self, message: str, still_sends: Callable[[str], bool]) -> None:
        """A file got no answer; `still_sends` asks whether the file of an address still comes."""
        with self.lock:
            self.failed, self.last_error = self.failed + 1, message
            if self.down or self.failed % IN_DOUBT:
                return
            if self.good:
                self.down = "" if still_sends(self.good) else message
            elif self.failed >= GIVEN_UP:
                self.down = message

    def refuses(self, message: str, still_sends: Callable[[str], bool]) -> None:
        """A file was refused: missing, forbidden, or replaced by an HTML page."""
        with self.lock:
            self.refused += 1
            if not self.down and not self.served and self.refused >= GIVEN_UP:
                self.down = "" if self.good and still_sends(self.good) else message

    def lives(self, still_sends: Callable[[str], bool]) -> bool:
        """True if the service sends other files: the file fails, not the service."""
        with self.lock:
            return not self.down and bool(self.good) and still_sends(self.good)
