"""Figures and tables of the report: what each reads, which function makes it, its place and its caption."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

#: A function of wildcards that gives files or a value.
Provider = Callable[[Any], Any]


#: Chapters whose figures and tables show scores on folds of tasks; so does what reads SCORES.
OF_TASKS = ("5 Probes", "6 Protocols", "8 Genes")
SCORES = "tables/metrics.tsv"


class Named(Protocol):
    """Wildcards of a job, as Snakemake hands them to input functions."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Names and values."""


class Display:
    """One entry of figures.yaml or tables.yaml, with methods that rules use as input functions and params."""

    def __init__(self, entry: Mapping[str, Any], providers: Mapping[str, Provider]) -> None:
        self.entry, self.providers = entry, providers
        self.shown: Mapping[str, str] = entry.get("shown", entry)

    def inputs(self, wildcards: Named) -> dict[str, Any]:
        """Files by the function's parameter (for `unpack`): a path below the results, or what a provider gives."""
        return {
            name: f"<results>/{source}" if "/" in source else self.providers[source](wildcards)
            for name, source in self.entry.get("inputs", {}).items()
        }

    def call(self, wildcards: Named) -> dict[str, Any]:
        """How the script calls the function.

        function: its module and name below molpath; arguments: all but files; keyed: names by the parameter whose
        files they mean; outputs: names of outputs by parameter, or the parameter that takes them all; then: the
        function that draws what the first returns, and its output; caption: reStructuredText, {names} of arguments
        filled in; message: what the job says when it starts; warning: of the tasks that it shows.
        """
        entry = self.entry
        arguments = {name: self.providers[source](wildcards) for name, source in entry.get("params", {}).items()}
        arguments |= entry.get("constants", {})
        if "spread" in entry:
            arguments |= self.providers[entry["spread"]](wildcards)
        if entry.get("note", True):
            arguments["note"] = self.note(wildcards)
        keyed = {name: list(self.providers[source](wildcards)) for name, source in entry.get("keyed", {}).items()}
        return {
            "function": entry["function"],
            "arguments": arguments,
            "keyed": keyed,
            "outputs": entry["outputs"],
            "then": entry.get("then"),
            "caption": self.shown.get("caption", "").format(**arguments) + self.warning(wildcards),
            "message": entry["message"].format(**dict(wildcards.items())),
            "warning": self.warning(wildcards),
        }

    def overlaps(self, wildcards: Named) -> str:
        """Which tasks that it shows have cases on both sides of a fold; '' for most."""
        shows = self.entry.get("category") in OF_TASKS or SCORES in self.entry.get("inputs", {}).values()
        return str(self.providers["overlaps"](wildcards)) if shows else ""

    def note(self, wildcards: Named) -> str:
        """What figures and titles carry: the config's note, and overlaps."""
        return "; ".join(filter(None, (self.providers["note"](wildcards), self.overlaps(wildcards))))

    def warning(self, wildcards: Named) -> str:
        """A sentence for captions of what shows tasks with overlaps."""
        overlaps = self.overlaps(wildcards)
        return f" Warning: {overlaps} (allow_case_overlap), so that their scores are too good." if overlaps else ""

    def category(self, wildcards: Named | None = None) -> str:
        """Chapter of the report."""
        return str(self.entry["category"])

    def labels(self, wildcards: Named) -> dict[str, str]:
        """What the report lists: the label, and wildcards that are not the display's own name."""
        wildcard_labels = {name: value for name, value in wildcards.items() if name not in ("figure", "table")}
        return {"result": self.shown["label"]} | wildcard_labels

    def memory(self, wildcards: Named, attempt: int) -> int:
        """Megabytes, which grow with each attempt."""
        return int(self.entry.get("memory_mb", 2000)) * attempt


