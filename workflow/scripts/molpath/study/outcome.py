"""What a run says at its end, `snakemake summary` at any time, and the report on its first page: one text for all."""

from __future__ import annotations

import os
import re
import shutil
import textwrap
from collections import Counter
from collections.abc import Collection, Iterable

from ..common.reasons import OK
from .cautions import Cautions
from .config import Places
from .endings import AGAIN, Endings, tail_of
from .models import Models
from .predict import Predict
from .probing import Probing
from .sheets import read_sheet
from .summary import WIDEST, WORDS, Summary, stages_of

#: Targets after which there is something to say.
SUMMARISED = frozenset((*WORDS, "all", "report", "pathobench", "export", "predict"))
#: Results that readers open first, by the stage that makes them.
TABLES = (
    ("slides", "tables/slides.tsv"),
    ("omics", "omics/leakage.tsv"),
    ("probe", "tables/metrics.tsv"),
    ("probe", "tables/comparison.tsv"),
    ("probe", "tables/tests.tsv"),
)
FAILED = r"(?m)^Error in (?:rule|group) ([^\s:]+):?"


class Outcome:
    """Counts, cautions, paths of results, and what to do next."""

    def __init__(
        self,
        places: Places,
        summary: Summary,
        models: Models,
        probing: Probing,
        predict: Predict,
        endings: Endings,
    ) -> None:
        self.predict = predict
        self.places, self.summary, self.models, self.endings = places, summary, models, endings
        self.probing = probing
        self.cautions = Cautions(places, models, probing)

    def text(self, targets: Collection[str], logs: Iterable[str] = (), well: bool = True) -> str:
        """What the terminal shows as a run ends; '' where there is nothing to say.

        targets: its target rules; logs: Snakemake's; well: whether all jobs finished.
        """
        logs = list(logs)
        ending = self.endings.text(logs, well)
        if set(targets) - SUMMARISED:  # other targets print their own summary
            return ending
        parts = self.parts(targets)
        if not well:
            parts.append(ending or failure(logs))
        else:
            parts += [*filter(None, [ending]), self.next_step(targets)]
        return "\n\n".join(filter(None, parts))

    def now(self, with_paths: bool = True) -> str:
        """What there is so far, whichever run made it, with its paths."""
        return "\n\n".join(self.parts((), with_paths)) or "No slide has been inspected yet."

    def parts(self, targets: Collection[str], with_paths: bool = True) -> list[str]:
        """Counts, cautions and places up to the last of the stage words; without any, of everything."""
        stages = stages_of({*targets} & set(WORDS))
        entries = self.summary.entries(stages)
        counts = self.summary.text({*targets} & set(WORDS), entries)
        width = min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns)
        cautions = [
            textwrap.fill(line, width, initial_indent="  ", subsequent_indent="    ", break_long_words=False)
            for line in self.cautions.lines(stages, entries)
        ]
        lines = self.predictions() if {*targets} <= {"all", "report", "predict"} else []
        heading = f"Predictions of the new cases of {self.predict.path}"
        predicted = "\n".join([heading, *(f"  {line}" for line in lines)]) if lines else ""
        parts = [counts, predicted, "\n".join(["Look at these before the numbers:", *cautions]) if cautions else ""]
        return [*filter(None, [*parts, self.places_of(stages) if with_paths else ""])]

    def places_of(self, stages: Collection[str]) -> str:
        """Paths of the features, embeddings, tables and report that exist."""
        sources = self.models.used_sources() if "features" in stages else []
        candidates = [("features", f"<results>/wsi/{grid}/features_{encoder}") for grid, encoder in sources]
        models = self.models.used if "embed" in stages else []
        candidates += [("embeddings", f"<results>/embed/{model}/cases.h5ad") for model in models]
        candidates += [("table", f"<results>/{name}") for stage, name in TABLES if stage in stages]
        existing = [(kind, self._path(path)) for kind, path in candidates if os.path.exists(self._path(path))]
        lines = [f"  {kind:<12}{path}" for kind, path in shortened(existing)]
        report = self._path("<results>/report.html")
        if os.path.isfile(report):
            lines.append(f"  {'report':<12}{report}{self._age(report)}")
        return "\n".join(["Files:", *lines]) if lines else ""

    def predictions(self) -> list[str]:
        """How many new cases each predictor predicted, flagged, knows, and could not predict."""
        lines = []
        for path in self.predict.files():
            rows = read_sheet(self._path(path))
            done = [row for row in rows if row["status"] == OK]
            flagged, in_training = (sum(row.get(key) == "yes" for row in done) for key in ("ood_flag", "in_training"))
            counts = [f"{len(done):,} predicted"] + [f"{flagged:,} of them flagged as unlike training"] * bool(flagged)
            counts += [f"{in_training:,} of them in training"] * bool(in_training)
            counts += [f"{len(rows) - len(done):,} not predicted"] * (len(rows) > len(done))
            name = "/".join(path.split("/")[2:4])
            lines += [f"{name}: {', '.join(counts)} ({self._path(path)})"] * bool(rows)
        return lines

    def _age(self, report: str) -> str:
        """A separate command makes the report, so it may be older than the results."""
        newest = max(map(_time, (self._path(f"<results>/{name}") for name in ("job_times.tsv", "tables/ledger.tsv"))))
        return " (older than these results)" if newest > _time(report) else ""

    def next_step(self, targets: Collection[str]) -> str:
        """The command after this one."""
        report = self._path("<results>/report.html")
        if targets and not {*targets} & {"all", "report", "predict"}:
            done = stages_of({*targets} & set(WORDS))
            used = {"pretrain": self.models.used_runs, "embed": self.models.used, "probe": self.probing.used}
            later = [word for word in WORDS if word not in done and word != "omics" and used.get(word, True)]
            return f"Next: `snakemake` does what is left ({', '.join([*later, 'report'])})."
        if os.path.isfile(report) and not self._age(report):
            return ""
        return f"Next: `snakemake --report {report}` binds tables and figures into one page."

    def _path(self, path: str) -> str:
        return path.replace("<results>", self.places.results, 1)


def failure(logs: Iterable[str]) -> str:
    """Which rules failed, by Snakemake's logs; a job that was tried again counts as often as it failed."""
    rules = Counter(re.findall(FAILED, "\n".join(map(tail_of, logs))))
    named = ", ".join(f"{rule} ({number:,})" for rule, number in rules.most_common())
    message = f"Jobs failed: {named}; their messages and logs are named above." if named else "The run failed."
    return f"{message} Fix the cause. {AGAIN}"


def shortened(places: list[tuple[str, str]], limit: int = 4) -> list[tuple[str, str]]:
    """At most so many paths of a kind, and how many more there are."""
    shown, counts = [], Counter(kind for kind, _ in places)
    n_seen: Counter[str] = Counter()
    for kind, path in places:
        n_seen[kind] += 1
        n_hidden = counts[kind] - limit
        if n_seen[kind] == limit and n_hidden > 0:
            path += f" and {n_hidden:,} more"
        if n_seen[kind] <= limit:
            shown.append((kind, path))
    return shown


def _time(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0
