"""Every file that a service refused, in one list, and the way to ask for it again."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

import pandas as pd

from ..common.files import read_tsv, write_tsv

log = logging.getLogger(__name__)

COLUMNS = ("kind", "block", "id", "path", "reason", "detail")


def list_refused(downloads: str, retry: bool) -> str:
    """Write <downloads>/refused.tsv, a row each file that is set aside; how many there are by reason, in words.

    retry: remove the manifests that name them, so that the next run asks for them again (and for nothing else of their
    blocks: what is there is known by its size and time).
    """
    rows: list[dict[str, str]] = []
    manifests: list[Path] = []
    for path in sorted(Path(downloads).glob("manifests/*/*.tsv")):
        table = read_tsv(path)
        aside = table[table.status == "set_aside"]
        rows += [{"kind": path.parent.name, "block": path.stem} | row for row in aside.to_dict("records")]
        manifests += [path] if len(aside) else []
    write_tsv(f"{downloads}/refused.tsv", pd.DataFrame(rows, columns=list(COLUMNS)))
    reasons = Counter(row["reason"] for row in rows)
    counts = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    told = f"{downloads}/refused.tsv: {len(rows)} files" + (f" ({counts})" if counts else "")
    if retry and manifests:
        for path in manifests:
            path.unlink()
            log.info("%s removed", path)
        told += f"; {len(manifests)} manifests are removed: the next run asks for these files again"
    return told
