"""A terminal for a command: what stands on it, and what scrolled off it, as a person would see it."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from molpath.study.terminal import columns_of

#: The environment without a width of its own: it would be believed before the terminal.
SIZELESS = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}

#: Sequences that are known here; others fail a test.
SEQUENCE = re.compile(r"\x1b\[([\d;]*)([A-Za-z])")


class Screen:
    """Rows of text, the cursor in the last of them; lines that scrolled off are kept, for all stay readable."""

    def __init__(self, columns: int = 100) -> None:
        self.columns, self.rows, self.column = columns, [""], 0
        self.pending = ""

    def feed(self, text: str) -> None:
        """Take what a program wrote."""
        text, self.pending = self.pending + text, ""
        while text:
            if text[0] == "\x1b":
                if (match := SEQUENCE.match(text)) is None:
                    assert len(text) < 12, f"unknown: {text[:20]!r}"
                    self.pending = text
                    return
                self._obey(*match.groups())
                text = text[match.end() :]
            else:
                self._put(text[0])
                text = text[1:]

    def _obey(self, number: str, letter: str) -> None:
        if letter == "K":
            assert number in ("", "0")
            self.rows[-1] = self.rows[-1][: self.column]
        else:
            assert letter == "m", letter  # colours

    def _put(self, letter: str) -> None:
        if letter == "\r":
            self.column = 0
        elif letter == "\n":
            self.rows.append("")
            self.column = 0
        elif letter != "\x07":
            if columns_of(self.rows[-1][: self.column] + letter) > self.columns:
                self._put("\n")
            row = self.rows[-1].ljust(self.column)
            self.rows[-1] = row[: self.column] + letter + row[self.column + 1 :]
            self.column += 1

    @property
    def last(self) -> str:
        """The row of the cursor."""
        return self.rows[-1]

    @property
    def text(self) -> str:
        """All rows."""
        return "\n".join(row.rstrip() for row in self.rows)


class Terminal:
    """A command in a terminal of its own."""

    def __init__(self, command: Sequence[str | Path], folder: Path, columns: int = 100, **variables: str) -> None:
        self.screen, self.shown = Screen(columns), []
        self.parent_end, child_end = pty.openpty()
        fcntl.ioctl(child_end, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
        self.process = subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            stdin=child_end,
            stdout=child_end,
            stderr=child_end,
            preexec_fn=self._take,
            env=SIZELESS | {"PYTHONDONTWRITEBYTECODE": "1", "TERM": "xterm-256color"} | variables,
        )
        os.close(child_end)

    @staticmethod
    def _take() -> None:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def watch(self, limit_s: float = 300, look: Callable[["Terminal"], None] = lambda terminal: None) -> str:
        """Follow it to its end; all that stands on the terminal then. `seen`: every row that was the last for a while.

        look: called after each piece of output.
        """
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            try:
                piece = os.read(self.parent_end, 65536)
            except OSError:  # the last process of the terminal ended
                break
            if not piece:
                break
            self.screen.feed(piece.decode(errors="replace"))
            if self.screen.last and self.screen.last not in self.shown[-1:]:
                self.shown.append(self.screen.last)
            look(self)
        self.process.wait(timeout=60)
        os.close(self.parent_end)
        return self.screen.text
