"""Progress and timing of feature extraction for a shard. Results contain no times; the log does."""

from __future__ import annotations

import logging
import time

from ..common.progress import Progress

log = logging.getLogger(__name__)

#: Seconds between two lines in the log.
EVERY_S = 60.0


class Pace:
    """Counts the encoded patches, of `total`; updates the progress file and, at intervals, the log."""

    def __init__(self, progress: Progress, total: int):
        self.progress, self.total, self.done = progress, total, 0
        self.began = self.last_logged = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return max(time.perf_counter() - self.began, 1e-9)

    def step(self, patches: int, idle_s: float) -> None:
        """`patches` more are encoded; so far the encoder was idle for `idle_s` seconds."""
        self.done += patches
        busy = 1 - idle_s / self.seconds
        self.progress.step(0, patches, encoder_busy=round(busy, 3))
        if self.done and time.perf_counter() - self.last_logged >= EVERY_S:
            self.last_logged = time.perf_counter()
            rate = self.done / self.seconds
            minutes_left = (self.total - self.done) / rate / 60
            log.info("%s, encoder busy %.0f %%, about %.0f min left", self._so_far(rate), 100 * busy, minutes_left)

    def _so_far(self, rate: float) -> str:
        return f"{self.done} of {self.total} patches, {rate:.1f} per second"

    def summary(self, stream, writing_s: float) -> str:
        """A table of where the time went; a share is of the total time of all processes or threads that did it.

        stream: the `Stream` that ran. writing_s: seconds spent on writing files in the background.
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
            f"  {activity:<45}{worker_text:<12}{time_s:10.1f} s {time_s / (workers * seconds):6.1%}"
            for activity, worker_text, time_s, workers in rows
        ]
        return "\n".join([f"{self._so_far(self.done / seconds)}; where {seconds:.1f} s went:", *lines])
