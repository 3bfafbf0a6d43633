"""Splits and embeddings read back as Patho-Bench documents them: plain pandas, yaml and h5py."""

from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from molpath.common.files import new_h5, read_tsv
from molpath.export.pathobench import write_inputs
from molpath.probe.tasks import BadTask
from projects import write_table

WIDTH = 3
SETTINGS = {"task_col": "grade", "sample_col": "case_id", "label_dict": {0: "low", 1: "high"}, "metrics": ["bacc"]}


def write_task(folder: Path, rows: list[dict], **settings) -> tuple[str, str]:
    """config.yaml and k=all.tsv of a task."""
    write_table(folder / "k=all.tsv", rows)
    (folder / "config.yaml").write_text(yaml.safe_dump(SETTINGS | settings, sort_keys=False))
    return str(folder / "config.yaml"), str(folder / "k=all.tsv")


def write_model(folder: Path, ids: list[str]) -> tuple[str, np.ndarray]:
    """cases.h5ad of a model."""
    vectors = np.random.default_rng(len(ids)).normal(size=(len(ids), WIDTH)).astype(np.float32)
    folder.mkdir(parents=True)
    data = anndata.AnnData(vectors, obs=pd.DataFrame(index=ids))
    data.write_h5ad(folder / "cases.h5ad")
    return str(folder / "cases.h5ad"), vectors


