"""MD5 of finished files, stored beside the manifest: a job that runs again need not read terabytes to compute them."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from ..common.digests import md5_of


class DigestNotes:
    """Known files: size, modification time and MD5, one line per file in the order they were finished.

    path: the file with the notes, appended to at once, so that a killed job keeps them; '' for none. The last line
    of a path counts; a line cut off by a kill is passed over.
    """

    def __init__(self, path: str = ""):
        self.path = Path(path) if path else None
        self._lock = threading.Lock()
        self._known: dict[str, tuple[str, str, str]] = {}
        if self.path and self.path.exists():
            for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
                cells = line.split("\t")
                if len(cells) == 4 and len(cells[2]) == 32:
                    self._known[cells[3]] = (cells[0], cells[1], cells[2])

    def md5(self, path: Path) -> str:
        """MD5 of the whole file: from the note if size and time still match, else computed and noted."""
        size, changed = _state(path)
        noted = self._known.get(str(path))
        if noted and noted[:2] == (size, changed):
            return noted[2]
        md5 = md5_of(path)
        self._note(path, (size, changed, md5))
        return md5

    def moved(self, old: Path, new: Path) -> None:
        """The file noted as `old` was renamed."""
        noted = self._known.get(str(old))
        if noted:
            self._note(new, noted)

    def _note(self, path: Path, state: tuple[str, str, str]) -> None:
        with self._lock:
            self._known[str(path)] = state
            if self.path and not any(separator in str(path) for separator in "\t\n"):
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with open(self.path, "a", encoding="utf-8") as handle:
                    handle.write("\t".join([*state, str(path)]) + "\n")


def _state(path: Path) -> tuple[str, str]:
    status = os.stat(path)
    return str(status.st_size), str(status.st_mtime_ns)
