"""The shared small inputs that went wrong for users: tables and dialects, with the right values."""

import numpy as np
import pandas as pd
import pytest
import yaml
from molpath.common.files import read_tsv
from molpath.common.tsv import BadTable
from molpath.omics.expression_files import Reading, read_rows
from molpath.probe.tasks import read_task
from molpath.study.sheets import problem_of, read_sheet


@pytest.fixture(scope="module")
def cases(shared_data):
    """The folder of these inputs, next to that of the real files."""
    folder = shared_data.parent / "cases"
    if not folder.is_dir():
        pytest.skip(f"the folder of small inputs is absent: {folder}")
    return folder


@pytest.mark.parametrize("name", ["04-trailing-delimiter", "07-index-column"])
def test_profiles_have_their_own_values(cases, name):
    """Neither the next sample's, nor those of genes called 0, 1, 2."""
    folder = cases / name
    rows = [row | {"path": str(folder / row["path"]), "panel": ""} for row in read_sheet(str(folder / "profiles.tsv"))]
    truth = pd.read_csv(folder / "plain.tsv", sep="\t", index_col=0, na_filter=False)
    for row, profile in zip(rows, read_rows(rows, Reading()), strict=True):
        names = np.where(profile.genes.symbols == "", profile.genes.ids, profile.genes.symbols)
        assert dict(zip(names, profile.values["counts"], strict=True)) == truth[row["column"]].to_dict()
        assert profile.values["counts"].sum() == truth[row["column"]].sum()
    if name.startswith("04"):
        assert truth.S1.sum() == 84_900


def test_a_comment_swallows_no_sample(cases):
    folder = cases / "12-ditto-quotes"
    task = read_task("t", folder / "config.yaml", folder / "k=all.tsv")
    assert task.samples == [f"C{i:02d}" for i in range(24)]
    labels = [int(row["lab"]) for row in read_sheet(str(folder / "k=all.tsv"))]
    assert list(task.labels) == labels
    assert read_tsv(folder / "slides.tsv").slide_id.tolist() == [f"S{i:02d}" for i in range(24)]
    assert [row["slide_id"] for row in read_sheet(str(folder / "slides.tsv"))] == [f"S{i:02d}" for i in range(24)]


def test_a_column_that_is_there_twice_is_named(cases):
    path = cases / "25-dup-header/slides.tsv"
    assert problem_of(str(path)).wrong == "column cohort is there twice"
    with pytest.raises(BadTable, match=r"slides\.tsv, header: column cohort is there twice: rename or remove one"):
        read_tsv(path)


def test_the_same_task_is_read_with_and_without_quotation_marks(tmp_path):
    """As case 12, made here."""
    settings = {"task_col": "lab", "sample_col": "case_id", "extra_cols": [], "metrics": ["bacc"]}
    settings |= {"label_dict": {0: "low", 1: "high"}, "task_type": "classification"}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    for comments in (["ok"] * 24, ["ok", "ok", "ok", '"', "ok", "ok", "ok", "ok", "ok", '"', "ok", "ok"] * 2):
        lines = ["case_id\tslide_id\tlab\tfold_0\tnote"]
        for i, comment in enumerate(comments):
            lines.append(f"C{i}\tS{i}\t{i % 2}\t{'test' if i % 4 < 2 else 'train'}\t{comment}")
        (tmp_path / "k=all.tsv").write_text("\n".join(lines) + "\n")
        task = read_task("t", tmp_path / "config.yaml", tmp_path / "k=all.tsv")
        assert task.samples == [f"C{i}" for i in range(24)]
        assert task.labels.tolist() == [i % 2 for i in range(24)]
        assert [row[0] for row in task.folds] == ["test" if i % 4 < 2 else "train" for i in range(24)]
