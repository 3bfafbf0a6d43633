"""Predictors by Snakemake, on given features: no slide can be opened, and cases have several."""

import contextlib
import json

import numpy as np
import pytest
import yaml
from molpath.common.files import read_tsv
from molpath.predict.origin import digests_of
from molpath.predict.predictor import Predictor
from molpath.study import Study
from molpath.study.problems import ProblemsFound
from projects import call_snakemake, write_table
from sklearn.linear_model import LogisticRegression

from .test_given_features import GRID, write_features

CASES, WIDTH = 30, 6


def write_study(folder, **probe):
    """Two slides per case, a task of two classes that follow the features' first number, a label missing; a config."""
    rng = np.random.default_rng(0)
    label = np.arange(CASES) % 2
    (folder / "theirs").mkdir()
    slides, rows = [], []
    for case in range(CASES):
        for part in "ab":
            name = f"S{case:02d}{part}"
            write_features(
                folder / "theirs" / f"{name}.h5", rng.normal(size=(9, WIDTH)) + label[case] * np.eye(WIDTH)[0]
            )
            slides.append(
                {"slide_id": name, "case_id": f"C{case:02d}", "path": "", "cohort": "A", "site": "XY"[case % 3 > 0]}
            )
        sides = {f"fold_{fold}": "test" if case % 5 == fold else "train" for fold in range(5)}
        rows.append({"case_id": f"C{case:02d}", "label": label[case] if case else ""} | sides)
    write_table(folder / "slides.tsv", slides)
    (folder / "tasks/t").mkdir(parents=True)
    write_table(folder / "tasks/t/k=all.tsv", rows)
    task = {"task_col": "label", "sample_col": "case_id", "label_dict": {0: "low", 1: "high"}, "metrics": ["bacc"]}
    (folder / "tasks/t/config.yaml").write_text(yaml.safe_dump(task))
    config = {
        "slides": {"sheet": "slides.tsv", "slides_per_job": 30},
        "tiles": {"grids": {"main": {"patch_size": 256}}},
        "features": {"encoders": {"theirs": {"adapter": "precomputed", "folder": "theirs"}}},
        "embed": {"models": {"mean": {"kind": "mean", "grid": "main", "encoder": "theirs"}}, "use": ["mean"]},
        "probe": {
            "tasks": {"own--t": {"path": "tasks/t"}},
            "use": ["own--t"],
            "predictors": [{"model": "mean", "task": "own--t"}],
            "controls": [],
        }
        | probe,
        "report": {"note": "All of this is synthetic."},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return label


def test_a_probe_is_kept_with_all_that_is_said_of_it(tmp_path, repository):
    label = write_study(tmp_path)
    command = (tmp_path, repository / "workflow/Snakefile", "probe", "--configfile", "config.yaml", "--cores", "2")
    done = call_snakemake(*command)
    assert done.returncode == 0, done.stdout[-3000:]
    results = tmp_path / "results"
    folder = results / "probe/mean/own--t/predictor"
    predictor = Predictor.load(folder)
    facts = predictor.facts

    import anndata

    cases = anndata.read_h5ad(results / "embed/mean/cases.h5ad")
    x, names = cases.X[1:], list(cases.obs_names[1:])
    model = LogisticRegression(C=0.5, max_iter=10000, class_weight="balanced").fit(x.astype(float), label[1:])
    np.testing.assert_allclose(predictor.predict(x).prob_high, model.predict_proba(x.astype(float))[:, 1], atol=1e-9)

    training = facts["training"]
    assert training["cases"] == names
    assert (training["n_cases"], training["n_samples"], training["n_without_embedding"]) == (29, 29, 0)
    assert training["n_cases_by_class"] == {"low": 14, "high": 15}
    assert training["n_cases_by_site"] == {"X": {"high": 5, "low": 4}, "Y": {"high": 10, "low": 10}}
    assert sorted(training["slides"]) == sorted(f"S{case:02d}{part}" for case in range(1, CASES) for part in "ab")
    assert (facts["classes"], facts["task"]) == (["low", "high"], "own--t")
    assert facts["conformal"]["n_cases"] == 29
    assert facts["software"]["scikit-learn"]

    summary = read_tsv(results / "probe/mean/own--t/frozen/summary.tsv")
    row = summary[(summary.protocol == "logistic") & (summary.metric == "bacc")].iloc[0]
    stated = next(metric for metric in facts["cross_validated"] if metric["metric"] == "bacc")
    assert stated["primary"]
    assert [stated[name] for name in ("mean", "lower", "upper")] == [float(row[n]) for n in ("mean", "lower", "upper")]

    with contextlib.chdir(tmp_path):
        study = Study.open("config.yaml")
    model = {"kind": "mean", "name": "other", "grid": "x", "encoder": "y"} | study.models.entries["mean"]
    manifests = sorted((results / f"features/{GRID}/theirs").glob("*.tsv"))
    patches = facts["patches"]
    settings = {**model, "cases": "union"}
    assert digests_of(settings, [], manifests, patches) == facts["digests"]
    moved = {**patches, "patches": {**patches["patches"], "grid": "20x_512px_0px"}}
    other = digests_of(settings, [], manifests, moved)
    assert {name for name in other if other[name] != facts["digests"][name]} == {"grid", "model"}

    card = (folder / "card.md").read_text()
    for sentence in (
        "# Predictor mean/own--t",
        "**All of this is synthetic.**",
        "not a medical device",
        "| Y | 10 | 10 |",
    ):
        assert sentence in card
    assert f"| bacc | {float(row['mean']):.3f} |" in card
    assert json.loads((folder / "predictor.json").read_text())["note"] == "All of this is synthetic."


MISTAKES = {
    "unknown model": ({"model": "men", "task": "own--t"}, "predictors/0/model: no model in use is called 'men'"),
    "unknown task": ({"model": "mean", "task": "own--u"}, "predictors/0/task: no task in use is called 'own--u'"),
    "transfer": ({"model": "mean", "task": "own--t==other--t"}, "predictors/0/task: own--t==other--t is a transfer"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_reported(tmp_path, name):
    entry, message = MISTAKES[name]
    tasks = {"own--t==other--t": {"train": "own--t", "test": "own--t"}}
    write_study(tmp_path, predictors=[entry], transfer={"tasks": tasks})
    assert message in refusal(tmp_path)


def refusal(folder):
    with contextlib.chdir(folder), pytest.raises(ProblemsFound) as caught:
        Study.open("config.yaml").check()
    return str(caught.value)


def test_a_task_without_frozen_probes_is_reported(tmp_path):
    write_study(tmp_path, tasks={"own--t": {"path": "tasks/t", "groups": ["fewshot"]}})
    assert "own--t has no frozen probes (groups: fewshot), whose scores a predictor states" in refusal(tmp_path)


def test_given_vectors_can_be_fitted_and_not_predict_new_slides(tmp_path):
    write_study(tmp_path, predictors=[{"model": "given", "task": "own--t"}])
    write_table(tmp_path / "vectors.tsv", [{"case_id": f"C{k:02d}", "e0": k, "e1": -k} for k in range(CASES)])
    config = yaml.safe_load((tmp_path / "config.yaml").read_text())
    config["embed"]["models"]["given"] = {"kind": "table", "path": "vectors.tsv"}
    config["embed"]["use"].append("given")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    with contextlib.chdir(tmp_path):
        Study.open("config.yaml").check()
    config["predict"] = {"slides": "slides.tsv"}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    assert "given is a table of given vectors, and nothing here computes those of new slides" in refusal(tmp_path)
