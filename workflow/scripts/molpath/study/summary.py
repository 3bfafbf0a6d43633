"""What happened to the slides, in plain words for the terminal: how many are done, set aside, why, where to look."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from ..common.ledger import LEFT_OUT, STAGES, Count, Entry, Gathering, Part, count, first_losses
from ..common.reasons import FEATURES_ONLY, REASONS, SET_ASIDE
from .config import Places
from .ledger import Ledger
from .probing import Probing
from .sheets import read_sheet

#: Stage words in the order of the data.
WORDS = ("slides", "tissue", "tiles", "features", "omics", "pretrain", "embed", "probe")
#: How many slides a line names, and how wide a line may be on the widest terminal.
NAMED, WIDEST = 3, 110
#: Width of a line that is never wrapped.
UNBROKEN = 1 << 20
LEDGER_TABLE = "<results>/tables/ledger.tsv"
HEADER = ("stage", "of", "done", "set aside", "")


class Summary:
    """Read from the manifests below the results folder: at any time, also of a run that failed."""

    def __init__(self, places: Places, ledger: Ledger, probing: Probing) -> None:
        self.places, self.ledger, self.probing = places, ledger, probing
        self.models, self.targets, self.slides = ledger.models, ledger.targets, ledger.slides

    def text(self, targets: Collection[str] = (), entries: Sequence[Entry] | None = None) -> str:
        """The summary up to the last of the stage words; without any, of everything. '' before a slide is seen.

        entries: those as far as that, where they have been read.
        """
        stages = stages_of(targets)
        entries = self.entries(stages) if entries is None else entries
        if not entries:
            return ""
        width = min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns)
        kind = "slides" if self.slides.path else "samples"
        lines = [f"What happened to the {len(self.slides.rows):,} {kind} of {self.slides.source_name}", ""]
        lines += columns([HEADER, *self.rows(entries, stages)])
        lines += losses(entries, len(self.slides.rows), width)
        return "\n".join(lines + self._where(entries, is_complete=not targets))

    def rows(self, entries: Sequence[Entry], stages: Collection[str]) -> list[Sequence[str]]:
        """Rows below HEADER, in the order of the stages."""
        rows = [*self._parts(entries, stages), *self._other_stages(stages)]
        return sorted(rows, key=lambda row: WORDS.index(row[0]))

    def losses(self, entries: Sequence[Entry]) -> list[str]:
        """How many slides were set aside, then a sentence for each stage and reason; of no entries, none."""
        lines = losses(entries, len(self.slides.rows), width=UNBROKEN) if entries else []
        return [line.strip().replace("  ", " in stage ", 1) for line in lines if line]

    def lost_before(self, made_files: Collection[str]) -> Counter[str]:
        """Reasons for which slides were set aside before a run that makes certain files."""
        losses = first_losses(self.entries(without=made_files)).values()
        return Counter(loss.reason for loss in losses if loss and loss.reason != FEATURES_ONLY)

    def entries(self, stages: Collection[str] = STAGES, without: Collection[str] = ()) -> list[Entry]:
        """The ledger's entries from the manifests that are there and no older than those they were made of.

        without: paths of manifests that don't count.
        """
        gathering = Gathering(self.slides.rows)
        for part, paths in self._manifests(stages).items():
            current_paths = [path for path in paths if self._path(path) not in without and self._is_current(part, path)]
            if part.stage == "pretrain":
                self._add_run(gathering, part, current_paths)
            else:
                gathering.add(part, self._read(current_paths))
        return gathering.entries

    def _manifests(self, stages: Collection[str]) -> dict[Part, list[str]]:
        """Every part with its manifests, in the order of the data; of a run, the indices of its store."""
        manifests = {Part("slides"): self.targets.slides(), Part("tissue"): self.targets.assessed()}
        manifests |= {Part("tiles", grid): self.ledger.tiles_of(grid) for grid in self.targets.tile_shards()}
        for source in self.models.used_sources():
            manifests[Part("features", *source)] = self.models.feature_manifests(*source)
        for run, entry in self.ledger.runs().items():
            manifests[Part("pretrain", entry["grid"], entry["encoder"], run)] = self.ledger.packed_of(run)
        for model, patch_source in self.ledger.sources().items():
            grid, encoder = patch_source or ("", "")
            manifests[Part("embed", grid, encoder, model)] = [f"<results>/embed/{model}/slides.tsv"]
        return {
            part: paths for part, paths in manifests.items() if part.stage in stages and (paths or self.slides.path)
        }

    def _is_current(self, part: Part, path: str) -> bool:
        """True if a manifest is there and no older than those of the stage before: a failed run leaves old ones."""
        shard = os.path.basename(path)
        before = {
            "tissue": [f"<results>/slides/{shard}"],
            "tiles": [f"<results>/tissue/{shard}"],
            "features": [f"<results>/tiles/{part.grid}/{shard}"],
            "pretrain": [f"<results>/features/{part.grid}/{part.encoder}/{shard}"],
            "embed": [
                f"<results>/features/{part.grid}/{part.encoder}/{shard_name}.tsv"
                for shard_name in self.models.embedded_shards
            ]
            * bool(part.encoder),
        }.get(part.stage, [])
        written_at = self._time(path)
        return bool(written_at) and written_at >= max(map(self._time, before), default=0)

    def _time(self, path: str) -> int:
        """When a file was written (ns); 0 where there is none."""
        try:
            return os.stat(self._path(path)).st_mtime_ns
        except OSError:
            return 0

    def _add_run(self, gathering: Gathering, part: Part, indices: Sequence[str]) -> None:
        """A run of which weights are there. The list of its slides is a table of the report; it may not be there."""
        if not os.path.isfile(self._path(f"<results>/pretrain/runs/{part.model}/model.safetensors")):
            return
        settings = self.ledger.runs()[part.model]
        listed = f"<results>/tables/runs/{part.model}.tsv"
        trained = {row["slide_id"] for row in self._read([listed])} if os.path.isfile(self._path(listed)) else None
        packed = {row["slide_id"]: row for row in self._read(indices)}
        pairs = self._read(["<results>/omics/pairs.tsv"])
        gathering.add_run(part, settings["cohorts"], settings["modalities"], pairs, packed, trained)

    def _path(self, path: str) -> str:
        return path.replace("<results>", self.places.results, 1)

    def _read(self, paths: Iterable[str]) -> list[dict[str, str]]:
        """Rows of the files that are there."""
        return [row for path in paths for row in read_sheet(self._path(path))]

    # What the summary says.

    def _parts(self, entries: Sequence[Entry], stages: Collection[str]) -> list[Sequence[str]]:
        """A line of the table for each part."""
        n_expected, counts = dict(self._expected()), count(entries)
        n_entries = Counter(entry.part for entry in entries)
        left_out = Counter(entry.part for entry in entries if entry.status == LEFT_OUT)
        rows: list[Sequence[str]] = []
        for part in self._manifests(stages):
            number = counts.get(part) or Count(0, 0, Counter())
            waiting, unread = n_expected.get(part, 0) - n_entries[part], number.lost[FEATURES_ONLY]
            notes = [f"{left_out[part]:,} left out (no pair, or the run takes a part of them)"] * bool(left_out[part])
            notes += [f"{unread:,} without a raw file"] * bool(unread) + [f"{waiting:,} not reached"] * (waiting > 0)
            n_set_aside = number.lost.total() - left_out[part] - unread
            if part.stage != "pretrain" or n_entries[part]:
                rows.append((part.stage, name_of(part), f"{number.done:,}", f"{n_set_aside:,}", ", ".join(notes)))
        return rows

    def _expected(self) -> Iterable[tuple[Part, int]]:
        """How many slides each part has, by the sheet; a run's are known when it is there."""
        for part, paths in self._manifests(STAGES).items():
            if part.stage == "embed":
                yield part, len(self.models.embedded)
            elif part.stage != "pretrain":
                shards = [os.path.basename(path).removesuffix(".tsv") for path in paths]
                yield part, sum(len(self.slides.shards[shard]) for shard in shards)

    def _other_stages(self, stages: Collection[str]) -> list[Sequence[str]]:
        """Lines of the stages that are not of slides: what was paired, which probes are there."""
        rows: list[Sequence[str]] = []
        pairs = self._read(["<results>/omics/pairs.tsv"]) if "omics" in stages else []
        if pairs:
            paired = {row["slide_id"] for row in pairs if row["status"] == "paired"}
            unpaired = {
                row["slide_id"]: row["reason"] for row in pairs if row["slide_id"] and row["slide_id"] not in paired
            }
            reasons = ", ".join(f"{number:,} {reason}" for reason, number in Counter(unpaired.values()).most_common())
            note = f"{len(unpaired):,} slides in no pair: {reasons}" if unpaired else ""
            rows.append(("omics", "slides paired with profiles", f"{len(paired):,}", "", note))
            rows += self._profiles(pairs)
        for model in self.models.used if "embed" in stages else []:
            cases = self._read([f"<results>/embed/{model}/cases.tsv"])
            done = sum(row["status"] == "ok" for row in cases)
            rows += [("embed", f"cases of {model}", f"{done:,}", f"{len(cases) - done:,}", "")] * bool(cases)
        metrics = self.probing.metrics() if "probe" in stages else []
        probed = [path for path in metrics if os.path.isfile(self._path(path))]
        if probed:
            # A pair "trained==tested" of transfer is no task of its own.
            tasks = {path.split("/")[-3].rpartition("==")[2] for path in probed}
            on_tasks = f"models and protocols on {len(tasks):,} task{'s' * (len(tasks) > 1)}"
            lacking = f"{len(metrics) - len(probed):,} not reached" if len(probed) < len(metrics) else ""
            rows.append(("probe", on_tasks, f"{len(probed):,}", "", lacking))
        return rows

    def _profiles(self, pairs: Sequence[Mapping[str, str]]) -> list[Sequence[str]]:
        """The line of the profiles."""
        paired = {row["profile_id"] for row in pairs if row["status"] == "paired"}
        unpaired = {
            row["profile_id"]: row["reason"] for row in pairs if row["profile_id"] and row["status"] != "paired"
        }
        reasons = Counter(reason for profile, reason in unpaired.items() if profile not in paired)
        note = ", ".join(f"{number:,} {reason}" for reason, number in reasons.most_common())
        return [("omics", "profiles paired with slides", f"{len(paired):,}", "", note)]

    def _where(self, entries: Sequence[Entry], is_complete: bool) -> list[str]:
        """Files that say which slide, and why in full; a refused table is next to its place."""
        parts = [part for part in dict.fromkeys(entry.part for entry in entries) if part.stage != "pretrain"]
        last = max(STAGES.index(part.stage) for part in parts)
        files = list(dict.fromkeys(path_of(part) for part in parts if STAGES.index(part.stage) == last))
        if is_complete and os.path.isfile(self._path(LEDGER_TABLE)):
            files = [LEDGER_TABLE]
        manifest_paths = dict.fromkeys(path_of(part) for part in self._manifests(STAGES) if part.stage != "pretrain")
        paths = [self._path(path) for path in files] + [f"{self._path(path)}.refused" for path in manifest_paths]
        existing = [path for path in paths if os.path.isfile(path)]
        return ["", f"Every slide, with its reason in full: {', '.join(existing)}"] if existing else []


