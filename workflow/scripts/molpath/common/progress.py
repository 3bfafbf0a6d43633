"""How a running job says how far it is: a small file that `make demo` and a curious person can read."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from .files import atomic_path


class Progress:
    """Counts finished items of a job and writes them, at most once a second, to `<log>.progress`.

    The file is for the terminal only: it is not a result and nothing depends on it.
    """

    def __init__(self, log_path: str | None, stage: str, total: int, unit: str = "slides", done: int = 0):
        """done: items of the total that an attempt before this one has finished."""
        self.path = Path(f"{log_path}.progress") if log_path else None
        self.state: dict[str, Any] = {"stage": stage, "unit": unit, "done": done, "total": total, "patches": 0}
        self.started = time.time()
        self._written = 0.0
        self._write(force=True)

    def step(self, done: int = 1, patches: int = 0, **more: float) -> None:
        """Say that `done` more items and `patches` more patches are finished; `more` is kept as it is."""
        self.state["done"] += done
        self.state["patches"] += patches
        self.state |= more
        self._write(force=self.state["done"] >= self.state["total"])

    def _write(self, force: bool = False) -> None:
        now = time.time()
        if self.path is None or (not force and now - self._written < 1.0):
            return
        self._written = now
        state = self.state | {"started": round(self.started, 1), "updated": round(now, 1)}
        with atomic_path(self.path) as temporary:
            temporary.write_text(json.dumps(state))
