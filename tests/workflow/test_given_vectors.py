"""Probing starts from embeddings alone: a table of vectors, tasks and ten lines of config, no slide anywhere."""

import contextlib
import os
import re

import h5py
import numpy as np
import pytest
import yaml
from molpath.common.files import read_tsv
from molpath.embed.given_arrays import read_vectors
from molpath.study import Study
from molpath.study.problems import ProblemsFound
from projects import call_snakemake, write_table
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from vector_study import write_study, write_task


def refusal(folder):
    with contextlib.chdir(folder), pytest.raises(ProblemsFound) as caught:
        Study.open("config.yaml").check()
    return str(caught.value)


def change(folder, **entry):
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["embed"]["models"]["mine"].update(entry)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def test_one_table_and_two_tasks_are_probed_from_an_empty_folder(tmp_path, repository):
    vectors = write_study(tmp_path, cases=90, width=6, tasks=2)
    assert len((tmp_path / "config.yaml").read_text().splitlines()) == 10
    snakefile = repository / "workflow/Snakefile"
    done = call_snakemake(tmp_path, snakefile, "--configfile", "config.yaml", "--dry-run")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "provenance.json" in done.stdout
    assert not re.search("inspect_slides|assess_tissue|set_aside|ledger", done.stdout)
    done = call_snakemake(tmp_path, snakefile, "probe", "--configfile", "config.yaml", "--cores", "2")
    assert done.returncode == 0, done.stdout[-3000:]
    results = tmp_path / "results"
    summary = done.stdout[done.stdout.index("What happened to the 90 samples of the tables of the tasks") :]
    assert "tissue" not in summary
    scores = read_tsv(results / "probe/mine/mine--t0/frozen/metrics.tsv")
    scores = scores[(scores.metric == "macro-ovr-auc") & (scores.protocol == "logistic")].value.astype(float)
    rows = read_tsv(tmp_path / "tasks/t0/k=all.tsv")
    x, label = vectors.astype(float), rows.label.astype(int).to_numpy()
    for fold, score in enumerate(scores):
        train, test = (np.flatnonzero(rows[f"fold_{fold}"] == side) for side in ("train", "test"))
        model = LogisticRegression(C=0.5, max_iter=10_000, class_weight="balanced").fit(x[train], label[train])
        assert score == pytest.approx(roc_auc_score(label[test], model.predict_proba(x[test])[:, 1]), abs=1e-9)


