"""Figures and tables of the report: functions, providers and chapters that their files name, what rules get of them."""

import ast
import re
from pathlib import Path

import pytest
import yaml
from molpath.study.displays import Displays

ROOT = Path(__file__).parents[3]
LIBRARY = ROOT / "workflow/scripts/molpath"
FIGURES, TABLES = (
    yaml.safe_load((ROOT / f"workflow/report/{name}.yaml").read_text()) for name in ("figures", "tables")
)
ENTRIES = {
    f"{kind}:{name}": entry
    for kind, entries in (("figures", FIGURES), ("tables", TABLES))
    for name, entry in entries.items()
    if "function" in entry
}
CHAPTERS = {"1 Slides", "2 Omics", "3 Pretraining", "4 Embeddings", "5 Probes", "6 Protocols", "8 Genes"}
PROVIDERS = set(re.findall(r"[a-z_]+", Displays.__doc__))


class Wildcards(dict):
    __getattr__ = dict.__getitem__


def sources_of(entry):
    """Names of the providers an entry uses."""
    named = [source for source in entry.get("inputs", {}).values() if "/" not in source]
    named += [*entry.get("params", {}).values(), *entry.get("keyed", {}).values()]
    return named + ([entry["spread"]] if "spread" in entry else [])


def parameters_of(function):
    """Parameters of a function of the library, from its text."""
    module, _, name = function.rpartition(".")
    tree = ast.parse((LIBRARY / f"{module.replace('.', '/')}.py").read_text())
    (definition,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    return {argument.arg for argument in (*definition.args.args, *definition.args.kwonlyargs)}


@pytest.fixture
def displays():
    providers = {name: lambda wildcards, name=name: name for name in set().union(*map(sources_of, ENTRIES.values()))}
    providers |= {
        "note": lambda wildcards: "synthetic",
        "overlaps": lambda wildcards: "",
        "map_settings": lambda wildcards: {"points": 3},
    }
    return Displays(FIGURES, TABLES, providers)


@pytest.mark.parametrize("name", ENTRIES)
def test_a_function_is_called_with_its_own_parameters(name):
    entry = ENTRIES[name]
    passed = {*entry.get("inputs", {}), *entry.get("params", {}), *entry.get("constants", {}), *entry.get("keyed", {})}
    passed |= {entry["outputs"]} if isinstance(entry["outputs"], str) else set(entry["outputs"])
    passed |= {"note"} if entry.get("note", True) else set()
    passed |= {"colours", "points", "seed"} if "spread" in entry else set()
    parameters = parameters_of(entry["function"])
    assert passed <= parameters
    assert parameters - passed <= {"supervised"}
    if "then" in entry:
        assert parameters_of(entry["then"]["function"])


@pytest.mark.parametrize("name", ENTRIES)
def test_providers_are_known(name):
    assert set(sources_of(ENTRIES[name])) <= PROVIDERS


def test_chapters_are_those_of_the_report():
    assert {entry["category"] for entry in (*FIGURES.values(), *TABLES.values()) if "category" in entry} <= CHAPTERS


def test_what_shows_tasks_with_overlaps_says_so(displays):
    note = "cases on both sides of folds of here--grade"
    displays.figures["tasks"].providers["overlaps"] = lambda wildcards: note  # all share their providers
    shown = [displays.figure_call(Wildcards(figure=name)) for name in ("tasks", "heatmap", "fewshot", "slides")]
    assert [call["arguments"]["note"] for call in shown] == [f"synthetic; {note}"] * 3 + ["synthetic"]
    assert [note in call["caption"] for call in shown] == [True] * 3 + [False]
    tables = [displays.table_call(Wildcards(table=name)) for name in ("scaling", "tests", "sites")]
    assert [note in call["warning"] for call in tables] == [True, True, False]
    page = displays.page_call(Wildcards(folder="tables", table="metrics"))["arguments"]
    assert page["note"] == f"synthetic; {note}"
    assert note in page["sentences"]


def test_figure_reads_paths_and_what_providers_give(displays):
    wildcards = Wildcards(figure="fewshot")
    assert displays.figure_inputs(wildcards) == {"metrics": "<results>/tables/metrics.tsv", "folds": "fewshot_metrics"}
    call = displays.figure_call(wildcards)
    assert call["arguments"] == {"models": "compared_models", "note": "synthetic"}
    assert displays.figure_labels(wildcards) == {"result": "few labels"}
    assert displays.figure_memory(Wildcards(figure="embeddings"), attempt=2) == 8000


def test_caption_names_the_size_of_small_cohorts(displays):
    caption = displays.figure_call(Wildcards(figure="small_cohorts"))["caption"]
    assert caption.startswith("Tasks with at most small_cohort cases")


def test_every_figure_is_of_one_rule(displays):
    alone, scores = (displays.figure_names(scores=scores).split("|") for scores in (False, True))
    assert sorted(alone + scores) == sorted(FIGURES)
    assert "tasks" in scores
    assert "slides" in alone


def test_pages_are_of_tables_with_a_title(displays):
    paths = ["a/metrics.tsv", "a/comparison.tsv", "a/published.tsv", "a/tests.tsv", "a/metrics.md", "b/directions.tsv"]
    assert displays.pages(paths) == ["a/metrics.html", "b/directions.html"]


def test_page_says_where_its_table_is(displays):
    wildcards = Wildcards(folder="probe/mean/grade/genes", table="directions")
    call = displays.page_call(wildcards)
    assert call["arguments"]["title"] == "Direction of the probe: mean, grade"
    assert call["arguments"]["name"] == "probe/mean/grade/genes/directions.tsv"
    assert "of grade in the space of mean" in call["caption"]
    assert displays.page_labels(wildcards) == {"result": "mean, grade: direction of the probe (table)"}


def test_map_is_labelled_with_its_model(displays):
    shown = displays.tables["maps"]
    assert shown.labels(Wildcards(model="threads")) == {"result": "map of slides", "model": "threads"}
    assert shown.call(Wildcards(model="threads"))["message"] == "Mapping the slides that threads was trained on"
