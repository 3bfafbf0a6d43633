"""Figures of scores: their numbers computed a second time, the same bytes twice, and what is odd."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from model_kinds import with_seeds
from molpath.common.files import read_tsv, write_tsv
from molpath.figures import tasks as figures_of_tasks
from molpath.figures.averages import plot_averages
from molpath.figures.panels import MANY, box_numbers, colours_of, draw_points, ends_of
from molpath.figures.protocols import plot_fewshot
from molpath.figures.tasks import BESIDE, plot_heatmap, plot_small_cohorts, plot_tasks
from molpath.tables.by_cohort import table_cohorts
from molpath.tables.scores import NUMBERS, main_scores, read_metrics, tasks_won

from .made_scores import made_folds, write_scores

MODELS = with_seeds("mean", "threads-s0", "threads-s1")
FAMILIES = {"a--x": "one", "b--y": "one", "c--z": "two", "d--w": "two"}


def rows_of(models=MODELS, group="frozen", protocol="logistic", folds=5):
    """Scores that differ by model, noisy by fold; no value of the first model in the last task."""
    rng, rows = np.random.default_rng(1), []
    for task in FAMILIES:
        for place, model in enumerate(models):
            values = rng.normal(0.6 + 0.1 * place, 0.02, folds)
            values = [np.nan] * folds if (task, place) == ("d--w", 0) else values
            rows += made_folds(task, model, group, protocol, values)
    return rows


def outputs(folder: Path, name: str) -> dict:
    return {"figure": str(folder / f"{name}.svg"), "table": str(folder / f"{name}.tsv"), "note": "synthetic"}


def numbers(path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", keep_default_na=False, na_values=[""])


def draw_all(files: dict, folder: Path, models=MODELS, max_cases=50):
    """Every figure of frozen probes into `folder`."""
    splits = []
    for number in range(len(FAMILIES)):
        splits.append(str(folder / f"{number}_k=all.tsv"))
        write_tsv(splits[-1], pd.DataFrame({"case_id": [f"c{i // 2}" for i in range(80 + 40 * number)]}))
    common = {"metrics": files["metrics"], "models": models}
    reference = list(models)[min(1, len(models) - 1)]
    plot_averages(
        **common,
        tests=files["tests"],
        means=files["means"],
        group="frozen",
        reference=reference,
        **outputs(folder, "averages"),
    )
    plot_tasks(**common, **outputs(folder, "tasks"))
    plot_heatmap(**common, **outputs(folder, "heatmap"))
    plot_small_cohorts(
        **common,
        tests=files["tests"],
        folds=files["folds"],
        splits=splits,
        tasks=list(FAMILIES),
        max_cases=max_cases,
        reference=reference,
        **outputs(folder, "small"),
    )


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    files = write_scores(folder, rows_of(), FAMILIES, MODELS)
    draw_all(files, folder)
    return folder, files


def test_averages_are_means_of_tasks_with_their_tests(drawn):
    folder, files = drawn
    table = numbers(folder / "averages.tsv").set_index(["family", "model"])
    raw = pd.DataFrame(rows_of())
    means = raw.groupby(["task", "model"]).value.mean().unstack()
    assert set(table.index.get_level_values(0)) == {"all", "one", "two"}
    for model in MODELS:
        assert table.loc[("all", model), "mean"] == pytest.approx(means[model].mean())
        mean = means[model][["a--x", "b--y"]].mean()
        assert table.loc[("one", model), "mean"] == pytest.approx(mean)
    assert table.loc[("all", "mean"), "tasks"] == 3
    assert table.loc[("all", "threads-s0"), ["tasks", "of"]].tolist() == [4, 4]
    tests = numbers(files["tests"])
    pair = tests[(tests.scope == "all") & (tests.model_a == "threads-s0") & (tests.model_b == "threads-s1")].iloc[0]
    row = table.loc[("all", "threads-s1")]
    assert row.difference == pytest.approx(-pair.difference)
    assert row.difference > 0, "the second seed is higher than the reference"
    assert row.p_adjusted == pytest.approx(pair.p_adjusted)
    assert np.isnan(table.loc[("all", "threads-s0"), "p_adjusted"]), "the reference is not compared with itself"


def test_a_kind_wins_by_the_mean_of_its_seeds_and_ties_count_for_all(drawn):
    wide = pd.DataFrame(
        {"a-s0": [0.9, 0.5, np.nan, 0.7], "a-s1": [0.1, 0.7, np.nan, 0.7], "b": [0.6, 0.5, np.nan, 0.7]},
        index=["p", "q", "r", "s"],
    )
    assert tasks_won(wide, with_seeds(*wide)).to_dict() == {"a": 2, "b": 2}  # p: b; q: a; r: nobody; s: both
    table = numbers(drawn[0] / "averages.tsv")
    assert table[(table.family == "all") & (table.kind == "threads")].won.unique().tolist() == [4]


def test_small_cohorts_have_boxes_of_their_folds(drawn):
    table = numbers(drawn[0] / "small.tsv").set_index(["task", "model"])
    assert set(table.index.get_level_values(0)) == {"a--x"}, "the others have more than 50 cases"
    assert set(table.cases) == {40}
    raw = pd.DataFrame(rows_of())
    for model in MODELS:
        values = raw[(raw.task == "a--x") & (raw.model == model)].value
        row = table.loc[("a--x", model)]
        np.testing.assert_allclose([row.q1, row["median"], row.q3], np.percentile(values, [25, 50, 75]))
        assert row.n == 5


def test_heatmap_and_tasks_hold_every_score(drawn):
    folder, files = drawn
    wide = numbers(folder / "heatmap.tsv").set_index("task")
    metrics = numbers(files["metrics"])
    for row in metrics.itertuples():
        np.testing.assert_allclose(wide.loc[row.task, row.model], row.mean)
    assert len(numbers(folder / "tasks.tsv")) == 12
    assert "a--x" in (folder / "tasks.svg").read_text()


def scores_of_metrics(path):
    """A kappa and a balanced accuracy of three classes that are equally far from a guess, and two controls."""
    head = {"family": "f", "group": "frozen", "model": "mean", "shots": 0, "primary": 1, "protocol": "logistic"}
    rows = [
        head | {"task": "a--kappa", "metric": "weighted_kappa", "mean": 0.5, "chance": 0.0},
        head | {"task": "a--bacc", "metric": "bacc", "mean": 2 / 3, "chance": 1 / 3},
        head | {"task": "a--auc", "metric": "macro-ovr-auc", "mean": 0.4, "chance": 0.5},
    ]
    rows += [rows[2] | {"protocol": name, "mean": mean} for name, mean in (("permuted", 0.45), ("site_only", 0.6))]
    table = pd.DataFrame(rows)
    table["lower"], table["upper"] = table["mean"] - 0.1, table["mean"] + 0.1
    filled = dict.fromkeys(NUMBERS, 1) | {"n_failed": 0, "n_empty": 0, "note": ""}
    write_tsv(path, table.assign(**{name: value for name, value in filled.items() if name not in table}))
    return path


def test_heatmap_colours_each_metric_from_its_chance_to_1(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(figures_of_tasks, "save", lambda figure, path, note: drawn.append(figure))
    plot_heatmap(metrics=scores_of_metrics(tmp_path / "metrics.tsv"), models=["mean"], **outputs(tmp_path, "heatmap"))
    picture, bar = drawn[0].axes
    assert picture.images[0].get_clim() == (0, 1)
    labels = [label.get_text() for label in picture.get_yticklabels()]
    shades = dict(zip(labels, picture.images[0].get_array().ravel(), strict=True))
    assert shades == pytest.approx(
        {
            "a--kappa  (quadratic weighted kappa)": 0.5,
            "a--bacc  (balanced accuracy)": 0.5,
            "a--auc  (AUC)": -0.2,
        }
    )
    assert "chance" in bar.get_yticklabels()[0].get_text()


def test_controls_are_shown_next_to_the_models_of_a_task(tmp_path):
    plot_tasks(metrics=scores_of_metrics(tmp_path / "metrics.tsv"), models=["mean"], **outputs(tmp_path, "tasks"))
    table = numbers(tmp_path / "tasks.tsv").set_index("task")
    np.testing.assert_allclose(table.loc["a--auc", list(BESIDE)].astype(float), [0.35, 0.55, 0.6, 0.5, 0.7])
    assert table.loc["a--kappa", list(BESIDE)].isna().all()
    text = (tmp_path / "tasks.svg").read_text()
    assert "permuted labels, 95 %" in text
    assert "site alone" in text


def test_same_scores_same_bytes(drawn, tmp_path):
    folder, files = drawn
    draw_all(files, tmp_path)
    for path in [*tmp_path.glob("*.svg"), *tmp_path.glob("*.png"), *tmp_path.glob("*.tsv")]:
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name
    assert len(list(tmp_path.glob("*.png"))) == 4
    for path in tmp_path.glob("*.svg"):
        assert "synthetic" in path.read_text(), path.name


def test_one_model_and_one_fold_are_drawn_without_tests(tmp_path):
    files = write_scores(tmp_path, rows_of(["mean"], folds=1), FAMILIES, ["mean"])
    draw_all(files, tmp_path, ["mean"])
    table = numbers(tmp_path / "averages.tsv")
    assert table[table.family == "all"].estimate.isna().all()
    assert table.stars.isna().all()
    assert "no task with folds has 50 cases or fewer" in (tmp_path / "small.svg").read_text()
    assert len(numbers(tmp_path / "small.tsv")) == 0


def test_no_score_at_all_is_reported(tmp_path):
    rows = [row | {"value": np.nan} for row in rows_of()]
    files = write_scores(tmp_path, rows, FAMILIES, MODELS)
    draw_all(files, tmp_path)
    assert numbers(tmp_path / "averages.tsv").won.eq(0).all()


def test_boxes_follow_tukey(drawn):
    values = pd.Series([1.0, 2, 3, 4, 5, 20, np.nan])
    box = box_numbers(values)
    q1, q3 = np.percentile(values.dropna(), [25, 75])
    inside = values[values.between(q1 - 1.5 * (q3 - q1), q3 + 1.5 * (q3 - q1))]
    assert (box["low"], box["high"]) == (inside.min(), inside.max())
    assert (box["n"], box["missing"], box["outliers"]) == (6, 1, "20")
    assert box_numbers(pd.Series([np.nan]))["n"] == 0


def test_seeds_share_a_colour_and_kinds_do_not():
    colours = colours_of(with_seeds("threads-s0", "threads-s1", *(f"m{i}x" for i in range(11))))
    assert colours["threads-s0"] == colours["threads-s1"]
    assert len(set(colours.values())) == 12 == len(MANY)


def test_fewshot_boxes_are_over_draws_folds_and_seeds(tmp_path):
    rows, rng = [], np.random.default_rng(3)
    for model in MODELS:
        for shots in (1, 4):
            for repeat in range(3):
                rows += made_folds("a--x", model, "fewshot", "fewshot", rng.uniform(0.5, 1, 2), shots, repeat)
    files = write_scores(tmp_path, rows, FAMILIES, MODELS)
    plot_fewshot(metrics=files["metrics"], folds=files["folds"], models=MODELS, **outputs(tmp_path, "fewshot"))
    table = numbers(tmp_path / "fewshot.tsv").set_index(["shots", "kind"])
    raw = pd.DataFrame(rows)
    values = raw[raw.model.str.startswith("threads") & (raw.shots == 4)].value
    row = table.loc[(4, "threads")]
    assert (row.n, row.seeds) == (12, 2)
    assert row["median"] == pytest.approx(values.median())
    assert table.loc[(1, "mean")].n == 6
    assert read_tsv(tmp_path / "fewshot.tsv").metric.unique().tolist() == ["auc"]


def test_a_study_of_regression_alone_draws_its_figures(tmp_path):
    rows = [row | {"metric": "r2"} for row in rows_of(protocol="ridge")]
    files = write_scores(tmp_path, rows, FAMILIES, list(MODELS))
    common = {"metrics": files["metrics"], "models": MODELS}
    cells = main_scores(read_metrics(files["metrics"]), "frozen", MODELS)
    assert len(cells) == len(FAMILIES) * len(MODELS)
    plot_tasks(**common, **outputs(tmp_path, "tasks"))
    assert len(numbers(tmp_path / "tasks.tsv")) == len(cells)
    write_tsv(tmp_path / "k=all.tsv", pd.DataFrame({"case_id": ["c0", "c1"]}))
    plot_small_cohorts(
        **common, tests=files["tests"], folds=files["folds"], splits=[str(tmp_path / "k=all.tsv")], tasks=["a--x"],
        max_cases=50, reference=list(MODELS)[0], **outputs(tmp_path, "small"),
    )  # fmt: skip
    small = numbers(tmp_path / "small.tsv").set_index("model")
    assert list(small.index) == list(MODELS)
    assert small["mean"].notna().all()
    assert set(read_tsv(files["tests"]).group) == {"frozen"}
    outputs_of = {name: str(tmp_path / f"cohorts.{name}") for name in ("table", "markdown", "latex")}
    table_cohorts(**common, note="", outputs=outputs_of)
    assert len(read_tsv(outputs_of["table"])) == len(cells)


@pytest.mark.parametrize("named", [True, False])
def test_r2_below_minus_1_is_inside_its_panel(named):
    row = {"name": "mean", "value": -1.6, "lower": -2.5, "upper": -0.9, "stars": "", "fold_note": ""}
    table = pd.DataFrame([row | {"metric": "r2"}] if named else [row])
    assert ends_of(table) == ((-np.inf, 1) if named else (-1.6, 1))
    figure, axes = plt.subplots()
    draw_points(axes, table, ["mean"], {"mean": "#000000"})
    low, high = axes.get_xlim()
    plt.close(figure)
    assert low < -1.6 < -0.9 < high <= 1.02
    assert not named or low < -2.5
