"""Published next to measured: what is joined with what, differences, what an average lacks, readable pages."""

import re
from pathlib import Path

import pandas as pd
import pytest
from molpath.common.files import read_tsv, write_tsv
from molpath.figures.published import plot_published
from molpath.tables.published import compare_published
from packed_pages import unpacked

RESOURCES = Path(__file__).resolve().parents[3] / "resources"
PUBLISHED = [
    RESOURCES / f"published/{name}.tsv" for name in ("linear_probe", "transfer", "retrieval", "few_shot", "clustering")
]


def measured(task, model, metric, mean, lower, upper, protocol="logistic", shots=0):
    row = {"task": task, "family": "x", "model": model, "group": "frozen", "protocol": protocol, "shots": shots}
    row |= {
        "metric": metric,
        "mean": mean,
        "se": 0.01,
        "lower": lower,
        "upper": upper,
        "interval": "i",
        "n_folds": 5,
        "n_fits": 5,
        "chance": 0.5,
        "p_permuted": 0.05,
    }
    return row | {"n_failed": 0, "n_empty": 0, "n_train": 8, "n_test": 2, "primary": 1, "n_samples": 10, "n_missing": 0}


@pytest.fixture(scope="module")
def compared(tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("published")
    rows = [
        measured("bcnb--er", "mine-s0", "macro-ovr-auc", 0.90, 0.88, 0.93),
        measured("bcnb--er", "mine-s0", "bacc", 0.80, 0.78, 0.83),  # not the metric of the paper
        measured("bcnb--er", "mine-s0", "macro-ovr-auc", 0.5, 0.4, 0.6, protocol="permuted"),
        measured("bcnb--er", "mine-s0", "macro-ovr-auc", 0.80, 0.70, 0.82, protocol="fewshot", shots=4),
        measured("bcnb--pr", "mine-s0", "macro-ovr-auc", 0.80, 0.78, 0.82),
        measured("bcnb--pr", "prism", "macro-ovr-auc", 0.815, 0.80, 0.83),
        measured("bcnb--er", "mean-other", "macro-ovr-auc", 0.7, 0.6, 0.8),  # the paper has no such model
        measured("cptac_luad--OS", "mine-s0", "cindex", 0.60, float("nan"), float("nan"), protocol="cox"),
        measured("tcga_brca==bcnb--er", "mine-s0", "macro-ovr-auc", 0.88, 0.85, 0.90),
        measured("ebrains--diagnosis", "mine-s0", "mAP@5", 0.60, 0.58, 0.62, protocol="retrieval"),
        measured("cptac_all--organ", "mine-s0", "ari", 0.5, 0.4, 0.6, protocol="kmeans"),
        measured("here--own", "mine-s0", "macro-ovr-auc", 0.9, 0.8, 1.0),  # a task that the paper has not
    ]
    write_tsv(folder / "metrics.tsv", pd.DataFrame(rows))
    outputs = {name: folder / name for name in ("table", "averages", "page", "markdown", "latex")}
    compare_published(
        metrics=folder / "metrics.tsv",
        published=PUBLISHED,
        other_scores=RESOURCES / "published/other_sources.tsv",
        tasks=RESOURCES / "tasks/tasks.tsv",
        names={"mine-s0": "threads", "prism": "prism"},
        note="<b>a_note",
        **outputs,
    )
    return outputs


def test_rows_are_the_numbers_that_both_have(compared):
    table = read_tsv(compared["table"])
    keys = list(zip(table.protocol, table.task, table.model, table.metric, table.shots, strict=True))
    assert keys == [
        ("clustering", "cptac_all--organ", "mine-s0", "ari", "0"),
        ("few_shot", "bcnb--er", "mine-s0", "macro-ovr-auc", "4"),
        ("linear_probe", "bcnb--er", "mine-s0", "macro-ovr-auc", "0"),
        ("linear_probe", "bcnb--pr", "mine-s0", "macro-ovr-auc", "0"),
        ("linear_probe", "bcnb--pr", "prism", "macro-ovr-auc", "0"),
        ("linear_probe", "cptac_luad--OS", "mine-s0", "cindex", "0"),
        ("retrieval", "ebrains--diagnosis", "mine-s0", "mAP@5", "0"),
        ("transfer", "tcga_brca==bcnb--er", "mine-s0", "macro-ovr-auc", "0"),
    ]


def test_difference_and_cover_by_hand(compared):
    table = read_tsv(compared["table"]).set_index(["protocol", "task", "model"])
    er = table.loc[("linear_probe", "bcnb--er", "mine-s0")]
    assert (er.published, er.published_se, er.covered, er.family) == ("0.921", "0.009", "yes", "ihc")
    assert float(er.difference) == pytest.approx(0.90 - 0.921)
    pr = table.loc[("linear_probe", "bcnb--pr", "mine-s0")]
    assert (pr.published, pr.covered) == ("0.837", "no")  # 0.78 to 0.82
    assert table.loc[("linear_probe", "cptac_luad--OS", "mine-s0")].covered == ""  # no interval
    few = table.loc[("few_shot", "bcnb--er", "mine-s0")]
    assert (few.published, few.covered, few.uncertain) == ("0.838", "no", "1")
    assert table.loc[("retrieval", "ebrains--diagnosis", "mine-s0")].published == "0.606"
    assert table.loc[("transfer", "tcga_brca==bcnb--er", "mine-s0")].published == "0.885"


def test_averages_say_what_they_lack(compared):
    over = read_tsv(compared["averages"]).set_index(["model", "scope"])
    everything = over.loc[("mine-s0", "all")]
    assert (everything.tasks, everything.lacking, everything.in_house) == ("3", "51", "12")
    assert float(everything.published) == pytest.approx((0.921 + 0.837 + 0.613) / 3)
    assert float(everything.measured) == pytest.approx((0.90 + 0.80 + 0.60) / 3)
    assert everything.covered == "1 of 2"
    ihc = over.loc[("mine-s0", "ihc")]
    assert (ihc.tasks, ihc.lacking, ihc.in_house) == ("2", "10", "9")
    assert over.loc[("prism", "mutation")].tasks == "0"


def test_averages_of_public_tasks_apart(compared):
    over = read_tsv(compared["averages"]).set_index(["model", "scope"])
    public = over.loc[("mine-s0", "public")]
    assert (public.tasks, public.of, public.lacking, public.in_house) == ("3", "42", "39", "0")


def test_page_says_what_is_compared_and_what_lacks(compared):
    page = unpacked(compared["page"].read_text())
    assert "<b>a_note" not in page
    assert "&lt;b&gt;a_note" in page
    assert "8 scores of the paper" in page
    assert "For 4 of 7 the 95 % interval" in page
    assert "54 tasks, compared: 3; in-house and not obtainable: 12; not in this run: 39" in page
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", page, re.S)]
    assert ["mine-s0", "threads", "all tasks", "3 of 54", "12", "0.790", "0.767", "-0.024", "1 of 2"] in rows
    listed = {row[1]: row[-1] for row in rows if len(row) == 6}
    assert listed["bcnb--er"] == "compared"
    assert listed["mgb_lung--p40"] == "not obtainable (in-house)"
    assert list(listed.values()).count("not in this run") == 39


def test_page_has_a_table_per_family_and_protocol(compared):
    page = unpacked(compared["page"].read_text())
    for heading in ("Immunohistochemistry: linear probes", "Few-shot", "Retrieval", "Clustering"):
        assert f"<h2>{heading}</h2>" in page
    assert "Mutations: linear probes" not in page
    for cell in ("0.921", "± 0.009", "0.880 to 0.930", "-0.021", "cross-validation, 5 folds", "certain"):
        assert f">{cell}<" in page


def test_markdown_and_latex(compared):
    markdown = compared["markdown"].read_text()
    assert "Linear probes of 3 of the paper's 54 tasks are compared, 3 of the 42 on public cohorts." in markdown
    assert "mgb_lung--p40" in markdown
    assert "| mine-s0 | public tasks | 3 of 42 | 0.790 | 0.767 | -0.024 | 1 of 2 |" in markdown
    assert markdown.index("## Immunohistochemistry") < markdown.index("## Treatment response and survival")
    assert "| bcnb--pr | macro-ovr-auc | 0.837 | 0.800 (0.780 to 0.820) | 0.815 | 0.815 (0.800 to 0.830) |" in markdown
    latex = compared["latex"].read_text()
    assert r"\caption{Treatment response and survival: published and measured scores (<b>a\_note)}" in latex
    assert r"cptac\_luad--OS & cindex & 0.613 & 0.600 \\" in latex
    assert latex.count(r"\begin{table}") == latex.count(r"\end{table}") == 3


def test_figure_has_a_panel_per_family_and_the_same_bytes_again(compared, tmp_path):
    for name in ("one.svg", "two.svg"):
        plot_published(table=compared["table"], models=["mine-s0", "prism"], figure=tmp_path / name, note="synthetic")
    text = (tmp_path / "one.svg").read_text()
    for words in ("Immunohistochemistry", "Treatment response and survival", "mine-s0", "prism", "synthetic"):
        assert f">{words}<" in text
    assert ">Mutations<" not in text
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert (tmp_path / "one.png").stat().st_size > 0


def test_figure_without_probes_says_so(compared, tmp_path):
    table = read_tsv(compared["table"])
    write_tsv(tmp_path / "few.tsv", table[table.protocol != "linear_probe"])
    plot_published(table=tmp_path / "few.tsv", models=["mine-s0"], figure=tmp_path / "few.svg", note="")
    assert "no linear probe of the paper" in (tmp_path / "few.svg").read_text()
