"""One table of 4,000 embeddings and 5 tasks, probed from an empty folder by ten lines of config: seconds on 2 cores.

No slide sheet and no slide anywhere. With a folder as argument, the study is written and kept there.
"""

import sys
import tempfile
import time
from pathlib import Path

from projects import call_snakemake
from vector_study import write_study

REPOSITORY = Path(__file__).resolve().parents[2]
CASES, WIDTH, TASKS = 4000, 768, 5


def main() -> int:
    """Rows: target, cases, width, tasks, seconds."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(made)
        folder.mkdir(exist_ok=True)
        write_study(folder, CASES, WIDTH, TASKS)
        print("target\tcases\twidth\ttasks\tseconds")
        for target in ("probe", "all"):
            began = time.perf_counter()
            done = call_snakemake(
                folder, REPOSITORY / "workflow/Snakefile", target, "--configfile", "config.yaml", "--cores", "2"
            )
            print(target, CASES, WIDTH, TASKS, f"{time.perf_counter() - began:.0f}", sep="\t", flush=True)
            if done.returncode:
                print(done.stdout[-3000:], file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
