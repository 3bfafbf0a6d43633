"""The ledger: the fate of every slide at every stage. Every count of slides is a count of its rows.

Planning also reads it, for the summary at the end of a run: it needs the standard library only.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from .reasons import ALLOWED, FEATURES_ONLY, OK, REASONS, SET_ASIDE
from .tsv import read_cells

#: Stages that can lose a slide, in the order of the data.
STAGES = ("slides", "tissue", "tiles", "features", "pretrain", "embed")
#: Status of a slide that a pretraining run can't use, though nothing is wrong with it.
LEFT_OUT = "left_out"
#: Why a run leaves out a slide that was paired and packed.
NOT_DRAWN = "not_drawn"

Row = Mapping[str, str]


class TooManySetAside(Exception):
    """More slides were set aside than the config allows."""


class Entry(NamedTuple):
    """A slide at a stage. `lost_at`: the stage that set it aside, this one or an earlier one; '' if it continues.

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
    """Rows of a manifest or table of this workflow, every cell a string. Raises BadTable for anything else."""
    cells = read_cells(path)
    return [dict(zip(cells.columns, row, strict=True)) for row in cells.rows]


def read_all(paths: Iterable[str | os.PathLike[str]]) -> list[dict[str, str]]:
    """Rows of several manifests, one after the other."""
    return [row for path in paths for row in read_rows(path)]


def read_ledger(path: str | os.PathLike[str]) -> list[Entry]:
    """Entries of tables/ledger.tsv, or of a part of it below tables/ledger."""
    return [Entry(*(row[name] for name in Entry._fields)) for row in read_rows(path)]


class Gathering:
    """Entries gathered stage by stage, in the order of the data, from manifests and tables; some may be missing so far.

    slides: rows with slide_id, case_id and cohort ('' where the sheet has none): the slides that are known.
    """

    def __init__(self, slides: Iterable[Row]) -> None:
        self.entries: list[Entry] = []
        blank = Entry("", "", "", *Part(""), OK, "", "", "", "")
        heads = [(row["slide_id"], row.get("case_id", ""), row.get("cohort", "")) for row in slides]
        self._known = {head[0]: blank._replace(slide_id=head[0], case_id=head[1], cohort=head[2]) for head in heads}
        self._by_part: dict[Part, dict[str, Entry]] = {}

    def before(self, part: Part) -> dict[str, Entry]:
        """The last entry of every slide before a part: of the same grid and encoder, if there is one."""
        latest = dict(self._known)
        for stage in STAGES[: STAGES.index(part.stage)]:
            grid = part.grid if stage in ("tiles", "features") else ""
            encoder = part.encoder if stage == "features" else ""
            latest |= self._by_part.get(Part(stage, grid, encoder), {})
        return latest

    def add(self, part: Part, manifest: Iterable[Row]) -> None:
        """Add a part from rows of its manifests; unknown slides (of another sheet) are ignored.

        A manifest repeats what earlier stages set aside; slides with a new reason were set aside by this stage.
        """
        previous = self.before(part)
        for row in manifest:
            if (earlier := previous.get(row["slide_id"])) is None:
                continue
            carried = earlier.status != OK and earlier.reason == row["reason"]
            lost_at = "" if row["status"] == OK else earlier.lost_at if carried else part.stage
            patches = row.get("n_patches", "") if row["status"] == OK else ""
            head = earlier.slide_id, earlier.case_id, earlier.cohort
            self._put(Entry(*head, *part, row["status"], lost_at, row["reason"], row["detail"], patches))

    def add_table(self, table: Iterable[Row]) -> None:
        """Add the stages slides and tissue from the rows of tables/slides.tsv."""
        rows = list(table)
        passed = {"status": OK, "reason": "", "detail": ""}
        self.add(Part("slides"), [row if row["stage"] == "slides" else {**row, **passed} for row in rows])
        self.add(Part("tissue"), rows)

    def add_run(
        self,
        part: Part,
        cohorts: Collection[str],
        modalities: Collection[str],
        pairs: Iterable[Row],
        packed: Mapping[str, Row],
        trained: Collection[str] | None = None,
    ) -> None:
        """Add a pretraining run (`part`, with its grid and encoder): slides it trains on, and why not on others.

        pairs: rows of omics/pairs.tsv; packed: rows of the run's store by slide; trained: slides the run was given,
        None for all that are paired and packed.
        """
        pair_of: dict[str, Row] = {}
        for row in pairs:
            fits = not row["modality"] or row["modality"] in modalities
            if fits and (row["slide_id"] not in pair_of or row["status"] == "paired"):
                pair_of[row["slide_id"]] = row
        for slide, entry in self.before(part).items():
            if entry.cohort in cohorts:
                fate = _fate_in_run(entry, pair_of.get(slide), packed.get(slide), trained is None or slide in trained)
                self._put(Entry(entry.slide_id, entry.case_id, entry.cohort, *part, *fate))

    def _put(self, entry: Entry) -> None:
        self.entries.append(entry)
        self._by_part.setdefault(entry.part, {})[entry.slide_id] = entry


