"""Patho-Bench's layout of results: its own files and numbers."""

import json

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from molpath.probe.jobs import run_probe
from molpath.probe.pathobench import write_results

from .test_probe import SETTINGS, read_parity

SWEEP = SETTINGS | {"C_sweep": [0.01, "adaptive"], "controls": []}


def run_all(folder, config, table, embeddings, ids, settings, name):
    data = anndata.AnnData(embeddings.astype(np.float32), obs=pd.DataFrame(index=ids))
    data.write_h5ad(folder / "cases.h5ad")
    paths = {"predictions": folder / "p.parquet", "metrics": folder / "m.tsv", "summary": folder / "s.tsv"}
    run_probe(
        task=name, config=config, table=table, slides="", cases=str(folder / "cases.h5ad"), model="model",
        group="frozen", settings=settings, **paths,
    )  # fmt: skip
    write_results(
        jobs=[["model", name]],
        configs=[config],
        tables=[table],
        predictions=[paths["predictions"]],
        metrics=[paths["metrics"]],
        settings=settings,
        output=str(folder / "out/results_summary.csv"),
    )
    return pd.read_csv(folder / "out/results_summary.csv"), paths


def test_every_file_and_number_is_that_of_pathobench(shared_data, tmp_path):
    """Twelve metrics of 50 folds and their summaries, of three strengths, through the job and the layout."""
    folder = shared_data / "parity/pathobench/mc50--binary"
    expected = json.loads((folder / "expected.json").read_text())
    samples = list(dict.fromkeys(pd.read_csv(folder / "k=all.tsv", sep="\t", dtype=str).case_id))
    with h5py.File(folder / "embeddings.h5") as handle:
        x = read_parity(handle, samples)
    config, table = folder / "config.yaml", folder / "k=all.tsv"
    listed, _ = run_all(tmp_path, config, table, x, samples, SWEEP, "mc50--binary")
    for name, files in expected.items():
        c = name.removeprefix("linprobe_")
        place = tmp_path / f"out/mc50/binary/model_linprobe/C={c}_balanced=True"
        assert json.loads((place / "config.json").read_text())["C"] == (c if c == "adaptive" else float(c))
        assert len(pd.read_csv(place / "split.csv")) == len(samples)
        for file, values in files.items():
            written = json.loads((place / file).read_text())
            if "overall" in values:
                assert written["overall"] == pytest.approx(values["overall"], abs=1e-3), file
                continue
            assert set(written) == set(values)
            for metric, numbers in values.items():
                assert written[metric]["mean"] == pytest.approx(numbers["mean"], abs=1e-4)
                assert written[metric]["se"] == pytest.approx(numbers["se"], abs=1e-4)
                assert written[metric]["formatted"] == numbers["formatted"]
    assert set(listed.hyperparameters) == {f"C={c}_balanced=True" for c in ("0.5", "0.01", "adaptive")}


def test_one_fold_is_bootstrapped_and_a_failed_one_has_null(tmp_path):
    rng = np.random.default_rng(0)
    ids = [f"P{i}" for i in range(60)]
    labels = np.arange(60) % 3
    x = rng.normal(size=(60, 8)) + np.eye(8)[labels] * 2
    config = {"task_col": "y", "sample_col": "case_id", "label_dict": {0: "a", 1: "b", 2: "c"}, "metrics": ["bacc"]}
    (tmp_path / "config.yaml").write_text(json.dumps(config))
    rows = pd.DataFrame(
        {"case_id": ids, "slide_id": ids, "y": labels, "fold_0": np.where(np.arange(60) < 40, "train", "test")}
    )
    rows.to_csv(tmp_path / "k=all.tsv", sep="\t", index=False)
    settings = SETTINGS | {"bootstraps": 30, "controls": []}
    files = (tmp_path / "config.yaml", tmp_path / "k=all.tsv")
    listed, paths = run_all(tmp_path, *files, x, ids, settings, "here--y")
    place = tmp_path / "out/here/y/model_linprobe/C=0.5_balanced=True"
    drawn = [json.loads((place / f"test_metrics/bootstrap_{i}/metrics.json").read_text()) for i in range(30)]
    values = [result["overall"]["bacc"] for result in drawn]
    row = listed.set_index("metric").loc["bacc"]
    assert row["mean"] == pytest.approx(np.mean(values))
    assert [row.lower, row.upper] == pytest.approx(np.percentile(values, [2.5, 97.5]).tolist())
    own = pd.read_csv(paths["summary"], sep="\t").set_index(["protocol", "metric"]).loc[("logistic", "bacc")]
    assert own.bootstrap_mean == pytest.approx(row["mean"])
    assert own.sample_lower == pytest.approx(row.lower)
    rows["fold_1"] = np.where(labels == 0, "train", "test")  # one class to learn from
    rows.to_csv(tmp_path / "k=all.tsv", sep="\t", index=False)
    run_all(tmp_path, *files, x, ids, settings, "here--y")
    failed = json.loads((place / "test_metrics/fold_1/metrics.json").read_text())
    assert failed == {"threshold": None, "overall": {"bacc": None}, "note": "the training side has one class only"}
