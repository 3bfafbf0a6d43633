"""Run slides through inspection and tissue in a process of its own and print what memory that took.

Arguments: a folder with fuzz.json (slides, settings of the tissue stage, deadline_s, memory_mb), where manifests and
files are written. Prints MB held by the process that forks the readers, and the most that one of them held.
"""

import json
import logging
import resource
import sys
from pathlib import Path

from molpath.slides.inspection import inspect_shard
from molpath.tissue.assessment import assess_shard

if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    folder = Path(sys.argv[1])
    task = json.loads((folder / "fuzz.json").read_text())
    shard = {name: task[name] for name in ("slides", "deadline_s", "memory_mb")}
    inspect_shard(manifest=str(folder / "inspected.tsv"), **shard)
    assess_shard(
        inspected=str(folder / "inspected.tsv"),
        manifest=str(folder / "assessed.tsv"),
        wsi=str(folder / "wsi"),
        settings=task["settings"],
        code="fuzz",
        **shard,
    )
    peaks = (
        resource.getrusage(process).ru_maxrss / 1024 for process in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(*peaks)