def _fate_in_run(entry: Entry, pair: Row | None, pack: Row | None, is_drawn: bool) -> tuple[str, str, str, str, str]:
    """Status, lost_at, reason, detail and patches of a slide in a run; entry: its last one."""
    if entry.status != OK:
        return SET_ASIDE, entry.lost_at, entry.reason, entry.detail, ""
    if pair is None:
        return LEFT_OUT, "pretrain", "no_profile", "no profile of a modality that the run reads", ""
    if pair["status"] != "paired":
        return LEFT_OUT, "pretrain", pair["reason"], pair["detail"], ""
    if pack is not None and pack["status"] != OK:
        return SET_ASIDE, "pretrain", pack["reason"], pack["detail"], ""
    if not is_drawn:
        return LEFT_OUT, "pretrain", NOT_DRAWN, "the run trains on a part of the pairs", ""
    return OK, "", "", "", entry.patches


class Count(NamedTuple):
    """Slides of a part: those that reached it, those that continue, and those set aside or left out, by reason."""

    came: int
    done: int
    lost: Counter[str]


def count(entries: Iterable[Entry]) -> dict[Part, Count]:
    """Counts of every part, in the order of the entries; reasons in the order in which they are looked for."""
    n_done: Counter[Part] = Counter()
    lost_reasons: dict[Part, Counter[str]] = {}
    for entry in entries:
        part_reasons = lost_reasons.setdefault(entry.part, Counter())
        if entry.status == OK:
            n_done[entry.part] += 1
        elif entry.is_lost_here:
            part_reasons[entry.reason] += 1
    order = {reason: position for position, reason in enumerate(REASONS)}
    counts = {}
    for part, reasons in lost_reasons.items():
        ranked = sorted(reasons, key=lambda reason: order.get(reason, len(order)))
        counted = Counter({reason: reasons[reason] for reason in ranked})
        counts[part] = Count(n_done[part] + counted.total(), n_done[part], counted)
    return counts


def first_losses(entries: Iterable[Entry]) -> dict[str, Entry | None]:
    """Every slide with the entry of the first stage that set it aside, for any grid, encoder or model; else None.

    A slide without a raw file that reached the features is not lost, nor is one that a run leaves out.
    """
    losses: dict[str, Entry | None] = {}
    unread: dict[str, Entry] = {}
    # Stable: the order of the sheet stays.
    for entry in sorted(entries, key=lambda entry: STAGES.index(entry.stage)):
        losses.setdefault(entry.slide_id, None)
        if entry.status == OK and entry.stage not in ("slides", "tissue"):
            unread.pop(entry.slide_id, None)
        elif entry.status == SET_ASIDE and entry.is_lost_here and entry.reason == FEATURES_ONLY:
            unread[entry.slide_id] = entry
        elif entry.status == SET_ASIDE and entry.is_lost_here:
            losses[entry.slide_id] = losses[entry.slide_id] or entry
    return {slide: loss or unread.get(slide) for slide, loss in losses.items()}


def judge(entries: Sequence[Entry], max_failed_fraction: float, table: str) -> None:
    """Raise TooManySetAside with the counts by reason if too many of the slides of a stage were set aside.

    entries: of one part; what stages before it set aside counts, what the sheet excludes or has no file of doesn't.
    table: where the slides are listed, for the message.
    """
    counts = Counter(entry.reason for entry in entries if entry.status != OK and entry.reason not in ALLOWED)
    total = sum(entry.reason not in ALLOWED for entry in entries)
    failed = counts.total()
    if total and failed / total > max_failed_fraction:
        lines = "\n".join(f"  {number:6d} {reason}: {REASONS[reason]}" for reason, number in counts.most_common())
        raise TooManySetAside(
            f"{failed} of {total} slides were set aside, more than max_failed_fraction = {max_failed_fraction:g} of "
            f"the config allows:\n{lines}\nSee {table}; fix or exclude the slides (keep = no), or allow more."
        )