def rows_of(cases: list[str], with_slides: bool = True) -> list[dict]:
    rows = []
    for number, case in enumerate(cases):
        sides = {f"fold_{fold}": "test" if number % 2 == fold else "train" for fold in (0, 1)}
        slide = {"slide_id": f"{case}-S"} if with_slides else {}
        rows.append({"case_id": case} | slide | {"grade": number // 2 % 2} | sides)
    return rows


def export(folder: Path, jobs, tasks, cases, bags=(), missing="skip") -> pd.DataFrame:
    """The list that is written for these pairs of model and task."""
    write_inputs(
        jobs=jobs,
        configs=[config for config, _ in tasks],
        tables=[table for _, table in tasks],
        slides=[""] * len(jobs),
        cases=cases,
        cohorts=[""] * len(jobs),
        bags=list(bags),
        missing=missing,
        output=str(folder / "files.tsv"),
    )
    return read_tsv(folder / "files.tsv")


def read_as_pathobench(folder: Path, splits: str, embeddings: str):
    """Labels, sides and features by sample: ids are strings, any column with fold_ in its name is a fold."""
    settings = yaml.safe_load((folder / splits / "config.yaml").read_text())
    assert {"task_col", "sample_col", "extra_cols", "label_dict", "metrics"} <= set(settings)
    assert settings["task_type"] in ("survival", "classification")
    text = {"case_id": str, "slide_id": str}
    rows = pd.read_csv(folder / splits / "k=all.tsv", sep="\t", dtype=text, keep_default_na=False)
    folds = [name for name in rows if "fold_" in name]
    samples_read = {}
    for row in rows.to_dict("records"):
        sample = row[settings["sample_col"]]
        path = folder / embeddings / f"{sample}.h5"
        with h5py.File(path) as handle:
            features = handle["features"][:]
        assert (features.shape, features.dtype) == ((1, WIDTH), np.float32)
        label = settings["label_dict"][int(row[settings["task_col"]])]
        samples_read[sample] = label, [row[fold] for fold in folds], features[0]
    return samples_read


def test_what_is_read_back_is_what_the_probes_use(tmp_path):
    names = ["01", "NA", "C3", "C4"]
    task = write_task(tmp_path / "task", rows_of(names), splits={"method": "k_fold"}, allow_case_overlap=True)
    cases, vectors = write_model(tmp_path / "mean", [*names, "other"])
    (row,) = export(tmp_path / "out", [["mean", "here--grade"]], [task], [cases]).to_dict("records")
    assert (row["status"], row["samples"], row["missing"]) == ("ok", "4", "0")
    samples_read = read_as_pathobench(tmp_path / "out", row["splits"], row["embeddings"])
    assert list(samples_read) == names
    for number, name in enumerate(names):
        label, sides, features = samples_read[name]
        assert label == ("low", "high")[number // 2]
        assert sides == [["test", "train"], ["train", "test"]][number % 2]
        np.testing.assert_array_equal(features, vectors[number])
    assert len(list((tmp_path / "out" / row["embeddings"]).iterdir())) == 4
    settings = yaml.safe_load((tmp_path / "out" / row["splits"] / "config.yaml").read_text())
    assert not {"splits", "allow_case_overlap"} & set(settings)


def test_a_bag_of_the_task_takes_the_place_of_the_case(tmp_path):
    """The task lists one of a case's two slides: Patho-Bench would pool that one alone, and so did the probe."""
    task = write_task(tmp_path / "task", rows_of(["A", "B"]))
    cases, vectors = write_model(tmp_path / "mean", ["A", "B"])
    own = np.float32([[7, 8, 9]])
    with new_h5(tmp_path / "embed/mean/bags/here--grade.h5") as handle:
        handle["ids"], handle["embeddings"], handle["slides"], handle["n_patches"] = ["B"], own, ["B-S"], [3]
    bags = [str(tmp_path / "embed/mean/bags/here--grade.h5")]
    (row,) = export(tmp_path / "out", [["mean", "here--grade"]], [task], [cases], bags).to_dict("records")
    samples_read = read_as_pathobench(tmp_path / "out", row["splits"], row["embeddings"])
    np.testing.assert_array_equal(samples_read["A"][2], vectors[0])
    np.testing.assert_array_equal(samples_read["B"][2], own[0])


def test_samples_without_an_embedding_and_files_of_an_earlier_run(tmp_path):
    task = write_task(tmp_path / "task", rows_of(["A", "B", "C"]))
    cases, _ = write_model(tmp_path / "mean", ["A", "B"])
    left = tmp_path / "out/embeddings/mean/here/grade/C.h5"
    left.parent.mkdir(parents=True)
    left.touch()
    (row,) = export(tmp_path / "out", [["mean", "here--grade"]], [task], [cases]).to_dict("records")
    assert (row["samples"], row["missing"], row["detail"]) == ("2", "1", "no embedding: C")
    assert not left.exists()


def test_cases_without_slides_and_tasks_that_predict_a_number(tmp_path):
    plain = write_task(tmp_path / "plain", rows_of(["A", "B"], with_slides=False))
    number = write_task(tmp_path / "number", rows_of(["A", "B"]), task_type="regression", metrics=["r2"])
    cases, _ = write_model(tmp_path / "mean", ["A", "B"])
    jobs = [["mean", "here--plain"], ["mean", "here--number"]]
    first, second = export(tmp_path / "out", jobs, [plain, number], [cases, cases]).to_dict("records")
    rows = pd.read_csv(tmp_path / "out" / first["splits"] / "k=all.tsv", sep="\t")
    assert rows.slide_id.tolist() == rows.case_id.tolist() == ["A", "B"]
    assert (second["status"], second["detail"]) == ("left out", "Patho-Bench has no tasks that predict a number")
    assert not (tmp_path / "out/splits/here/number").exists()


def test_missing_samples_stop_where_the_config_says_so(tmp_path):
    task = write_task(tmp_path / "task", rows_of(["A", "B", "C"]))
    cases, _ = write_model(tmp_path / "mean", ["A", "B"])
    with pytest.raises(BadTask, match="no embedding|without an embedding"):
        export(tmp_path / "out", [["mean", "here--grade"]], [task], [cases], missing="fail")


@pytest.mark.parametrize("codes", [["low", "high"], ["2", "10"], ["10", "2"]])
def test_codes_of_classes_count_from_zero_and_rows_without_a_label_are_left_out(tmp_path, codes):
    """Patho-Bench casts labels to integers; the classes' order is that of the probes."""
    rows = rows_of(["A", "B", "C", "D"])
    for row, code in zip(rows, [codes[0], codes[1], "", codes[1]], strict=True):
        row["grade"] = code
    names = {code: f"class {code}" for code in codes}
    task = write_task(tmp_path / "task", rows, label_dict=names)
    cases, vectors = write_model(tmp_path / "mean", ["A", "B", "C", "D"])
    (row,) = export(tmp_path / "out", [["mean", "here--grade"]], [task], [cases]).to_dict("records")
    assert (row["samples"], row["missing"]) == ("3", "0")
    samples_read = read_as_pathobench(tmp_path / "out", row["splits"], row["embeddings"])
    expected = {"A": names[codes[0]], "B": names[codes[1]], "D": names[codes[1]]}
    assert {sample: label for sample, (label, _, _) in samples_read.items()} == expected
    settings = yaml.safe_load((tmp_path / "out" / row["splits"] / "config.yaml").read_text())
    in_order = sorted(codes, key=int) if codes[0].isdigit() else codes
    assert settings["label_dict"] == {0: names[in_order[0]], 1: names[in_order[1]]}
    for sample, number in (("A", 0), ("B", 1), ("D", 3)):
        np.testing.assert_array_equal(samples_read[sample][2], vectors[number])
