"""TensorBoard events of a run, beside its log: curves to look at while it trains, with times, so no result."""

from __future__ import annotations

import logging
from collections.abc import Mapping

log = logging.getLogger(__name__)


class Events:
    """Scalars by epoch in `folder`; nothing without a folder, or where tensorboardX isn't installed."""

    def __init__(self, folder: str | None):
        self.writer = None
        if not folder:
            return
        try:
            from tensorboardX import SummaryWriter
        except ImportError:
            log.info("tensorboardX is not installed: no TensorBoard events")
            return
        self.writer = SummaryWriter(folder)

    def add(self, epoch: int, row: Mapping[str, float]) -> None:
        """Every number of a row of the history but the epoch itself."""
        for name, value in row.items():
            if self.writer and name != "epoch":
                self.writer.add_scalar(name, value, epoch)

    def close(self) -> None:
        """Write what waits."""
        if self.writer:
            self.writer.close()