class Displays:
    """All figures and tables, by the names of their files.

    Providers that the files name, each a function of wildcards:
    files: slide_sheet, tile_manifests, feature_manifests, packed_indices, pairs_of_runs, embedded_slides, histories,
    case_embeddings, robustness_tables, cluster_points, cluster_scores, frozen_metrics, frozen_predictions,
    fewshot_metrics, label_predictions, frozen_splits, tested_splits, probe_summaries,
    probe_metrics, probe_predictions, run_slides, run_indices, described_files, mapped_blocks, mapped_slides,
    scaling_weights, scaling_slides; files that ship: pretraining_sites,
    benchmark_table, task_classes, task_cohorts, encoder_cohorts, pretraining_cohorts, published_settings,
    published_comparisons, published_scores, other_scores;
    values: note, overlaps, quality_thresholds, history_names, used_models, colour_column, compared_models,
    reference_model, supervised_names, frozen_tasks, small_cohort, probe_c, pooling_pairs, pooling_model, random_pairs,
    task_families, described_tasks, tested_tasks, model_networks,
    trained_cohorts, run, run_sources, model_sources, run_fractions, run_settings,
    scaling_runs, scaling_studies, scaling_settings, map_settings, model_name, published_names.
    """

    def __init__(
        self,
        figures: Mapping[str, Mapping[str, Any]],
        tables: Mapping[str, Mapping[str, Any]],
        providers: Mapping[str, Provider],
    ) -> None:
        self.figures = {name: Display(entry, providers) for name, entry in figures.items()}
        self.tables = {name: Display(entry, providers) for name, entry in tables.items()}

    # Names, for constraints of wildcards.

    def figure_names(self, scores: bool) -> str:
        """Figures with a table of their numbers (`scores`), or those without one, as a regular expression."""
        names = [name for name, figure in self.figures.items() if ("tsv" in figure.entry["outputs"].values()) == scores]
        return "|".join(names)

    @property
    def page_names(self) -> str:
        """Tables that are shown as pages, as a regular expression."""
        return "|".join(name for name, table in self.tables.items() if "title" in table.entry)

    def pages(self, paths: Iterable[str]) -> list[str]:
        """Pages of those of the files that are shown as such."""
        roots = [path.removesuffix(".tsv") for path in paths if path.endswith(".tsv")]
        names = self.page_names.split("|")
        return [f"{root}.html" for root in roots if root.rsplit("/", 1)[1] in names]

    # The figure, or the table, that wildcards name.

    def figure_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Files that the figure reads."""
        return self.figures[wildcards.figure].inputs(wildcards)

    def figure_call(self, wildcards: Any) -> dict[str, Any]:
        """How the script calls the figure's function."""
        return self.figures[wildcards.figure].call(wildcards)

    def figure_category(self, wildcards: Any) -> str:
        """Chapter of the report with the figure."""
        return self.figures[wildcards.figure].category(wildcards)

    def figure_labels(self, wildcards: Any) -> dict[str, str]:
        """Label of the figure in the report."""
        return self.figures[wildcards.figure].labels(wildcards)

    def figure_memory(self, wildcards: Any, attempt: int) -> int:
        """Megabytes of the figure's job."""
        return self.figures[wildcards.figure].memory(wildcards, attempt)

    def table_inputs(self, wildcards: Any) -> dict[str, Any]:
        """Files that the table is made of."""
        return self.tables[wildcards.table].inputs(wildcards)

    def table_call(self, wildcards: Any) -> dict[str, Any]:
        """How the script calls the table's function."""
        return self.tables[wildcards.table].call(wildcards)

    def table_category(self, wildcards: Any) -> str:
        """Chapter of the report with the table."""
        return self.tables[wildcards.table].category(wildcards)

    def table_labels(self, wildcards: Any) -> dict[str, str]:
        """Label of the figure beside the table."""
        return self.tables[wildcards.table].labels(wildcards)

    # Tables as pages.

    def page_call(self, wildcards: Any) -> dict[str, Any]:
        """How the script shows a table as a page."""
        entry, place = self.tables[wildcards.table], self.place(wildcards)
        arguments = {
            "name": f"{wildcards.folder}/{wildcards.table}.tsv",
            "title": ": ".join(filter(None, [entry.entry["title"], ", ".join(place.values())])),
            "sentences": str(entry.entry["caption"]).format(**place) + entry.warning(wildcards),
            "note": entry.note(wildcards),
        }
        return {
            "function": "tables.pages.show_table",
            "arguments": arguments,
            "keyed": {},
            "outputs": {"page": "page"},
            "then": None,
            "caption": arguments["sentences"],
            "message": f"Showing the table {wildcards.folder}/{wildcards.table}",
        }

    def page_labels(self, wildcards: Any) -> dict[str, str]:
        """Label of a page: one, for of several the report makes switches, and fails on what has no pair."""
        title = self.tables[wildcards.table].entry["title"]
        shown = f"{title[0].lower()}{title[1:]} (table)"
        return {"result": ": ".join(filter(None, [", ".join(self.place(wildcards).values()), shown]))}

    @staticmethod
    def place(wildcards: Any) -> dict[str, str]:
        """Model and task of a table below probe; nothing for others."""
        parts = wildcards.folder.split("/")
        return {"model": parts[1], "task": parts[2]} if parts[0] == "probe" else {}
