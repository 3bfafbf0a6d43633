"""A list of every file that a service refused, and how to request it again."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pandas as pd

from ..common.files import is_temporary, read_tsv, write_text, write_tsv

COLUMNS = ("kind", "block", "id", "path", "reason", "detail")


def list_refused(downloads: str, retry: bool) -> str:
    """Write <downloads>/refused.tsv, one row per file that is set aside; returns the counts by reason as text.

    retry: leave a mark for each block that has some (<downloads>/retry/<kind>/<block>), which the planning reads: the
    next run repeats its job and requests nothing else (files already there are recognised by size and time).
    """
    rows: list[dict[str, str]] = []
    manifests: list[Path] = []
    for path in sorted(Path(downloads).glob("manifests/*/*.tsv")):
        if is_temporary(path):  # what a killed job left
            continue
        table = read_tsv(path)
        refused = table[table.status == "set_aside"]
        rows += [{"kind": path.parent.name, "block": path.stem} | row for row in refused.to_dict("records")]
        manifests += [path] if len(refused) else []
    write_tsv(f"{downloads}/refused.tsv", pd.DataFrame(rows, columns=list(COLUMNS)))
    reasons = Counter(row["reason"] for row in rows)
    counts = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    message = f"{downloads}/refused.tsv: {len(rows)} files" + (f" ({counts})" if counts else "")
    if retry and manifests:
        for path in manifests:
            marker = Path(downloads, "retry", path.parent.name, path.stem)
            write_text(marker, f"{time.time_ns()}\n")
        message += f"; the next run requests them again, in {len(manifests)} jobs"
    return message