def stages_of(targets: Collection[str]) -> tuple[str, ...]:
    """Stages that the last of the stage words needs, itself included; all of them without a word."""
    stage_words = [word for word in WORDS if word in targets]
    if not stage_words:
        return WORDS
    needed = WORDS[: WORDS.index(stage_words[-1]) + 1]
    return tuple(word for word in needed if stage_words[-1] != "omics" or word not in ("tiles", "features"))


def name_of(part: Part) -> str:
    """Grid, encoder and model of a part; for models and runs just the name."""
    return part.model or ", ".join(filter(None, (part.grid, part.encoder)))


def path_of(part: Part) -> str:
    """The table of the slides of a part."""
    if part.stage == "embed":
        return f"<results>/embed/{part.model}/slides.tsv"
    if part.stage in ("slides", "tissue"):
        return "<results>/tables/slides.tsv"
    return f"<results>/tables/ledger/{'/'.join(filter(None, (part.grid, part.encoder)))}.tsv"


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines of aligned columns; the third and fourth hold numbers and are right-aligned."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        "  " + "  ".join(
            cell.rjust(width) if place in (2, 3) else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]  # fmt: skip


def losses(entries: Sequence[Entry], total: int, width: int) -> list[str]:
    """How many slides were set aside anywhere, and by stage and reason: how many, what it means, some of them."""
    reason_of = {slide: loss.reason for slide, loss in first_losses(entries).items() if loss}
    if not reason_of:
        return ["", "No slide was set aside."]
    groups: dict[tuple[Part, str], list[str]] = {}
    for entry in entries:
        # A slide without a raw file may have features; it is reported only where it has none.
        hidden = entry.reason == FEATURES_ONLY != reason_of.get(entry.slide_id)
        if entry.status == SET_ASIDE and entry.is_lost_here and not hidden:
            groups.setdefault((entry.part, entry.reason), []).append(entry.slide_id)
    lines = ["", f"Set aside: {len(reason_of):,} of {total:,} slides"]
    for (part, reason), slides in groups.items():
        named = ", ".join(slides[:NAMED]) + (", …" if len(slides) > NAMED else "")
        text = f"{len(slides):6,d}  {part.stage}, {reason}: {REASONS.get(reason, '')} ({named})"
        lines += textwrap.wrap(text, width, subsequent_indent=" " * 8, drop_whitespace=True, initial_indent="")
    return lines
