"""Results of a study that don't exist yet, by file names: what a plan still has to count."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

from .config import Row

#: Kinds of sections, of which a slide holds more or less tissue; '' where nothing says which.
BIOPSY, RESECTION, FROZEN = "biopsy", "resection", "frozen"
#: Column of the slide sheet that says biopsy or resection.
KIND_COLUMN = "procedure"
#: A slide's id in TCGA ends in DX1 (diagnostic: FFPE of a resection) or TS1, MS1, BS1 (frozen).
TCGA = re.compile(r"TCGA(-\w+){4}-(DX|TS|MS|BS)\w?\b", re.I)


def kind_of(row: Row) -> str:
    """What a slide shows, by its column `procedure`, else `specimen`, else its name in TCGA."""
    kind = (row.get(KIND_COLUMN) or "").lower()
    if any(word in kind for word in ("biops", "needle", "core", "punch")):
        return BIOPSY
    match = TCGA.match(row.get("slide_id") or "")
    if row.get("specimen") == "frozen" or (match and match[2].upper() != "DX"):
        return FROZEN
    return RESECTION if kind or match else ""


class Left:
    """Slides and files that are still to be made. slides: names of the kept slides of each shard."""

    def __init__(self, results: str, slides: Mapping[str, list[str]]) -> None:
        self.results, self.slides = results, slides
        self._names: dict[str, frozenset[str]] = {}

    def of_shards(self, stage: str, shards: Iterable[str], files: str = "") -> dict[str, int]:
        """Slides without results of a stage, by shard; a shard with its manifest has none.

        files: path of a slide's file below results/wsi, with {} for its name; finished ones of a shard in work count.
        """
        manifests = self._names_in(stage)
        slides_left = {shard: self.slides[shard] for shard in shards if f"{shard}.tsv" not in manifests}
        if files and slides_left:
            folder, _, name = files.rpartition("/")
            file_names = self._names_in(f"wsi/{folder}")
            slides_left = {
                shard: [slide_id for slide_id in slides if name.format(slide_id) not in file_names]
                for shard, slides in slides_left.items()
            }
        return {shard: len(slides) for shard, slides in slides_left.items()}

    def lacks(self, path: str) -> bool:
        """True if a file of results is missing. path: as rules name it, or below results."""
        name = path.removeprefix("<results>/")
        return not os.path.exists(f"{self.results}/{name}")

    def share(self, paths: Iterable[str]) -> float:
        """Share of files that is missing; 0 of none."""
        lacking = [self.lacks(path) for path in paths]
        return sum(lacking) / len(lacking) if lacking else 0.0

    def _names_in(self, folder: str) -> frozenset[str]:
        if folder not in self._names:
            path = f"{self.results}/{folder}"
            self._names[folder] = frozenset(os.listdir(path)) if os.path.isdir(path) else frozenset()
        return self._names[folder]