def test_slides_pooled_by_trident_and_cases_that_are_their_mean(tmp_path, repository):
    """A task lists one of two slides of a case: it is probed on that one. Unknown ids, and none, are reported."""
    write_study(tmp_path, cases=20, width=4, tasks=1, folds=2)
    rows = read_tsv(tmp_path / "tasks/t0/k=all.tsv").to_dict("records")
    both = [row | {"slide_id": f"{row['case_id']}-{k}"} for row in rows for k in (0, 1)]
    write_table(tmp_path / "tasks/t0/k=all.tsv", both[1:])
    write_task(tmp_path / "tasks/t1", [row["case_id"] for row in rows], np.arange(20) % 2, 2, 2)
    pooled = tmp_path / "trident/20x_512px_0px_overlap/slide_features_titan"
    pooled.mkdir(parents=True)
    rng = np.random.default_rng(1)
    vectors = {row["slide_id"]: rng.normal(size=4).astype(np.float32) for row in both[:-1]} | {"X": np.zeros(4)}
    for name, vector in vectors.items():
        with h5py.File(pooled / f"{name}.h5", "w") as handle:
            handle["features"] = vector
    change(tmp_path, path=str(pooled), unit="slide_id")
    with contextlib.chdir(tmp_path):
        study = Study.open("config.yaml")
        study.check()
        notes = study.notes()
    assert any(note.endswith("of 2 slide_ids no task has a row (C00000-0, X)") for note in notes)
    assert any(note.endswith("1 slide_ids of tasks have no row (C00019-1)") for note in notes)
    done = call_snakemake(
        tmp_path, repository / "workflow/Snakefile", "embed", "--configfile", "config.yaml", "--cores", "2"
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert "note: " in done.stdout
    import anndata

    cases = anndata.read_h5ad(tmp_path / "results/embed/mine/cases.h5ad")
    vector_of = dict(zip(cases.obs_names, cases.X, strict=True))
    np.testing.assert_allclose(vector_of["C00000"], vectors["C00000-1"], atol=1e-7)
    np.testing.assert_allclose(vector_of["C00001"], (vectors["C00001-0"] + vectors["C00001-1"]) / 2, atol=1e-6)
    np.testing.assert_allclose(vector_of["C00019"], vectors["C00019-0"], atol=1e-7)
    assert dict(zip(cases.obs_names, cases.obs.slides_used, strict=True))["C00019"] == "C00019-0"
    aside = read_tsv(tmp_path / "results/embed/mine/slides.tsv").set_index("slide_id").loc["C00019-1"]
    assert (aside.status, aside.reason) == ("set_aside", "no_vector")


def test_bad_tables_are_reported_before_anything_runs(tmp_path):
    write_study(tmp_path, cases=12, width=3, tasks=1, folds=2)
    good = (tmp_path / "vectors.tsv").read_text()
    for changed, message in (
        (good.replace("C00005", "C00003"), "vectors.tsv, row 7: case_id C00003 is there twice"),
        (good.replace("C000", "P000"), "none of its 12 case_ids (P00000, …) is in the tables of the tasks"),
        (good.replace("\n", "\t\n", 3), "vectors.tsv, row"),
        (good.replace("\t", ","), "vectors.tsv, header: 'case_id,e0,e1,e2' has no tab, but commas"),
    ):
        (tmp_path / "vectors.tsv").write_text(changed)
        assert message in refusal(tmp_path)
    os.remove(tmp_path / "vectors.tsv")
    assert "config, key embed/models/mine/path: no such file: vectors.tsv" in refusal(tmp_path)


def test_a_slide_of_another_case_is_reported(tmp_path):
    write_study(tmp_path, cases=12, width=3, tasks=1, folds=2)
    rows = read_tsv(tmp_path / "tasks/t0/k=all.tsv").to_dict("records")
    write_table(tmp_path / "tasks/t0/k=all.tsv", [row | {"slide_id": f"S{k}"} for k, row in enumerate(rows)])
    write_table(tmp_path / "vectors.tsv", [{"slide_id": f"S{k}", "case_id": "C00000", "e": k} for k in range(12)])
    message = refusal(tmp_path)
    assert "vectors.tsv, row 3: slide S1 is of case C00000 here, and of C00001 in the tables of the tasks" in message


def test_a_label_among_the_numbers_is_reported(tmp_path):
    write_study(tmp_path, cases=12, width=3, tasks=1, folds=2)
    text = (tmp_path / "vectors.tsv").read_text()
    (tmp_path / "vectors.tsv").write_text(text.replace("e1", "label", 1))
    assert "vectors.tsv, column label: a task names it as its label" in refusal(tmp_path)


def test_a_study_without_slides_asks_for_nothing_of_them(tmp_path):
    write_study(tmp_path, cases=12, width=3, tasks=1, folds=2)
    config = yaml.safe_load((tmp_path / "config.yaml").read_text())
    config |= {"tiles": {"grids": {"main": {"patch_size": 256}}, "use": ["main"]}}
    config["features"] = {"encoders": {"tiny": {"adapter": "mean_colour"}}}
    config["embed"]["models"]["mean"] = {"kind": "mean", "grid": "main", "encoder": "tiny"}
    config["embed"]["use"] = ["mine", "mean"]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    message = refusal(tmp_path)
    assert "config, key slides/sheet: empty, and tiles/use (main) needs slides" in message
    assert "empty, and embed/use (mean) needs slides" in message


def test_vectors_without_a_task_are_refused_before_anything_runs(tmp_path):
    write_study(tmp_path, cases=12, width=3, tasks=1, folds=2)
    config = yaml.safe_load((tmp_path / "config.yaml").read_text())
    config["probe"]["use"] = []
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    assert "config, key slides/sheet: empty, and probe/use names no task" in refusal(tmp_path)


def test_vectors_of_a_study_are_read_as_they_were_written(tmp_path):
    vectors = write_study(tmp_path, cases=12, width=3, tasks=1, folds=2)
    np.testing.assert_array_equal(np.asarray(read_vectors(str(tmp_path / "vectors.tsv")).values, np.float32), vectors)
