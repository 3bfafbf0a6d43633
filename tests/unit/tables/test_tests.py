"""Tables of tests and the page, from jobs' files: what is compared with what, risk groups, and what can't be tested."""

import numpy as np
import pandas as pd
import pytest
from molpath.common.files import write_tsv
from packed_pages import unpacked
from scipy import stats
from tested_models import MODELS, job, run


def binary(seed, strength, n=60, folds=3):
    rng = np.random.default_rng(seed)
    label = np.arange(n) % 2
    score = 1 / (1 + np.exp(-(rng.normal(size=n) + strength * label)))
    table = pd.DataFrame({"sample_id": [f"C{i}" for i in range(n)], "fold": np.arange(n) // 2 % folds, "label": label})
    return table.assign(prob_0=1 - score, prob_1=score)


def test_models_are_compared_within_tasks_over_tasks_and_families(tmp_path):
    rng = np.random.default_rng(0)
    jobs, families = [], {}
    for number in range(6):
        task, base = f"s--t{number}", rng.uniform(0.6, 0.8)
        families[task] = "even" if number % 2 else "odd"
        for model, gain in zip(MODELS, (0, 0.08), strict=True):
            values = base + gain + rng.normal(0, 0.01, 3)
            jobs.append(job(tmp_path, model, task, values, predictions=binary(number, 1 + 20 * gain)))
    outputs = run(tmp_path, jobs, families, note="<i>synthetic")
    tests = outputs["tests"]
    assert set(tests.scope) == {"task", "family", "all"}
    assert not tests.method.str.contains("permuted").any()
    over = tests[tests.scope == "all"].iloc[0]
    assert (over.model_a, over.model_b) == ("mean", "threads")
    assert float(over.difference) == pytest.approx(-0.08, abs=0.01)
    assert float(over.p_adjusted) < 0.001
    anova = tests[tests.method.str.startswith("two-way")]
    assert len(anova) == 6
    raw, adjusted = anova.p.astype(float).to_numpy(), anova.p_adjusted.astype(float).to_numpy()
    order = np.argsort(raw)
    expected = np.minimum(np.maximum.accumulate(raw[order] * np.arange(6, 0, -1)), 1)
    np.testing.assert_allclose(adjusted[order], expected)
    assert len(tests[tests.method.str.startswith("Tukey")]) == (raw < 0.05).sum()
    assert len(tests[tests.method.str.startswith("DeLong")]) == 6
    assert len(tests[tests.method.str.startswith("corrected")]) == 6
    assert set(outputs["means"].family) == {"", "even", "odd"}
    page = unpacked(open(outputs["page"]).read())  # noqa: SIM115
    for word in (
        "five slides per case",
        "mixed-effects model, Tukey",
        "gene directions, padj",
        "p_permuted of a score",
    ):
        assert word in page
    assert "&lt;i&gt;synthetic" in page
    assert "<i>synthetic" not in page
    assert "no survival task in use" in open(outputs["curves"]).read()  # noqa: SIM115


def test_delong_takes_the_samples_all_models_have_and_folds_that_share_them_say_no_more(tmp_path):
    first, second = binary(1, 1, folds=1), binary(2, 2, folds=1).drop(index=[0, 5])
    jobs = [job(tmp_path, "mean", "s--t", [0.7], predictions=first)]
    jobs.append(job(tmp_path, "threads", "s--t", [0.8], predictions=second))
    tests = run(tmp_path, jobs)["tests"]
    contrast = tests[tests.method.str.startswith("DeLong")].iloc[0]
    kept = first.drop(index=[0, 5])
    auc = [stats.mannwhitneyu(t.prob_1[t.label == 1], t.prob_1[t.label == 0]).statistic for t in (kept, second)]
    assert float(contrast.difference) == pytest.approx((auc[0] - auc[1]) / (29 * 29))
    assert "1 fold" in tests[tests.method.str.startswith("two-way")].note.iloc[0]
    jobs = []
    for model, table in zip(MODELS, (kept, second), strict=True):
        twice = pd.concat([table, table.assign(fold=1)])
        jobs.append(job(tmp_path / "b", model, "s--t", [0.7, 0.8], predictions=twice))
    tests = run(tmp_path, jobs)["tests"]
    again = tests[tests.method.str.startswith("DeLong")].iloc[0]
    assert float(contrast.se) > 0.01
    for name in ("difference", "se", "p"):
        assert float(again[name]) == pytest.approx(float(contrast[name]))


def test_one_model_and_no_job_at_all_say_so(tmp_path):
    jobs = [job(tmp_path, "mean", "s--t", [0.7, 0.8], predictions=binary(0, 1))]
    tests = run(tmp_path, jobs, models=["mean"])["tests"]
    assert tests.note.str.startswith("not tested").all()
    assert len(tests) == 3
    blank = run(tmp_path, [job(tmp_path, "mean", "s--u", [float("nan")])], models=["mean"])
    assert blank["tests"].note.str.startswith("not tested").all()


def test_cluster_figure_shows_every_model_with_its_scores(tmp_path):
    from molpath.figures.maps import plot_clusters

    paths = []
    for model, ari in (("mean", 0.125), ("threads", 0.875)):
        rng = np.random.default_rng(0)
        points = pd.DataFrame({"sample_id": range(12), "x": rng.normal(size=12), "y": rng.normal(size=12)})
        write_tsv(tmp_path / f"{model}.tsv", points.assign(label=["<a>", "b"] * 6))
        rows = [{"task": "s--t", "model": model, "protocol": "kmeans", "metric": name} for name in ("ari", "mi")]
        write_tsv(tmp_path / f"{model}_scores.tsv", pd.DataFrame(rows).assign(mean=[ari, 0.5]))
        paths.append((str(tmp_path / f"{model}.tsv"), str(tmp_path / f"{model}_scores.tsv")))
    for name in ("one.svg", "two.svg"):
        plot_clusters(*zip(*paths, strict=True), str(tmp_path / name), "synthetic")
    drawn = (tmp_path / "one.svg").read_text()
    assert drawn == (tmp_path / "two.svg").read_text()
    for word in ("ARI 0.12, MI 0.50", "ARI 0.88, MI 0.50", "threads", "&lt;a&gt;", "synthetic"):
        assert word in drawn
