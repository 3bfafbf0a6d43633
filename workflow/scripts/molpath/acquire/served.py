"""An address of each service that worked in some job.

A job whose own files are all refused asks for it, to know whether the service or the files are to blame.
"""

from __future__ import annotations

import threading
from pathlib import Path
from urllib.parse import urlsplit

from .web import origin


class Served:
    """Addresses, one line per service and job, the last of a service counts; '' stores none.

    Addresses with a login or a query (they may hold a secret) are not kept.
    """

    def __init__(self, path: str = ""):
        self.path = Path(path) if path else None
        self._lock = threading.Lock()
        self._noted: set[str] = set()
        self.addresses: dict[str, str] = {}
        if self.path and self.path.exists():
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
            self.addresses = {origin(line): line for line in lines if "://" in line}

    def note(self, url: str) -> None:
        """A file came from here."""
        address = urlsplit(url)
        with self._lock:
            if self.path and not address.query and "@" not in address.netloc and origin(url) not in self._noted:
                self._noted.add(origin(url))
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with open(self.path, "a", encoding="utf-8") as handle:
                    handle.write(f"{url}\n")
