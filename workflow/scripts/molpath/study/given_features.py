"""Feature files that other tools made, as inputs: which there are, and how a replaced one is detected."""

from __future__ import annotations

from ..common.digests import digest_of
from ..common.feature_files import find_feature_files, state_of
from .config import Places, Wildcards
from .encoders import Encoders
from .slides import Slides

#: Files of the cohort, in sheet order, from which the width of an encoder's features is read.
SAMPLE = 25


class GivenFeatures:
    """Files of the folders that encoders with `adapter: precomputed` name; each folder is searched once."""

    def __init__(self, encoders: Encoders, slides: Slides, places: Places) -> None:
        self.encoders, self.slides, self.places = encoders, slides, places
        self._found: dict[str, dict[str, list[str]]] = {}

    def files(self, wildcards: Wildcards) -> list[str]:
        """Feature files of the slides of a shard."""
        files_of = self._files_of(wildcards)
        rows = self.slides.values(wildcards.shard)
        return [self.places.given(path) for row in rows for path in files_of.get(row["slide_id"], [])]

    def state(self, wildcards: Wildcards) -> str:
        """Digest of their sizes and times: a file replaced by an older one changes it, and so the job runs again."""
        files_of = self._files_of(wildcards)
        rows = self.slides.values(wildcards.shard)
        return digest_of([[path, state_of(path)] for row in rows for path in files_of.get(row["slide_id"], [])])

    def sample(self, wildcards: Wildcards) -> list[str]:
        """The first files of the whole sheet, the same for every shard; new rows at its end don't change them."""
        return [paths[0] for paths in self._files_of(wildcards).values() if len(paths) == 1][:SAMPLE]

    def _files_of(self, wildcards: Wildcards) -> dict[str, list[str]]:
        encoder = self.encoders.encoder(wildcards)
        if encoder["adapter"] != "precomputed":
            return {}
        folder = encoder["folder"]
        if folder not in self._found:
            names = [row["slide_id"] for row in self.slides.rows]
            files_of = find_feature_files(folder, set(names))
            self._found[folder] = {name: files_of[name] for name in names if name in files_of}
        return self._found[folder]
