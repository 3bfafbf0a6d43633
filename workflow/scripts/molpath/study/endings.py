"""How runs end early, with a sentence and a remedy for each; what would end a run is checked as it starts."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from .problems import Problems

AGAIN = "Start it again: it continues from what is finished."
AT_ONCE = (
    f"The run ended at once (Ctrl-C twice, or an error of Snakemake's own). {AGAIN} If that says the folder is locked "
    "and no other run is in it: `snakemake --unlock`, then once more."
)
#: Patterns in Snakemake's log and the sentence for each. Of each group, the first match counts.
ENDINGS = (
    (r"Terminating processes on user request", f"The run was stopped (Ctrl-C). {AGAIN}"),
    (
        r"Will exit after finishing currently running jobs",
        f"The run was asked to end (SIGTERM): jobs under way finished, and no other began. {AGAIN}",
    ),
    (
        r"No space left on device|Disk quota exceeded|Errno (28|122|27)\b",
        "A disk or a quota is full: make room, or name another disk. `snakemake plan` says what a run writes. " + AGAIN,
    ),
    (
        r"Read-only file system|Errno 30\b",
        "A folder can't be written to any more: mount it for writing (`mount | grep ' ro'` names it). " + AGAIN,
    ),
    (
        r"OUT_OF_MEMORY|oom[-_ ]kill|MemoryError|died with <Signals\.SIGKILL|exit status 137|exit code 137",
        "A job was killed, most often for lack of memory: give its rule more (`--set-resources RULE:mem_mb=…`), or run "
        f"fewer jobs at once (`--cores`, `--jobs`). {AGAIN}",
    ),
    (
        r"TooManySetAside",
        "More slides were set aside than slides/max_failed_fraction allows: fix them, leave them out (keep = no), or "
        f"allow more. {AGAIN}",
    ),
    (
        r"clock skew",
        "Clocks of machines or of the file system disagree: set them by NTP; `snakemake doctor` says by how much. "
        + AGAIN,
    ),
)
#: Targets that only look: they report themselves what is wrong with a folder.
LOOKING = frozenset(("doctor", "plan", "summary", "verify", "verify_slides", "orphans", "refused", "compare_features"))
#: Seconds between the clocks of this machine and of the file system above which times of files mislead.
SKEW_S = 2.0


def state_of(path: str) -> tuple[int, int]:
    """Size and time of a file; of one that is missing (0, 0)."""
    try:
        status = os.stat(path)
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


#: Where Snakemake's log names that of a failed job, and how much of a log is read, from its end.
JOB_LOG, MOST = r"(?m)^ +log: (\S+) \(check log", 1_000_000


def tail_of(path: str) -> str:
    """The last of a log; nothing of one that is missing."""
    if not os.path.isfile(path):
        return ""
    with open(path, "rb") as handle:
        handle.seek(max(0, os.path.getsize(path) - MOST))
        return handle.read().decode("utf-8", errors="replace")


class Endings:
    """What can be reported at a run's end. sheets: files that are read at its start, and should stay as they are."""

    def __init__(self, results: str, sheets: Iterable[str]) -> None:
        self.results = results
        self.under_way = False
        # One that doesn't exist yet is made by the run.
        self.read = {path: state_of(path) for path in dict.fromkeys(sheets) if path and os.path.exists(path)}

    def check_start(
        self,
        targets: Iterable[str],
        arguments: Sequence[str],
        lacking: Sequence[str] = (),
        lacks: Iterable[tuple[str, str, str]] = (),
    ) -> list[str]:
        """Look at the results folder before the first job; returns notes, raises ProblemsFound.

        targets: names of the target rules; arguments: of the command line; lacking: packages that jobs need and don't
        have where Snakemake runs; lacks: of packages that single jobs need, where, what is wrong, what to do.
        """
        self.under_way = True
        notes = []
        if "--nolock" in arguments:
            notes.append(
                "note: --nolock keeps no second run out of this folder: files stay whole, but both make the same ones"
            )
        if (target_names := set(targets)) and target_names <= LOOKING:
            return notes
        problems = Problems()
        if lacking:
            problems.add(
                "this environment",
                f"has no {', '.join(lacking)}, which jobs import",
                "add `--sdm conda`, so that each rule gets an environment of its own; or run `make env` in a clone and "
                "use its .venv/bin/snakemake",
            )
        for lack in [] if lacking else lacks:
            problems.add(*lack)
        if os_umask() & 0o700:
            wrong = f"a umask of {os_umask():04o}, with which this run can't use what it writes"
            problems.add("umask", wrong, "set another one, such as `umask 0022`")
        skew = self._write_something(problems)
        self.under_way = not problems.found
        problems.stop()
        if abs(skew) > SKEW_S:
            ahead = "ahead of" if skew > 0 else "behind"
            notes.append(
                f"note: the clock of {self.results} is {abs(skew):.0f} s {ahead} this machine's: jobs may be refused "
                "or run again for it; set clocks by NTP"
            )
        return notes

    def _write_something(self, problems: Problems) -> float:
        """Seconds by which the clock of the results folder is ahead; a problem where nothing can be written there."""
        place = Path(os.path.abspath(self.results))
        place = next(folder for folder in (place, *place.parents) if folder.exists())
        try:
            with tempfile.TemporaryDirectory(prefix=".tmp-start-", dir=place) as scratch:
                before, probe = time.time(), Path(scratch) / "file"
                probe.write_bytes(b"x" * 4096)
                written, after = probe.stat().st_mtime, time.time()
        except OSError as error:
            problems.add(
                self.results,
                f"can't be written to: {error.strerror or error}",
                "change its owner or mode, mount it for writing, make room, or name another folder",
            )
            return 0.0
        return max(0.0, written - after) or min(0.0, written - before)

    def text(self, logs: Iterable[str], well: bool = False) -> str:
        """Sentences on an ending, by Snakemake's logs of the run; '' where there is nothing to report.

        well: the run finished; failures in its logs were retried and are over.
        """
        self.under_way = False
        log_text = "\n".join(map(tail_of, [] if well else logs))
        log_text += "\n".join(map(tail_of, dict.fromkeys(re.findall(JOB_LOG, log_text))))
        sentences = [sentence for pattern, sentence in ENDINGS if re.search(pattern, log_text)]
        changed = [path for path, state in self.read.items() if state_of(path) != state]
        if changed:
            sentences.append(
                f"{', '.join(changed)} changed while the run went on, which used the rows as they were at its start. "
                "Start it again: what depends on the changes is made again."
            )
        return "\n".join(sentences)

    def say_at_once(self) -> None:
        """A sentence as Python ends (for `atexit`), where a run was under way and Snakemake reported no end."""
        if self.under_way:
            print(f"\n{AT_ONCE}", file=sys.stderr, flush=True)


def os_umask() -> int:
    """The umask of this process, which can only be read by setting it."""
    umask = os.umask(0o077)
    os.umask(umask)
    return umask
