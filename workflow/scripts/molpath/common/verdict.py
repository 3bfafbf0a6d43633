"""A table of the cohort that is written only if not too many of its slides were set aside."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .files import write_tsv
from .ledger import Entry, TooManySetAside, count, judge

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)


def write_judged(path: str, table: pd.DataFrame, entries: Sequence[Entry], max_failed_fraction: float) -> None:
    """Write `table` if not more than `max_failed_fraction` of `entries`, those of its last stage, are set aside.

    Otherwise it is written beside its place as `<path>.refused`, and TooManySetAside is raised.
    """
    refused = f"{path}.refused"
    for part, slide_count in count(entries).items():
        log.info(
            "%s: %d slides went on, set aside here: %s",
            " ".join(filter(None, part)),
            slide_count.done,
            dict(slide_count.lost),
        )
    try:
        judge(entries, max_failed_fraction, refused)
    except TooManySetAside:
        write_tsv(refused, table)
        raise
    write_tsv(path, table)
    Path(refused).unlink(missing_ok=True)
