"""What the first page of the results says about a study: what was asked for, the results, and cautions."""

from __future__ import annotations

from typing import Any

from .comparisons import Comparisons
from .config import Config
from .displays import Displays
from .methods import methods_of
from .models import Models
from .outcome import Outcome
from .probing import Probing
from .summary import HEADER, WORDS

#: Figures that can come first besides those of scores, the best first.
FIRST, OTHERS = ("label_curve",), ("embeddings", "pretraining", "slides", "omics")


class FirstPage:
    """Facts for `molpath.tables.first_page`, which knows neither config nor sheets."""

    def __init__(
        self,
        config: Config,
        models: Models,
        probing: Probing,
        comparisons: Comparisons,
        displays: Displays,
        outcome: Outcome,
    ) -> None:
        self.config, self.models, self.probing = config, models, probing
        self.comparisons, self.displays, self.outcome = comparisons, displays, outcome

    def facts(self) -> dict[str, Any]:
        """All that the page says.

        counts: numbers by what they count; stages: rows below HEADER; losses, cautions, predictions: a sentence each,
        as at the end of a run; methods: a paragraph; figures: names of those that can come first, the best first;
        shown: chapter and label of figures and tables by their names.
        """
        slides, outcome = self.models.slides, self.outcome
        entries = outcome.summary.entries(WORDS)
        counts = {
            "slides": len(slides.rows) if slides.path else 0,
            "cases": len(slides.cases),
            "models": len(self.models.used),
            "runs of pretraining": len(self.models.used_runs),
            "tasks": len(self.probing.used),
        }
        return {
            "counts": {kind: number for kind, number in counts.items() if number},
            "stages": [list(HEADER), *map(list, outcome.summary.rows(entries, WORDS))],
            "losses": outcome.summary.losses(entries) if slides.path else [],
            "cautions": outcome.cautions.lines(WORDS, entries),
            "predictions": outcome.predictions(),
            "methods": methods_of(self.config, self.models),
            "figures": list(dict.fromkeys([*FIRST, *self.comparisons.score_figures(), *OTHERS])),
            "shown": self.shown(),
        }

    def shown(self) -> dict[str, list[str]]:
        """Chapter and label of each figure and table."""
        displays = {**self.displays.tables, **self.displays.figures}
        return {
            name: [
                str(display.entry.get("category", "")),
                str(display.entry.get("title") or display.shown.get("label", "")),
            ]
            for name, display in displays.items()
        }
