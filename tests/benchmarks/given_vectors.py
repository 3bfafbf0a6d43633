"""One table of 4,000 embeddings and 5 tasks, probed from an empty folder by ten lines of config: seconds on 2 cores.

The CPU-seconds of all jobs say what it would take on cores that have nothing else to do: about half of them.
No slide sheet and no slide anywhere. With a folder as argument, the study is written and kept there.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

from projects import call_snakemake
from vector_study import write_study

REPOSITORY = Path(__file__).resolve().parents[2]
CASES, WIDTH, TASKS = 4000, 768, 5


def cpu_seconds() -> float:
    """CPU-seconds of all processes that have ended below this one."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    """Rows: target, cases, width, tasks, seconds, CPU-seconds."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(temporary)
        folder.mkdir(exist_ok=True)
        write_study(folder, CASES, WIDTH, TASKS)
        print("target\tcases\twidth\ttasks\tseconds\tcpu_seconds")
        for target in ("probe", "all"):
            began, spent = time.perf_counter(), cpu_seconds()
            done = call_snakemake(
                folder, REPOSITORY / "workflow/Snakefile", target, "--configfile", "config.yaml", "--cores", "2"
            )
            took = f"{time.perf_counter() - began:.0f}", f"{cpu_seconds() - spent:.0f}"
            print(target, CASES, WIDTH, TASKS, *took, sep="\t", flush=True)
            if done.returncode:
                print(done.stdout[-3000:], file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
