"""How far the features of a shard are, and where the time went. Results carry no times; the log does."""

from __future__ import annotations

import logging
import time

from ..common.progress import Progress

log = logging.getLogger(__name__)

#: Seconds between two lines in the log.
EVERY_S = 60.0


class Pace:
    """Counts the patches that are encoded, of `total`; tells the progress file, and now and then the log."""

    def __init__(self, progress: Progress, total: int):
        self.progress, self.total, self.done = progress, total, 0
        self.began = self.told = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return max(time.perf_counter() - self.began, 1e-9)

    def step(self, patches: int, idle_s: float) -> None:
        """`patches` more are encoded; up to now the encoder had nothing to do for `idle_s` seconds."""
        self.done += patches
        busy = 1 - idle_s / self.seconds
        self.progress.step(0, patches, encoder_busy=round(busy, 3))
        if self.done and time.perf_counter() - self.told >= EVERY_S:
            self.told = time.perf_counter()
            rate = self.done / self.seconds
            left = (self.total - self.done) / rate / 60
            log.info("%s, encoder busy %.0f %%, about %.0f min left", self._so_far(rate), 100 * busy, left)

    def _so_far(self, rate: float) -> str:
        return f"{self.done} of {self.total} patches, {rate:.1f} a second"

    def summary(self, stream, writing_s: float) -> str:
        """A table of where the time went; a share is of the time that all who did it had together.

        stream: the `Stream` that ran. writing_s: seconds spent on writing files, behind its back.
        """
        spent, readers, threads = stream.pool.spent, len(stream.pool.readers), stream.runner.workers
        waited = max(0.0, spent.opening + spent.reading - spent.processor)
        rows = [
            ("opening slides", f"{readers} readers", spent.opening, readers),
            ("reading, decoding and shrinking patches", f"{readers} readers", spent.reading, readers),
            ("of both: waiting for storage or a processor", "", waited, readers),
            ("resizing, normalising and encoding", f"{threads} threads", stream.runner.busy_s, threads),
            ("writing", "1 thread", writing_s, 1),
            ("before the encoder had its first patches", "", stream.starting_s, 1),
            ("encoder without patches from then on", "", stream.encoder_idle_s, 1),
        ]
        seconds = self.seconds
        lines = [
            f"  {what:<45}{who:<12}{time_s:10.1f} s {time_s / (workers * seconds):6.1%}"
            for what, who, time_s, workers in rows
        ]
        return "\n".join([f"{self._so_far(self.done / seconds)}; where {seconds:.1f} s went:", *lines])
