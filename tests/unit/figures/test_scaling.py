"""Scores against data and size: means over common tasks by hand, parameters as the paper states them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from molpath.common.files import read_tsv, write_tsv
from molpath.figures.scaling import count_parameters, plot_scaling
from safetensors.numpy import save_file

PUBLISHED = Path(__file__).resolve().parents[3] / "resources/published/comparisons.tsv"
TASKS = {"a--1": "mutation", "a--2": "mutation", "b--1": "response_survival"}


def metric(task, model, mean, **changed):
    row = {"task": task, "family": TASKS.get(task, "x"), "model": model, "group": "frozen", "protocol": "logistic"}
    row |= {"shots": 0, "metric": "macro-ovr-auc", "mean": mean, "se": 0.01, "lower": 0, "upper": 1, "interval": "i"}
    row |= {
        "n_folds": 5,
        "n_fits": 5,
        "chance": 0.5,
        "p_permuted": 0.05,
        "n_failed": 0,
        "n_empty": 0,
        "n_train": 8,
        "n_test": 2,
        "primary": 1,
        "n_samples": 10,
        "n_missing": 0,
    }
    return row | changed


def run_of(fraction=1.0, heads=2, seed=0, kind="abmil"):
    training = {"seed": seed, "batch_size": 1200}
    return {"fraction": fraction, "slide_encoder": {"kind": kind, "heads": heads}, "training": training}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scaling")
    runs = {
        "all": run_of(),
        "all-s1": run_of(seed=1),
        "1": run_of(0.01),
        "six": run_of(heads=6),
        "vit": run_of(kind="transformer", heads=12),
    }
    sizes = dict(zip(runs, (100, 100, 100, 300, 160), strict=True))
    scores = dict(zip(runs, (0.8, 0.78, 0.7, 0.75, 0.6), strict=True))
    rows, weights, slides = [], {}, {}
    for run, size in sizes.items():
        weights[run], slides[run] = folder / f"{run}.safetensors", folder / f"{run}.tsv"
        save_file({"slide.w": np.zeros((size, 1000)), "slide.b": np.zeros(7), "rna.w": np.zeros(9)}, weights[run])
        write_tsv(slides[run], pd.DataFrame({"slide_id": range(500 if run == "1" else 50000)}))
        rows += [metric(task, f"m-{run}", scores[run] + 0.01 * i) for i, task in enumerate(TASKS)]
        rows.append(metric("a--1", f"m-{run}", 0.1, protocol="permuted"))
        rows.append(metric("a--1", f"m-{run}", 0.1, primary=0))
    rows += [metric("c--1", "m-all", 0.99), metric("a--1", "other", 0.5)]  # not of every model; of no study
    write_tsv(folder / "metrics.tsv", pd.DataFrame(rows))
    studies = [
        {"study": "data", "models": {run: f"m-{run}" for run in ("1", "all", "all-s1")}},
        {"study": "size", "models": {run: f"m-{run}" for run in ("all", "all-s1", "six", "vit")}},
    ]
    outputs = {name: folder / f"out.{name}" for name in ("table", "markdown", "latex")} | {"figure": folder / "f.svg"}
    arguments = {"metrics": folder / "metrics.tsv", "studies": studies, "runs": runs, "weights": weights}
    arguments |= {"slides": slides, "published": PUBLISHED, "note": "synthetic", "outputs": outputs}
    plot_scaling(**arguments)
    return arguments, outputs


def test_means_over_the_tasks_that_all_have(drawn):
    table = read_tsv(drawn[1]["table"]).set_index(["study", "run", "scope"])
    assert set(table.tasks[table.index.get_level_values("scope") == "all"]) == {"3"}
    assert float(table.loc[("data", "1", "all")]["mean"]) == pytest.approx(0.71)
    assert float(table.loc[("size", "vit", "mutation")]["mean"]) == pytest.approx(0.605)
    row = table.loc[("data", "1", "response_survival")]
    assert float(row.difference) == pytest.approx(100 * (0.72 - (0.82 + 0.80) / 2))  # from the mean of two seeds
    assert row.published_difference == "-5.2"
    assert (row.slides, row.fraction, row.parameters) == ("500", "0.01", "100007")
    assert table.loc[("data", "1", "all")].published_difference == "-3.9"
    assert table.loc[("size", "six", "all")].published_difference == "-1"
    assert table.loc[("size", "vit", "all")].published_difference == "-6.3"
    assert table.loc[("size", "all", "all")].published_difference == ""


def test_readable_and_the_same_bytes(drawn):
    arguments, outputs = drawn
    markdown = outputs["markdown"].read_text()
    assert "| 1 | 500 | 1 % | 2 heads | 100,007 | 1200 | 0.710 (-9.0) |" in markdown
    assert "parameters of the slide encoder, millions, study 2 (synthetic)" in markdown
    assert outputs["latex"].read_text().count(r"\begin{tabular}") == 2
    before = {name: path.read_bytes() for name, path in outputs.items()}
    plot_scaling(**arguments)
    assert {name: path.read_bytes() for name, path in outputs.items()} == before


def test_parameters_of_the_paper(tmp_path):
    """One and two heads have the parameters that the paper states."""
    from molpath.pretrain import network
    from schema_defaults import defaults_of

    for heads, count in ((1, 4_993_025), (2, 11_290_626)):
        sizes = defaults_of("slide_encoder") | {"heads": heads, "input": 768}
        state = network.Threads({"slide_encoder": sizes}).state_dict()
        save_file({name: value.numpy() for name, value in state.items()}, tmp_path / "w.safetensors")
        assert count_parameters(tmp_path / "w.safetensors") == count


def test_no_task_in_common(drawn, tmp_path):
    arguments, _ = drawn
    rows = [metric("a--1", "m-all", 0.5), metric("a--2", "m-1", 0.5)]
    write_tsv(tmp_path / "metrics.tsv", pd.DataFrame(rows))
    outputs = {name: tmp_path / name for name in ("table", "markdown", "latex")} | {"figure": tmp_path / "f.svg"}
    study = [{"study": "data", "models": {"1": "m-1", "all": "m-all"}}]
    plot_scaling(**(arguments | {"metrics": tmp_path / "metrics.tsv", "studies": study, "outputs": outputs}))
    table = read_tsv(outputs["table"])
    assert set(table.tasks) == {"0"}
    assert set(table["mean"]) == {""}
