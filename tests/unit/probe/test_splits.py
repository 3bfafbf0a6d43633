"""Folds by recipe: by case, stratified, sites whole, the same for the same seed whatever the order of rows."""

import json

import numpy as np
import pandas as pd
import pytest
from molpath.common.files import read_tsv
from molpath.probe.splits import split_task
from molpath.probe.tasks import BadTask, read_task


def cohort(cases=60, sites=6):
    """Two slides of every third case; a third of the cases have label 1."""
    rows = []
    for i in range(cases):
        for j in range(2 if i % 3 == 0 else 1):
            site = f"T{i % sites}"
            split = "Test" if i % 5 == 0 else "Train"
            rows.append(
                {
                    "case_id": f"{i:03d}",
                    "slide_id": f"S{i}-{j}",
                    "y": str(int(i % 3 == 1)),
                    "site": site,
                    "split": split,
                }
            )
    return pd.DataFrame(rows)


def split(folder, rows, recipe, unit="case_id"):
    folder.mkdir(exist_ok=True)
    config = {
        "task_col": "y",
        "sample_col": unit,
        "label_dict": {0: "a", 1: "b"},
        "metrics": ["bacc"],
        "splits": recipe,
    }
    (folder / "config.yaml").write_text(json.dumps(config))
    rows.to_csv(folder / "given.tsv", sep="\t", index=False)
    rows.drop(columns="y").to_csv(folder / "slides.tsv", sep="\t", index=False)
    paths = {"config": folder / "config.yaml", "table": folder / "given.tsv", "sheet": folder / "slides.tsv"}
    split_task(**paths, output=folder / "k=all.tsv")
    return read_tsv(folder / "k=all.tsv")


def sides_by_case(table, fold):
    sides = table.groupby("case_id")[fold].unique()
    assert (sides.map(len) == 1).all(), "a case on both sides"
    return sides.map(lambda values: values[0])


def test_k_folds_test_every_case_once_and_keep_the_share_of_labels(tmp_path):
    table = split(tmp_path, cohort(), {"method": "k_fold", "folds": 5, "seed": 3})
    tested = pd.concat([sides_by_case(table, f"fold_{k}") == "test" for k in range(5)], axis=1)
    assert (tested.sum(axis=1) == 1).all()
    labels = table.drop_duplicates("case_id").set_index("case_id").y == "1"
    assert [int(labels[tested.iloc[:, k]].sum()) for k in range(5)] == [4] * 5
    assert "fold_5" not in table


@pytest.mark.parametrize("unit", ["case_id", "slide_id"])
def test_monte_carlo_keeps_at_least_a_fifth_and_draws_again(tmp_path, unit):
    table = split(tmp_path, cohort(cases=63), {"method": "monte_carlo", "folds": 20}, unit)
    tests = [frozenset(sides_by_case(table, f"fold_{k}").loc[lambda s: s == "test"].index) for k in range(20)]
    assert {len(test) for test in tests} == {12}  # int(0.2 * 63)
    assert len(set(tests)) == 20
    labels = table.drop_duplicates("case_id").set_index("case_id").y
    assert {int((labels[list(test)] == "1").sum()) for test in tests} == {4}
    read_task("t--y", tmp_path / "config.yaml", tmp_path / "k=all.tsv")


@pytest.mark.parametrize("method", ["k_fold", "monte_carlo"])
def test_sites_stay_whole(tmp_path, method):
    table = split(tmp_path, cohort(cases=90), {"method": method, "folds": 3, "keep_sites": True})
    for fold in ("fold_0", "fold_1", "fold_2"):
        assert (table.groupby("site")[fold].nunique() == 1).all()
        assert set(table[fold]) == {"train", "test"}
    assert len({tuple(table[f"fold_{k}"]) for k in range(3)}) == 3  # each fold is a draw of its own
    with pytest.raises(BadTask, match="2 sites can't fill"):
        split(tmp_path, cohort(sites=2), {"method": method, "folds": 5, "keep_sites": True})


def test_official_split_is_the_column(tmp_path):
    rows = cohort()
    rows.loc[rows.case_id == "007", "split"] = "-1"
    rows.loc[rows.case_id == "008", "y"] = ""
    table = split(tmp_path, rows, {"method": "official"})
    assert set(table[table.fold_0 == "test"].case_id) == {f"{i:03d}" for i in range(0, 60, 5)}
    assert set(table[table.fold_0 == "-1"].case_id) == {"007", "008"}
    capitals = split(tmp_path / "capitals", rows.assign(split=rows.split.str.upper()), {"method": "official"})
    assert capitals.fold_0.tolist() == table.fold_0.tolist()
    for word in ("Training", "test ", "validation", "NA", "1", "unused"):
        rows.loc[rows.case_id == "009", "split"] = word
        with pytest.raises(BadTask, match=f"column split: {word!r} is none of train, test, val, -1"):
            split(tmp_path, rows, {"method": "official"})
    with pytest.raises(BadTask, match="no column 'fold', which the recipe"):
        split(tmp_path, rows, {"method": "official", "column": "fold"})


def test_same_seed_same_folds_in_any_order_of_rows_another_seed_others(tmp_path):
    recipe = {"method": "monte_carlo", "folds": 4, "seed": 1}
    first = split(tmp_path, cohort(), recipe)
    second = split(tmp_path / "shuffled", cohort().sample(frac=1, random_state=0), recipe)
    pd.testing.assert_frame_equal(first, second.set_index("slide_id").loc[first.slide_id].reset_index()[list(first)])
    other = split(tmp_path / "other", cohort(), recipe | {"seed": 2})
    assert not first.fold_0.equals(other.fold_0)


def test_what_cannot_be_split_is_reported(tmp_path):
    with pytest.raises(BadTask, match="3 cases can't fill 5 folds"):
        split(tmp_path, cohort(cases=3), {"method": "k_fold"})
    with pytest.raises(BadTask, match="has columns fold_… and .* a recipe"):
        split(tmp_path, cohort().assign(fold_0="train"), {"method": "k_fold"})
    rows = cohort()
    rows.loc[1, "site"] = "elsewhere"
    with pytest.raises(BadTask, match="case 000 has slides of several sites"):
        split(tmp_path, rows, {"method": "k_fold", "keep_sites": True})
    rows = cohort().assign(site=lambda table: table.site.where(~table.case_id.isin(["004", "007"]), ""))
    with pytest.raises(BadTask, match=r"2 cases have no site \(004, 007\), so that no fold can keep theirs whole"):
        split(tmp_path, rows, {"method": "k_fold", "keep_sites": True})
    rows = cohort()
    official = rows.assign(split=np.where(rows.slide_id == "S3-0", "test", "train"))
    with pytest.raises(BadTask, match="case 003 is on both sides"):
        split(tmp_path, official, {"method": "official"})
