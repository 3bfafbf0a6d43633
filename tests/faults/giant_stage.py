"""One stage on one slide in a process of its own; prints the most memory (MB) that it or a child of it held.

Arguments: inspect, assess or tile; the folder with the slide giant.svs; settings as JSON.
"""

import json
import re
import resource
import sys
from pathlib import Path

from molpath.slides.inspection import inspect_shard
from molpath.tiles.tiling import tile_shard
from molpath.tissue.assessment import assess_shard


def run(stage: str, folder: Path, settings: dict) -> None:
    """Run a stage; its manifest is `folder`/<stage>.tsv."""
    slides = [{"slide_id": "giant", "path": str(folder / "giant.svs"), "mpp": "", "keep": "auto"}]
    files = {"inspected": str(folder / "inspect.tsv"), "wsi": str(folder / "wsi"), "code": "x"}
    manifest = str(folder / f"{stage}.tsv")
    limits = {"deadline_s": 600, "memory_mb": settings["memory_mb"]}
    if stage == "inspect":
        inspect_shard(slides=slides, manifest=manifest, **limits)
    if stage == "assess":
        assess_shard(slides=slides, manifest=manifest, settings=settings["tissue"], **files, **limits)
    if stage == "tile":
        tile_shard(assessed=str(folder / "assess.tsv"), manifest=manifest, grid=settings["grid"], **files)


def peak_mb() -> float:
    """MB that this process or one that it started held; not by ru_maxrss of itself, which begins at its parent's."""
    own = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]
    return max(int(own), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3]))
    print(peak_mb())
