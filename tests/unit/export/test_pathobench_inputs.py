"""Splits and embeddings read back as Patho-Bench documents them: plain pandas, yaml and h5py."""

import socket
from pathlib import Path
from types import SimpleNamespace

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from molpath.common.files import new_h5, read_tsv
from molpath.export.pathobench import detail_of, write_inputs
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


def read_split(folder: Path, splits: str) -> tuple[dict, list[dict]]:
    """config.yaml, and a row per sample as Patho-Bench's DataSplit makes it: plain pandas, ids as strings, rows without
    a label dropped, folds by any column with fold_ in its name, further columns by the names of extra_cols."""
    settings = yaml.safe_load((folder / splits / "config.yaml").read_text())
    assert {"task_col", "sample_col", "extra_cols", "label_dict", "metrics"} <= set(settings)
    assert settings["task_type"] in ("survival", "classification")
    rows = pd.read_csv(folder / splits / "k=all.tsv", sep="\t", dtype={"case_id": str, "slide_id": str, "id": str})
    rows = rows.dropna(subset=[settings["task_col"]])
    folds = sorted((name for name in rows if "fold_" in name), key=lambda name: int(name.split("_")[-1]))
    samples = []
    for sample in rows[settings["sample_col"]].unique():
        own = rows[rows[settings["sample_col"]] == sample]
        assert (own.nunique() <= 1)[[settings["task_col"], *folds]].all()
        extra = {name: own[name].tolist()[0] for name in settings["extra_cols"]}
        sides = [own[fold].tolist()[0] for fold in folds]
        samples.append({"id": sample, "label": own[settings["task_col"]].tolist()[0], "folds": sides} | extra)
    return settings, samples


def read_as_pathobench(folder: Path, splits: str, embeddings: str):
    """Labels, sides and features by sample."""
    settings, samples = read_split(folder, splits)
    samples_read = {}
    for sample in samples:
        with h5py.File(folder / embeddings / f"{sample['id']}.h5") as handle:
            features = handle["features"][:]
        assert (features.shape, features.dtype) == ((1, WIDTH), np.float32)
        samples_read[sample["id"]] = settings["label_dict"][int(sample["label"])], sample["folds"], features[0]
    return samples_read


def test_what_is_read_back_is_what_the_probes_use(tmp_path):
    names = ["01", "1e5", "C3", "C4"]
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
    killed = f".tmp-{socket.gethostname()}@{2**22 + 1}@"  # no process has this number
    names = ("C.h5", f"{killed}A.h5")
    left = [tmp_path / "out/embeddings/mean/here/grade" / name for name in names]
    left.append(tmp_path / f"out/splits/here/grade/{killed}k=all.tsv")
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (row,) = export(tmp_path / "out", [["mean", "here--grade"]], [task], [cases]).to_dict("records")
    assert (row["samples"], row["missing"], row["detail"]) == ("2", "1", "no embedding: C")
    assert not [path for path in left if path.exists()]


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


SURVIVAL = {"task_type": "survival", "metrics": ["cindex"]}


def survival_rows(times: list, unit: str, endpoint: str = "OS", label: str = "OS") -> list[dict]:
    rows = rows_of([f"C{number}" for number in range(len(times))])
    for number, (row, time) in enumerate(zip(rows, times, strict=True)):
        del row["grade"]
        row |= {
            label: number % 2,
            f"{endpoint}_event": (number + 1) % 2,
            f"{endpoint}_{unit}": time,
            "age": 50 + number,
        }
    return rows


@pytest.mark.parametrize(
    ("unit", "times", "days"),
    [
        ("days", ["61", "3.4", "0.2", "1000"], [61, 3, 1, 1000]),
        ("months", ["12", "1", "0.01", "6.5"], [365, 30, 1, 198]),
    ],
)
def test_survival_times_are_whole_days_in_the_columns_that_patho_bench_reads(tmp_path, unit, times, days):
    """Patho-Bench casts <task>_event and <task>_days to integers; a month is 365.25 / 12 days."""
    settings = SURVIVAL | {"task_col": "OS", "extra_cols": ["age", "OS_event", f"OS_{unit}"]}
    task = write_task(tmp_path / "task", survival_rows(times, unit), **settings)
    cases, _ = write_model(tmp_path / "mean", ["C0", "C1", "C2", "C3"])
    (row,) = export(tmp_path / "out", [["mean", "here--OS"]], [task], [cases]).to_dict("records")
    assert (row["status"], row["detail"], row["samples"]) == ("ok", "", "4")
    read, samples = read_split(tmp_path / "out", row["splits"])
    assert (read["task_col"], read["task_type"]) == ("OS", "survival")
    assert read["extra_cols"] == ["OS_event", "OS_days", "age"]
    assert [sample["OS_days"] for sample in samples] == days
    assert [sample["OS_event"] for sample in samples] == [1, 0, 1, 0]
    assert [sample["label"] for sample in samples] == [0, 1, 0, 1]
    assert [sample["age"] for sample in samples] == [50, 51, 52, 53]
    assert all(isinstance(sample[name], int) for sample in samples for name in ("OS_days", "OS_event", "label"))


