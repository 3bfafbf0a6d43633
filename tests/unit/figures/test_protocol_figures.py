"""Figures and tables of the other protocols: numbers computed a second time, the same bytes twice, empty ones."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from model_kinds import with_seeds
from molpath.figures.averages import plot_averages, plot_each_task
from molpath.figures.gains import draw_gains, plot_c_sweep, plot_gains
from molpath.figures.protocols import plot_prompting, plot_retrieval, plot_transfer
from molpath.figures.style import COLOURS
from molpath.figures.survival import draw_curves
from molpath.tables.by_cohort import table_cohorts, table_protocols
from molpath.tables.gains import gains, sweep
from molpath.tables.scores import beside_reference, main_scores, read_metrics, stars

from .made_scores import made_folds, write_scores
from .test_score_figures import FAMILIES, numbers, outputs

MODELS = with_seeds("mean", "random-s0", "random-s1", "threads-s0", "abmil")
PAIR = "a==b--x"
STRENGTHS = {"logistic_C=0.01": 0.5, "logistic_C=10": 0.6, "logistic_C=adaptive": 0.7, "logistic": 0.55}


def score_rows(task: str, group: str, protocol: str, levels: dict[str, float], folds=3, **further):
    """Rows of some models, whose folds vary around one level per model."""
    spread = np.linspace(-0.02, 0.02, folds) if folds > 1 else [0]
    return [
        row
        for model, level in levels.items()
        for row in made_folds(task, model, group, protocol, [level + step for step in spread], **further)
    ]


def all_rows() -> list[dict]:
    rows = []
    for number, task in enumerate(FAMILIES):
        frozen = {"mean": 0.6, "random-s0": 0.5, "random-s1": 0.54, "threads-s0": 0.7 + 0.02 * number}
        rows += score_rows(task, "frozen", "logistic", frozen)
        rows += score_rows(task, "finetune", "finetune", {"random-s0": 0.6, "threads-s0": 0.8, "abmil": 0.75})
        for protocol, level in list(STRENGTHS.items())[:3]:
            rows += score_rows(task, "frozen", protocol, {"mean": level, "threads-s0": level + 0.1 * (-1) ** number})
    for metric in ("mAP@1", "mAP@5"):
        rows += score_rows("a--x", "retrieval", "retrieval", {"mean": 0.4, "threads-s0": 0.5}, metric=metric)
    rows += score_rows("a--x", "fewshot", "fewshot", {"mean": 0.6, "threads-s0": 0.65}, shots=4)
    rows += score_rows(PAIR, "transfer", "logistic", {"mean": 0.7, "threads-s0": 0.8}, folds=1)
    rows += score_rows(PAIR, "prompt", "prompt_rna", {"threads-s0": 0.72}, folds=1)
    return rows + score_rows(PAIR, "prompt", "prompt_slides", {"mean": 0.6, "threads-s0": 0.62}, folds=1)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_scores(tmp_path_factory.mktemp("scores"), all_rows(), FAMILIES | {PAIR: "transfer"}, MODELS)


def draw_all(files, folder):
    common = {"metrics": files["metrics"], "models": MODELS}
    tuned = {"group": "finetune", "supervised": ["abmil"]}
    tests = {"tests": files["tests"], "reference": "threads-s0"}
    plot_retrieval(**common, **outputs(folder, "retrieval"))
    plot_prompting(**common, **outputs(folder, "prompting"))
    plot_transfer(**common, **tests, **outputs(folder, "transfer"))
    plot_averages(**common, **tests, means=files["means"], **tuned, **outputs(folder, "finetuning"))
    plot_each_task(**common, **tuned, **outputs(folder, "finetuning_tasks"))
    plot_c_sweep(**common, c=0.5, **outputs(folder, "c_sweep"))
    pairs = {"threads-s0": ["random-s0", "random-s1"]}
    for name, group in (("gain", "frozen"), ("finetuning_gain", "finetune")):
        plot_gains(**common, group=group, pairs=pairs, label="gain", **outputs(folder, name))
    for name, table in (("cohorts", table_cohorts), ("protocols", table_protocols)):
        kinds = {"table": "tsv", "markdown": "md", "latex": "tex"}
        further = {"c": 0.5} if name == "protocols" else {}
        paths = {key: str(folder / f"{name}.{kind}") for key, kind in kinds.items()}
        table(**common, **further, note="synthetic", outputs=paths)


@pytest.fixture(scope="module")
def drawn(files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    draw_all(files, folder)
    return folder


def test_same_scores_same_bytes(drawn, files, tmp_path):
    draw_all(files, tmp_path)
    paths = [path for path in tmp_path.iterdir() if path.is_file()]
    assert len(paths) == 8 * 3 + 2 * 3
    for path in paths:
        assert path.read_bytes() == (drawn / path.name).read_bytes(), path.name
        if path.suffix in (".svg", ".md", ".tex"):
            assert "synthetic" in path.read_text(), path.name


def test_gain_is_the_difference_to_the_mean_of_the_baselines(drawn):
    table = numbers(drawn / "gain.tsv")
    tasks = table[table.scope == "task"].set_index("task")
    np.testing.assert_allclose(tasks.gain, [0.18, 0.20, 0.22, 0.24])
    whole = table[table.scope == "all"].iloc[0]
    assert whole.gain == pytest.approx(0.21)
    assert whole.baseline == "random-s0, random-s1"
    half = 3.182446305284263 * tasks.gain.std(ddof=1) / 2  # Student's t, 3 degrees of freedom
    assert (whole.lower, whole.upper) == (pytest.approx(0.21 - half), pytest.approx(0.21 + half))
    assert table[table.scope == "family"].set_index("family").gain.to_dict() == pytest.approx(
        {"one": 0.19, "two": 0.23}
    )
    tuned = numbers(drawn / "finetuning_gain.tsv")
    assert tuned[tuned.scope == "all"].gain.iloc[0] == pytest.approx(0.2)
    assert set(tuned.baseline) == {"random-s0"}, "the other seed was not fine-tuned"


def test_a_missing_score_is_no_gain(files):
    scores = main_scores(read_metrics(files["metrics"]), "frozen", MODELS)
    scores.loc[(scores.task == "a--x") & (scores.model == "threads-s0"), "mean"] = np.nan
    table = gains(scores, {"threads-s0": ["mean"], "absent": ["mean"], "mean": ["absent"]})
    assert set(table.model) == {"threads-s0"}
    assert table[table.scope == "all"].tasks.tolist() == [3]
    assert "a--x" not in set(table.task)


def test_sweep_holds_the_own_strength_and_counts_wins(drawn):
    table = numbers(drawn / "c_sweep.tsv").astype({"C": str})
    assert list(dict.fromkeys(table.C)) == ["0.01", "0.5", "10", "adaptive"]
    low = table[table.C == "0.01"].set_index("kind")
    assert low.loc["mean", ["mean", "won", "share"]].tolist() == pytest.approx([0.5, 2, 0.5])
    assert low.loc["threads", "mean"] == pytest.approx(0.5)
    own = table[table.C == "0.5"].set_index("kind")
    assert own.loc["threads", "won"] == 4
    assert own.loc["random", "mean"] == pytest.approx(0.52)


def test_supervised_models_are_shown_with_the_tuned_ones(drawn):
    table = numbers(drawn / "finetuning.tsv")
    assert table[table.family == "all"].model.tolist() == ["random-s0", "threads-s0", "abmil"]
    means = table[table.family == "all"].set_index("model")["mean"]
    assert means.to_dict() == pytest.approx({"random-s0": 0.6, "threads-s0": 0.8, "abmil": 0.75})
    assert len(numbers(drawn / "finetuning_tasks.tsv")) == 12


def test_protocols_keep_their_rows(drawn):
    table = numbers(drawn / "retrieval.tsv")
    assert table.groupby("metric").size().to_dict() == {"mAP@1": 2, "mAP@5": 2}
    prompts = numbers(drawn / "prompting.tsv").set_index(["model", "by"])["mean"]
    assert prompts["threads-s0", "RNA prompts"] == pytest.approx(0.72)
    assert prompts["threads-s0", "linear probe"] == pytest.approx(0.8)
    assert numbers(drawn / "transfer.tsv").set_index("model")["mean"].to_dict() == pytest.approx(
        {"mean": 0.7, "threads-s0": 0.8}
    )


def test_cohort_tables_have_two_blocks_and_mark_the_best_of_each(drawn):
    table = numbers(drawn / "cohorts.tsv")
    assert list(dict.fromkeys(table.table)) == ["a", "b", "c", "d"]
    first = table[table.table == "a"].set_index(["block", "model"])
    assert first.loc[("frozen", "threads-s0"), "best"] == 1
    assert first.loc[("frozen", "mean"), "best"] == 0
    assert first.loc[("fine-tuned and supervised", "threads-s0"), "shown"] == "0.800 ± 0.012"
    text = (drawn / "cohorts.md").read_text()
    assert "| *frozen* | |" in text
    assert "**0.800 ± 0.012**" in text
    assert r"\textbf{0.800 $\pm$ 0.012}" in (drawn / "cohorts.tex").read_text()
    protocols = numbers(drawn / "protocols.tsv")
    assert len(set(protocols.table)) == 5
    assert "0.500 (2 of 4)" in set(protocols.shown)
    for path in drawn.glob("*.tex"):
        body = path.read_text()
        assert (
            body.count(r"\begin{table}")
            == body.count(r"\end{table}")
            == len(set(numbers(path.with_suffix(".tsv")).table))
        )


def test_nothing_to_draw_is_reported(tmp_path):
    rows = score_rows("a--x", "frozen", "logistic", {"mean": 0.6})
    files = write_scores(tmp_path, rows, FAMILIES, MODELS)
    draw_all(files, tmp_path)
    for name in ("retrieval", "prompting", "transfer", "finetuning", "finetuning_tasks", "gain", "c_sweep"):
        assert len(numbers(tmp_path / f"{name}.tsv")) == 0, name
        assert "no task has" in (tmp_path / f"{name}.svg").read_text(), name
    assert sweep(read_metrics(files["metrics"]), MODELS, 0).empty


def test_contrasts_turn_towards_the_reference():
    pairs = pd.DataFrame(
        {"model_a": ["r", "x"], "model_b": ["y", "r"], "difference": [0.1, 0.2], "p_adjusted": [0.04, 0]}
    )
    table = beside_reference(pairs, "r")
    assert table.difference.to_dict() == {"y": -0.1, "x": 0.2}
    assert [stars(p) for p in (0.2, 0.04, 0.009, 0.0001, np.nan)] == ["", "*", "**", "***", ""]


def test_numbers_at_risk_are_below_every_tick():
    times = np.arange(1, 41) * 25.0
    samples = pd.DataFrame({"time": times, "event": times % 2 == 1, "high": np.arange(40) % 4 == 0})
    figure, axes = plt.subplots()
    draw_curves(axes, samples)
    counts = {(text.get_color(), text.get_position()[0]): int(text.get_text()) for text in axes.texts}
    assert len(counts) == 2 * len(axes.get_xticks())
    for (colour, tick), count in counts.items():
        part = samples[samples.high == (colour == COLOURS[5])]
        assert count == (part.time >= tick).sum()
    plt.close(figure)


def test_every_task_is_inside_the_panel_of_gains(tmp_path):
    levels = {"a--x": 0.9, "b--y": 0.3, "c--z": 0.6, "d--w": 0.61}
    rows = [
        row
        for task in levels
        for row in score_rows(task, "frozen", "logistic", {"mean": 0.6, "threads-s0": levels[task]})
    ]
    table = gains(
        main_scores(read_metrics(write_scores(tmp_path, rows, FAMILIES, MODELS)["metrics"]), "frozen", MODELS),
        {"threads-s0": ["mean"]},
    )
    figure = draw_gains(table, MODELS, "gain")
    low, high = figure.axes[0].get_xlim()
    assert low < -0.3 < 0.3 < high
    plt.close(figure)
