"""Figures say where some folds have no value; intervals end with the range of scores; survival models side by side."""

import re

import numpy as np
import pandas as pd
from molpath.figures.panels import colours_of, draw_panels
from molpath.figures.protocols import draw_fewshot, fewshot_numbers
from molpath.figures.published import draw_family
from molpath.figures.survival import MOST, plot_survival
from molpath.tables.survival import COLUMNS
from PIL import Image

MODELS = {"one": ["one", ""], "two": ["two", ""]}


def words_of_axes(axes):
    return [text.get_text() for text in axes.texts]


def test_few_shot_boxes_say_how_many_probes_have_a_value():
    values = [0.6, 0.7, np.nan, 0.8, 0.65]
    rows = [
        {"family": "f", "task": "a--t", "metric": "bacc", "shots": 4, "model": name, "value": value}
        for name in MODELS
        for value in (values if name == "one" else [0.5] * 5)
    ]
    figure = draw_fewshot(fewshot_numbers(pd.DataFrame(rows), MODELS), MODELS)
    assert words_of_axes(figure.axes[0]) == ["4 of 5"]


def test_a_published_point_of_some_folds_says_so():
    import matplotlib.pyplot as plt

    row = {"model": "one", "published": 0.8, "measured": 0.7, "measured_lower": 0.6, "measured_upper": 0.9}
    counts = {"covered": "yes", "n_folds": 5, "n_fits": 5, "n_empty": 0}
    rows = pd.DataFrame([row | counts | {"n_failed": failed} for failed in (0, 2)])
    _, axes = plt.subplots()
    draw_family(axes, rows, colours_of(MODELS))
    assert words_of_axes(axes) == ["3 of 5 folds"]


def test_no_interval_is_drawn_beyond_the_range_of_scores():
    """A marginal mean over two tasks had an interval up to 1.25."""
    rows = pd.DataFrame([{"name": "one", "value": 0.8, "lower": 0.35, "upper": 1.25, "stars": "**", "fold_note": ""}])
    figure = draw_panels([("t", "mean score", rows)], ["one"], colours_of(MODELS))
    (axes,) = figure.axes
    ends = axes.collections[0].get_segments()[0][:, 0]
    assert ends.tolist() == [0.35, 1.0]
    assert axes.get_xlim()[1] <= 1.02


def test_survival_models_are_side_by_side_and_the_picture_has_an_end(tmp_path):
    rng = np.random.default_rng(0)
    samples, rows = {}, []
    for task in range(MOST + 1):
        for model in ("a", "b", "c", "d", "e") if task == 0 else ("a",):
            key = f"x--t{task}", "frozen", model
            high = np.arange(40) % 2 == 0
            times = rng.exponential(500, 40) / (1 + high)
            samples[key] = pd.DataFrame({"time": times, "event": rng.random(40) < 0.7, "high": high})
            numbers = {"hazard_ratio": 2.0, "lower": 1.0, "upper": 4.0, "p": 0.03}
            rows.append(dict.fromkeys(COLUMNS, "") | dict(zip(("task", "group", "model"), key, strict=True)) | numbers)
    plot_survival(pd.DataFrame(rows), samples, str(tmp_path / "s.svg"), "synthetic")
    text = (tmp_path / "s.svg").read_text()
    assert f"the first {MOST} of {MOST + 1} tasks and groups; tables/survival.tsv has all" in text
    assert len(re.findall("40 cases", text)) == 5 + MOST - 1
    assert Image.open(tmp_path / "s.png").width < 2200
