"""Run the workflow on the synthetic demo cohort, with one line of progress, and say where the results are.

The same Snakefile as for any cohort, with config/demo/config.yaml. A run that was killed is taken up again:
if the process this script recorded is dead, Snakemake's lock is removed first.
"""

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
QUIET_S = 6
SNAKEMAKE = [str(Path(sys.executable).with_name("snakemake")), "--configfile", "config/demo/config.yaml"]
PID_FILE = ROOT / ".demo.pid"
LOG = ROOT / "results" / "logs" / "demo.log"
STEPS = re.compile(r"(\d+) of (\d+) steps")
MESSAGE = re.compile(r"(?:Job|Localrule job|local job) \d+: (.+)")


def is_alive(pid: int) -> bool:
    """True if a process with this id runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def unlock_if_killed() -> None:
    """Remove the lock that a killed run left; refuse to run beside a living one."""
    if not PID_FILE.exists():
        return
    pid = int(PID_FILE.read_text() or 0)
    if pid and is_alive(pid):
        sys.exit(f"another `make demo` is running (process {pid})")
    subprocess.run([*SNAKEMAKE, "--unlock"], cwd=ROOT, check=True, capture_output=True)


def end_with_parent() -> None:
    """Ask Linux to end Snakemake when this script ends, however it ends (prctl PR_SET_PDEATHSIG)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Watcher:
    """Reads Snakemake's output into the log and shows how far the jobs are."""

    def __init__(self, process: subprocess.Popen):
        self.process, self.started = process, time.time()
        self.steps, self.total, self.idle, self.message = 0, 0, False, ""
        self.tail: list[str] = []

    def read(self) -> None:
        """Copy output to the log; remember the steps done and the last lines."""
        with LOG.open("a", encoding="utf-8") as log:
            for line in self.process.stdout:
                log.write(line)
                self.tail = [*self.tail[-60:], line]
                self.idle = self.idle or "Nothing to be done" in line
                if match := MESSAGE.match(line):
                    self.message = match[1].strip()
                if match := STEPS.search(line):
                    self.steps, self.total = int(match[1]), int(match[2])

    def line(self) -> str:
        """One line: time, stage, slides done, patches a second, time left in the stage, steps of the whole."""
        seconds = int(time.time() - self.started)
        parts = [f"{seconds // 60}:{seconds % 60:02d}"]
        if stage := newest_stage(self.started) or self.message:
            parts.append(stage)
        if self.total:
            parts.append(f"steps {self.steps} of {self.total}")
        return " | ".join(parts)

    def show(self) -> None:
        """Show the line until the process ends: rewritten on a terminal, now and then elsewhere."""
        on_terminal, shown = sys.stdout.isatty(), 0.0
        while self.process.poll() is None:
            if on_terminal:
                print(f"\r\033[K{self.line()}", end="", flush=True)
            elif time.time() - shown > 15:
                shown = time.time()
                print(self.line(), flush=True)
            time.sleep(1)
        print(("\r\033[K" if on_terminal else "") + self.line(), flush=True)


def newest_stage(since: float) -> str:
    """What the most recently active stage says, summed over its jobs of this run."""
    states = []
    for path in (ROOT / "results" / "logs").rglob("*.progress"):
        try:
            state = json.loads(path.read_text())
        except (OSError, ValueError):
            continue  # written this very moment
        if state["updated"] >= since:
            states.append(state)
    if not states or max(state["updated"] for state in states) < time.time() - QUIET_S:
        return ""  # none of the jobs that run now counts anything
    stage = max(states, key=lambda state: state["updated"])["stage"]
    states = [state for state in states if state["stage"] == stage]
    done, patches = sum(s["done"] for s in states), sum(s["patches"] for s in states)
    begun, last = min(s["started"] for s in states), max(s["updated"] for s in states)
    unit, total = states[0]["unit"], sum(s["total"] for s in states)
    if unit == "slides":
        total = max(total, slide_count())
    text = f"{stage}: {done} of {total} {unit}"
    elapsed = last - begun
    if patches and elapsed > 2:
        text += f", {patches / elapsed:.0f} patches/s"
        if busy := [s["encoder_busy"] for s in states if "encoder_busy" in s]:
            text += f", encoder busy {sum(busy) / len(busy):.0%}"
    if 0 < done < total and elapsed > 2:
        text += f", about {elapsed * (total - done) / done:.0f} s left in this stage"
    return text


def slide_count() -> int:
    """Slides of the demo's sheet."""
    lines = (ROOT / "config" / "demo" / "slides.tsv").read_text().splitlines()
    return sum(1 for line in lines if line and not line.startswith("#")) - 1


def main() -> int:
    """Run, watch, write the report, and say where things are."""
    unlock_if_killed()
    LOG.parent.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        SNAKEMAKE,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        preexec_fn=end_with_parent,
    )
    PID_FILE.write_text(str(process.pid))
    watcher = Watcher(process)
    reader = threading.Thread(target=watcher.read, daemon=True)
    reader.start()
    watcher.show()
    reader.join(timeout=10)
    if process.returncode:
        print("".join(watcher.tail), file=sys.stderr)
        print(f"The run stopped. All output: {LOG.relative_to(ROOT)}", file=sys.stderr)
        return process.returncode
    PID_FILE.unlink(missing_ok=True)
    report = ROOT / "results" / "report.html"
    if watcher.idle:
        print("Nothing to be done: everything is there and up to date.")
    if not watcher.idle or not report.exists():
        style = ["--report-stylesheet", "workflow/report/report.css"]
        subprocess.run([*SNAKEMAKE, "--report", str(report), *style, "--quiet", "all"], cwd=ROOT, check=True)
    print("\nSynthetic demo cohort; nothing here says anything about patients.")
    print("  metrics table   results/tables/metrics.tsv")
    print("  slide quality   results/tables/slides.tsv")
    print("  comparison      results/tables/comparison.tsv")
    print("  report          results/report.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
