"""The ledger: what became of every slide at every stage. Every count of slides is a count of its rows.

Planning reads it, too, for the summary at the end of a run: nothing but the standard library is needed.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from .manifests import ALLOWED, FEATURES_ONLY, OK, REASONS, SET_ASIDE
from .tsv import read_cells

#: Stages that can lose a slide, in the order of the data.
STAGES = ("slides", "tissue", "tiles", "features", "pretrain", "embed")
#: Status of a slide that is no use to a run of pretraining, through no fault of its own.
LEFT_OUT = "left_out"
#: Why a run leaves out a slide that was paired and packed.
NOT_DRAWN = "not_drawn"

Row = Mapping[str, str]


class TooManySetAside(Exception):
    """More slides were set aside than the config allows."""


class Entry(NamedTuple):
    """A slide at a stage. `lost_at`: the stage that set it aside, this one or one before; '' for one that went on.

    grid, encoder: of the stages that have them; model: name of the model (embed) or of the run (pretrain).
    """

    slide_id: str
    case_id: str
    cohort: str
    stage: str
    grid: str
    encoder: str
    model: str
    status: str
    lost_at: str
    reason: str
    detail: str
    patches: str

    @property
    def part(self) -> Part:
        """The part of the work that this is one slide of."""
        return Part(self.stage, self.grid, self.encoder, self.model)

    @property
    def is_lost_here(self) -> bool:
        """True if this very stage set the slide aside."""
        return self.lost_at == self.stage


class Part(NamedTuple):
    """A stage with its grid, encoder and model or run ('' where a stage has none)."""

    stage: str
    grid: str = ""
    encoder: str = ""
    model: str = ""


def read_rows(path: str | os.PathLike[str]) -> list[dict[str, str]]:
    """Rows of a manifest or table of this workflow, every cell a string. Raises BadTable where it is none."""
    cells = read_cells(path)
    return [dict(zip(cells.columns, row, strict=True)) for row in cells.rows]


def read_all(paths: Iterable[str | os.PathLike[str]]) -> list[dict[str, str]]:
    """Rows of several manifests, one after the other."""
    return [row for path in paths for row in read_rows(path)]


def read_ledger(path: str | os.PathLike[str]) -> list[Entry]:
    """Entries of tables/ledger.tsv, or of a part of it below tables/ledger."""
    return [Entry(*(row[name] for name in Entry._fields)) for row in read_rows(path)]


def entries_of_slides(table: Iterable[Row]) -> list[Entry]:
    """Entries of the stages slides and tissue from the rows of tables/slides.tsv."""
    found = []
    for row in table:
        head = row["slide_id"], row["case_id"], row["cohort"]
        fate = row["status"], row["stage"], row["reason"], row["detail"], ""
        first = fate if row["stage"] == "slides" else (OK, "", "", "", "")
        found += [Entry(*head, "slides", "", "", "", *first), Entry(*head, "tissue", "", "", "", *fate)]
    return found


def entries_of_stage(part: Part, manifest: Iterable[Row], before: Mapping[str, Entry]) -> list[Entry]:
    """Entries of a stage from rows of its manifests. before: entries of the stage before, by slide.

    A manifest carries on what stages before it set aside; what it gives another reason for, it set aside itself.
    """
    found = []
    for row in manifest:
        earlier = before[row["slide_id"]]
        carried = earlier.status != OK and earlier.reason == row["reason"]
        lost_at = "" if row["status"] == OK else earlier.lost_at if carried else part.stage
        head = earlier.slide_id, earlier.case_id, earlier.cohort
        patches = row.get("n_patches", "") if row["status"] == OK else ""
        found.append(Entry(*head, *part, row["status"], lost_at, row["reason"], row["detail"], patches))
    return found


def entries_of_run(
    run: str,
    entries: Iterable[Entry],
    pairs: Iterable[Row],
    packed: Mapping[str, Row],
    modalities: Collection[str],
    trained: Collection[str] | None = None,
) -> list[Entry]:
    """Entries of the stage pretrain: slides that a run trains on, and why it does without the others.

    entries: the last before, of the slides of the run's cohorts; pairs: rows of omics/pairs.tsv; packed: rows of the
    run's store by slide; trained: slides the run was given, None for all that are paired and packed.
    """
    told: dict[str, Row] = {}
    for row in pairs:
        fits = not row["modality"] or row["modality"] in modalities
        if fits and (row["slide_id"] not in told or row["status"] == "paired"):
            told[row["slide_id"]] = row
    found = []
    for entry in entries:
        pair, pack = told.get(entry.slide_id), packed.get(entry.slide_id)
        fate = (OK, "", "", "", entry.patches)
        if entry.status != OK:
            fate = (SET_ASIDE, entry.lost_at, entry.reason, entry.detail, "")
        elif pair is None or pair["status"] != "paired":
            reason = pair["reason"] if pair else "no_profile"
            fate = (LEFT_OUT, "pretrain", reason, pair["detail"] if pair else "no profile of a modality of the run", "")
        elif pack is not None and pack["status"] != OK:
            fate = (SET_ASIDE, "pretrain", pack["reason"], pack["detail"], "")
        elif trained is not None and entry.slide_id not in trained:
            fate = (LEFT_OUT, "pretrain", NOT_DRAWN, "the run trains on a part of the pairs", "")
        found.append(entry._replace(stage="pretrain", model=run)._replace(**dict(zip(FATE, fate, strict=True))))
    return found


FATE = ("status", "lost_at", "reason", "detail", "patches")


class Count(NamedTuple):
    """Slides of a part: that came as far as it, that went on, and that it set aside or left out, by reason."""

    came: int
    done: int
    lost: Counter[str]


def count(entries: Iterable[Entry]) -> dict[Part, Count]:
    """Counts of every part, in the order of the entries; reasons in the order in which they are looked for."""
    done: Counter[Part] = Counter()
    lost: dict[Part, Counter[str]] = {}
    for entry in entries:
        mine = lost.setdefault(entry.part, Counter())
        if entry.status == OK:
            done[entry.part] += 1
        elif entry.is_lost_here:
            mine[entry.reason] += 1
    order = {reason: place for place, reason in enumerate(REASONS)}
    found = {}
    for part, reasons in lost.items():
        ranked = sorted(reasons, key=lambda reason: order.get(reason, len(order)))
        counted = Counter({reason: reasons[reason] for reason in ranked})
        found[part] = Count(done[part] + counted.total(), done[part], counted)
    return found


def first_losses(entries: Iterable[Entry]) -> dict[str, Entry | None]:
    """Every slide with the entry of the first stage that set it aside, for whatever grid, encoder or model; else None.

    A slide without a raw file that came as far as features was not lost; what a run leaves out isn't, either.
    """
    found: dict[str, Entry | None] = {}
    used: set[str] = set()
    for entry in sorted(entries, key=lambda one: STAGES.index(one.stage)):  # stable: the order of the sheet stays
        if entry.status == OK:
            used.add(entry.slide_id)
        if entry.status == SET_ASIDE and entry.is_lost_here and found.get(entry.slide_id) is None:
            found[entry.slide_id] = entry
        found.setdefault(entry.slide_id, None)
    return {slide: None if loss and loss.reason == FEATURES_ONLY and slide in used else loss
            for slide, loss in found.items()}  # fmt: skip


def judge(entries: Sequence[Entry], max_failed_fraction: float, table: str) -> None:
    """Raise TooManySetAside with the counts by reason if too many of the slides of a stage were set aside.

    entries: of one part; what stages before it set aside counts, what the sheet excludes or has no file of doesn't.
    table: where the slides stand, for the message.
    """
    counts = Counter(entry.reason for entry in entries if entry.status != OK and entry.reason not in ALLOWED)
    total = sum(entry.reason not in ALLOWED for entry in entries)
    failed = counts.total()
    if total and failed / total > max_failed_fraction:
        listed = "\n".join(f"  {number:6d} {reason}: {REASONS[reason]}" for reason, number in counts.most_common())
        raise TooManySetAside(
            f"{failed} of {total} slides were set aside, more than max_failed_fraction = {max_failed_fraction:g} of "
            f"the config allows:\n{listed}\nSee {table}; mend or exclude the slides (keep = no), or allow more."
        )
