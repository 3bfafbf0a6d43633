"""Finished runs from elsewhere in the audit of leakage, which rule pair_slides makes, and the jobs that wait for it."""

from __future__ import annotations

from .config import Wildcards
from .models import Models


class LeakageAudit:
    """Which finished runs are looked at, and whose probes wait."""

    def __init__(self, models: Models) -> None:
        self.models = models
        self.finished = {name: models.finished[name] for name in models.needed if name in models.finished}

    def names(self, wildcards: Wildcards | None = None) -> list[str]:
        """Finished runs that are models in use, as leakage.tsv calls them."""
        return [run.name for run in self.finished.values()]

    def configs(self, wildcards: Wildcards | None = None) -> list[str]:
        """config.json of each, which holds digests of the cases it trained on."""
        return [self.models.places.given(run.files[0]) for run in self.finished.values()]

    def audit(self, wildcards: Wildcards) -> list[str]:
        """The table of leaks, for a model that is a finished run: its training cases are looked for on test sides,
        also of folds that are made in the run itself, before it is probed. Other models wait for it to be trained.
        """
        return ["<results>/omics/leakage.tsv"] * (wildcards.model in self.finished)
