"""The next run retries slides that were set aside for a temporary reason."""

from __future__ import annotations

import os

from ..common.digests import digest_of
from ..common.storage_errors import storage_error
from .config import Places, Wildcards
from .sheets import read_sheet

#: Reasons that depend on the machine at that time rather than on the slide.
PASSING = ("timeout", "memory")


class Retries:
    """A parameter for each stage's rule: another value makes its job run again, and what is finished is kept.

    The value is empty where nothing is to be tried. After a success it is empty again, and so the run after that does
    the shard's job once more, which finds everything done.
    """

    def __init__(self, places: Places) -> None:
        self.places = places

    def slides(self, wildcards: Wildcards) -> str:
        """Of the stage slides."""
        return self._again(f"slides/{wildcards.shard}")

    def tissue(self, wildcards: Wildcards) -> str:
        """Of the stage tissue: what it set aside itself."""
        return self._again(f"tissue/{wildcards.shard}", f"slides/{wildcards.shard}")

    def features(self, wildcards: Wildcards) -> str:
        """Of the stage features: what it set aside itself."""
        name = f"{wildcards.grid}/{wildcards.encoder}/{wildcards.shard}"
        return self._again(f"features/{name}", f"tiles/{wildcards.grid}/{wildcards.shard}")

    def _again(self, manifest: str, before: str = "") -> str:
        """Digest of the slides to try and of the manifest's time, so that each run tries once; empty: none."""
        path = f"{self.places.results}/{manifest}.tsv"
        if not os.path.isfile(path):
            return ""
        earlier = read_sheet(f"{self.places.results}/{before}.tsv") if before else []
        carried = {row["slide_id"] for row in earlier if row["status"] != "ok"}
        tried = [row["slide_id"] for row in read_sheet(path) if _may_pass(row["reason"], row["detail"])]
        tried = [slide for slide in tried if slide not in carried]
        return digest_of(tried, os.stat(path).st_mtime_ns) if tried else ""


def _may_pass(reason: str, detail: str) -> bool:
    return reason in PASSING or (reason == "unreadable" and storage_error(detail) > 0)
