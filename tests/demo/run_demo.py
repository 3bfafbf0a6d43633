"""Run the workflow on two synthetic cohorts, with one line of progress, and show what came out.

The same Snakefile as for any cohort: config/demo/config.yaml takes a few drawn slides through every stage, and
config/demo/pairs.yaml thousands of drawn patch features and profiles, which are enough to learn from. A run that was
killed is taken up again: if the process this script recorded is dead, Snakemake's lock is removed first.
"""

import csv
import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PID_FILE = ROOT / ".demo.pid"
GIVEN, SEED = ROOT / "resources/demo/pairs", 2
PICTURE = "results/pairs/figures/planted/threads-s0/P02632-1/immune"
CURVE = "results/pairs/figures/label_curve.tsv"
PREDICTED = "results/pairs/predict/threads-s0"
CONFOUNDED = "results/pairs/tables/confounders/synthetic--panel_call"


class Part(NamedTuple):
    """A cohort of the demo: its config, what is asked for (nothing: all), and the file that is made last."""

    name: str
    config: str
    targets: tuple[str, ...]
    last: str

    @property
    def snakemake(self) -> list[str]:
        """The command."""
        program = str(Path(sys.executable).with_name("snakemake"))
        return [program, *self.targets, "--configfile", f"config/demo/{self.config}.yaml"]

    @property
    def report(self) -> Path:
        """Its report."""
        return ROOT / "results" / self.name / "report.html"


PARTS = (
    Part("pixels", "config", (), "results/pixels/benchmarks/resources.html"),
    Part(
        "pairs",
        "pairs",
        (
            *(f"{PICTURE}.svg", "results/pairs/tables/metrics.html", "results/pairs/tables/ledger.tsv", "predict"),
            *("results/pairs/tables/confounders.html", f"{CONFOUNDED}.html", "results/pairs/tables/robustness.html"),
        ),
        f"{PICTURE}.svg",
    ),
)
#: Rows of the table at the end, by kind of model in the curve.
ROWS = {
    "mean": "mean pooling of the patches",
    "random": "slide encoder, not trained",
    "shuffled": "slide encoder, trained on shuffled pairs",
    "threads": "slide encoder, pretrained",
    "oracle": "the planted levels themselves",
}


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
    """Remove the lock that a killed run left; refuse to run next to a running one."""
    if not PID_FILE.exists():
        return
    pid = int(PID_FILE.read_text() or 0)
    if pid and is_alive(pid):
        sys.exit(f"another `make demo` is running (process {pid})")
    subprocess.run([*PARTS[0].snakemake, "--unlock"], cwd=ROOT, check=True, capture_output=True)


def end_with_parent() -> None:
    """Ask Linux to end Snakemake when this script ends, however it ends (prctl PR_SET_PDEATHSIG)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def draw_pairs() -> None:
    """Draw the files of the second cohort, unless they are there; a folder of that name is whole."""
    if not (GIVEN / "new").exists():
        print("Drawing the features and profiles of 3,100 synthetic cases, and 560 to predict", flush=True)
        GIVEN.parent.mkdir(parents=True, exist_ok=True)
        library = os.environ | {"PYTHONPATH": str(ROOT / "workflow/scripts")}
        command = [sys.executable, "-m", "molpath.demo.new_pairs", str(GIVEN), str(SEED)]
        subprocess.run(command, cwd=ROOT, check=True, env=library)


def run(part: Part) -> int:
    """Run a part of the demo and write its report; Snakemake's exit code."""
    # The line of progress, warnings and errors: all else is in .snakemake/log.
    shown = os.environ | {"MOLPATH_PROGRESS": "only"}
    process = subprocess.Popen(part.snakemake, cwd=ROOT, env=shown, preexec_fn=end_with_parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is Snakemake's to answer
    PID_FILE.write_text(str(process.pid))
    if process.wait():
        print("The run stopped. All that it said: .snakemake/log", file=sys.stderr)
        return process.returncode
    PID_FILE.unlink(missing_ok=True)
    if not part.report.exists() or part.report.stat().st_mtime < (ROOT / part.last).stat().st_mtime:
        style = ["--report-stylesheet", "workflow/report/report.css"]
        command = [*part.snakemake, "--report", str(part.report), *style, "--quiet", "all"]
        subprocess.run(command, cwd=ROOT, check=True)
    return 0


def result() -> str:
    """The curve over labels as a table of five rows, and the gain in a sentence."""
    with (ROOT / CURVE).open() as handle:
        points = {(row["kind"], int(row["shots"])): row for row in csv.DictReader(handle, delimiter="\t")}
    shots = sorted({count for _, count in points} - {0}) + [0]
    heads = [f"{2 * count} labels" if count else "all labels" for count in shots]
    lines = [f"{'AUC of linear probes, mean of 3 tasks':42}" + "".join(f"{head:>12}" for head in heads)]
    for kind, words in ROWS.items():
        lines.append(f"  {words:40}" + "".join(f"{float(points[kind, count]['auc']):12.3f}" for count in shots))
    best = points["threads", 32]
    gain, low, high = (float(best[name]) for name in ("gain", "gain_lower", "gain_upper"))
    lines.append(
        f"With 64 labels the pretrained encoder (mean of {best['seeds']} seeds) is ahead of mean pooling by {gain:.2f} "
        f"(95 % interval over cases {low:.2f} to {high:.2f})."
    )
    return "\n".join(lines)


def predictions() -> str:
    """What predictions of later cases are worth, in sentences."""
    sys.path.insert(0, str(ROOT / "workflow/scripts"))
    from molpath.demo.predicted import worth

    tables = {path.parent.name: path for path in sorted((ROOT / PREDICTED).glob("*/predictions.tsv"))}
    tasks, scanners = worth(tables, GIVEN / "new/cases.tsv")
    least, mean, highest = tasks.coverage.min(), tasks.coverage.mean(), tasks.coverage.max()
    flagged = ", ".join(f"{row.flagged:.0%} of scanner {row.scanner}" for row in scanners.itertuples())
    return (
        f"Of {tasks.cases.max()} later cases, 90 % sets of {len(tasks)} tasks hold the truth in "
        f"{mean:.0%} ({least:.0%} to {highest:.0%}).\nCalibration error {tasks.ece.mean():.3f}, after scaling "
        f"{tasks.ece_scaled.mean():.3f}. Flagged as unlike the training cases: {flagged}."
    )


def main() -> int:
    """Run both parts, and say what came out and where it is."""
    unlock_if_killed()
    draw_pairs()
    for part in PARTS:
        if code := run(part):
            return code
    print("\nSynthetic data; nothing here says anything about patients.\n")
    print(result())
    print(predictions())
    print(f"\n  picture                              {PICTURE}.svg")
    print(f"  predictions of later cases           {PREDICTED}/<task>/predictions.html")
    print(f"  a score that the hospital explains   {CONFOUNDED}.html")
    print("  report of the given pairs            results/pairs/report.html")
    print("  report of the drawn slides           results/pixels/report.html")
    print("  status of every drawn slide          results/pixels/tables/ledger.tsv")
    return 0


if __name__ == "__main__":
    sys.exit(main())
