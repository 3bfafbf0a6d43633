"""What every job script does first: log to its file, check its inputs, and end when the workflow ends."""

from __future__ import annotations

import atexit
import ctypes
import faulthandler
import logging
import os
import signal
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from . import job_files

_PR_SET_PDEATHSIG = 1


class ShadowedLibrary(RuntimeError):
    """The library that was imported is not the one in the folder of the job's script."""


def check_library() -> None:
    """Raise ShadowedLibrary unless this module is below the first folder of the path, where job scripts put theirs.

    Snakemake puts the folder of a script last: a copy on PYTHONPATH, or installed beside Snakemake, would run instead
    of the code that provenance names.
    """
    imported, expected = Path(__file__).resolve().parents[2], Path(sys.path[0]).resolve()
    if imported != expected:
        raise ShadowedLibrary(
            f"this job would run the library in {imported}, not the workflow's own in {expected}: take the other one "
            "off PYTHONPATH, or uninstall it, and start again"
        )


def start(job: Any) -> None:
    """Begin a job: `job` is what Snakemake calls `snakemake` in scripts.

    Its log gets stderr, logging and uncaught exceptions; it dies with its parent process; what it makes is recorded if
    it ends well. Raises ChangedInput where an input isn't what another job left.
    """
    status = _send_to(str(job.log[0]))
    outputs = [str(path) for path in job.output]
    job_files.check(job.input)
    job_files.forget(outputs)
    results, process = job_files.results_of(str(job.log[0]), outputs), os.getpid()

    def end() -> None:
        if not status["failed"] and os.getpid() == process:
            job_files.record(outputs, results)

    atexit.register(end)


def _send_to(log_path: str) -> dict[str, bool]:
    """Send stderr, logging and uncaught exceptions of this job to `log_path`; die with the parent process.

    The tail of an uncaught exception's message also goes to the terminal, so that a reader need not open
    the log for the first sentence. Returns whether the job has `failed`, which an uncaught exception changes.
    """
    die_with_parent()
    check_library()
    terminal = os.dup(2)
    log = open(log_path, "w", encoding="utf-8", buffering=1)  # noqa: SIM115 (stays open for the whole job)
    os.dup2(log.fileno(), 2)
    sys.stderr = log
    faulthandler.enable(log)
    logging.basicConfig(
        level=logging.INFO, stream=log, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True
    )
    logging.captureWarnings(True)
    status = {"failed": False}

    def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        status["failed"] = True
        logging.getLogger("molpath").error("job failed", exc_info=(kind, error, trace))
        # Not behind the line of progress, which is drawn again below this.
        erase = "\r\033[K" if os.isatty(terminal) and os.environ.get("TERM", "dumb") != "dumb" else ""
        os.write(terminal, f"{erase}{kind.__name__}: {error}\n(log: {log_path})\n".encode())

    sys.excepthook = report
    return status


def die_with_parent() -> None:
    """Ask Linux to end this process when its parent ends (prctl PR_SET_PDEATHSIG); elsewhere nothing.

    An orphaned script would go on writing the output of the job that takes its place (a killed Snakemake
    leaves its children alone).
    """
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent ended before the request was made
        os.kill(os.getpid(), signal.SIGKILL)
