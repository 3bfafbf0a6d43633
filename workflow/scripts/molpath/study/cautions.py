"""What a reader should look at before believing the numbers: leaks, failed controls, probes and runs."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence

from ..common.ledger import Entry
from ..common.reasons import OK
from .config import Places
from .endings import tail_of
from .models import Models
from .probing import Probing
from .sheets import read_sheet

#: How many models, tasks or cases a line names.
NAMED = 3
#: Beginnings of notes of the summaries of probes (probe/controls.py, probe/results.py), and what is said about them.
NOTES = (
    ("permuted labels are off chance", "the control with permuted labels is off chance"),
    ("the site alone predicts the label", "the site alone predicts the label"),
    ("the area of tissue alone predicts the label", "the area of tissue alone predicts the label"),
    ("a case is on both sides", "a case is on both sides of a fold"),
    ("at chance on its own training side", "a fine-tuned network did not learn its own training side"),
)
#: What is said about rows of omics/leakage.tsv by their action, with the place in words.
LEAKS = {
    "error": "cases are in pretraining and on a test side",
    "allowed": "cases are in pretraining and on a test side, which omics/allow_leakage permits",
}
UNTRAINED = "Untrained:"


class Cautions:
    """Read from the tables in the results folder that exist."""

    def __init__(self, places: Places, models: Models, probing: Probing) -> None:
        self.places, self.models, self.probing = places, models, probing

    def lines(self, stages: Collection[str], entries: Sequence[Entry]) -> list[str]:
        """A line for each, with the file that says more. entries: of the ledger, as far as the stages."""
        cautions: list[str] = self._of_leaks() if {"omics", "pretrain", "probe"} & set(stages) else []
        cautions += self._of_runs(entries) if "pretrain" in stages else []
        cautions += [*self._of_confounders(), *self._of_encoders(), *self._of_probes()] if "probe" in stages else []
        return cautions

    def _of_leaks(self) -> list[str]:
        path = "<results>/omics/leakage.tsv"
        rows = self._read(path)
        lines = []
        for action, message in LEAKS.items():
            cases = dict.fromkeys(row["case_id"] for row in rows if row["action"] == action)
            lines += [f"leakage: {len(cases):,} {message}: {some(cases)} ({self._path(path)})"] * bool(cases)
        twins = {row["case_id"] for row in rows if row["action"] == "listed" and not row["task"]}
        message = "cases share an expression profile with another case, so one of the two is mislabelled"
        lines += [f"profiles: {len(twins):,} {message}: {some(sorted(twins))} ({self._path(path)})"] * bool(twins)
        return lines

    def _of_runs(self, entries: Sequence[Entry]) -> Iterable[str]:
        """Runs that learned nothing, and those with fewer cases than a batch holds."""
        for run in self.models.used_runs:
            log = self._path(f"<results>/logs/pretrain/runs/{run}.log")
            is_trained = os.path.isfile(self._path(f"<results>/pretrain/runs/{run}/model.safetensors"))
            if not is_trained and UNTRAINED in (log_tail := tail_of(log)):
                reason = log_tail.rsplit(UNTRAINED, 1)[1].strip().splitlines()[0]
                yield f"pretraining {run}: nothing was learned: {reason} ({log})"
            run_entries = [entry for entry in entries if entry.stage == "pretrain" and entry.model == run]
            cases = {entry.case_id for entry in run_entries if entry.status == OK}
            batch = self.models.runs[run]["training"]["batch_size"]
            if run_entries and len(cases) < batch:
                yield (
                    f"pretraining {run}: {len(cases):,} cases with slide and profile, fewer than the {batch:,} of a "
                    "batch (training/batch_size): each is contrasted with few others"
                )

    def _of_confounders(self) -> Iterable[str]:
        """Columns of cases that explain a score, or a part of it."""
        path = "<results>/tables/confounders.tsv"
        rows = self._read(path)
        for verdict, verb in (("explained", "can be explained by"), ("partly", "go partly with")):
            verdict_rows = [row for row in rows if row["verdict"] == verdict]
            tasks = dict.fromkeys(row["task"] for row in verdict_rows)
            columns = dict.fromkeys(row["column"] for row in verdict_rows)
            if verdict_rows:
                yield f"confounders: scores on {some(tasks)} {verb} {some(columns)} ({self._path(path)})"

    def _of_encoders(self) -> Iterable[str]:
        """Networks pretrained by their authors on a programme whose cases are tested."""
        path = "<results>/tables/encoder_cohorts.tsv"
        rows = self._read(path)
        for programme in dict.fromkeys(row["programme"] for row in rows):
            programme_rows = [row for row in rows if row["programme"] == programme]
            networks, tasks = (dict.fromkeys(row[column] for row in programme_rows) for column in ("network", "task"))
            yield (
                f"encoders: {some(networks)} learned from slides of {programme}, which test sides of {len(tasks):,} "
                f"tasks hold: scores there may be too good ({self._path(path)})"
            )

    def _of_probes(self) -> Iterable[str]:
        """Controls off chance, folds without a result, Cox models without a coefficient."""
        rows = [row for path in self.probing.summaries() for row in self._read(path)]
        rows = [row for row in rows if row.get("primary") == "1"]
        noted = [(message, [row for row in rows if note in row["note"]]) for note, message in NOTES]
        # One of many fits to permuted labels may fail, or keep nothing.
        scored = [row for row in rows if not row["protocol"].endswith("permuted")]
        noted.append(("folds without a result", [row for row in scored if number(row, "n_failed")]))
        empty = [row for row in scored if number(row, "n_empty")]
        noted.append(("no coefficient kept, so that a score of 0.5 says nothing", empty))
        for message, noted_rows in noted:
            names = dict.fromkeys(f"{row['model']} on {row['task']}" for row in noted_rows)
            if names:
                yield f"probes: {message}: {len(noted_rows):,} of {len(rows):,} scores ({some(names)})"

    def _path(self, path: str) -> str:
        return path.replace("<results>", self.places.results, 1)

    def _read(self, path: str) -> list[dict[str, str]]:
        """Rows of a table; none of one that is missing."""
        return read_sheet(self._path(path)) if os.path.isfile(self._path(path)) else []


def some(names: Iterable[str]) -> str:
    """The first of some names, and whether there are more."""
    listed = list(names)
    return ", ".join(listed[:NAMED]) + (", …" if len(listed) > NAMED else "")


def number(row: dict[str, str], column: str) -> float:
    """A number of a row; 0 where there is none."""
    try:
        return float(row.get(column) or 0)
    except ValueError:
        return 0.0
