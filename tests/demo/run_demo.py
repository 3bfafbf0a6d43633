"""Run the workflow on the synthetic demo cohort, with one line of progress, and say where the results are.

The same Snakefile as for any cohort, with config/demo/config.yaml. A run that was killed is taken up again:
if the process this script recorded is dead, Snakemake's lock is removed first.
"""

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SNAKEMAKE = [str(Path(sys.executable).with_name("snakemake")), "--configfile", "config/demo/config.yaml"]
PID_FILE = ROOT / ".demo.pid"
REPORT, LAST = ROOT / "results/report.html", ROOT / "results/benchmarks/resources.html"


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


def main() -> int:
    """Run, write the report, and say where things are."""
    unlock_if_killed()
    # The line of progress, warnings and errors: all else is in .snakemake/log.
    shown = os.environ | {"MOLPATH_PROGRESS": "only"}
    process = subprocess.Popen(SNAKEMAKE, cwd=ROOT, env=shown, preexec_fn=end_with_parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is Snakemake's to answer
    PID_FILE.write_text(str(process.pid))
    if process.wait():
        print("The run stopped. All that it said: .snakemake/log", file=sys.stderr)
        return process.returncode
    PID_FILE.unlink(missing_ok=True)
    if not REPORT.exists() or REPORT.stat().st_mtime < LAST.stat().st_mtime:
        style = ["--report-stylesheet", "workflow/report/report.css"]
        subprocess.run([*SNAKEMAKE, "--report", str(REPORT), *style, "--quiet", "all"], cwd=ROOT, check=True)
    print("\nSynthetic demo cohort; nothing here says anything about patients.")
    print("  metrics table   results/tables/metrics.tsv")
    print("  slide quality   results/tables/slides.tsv")
    print("  comparison      results/tables/comparison.tsv")
    print("  report          results/report.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