def test_a_survival_task_is_called_as_its_endpoint_and_one_that_patho_bench_does_not_know_is_reported(tmp_path):
    """The label `risk` has words, of which it makes no folds: the event takes its place."""
    tasks = []
    for endpoint in ("PFS", "RFS"):
        rows = survival_rows(["10", "20", "30", "40"], "days", endpoint, label="risk")
        for row in rows:
            row["risk"] = "high"
        settings = SURVIVAL | {
            "task_col": "risk",
            "extra_cols": [f"{endpoint}_event", f"{endpoint}_days"],
            "label_dict": {},
        }
        tasks.append(write_task(tmp_path / endpoint, rows, **settings))
    cases, _ = write_model(tmp_path / "mean", ["C0", "C1", "C2", "C3"])
    jobs = [["mean", "here--a"], ["mean", "here--b"]]
    first, second = export(tmp_path / "out", jobs, tasks, [cases] * 2).to_dict("records")
    assert first["detail"] == ""
    assert second["detail"] == "Patho-Bench reads survival times of OS, PFS, DSS alone, not of RFS"
    read, samples = read_split(tmp_path / "out", first["splits"])
    assert (read["task_col"], read["label_dict"]) == ("PFS", {0: "censored", 1: "event"})
    assert [sample["label"] for sample in samples] == [sample["PFS_event"] for sample in samples] == [1, 0, 1, 0]
    assert [sample["PFS_days"] for sample in samples] == [10, 20, 30, 40]


def test_names_that_pandas_takes_for_missing_values_are_left_out_and_named(tmp_path):
    names = ["A", "NA", "None", "nan", "B", "a/b", "=1", "müller 1"]
    rows = rows_of(names)
    rows[4]["slide_id"] = "null"
    task = write_task(tmp_path / "task", rows)
    cases, vectors = write_model(tmp_path / "mean", names)
    (row,) = export(tmp_path / "out", [["mean", "here--grade"]], [task], [cases]).to_dict("records")
    assert (row["samples"], row["missing"]) == ("3", "5")
    assert row["detail"] == "names that Patho-Bench can't read: NA, None, a/b, nan, null"
    samples_read = read_as_pathobench(tmp_path / "out", row["splits"], row["embeddings"])
    assert list(samples_read) == ["A", "=1", "müller 1"]
    np.testing.assert_array_equal(samples_read["müller 1"][2], vectors[7])
    assert len(list((tmp_path / "out" / row["embeddings"]).iterdir())) == 3


def test_models_and_tasks_that_left_the_config_are_removed(tmp_path, caplog):
    task = write_task(tmp_path / "task", rows_of(["A", "B"]))
    cases, _ = write_model(tmp_path / "mean", ["A", "B"])
    jobs = [["mean", "here--grade"], ["mean", "here--gone"], ["old", "here--grade"], ["old", "there--gone"]]
    export(tmp_path / "out", jobs, [task] * 4, [cases] * 4)
    (tmp_path / "out/linprobe").mkdir()
    export(tmp_path / "out", jobs[:1], [task], [cases])
    left = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_dir()}
    kept = {"splits/here/grade", "embeddings/mean/here/grade", "splits/here", "embeddings/mean/here", "embeddings/mean"}
    assert left == kept | {"splits", "embeddings", "linprobe"}
    assert f"{tmp_path}/out/splits/there is removed: the config and sheets don't ask for it now" in caplog.text
    number = write_task(tmp_path / "number", rows_of(["A", "B"]), task_type="regression", metrics=["r2"])
    (row,) = export(tmp_path / "out", jobs[:1], [number], [cases]).to_dict("records")
    assert row["status"] == "left out"
    assert not list((tmp_path / "out").glob("*/*"))


def test_zero_tasks_are_an_empty_list(tmp_path):
    assert export(tmp_path / "out", [], [], []).empty


def test_looking_for_absent_samples_takes_one_pass():
    """The names are read once, however many samples there are: 47,171 slides took minutes per model and task."""

    class Names(list):
        passes = 0

        def __iter__(self):
            self.passes += 1
            return super().__iter__()

    names = Names(["A", "B"])
    task = SimpleNamespace(samples=["A", "C", "B", "D"], is_survival=False)
    assert detail_of(task, names, []) == "no embedding: C, D"
    assert names.passes == 1
