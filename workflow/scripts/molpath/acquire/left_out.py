"""Files that services list and the sheets leave out, counted by project, kind of tissue and reason."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence

log = logging.getLogger(__name__)

_SHOWN = 8  # counts listed in messages
COLUMNS = ("cohort", "sheet", "project", "kind", "reason", "count")


class LeftOut:
    """Counts of one `snakemake sheets`; `warnings`: those of the services, word for word."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, ...]] = Counter()
        self.warnings: list[str] = []

    def add(self, cohort: str, sheet: str, project: str, kind: str, reason: str, count: int = 1) -> None:
        """Count a file; sheet: slides or profiles; kind: of tissue, in the service's words."""
        self._counts[cohort, sheet, project, kind or "not said", reason] += count

    def warn(self, message: str) -> None:
        """Record a warning of a service."""
        if message not in self.warnings:
            log.warning("%s", message)
            self.warnings.append(message)

    def rows(self) -> list[dict[str, str]]:
        """One row per count, the largest first within a cohort and sheet."""
        order = sorted(self._counts.items(), key=lambda item: (*item[0][:2], -item[1], *item[0][2:]))
        return [dict(zip(COLUMNS, [*key, str(count)], strict=True)) for key, count in order]

    def summary(self, cohort: str, sheet: str) -> str:
        """The largest counts of a cohort and sheet as text, with the sum of the others; '' if there are none."""
        counts = [row for row in self.rows() if (row["cohort"], row["sheet"]) == (cohort, sheet)]
        n_other = sum(int(row["count"]) for row in counts[_SHOWN:])
        remainder = f"; {n_other} more, listed in left_out.tsv" if n_other else ""
        return "; ".join(in_words(row) for row in counts[:_SHOWN]) + remainder


def in_words(row: dict[str, str]) -> str:
    """One row of counts as text."""
    return f"{row['count']} of {row['project'] or 'no project'} ({row['kind']}): {row['reason']}"


def keep_pairs(
    slides: Sequence[dict], profiles: Sequence[dict], keys: tuple[Sequence, Sequence], left_out: LeftOut
) -> tuple[list[dict], list[dict]]:
    """Slides and profiles whose key (case or specimen, one per row) both sides have; the others are counted."""
    shared = set(keys[0]) & set(keys[1])
    paired: list[list[dict]] = []
    for sheet, rows, sheet_keys in (("slides", slides, keys[0]), ("profiles", profiles, keys[1])):
        paired.append([row for row, key in zip(rows, sheet_keys, strict=True) if key in shared])
        partner = "profile" if sheet == "slides" else "slide"
        for row, key in zip(rows, sheet_keys, strict=True):
            if key not in shared:
                project = row.get("project") or ""
                left_out.add(row["cohort"], sheet, project, row["sample_type"], f"no {partner} beside it (paired_only)")
    return paired[0], paired[1]
