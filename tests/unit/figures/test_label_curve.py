"""The curve over labels: means as scikit-learn's AUC gives them, intervals over cases, gains paired by case."""

import numpy as np
import pandas as pd
import pytest
from molpath.common.files import read_tsv
from molpath.figures.label_curve import plot_label_curve
from PIL import Image
from sklearn.metrics import roc_auc_score

MODELS = {"mean": ["mean", ""], "threads-s0": ["threads", "s0"], "threads-s1": ["threads", "s1"]}


def guesses(model, strength, shots, seed=0, task="t", cases=120, folds=3, draws=2):
    """Predictions of a binary task, by fold and draw; two models of the same strength and seed guess alike."""
    rng = np.random.default_rng([seed, shots])
    rows = []
    label = np.random.default_rng(9).integers(2, size=cases)
    for draw in range(draws if shots else 1):
        logit = strength * (2 * label - 1) + rng.normal(size=cases)
        table = pd.DataFrame({"case_id": [f"c{number}" for number in range(cases)], "label": label})
        table["prob_1"] = 1 / (1 + np.exp(-logit))
        rows.append(table.assign(prob_0=1 - table.prob_1, fold=np.arange(cases) % folds, repeat=draw))
    protocol = "fewshot" if shots else "logistic"
    return pd.concat(rows).assign(task=task, model=model, shots=shots, protocol=protocol)


def write(folder, *tables):
    paths = []
    for number, table in enumerate(tables):
        paths.append(folder / f"{number}.parquet")
        table.to_parquet(paths[-1])
    return paths


def curve(folder, *tables, reference="mean"):
    paths = write(folder, *tables)
    figure, table = folder / "f.png", folder / "f.tsv"
    plot_label_curve(predictions=paths, models=MODELS, reference=reference, figure=figure, table=table, note="n")
    assert Image.open(figure).size[0] > 300
    drawn = read_tsv(table)
    numbers = [name for name in drawn if name != "kind"]
    return drawn.assign(**{name: pd.to_numeric(drawn[name]) for name in numbers})


def auc(table):
    return np.mean([roc_auc_score(part.label, part.prob_1) for _, part in table.groupby(["fold", "repeat"])])


def test_points_are_means_over_folds_draws_seeds_and_tasks(tmp_path):
    seeds = [
        guesses(f"threads-s{seed}", 1.0, shots, seed, task) for seed in (0, 1) for shots in (2, 0) for task in "tu"
    ]
    means = [guesses("mean", 0.3, shots, 7, task) for shots in (2, 0) for task in "tu"]
    drawn = curve(tmp_path, *seeds, *means)
    assert drawn[["kind", "shots"]].to_numpy().tolist() == [["mean", 2], ["mean", 0], ["threads", 2], ["threads", 0]]
    few = drawn[(drawn.kind == "threads") & (drawn.shots == 2)].iloc[0]
    tables = [table for table in seeds if table.shots.iloc[0] == 2]
    assert few.auc == pytest.approx(np.mean([auc(table) for table in tables]), abs=1e-6)
    assert [few.seeds, few.tasks, few.cases] == [2, 2, 120]
    reference = drawn[(drawn.kind == "mean") & (drawn.shots == 2)].iloc[0]
    assert few.gain == pytest.approx(few.auc - reference.auc, abs=1e-6)
    assert few.gain_lower < few.gain < few.gain_upper
    assert np.isnan(reference.gain)


def test_models_that_guess_alike_have_a_gain_of_exactly_zero(tmp_path):
    alike = [guesses(model, 0.8, shots, 3) for model in ("mean", "threads-s0") for shots in (4, 0)]
    drawn = curve(tmp_path, *alike)
    threads = drawn[drawn.kind == "threads"]
    assert (threads[["gain", "gain_lower", "gain_upper"]] == 0).all(axis=None)


def test_an_interval_over_cases_covers_what_other_cases_give(tmp_path):
    """AUC of strength 1 is Phi(sqrt 2) = 0.921; 95 % intervals of 60 cohorts hold it at least 52 times."""
    held = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        label = rng.integers(2, size=100)
        probability = 1 / (1 + np.exp(-((2 * label - 1) + rng.normal(size=100))))
        table = pd.DataFrame({"case_id": [f"c{n}" for n in range(100)], "label": label, "prob_1": probability})
        table = table.assign(prob_0=1 - probability, fold=0, repeat=0, task="t", model="mean")
        both = [table.assign(shots=0, protocol="logistic"), table.assign(shots=1, protocol="fewshot")]
        drawn = curve(tmp_path, *both)
        held += (drawn.lower.iloc[0] <= 0.921) & (drawn.upper.iloc[0] >= 0.921)
    assert held >= 52


def test_tasks_without_both_probes_are_excluded_and_none_is_reported(tmp_path):
    drawn = curve(tmp_path, guesses("mean", 1.0, 2, task="few"), guesses("mean", 1.0, 0, task="all"))
    assert not len(drawn)


def test_a_gain_is_over_the_tasks_and_folds_that_both_have(tmp_path):
    """An easy task of one model alone, and an easy fold on which the other's probe failed, are no gain."""
    of_threads = [guesses("threads-s0", 0.8, shots, 3) for shots in (4, 0)]
    easy = [guesses("threads-s0", 4.0, shots, 3, "easy") for shots in (4, 0)]
    of_mean = [guesses("mean", 0.8, shots, 3).query("fold > 0") for shots in (4, 0)]
    drawn = curve(tmp_path, *of_threads, *easy, *of_mean)
    threads = drawn[drawn.kind == "threads"]
    assert (threads[["gain", "gain_lower", "gain_upper"]] == 0).all(axis=None)
    assert threads.tasks.tolist() == [2, 2]
    assert drawn[drawn.kind == "mean"].tasks.tolist() == [1, 1]


def test_a_task_whose_test_sides_have_one_class_leaves_the_others_their_score(tmp_path):
    """Folds of one case each, say: no fold has an AUC."""
    tables = [guesses(model, 0.8, shots, 3) for model in ("mean", "threads-s0") for shots in (4, 0)]
    single = [table.assign(task="single", fold=table.label) for table in tables]
    drawn = curve(tmp_path, *tables, *single)
    assert drawn.auc.tolist() == pytest.approx([auc(table) for table in tables], abs=1e-6)
    assert set(drawn.tasks) == {1}
