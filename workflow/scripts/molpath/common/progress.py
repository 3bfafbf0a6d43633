"""How a running job reports its progress: a small file beside its log, read during the run (study/progress.py)."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

from .files import temporary_of


class Progress:
    """Counts finished items of a job and writes them, at most once a second, to `<log>.progress`.

    The file is for the terminal only: it is not a result, nothing depends on it, and if it can't be written the job
    continues.
    """

    def __init__(self, log_path: str | None, stage: str, total: int, unit: str = "slides", done: int = 0):
        """done: items of the total that an earlier attempt finished."""
        self.path = Path(f"{log_path}.progress") if log_path else None
        self.aside: dict[str, int] = {}
        self.state: dict[str, Any] = {"stage": stage, "unit": unit, "done": done, "kept": done, "total": total}
        self.state |= {"patches": 0, "set_aside": self.aside}
        self.started = time.time()
        self._written = 0.0
        self._write(force=True)

    def step(self, done: int = 1, patches: int = 0, aside: str = "", kept: bool = False, **more: float) -> None:
        """Report `done` more items and `patches` more patches as finished; `more` is stored unchanged.

        aside: the reason for which this job set the item aside, '' for one that it didn't; kept: an attempt before this
        one finished the item, so it doesn't count for the speed of this one.
        """
        self.state["done"] += done
        self.state["kept"] += done if kept else 0
        self.state["patches"] += patches
        self.state |= more
        if aside:
            self.aside[aside] = self.aside.get(aside, 0) + done
        self._write(force=self.state["done"] >= self.state["total"])

    def _write(self, force: bool = False) -> None:
        time_s = time.monotonic()
        if self.path is None or (not force and time_s - self._written < 1.0):
            return
        self._written = time_s
        state = self.state | {"started": round(self.started, 3), "updated": round(time.time(), 1)}
        temporary = temporary_of(self.path)
        with contextlib.suppress(OSError):  # the job's own files report a full disk
            try:
                temporary.write_text(json.dumps(state))
                os.replace(temporary, self.path)
            finally:
                temporary.unlink(missing_ok=True)
