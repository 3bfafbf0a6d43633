"""New slides through the workflow: a prediction or a reason for every case, and nothing of the training again."""

import json
import os
import re
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from molpath.common.files import read_tsv
from molpath.predict.predictor import Predictor
from molpath.probe.embeddings import read_embeddings
from new_slides import NEW, write_study
from projects import call_snakemake

PREDICTED = "results/predict/mean/here--grade"
#: Rules of the module that runs the stages on new slides.
NEW_RULES = {
    *("predict_inspect_slides", "predict_assess_tissue", "predict_collect_slides", "predict_tile_slides"),
    *("predict_collect_losses", "predict_extract_features", "predict_collect_feature_losses", "predict_embed_block"),
    *("predict_gather_embeddings", "predict_cases", "write_gallery_of_new_slides"),
}

pytestmark = pytest.mark.slow


def snakemake(folder: Path, repository: Path, *arguments: str):
    """A run in the study's folder, which has to come to its end."""
    done = call_snakemake(folder, repository / "workflow/Snakefile", *arguments, "--configfile", "config.json")
    assert done.returncode == 0, done.stdout[-5000:]
    return done


def planned(folder: Path, repository: Path, *arguments: str) -> dict[str, int]:
    """Number of jobs per rule of a dry run."""
    output = snakemake(folder, repository, *arguments, "--dry-run", "--quiet", "rules").stdout
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", output, re.M)}


@pytest.fixture(scope="module")
def study(tmp_path_factory, repository) -> Path:
    """A study whose predictor was fitted before its config named new slides, and which then predicted them."""
    folder = tmp_path_factory.mktemp("new_slides")
    write_study(folder)
    config = json.loads((folder / "config.json").read_text())
    snakemake(folder, repository, "--cores", "2", "probe", "results/probe/mean/here--grade/predictor/reference.json")
    config["predict"] = {"slides": "new.tsv"}
    (folder / "config.json").write_text(json.dumps(config))
    jobs = planned(folder, repository, "predict")
    assert set(jobs) - {"predict", "total"} == NEW_RULES  # nothing of the training runs again
    snakemake(folder, repository, "--cores", "2", "predict")
    return folder


def test_every_case_has_a_row_and_the_value_is_the_predictors(study):
    table = read_tsv(study / PREDICTED / "predictions.tsv").set_index("case_id", drop=False)
    assert list(table.index) == list(dict.fromkeys(read_tsv(study / "new.tsv").case_id))
    assert {*NEW, "D019", "X1"} == set(table.index)
    ids, vectors = read_embeddings(study / "results/predict/cohort/embed/mean/cases.h5ad")
    predictor = Predictor.load(study / "results/probe/mean/here--grade/predictor")
    logit = (vectors / predictor.unit) @ predictor.coefficients[0] + predictor.intercept[0]
    predicted = table.loc[ids, "prob_high"].astype(float)
    np.testing.assert_allclose(predicted, 1 / (1 + np.exp(-logit)), rtol=1e-6)
    assert table.status["D003"] == "not predicted"
    assert "blank" in table.reason["D003"]
    assert table.loc["D003", ["prob_high", "predicted", "ood_flag", "n_patches"]].tolist() == ["", "", "", "0"]


def test_slides_that_were_set_aside_are_named_in_the_row_of_their_case(study):
    table = read_tsv(study / PREDICTED / "predictions.tsv").set_index("case_id")
    assert table.n_slides[["D002", "D004", "D006"]].tolist() == ["1", "1", "2"]
    assert table.set_aside["D002"].startswith("D002-DX9: truncated")
    assert table.set_aside["D004"].startswith("D004-DX9: out_of_focus")
    patches = read_tsv(study / "results/predict/cohort/embed/mean/slides.tsv").set_index("slide_id").n_patches
    assert int(table.n_patches["D006"]) == int(patches["D006-DX1"]) + int(patches["D006-DX2"])


def test_cases_in_training_are_flagged_by_name_and_by_file(study):
    table = read_tsv(study / PREDICTED / "predictions.tsv").set_index("case_id")
    assert list(table.index[table.in_training == "yes"]) == ["D019", "X1"]
    assert table.in_training_by["X1"] == "slide X1"


def test_external_validation_leaves_training_out(study):
    scores = read_tsv(study / PREDICTED / "metrics.tsv").set_index("metric")
    table = read_tsv(study / PREDICTED / "predictions.tsv")
    used = table[(table.status == "ok") & (table.in_training == "no")]
    assert scores.n["acc"] == str(len(used)) == "4"
    assert float(scores.value["acc"]) == np.mean(used.predicted == used.label)
    assert "1 in training left out" in scores.note["acc"]
    summary = read_tsv(study / "results/probe/mean/here--grade/frozen/summary.tsv")
    own = summary[(summary.protocol == "logistic") & (summary.metric == "acc")]["mean"]
    assert float(scores.internal_mean["acc"]) == pytest.approx(float(own.iloc[0]))


def test_a_page_shows_all_of_it(study):
    page = (study / PREDICTED / "predictions.html").read_text()
    assert "6 of 7 predicted, 1 not predicted" in page
    assert "no medical device" in page


def test_the_end_of_a_run_counts_predictions(study, repository):
    summary = snakemake(study, repository, "--cores", "1", "summary").stdout
    assert "mean/here--grade: 6 predicted" in summary
    assert "2 of them in training, 1 not predicted" in summary


def test_nothing_is_left_to_do(study, repository):
    assert planned(study, repository, "predict") == {}


def test_a_changed_new_slide_concerns_new_slides_alone(study, repository, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(study, folder, symlinks=True)
    shutil.copy(folder / "slides/D020-DX1.svs", folder / "slides/D006-DX2.svs")
    jobs = planned(folder, repository, "predict", "probe")
    assert set(jobs) - {"predict", "total"} == NEW_RULES


def test_new_slides_are_predicted_below_the_prefix_of_an_importing_workflow(study, repository, tmp_path):
    """Its rules have the importer's names, its paths the prefix; what it would run is the same."""
    for name in ("slides", "slides.tsv", "new.tsv", "tasks", "config.json"):
        os.symlink(study / name, tmp_path / name)
    (tmp_path / "Snakefile").write_text(
        f'configfile: "config.json"\n\nmodule molpath:\n    snakefile: "{repository}/workflow/Snakefile"\n'
        '    config: config\n    prefix: "below"\n\nuse rule * from molpath as molpath_*\n'
    )
    done = call_snakemake(tmp_path, tmp_path / "Snakefile", "--dry-run", "molpath_predict")
    assert done.returncode == 0, done.stdout[-3000:]
    assert {f"molpath_{name}" for name in NEW_RULES} <= set(re.findall(r"^(\w+) +\d+$", done.stdout, re.M))
    missing = re.findall(r"Missing output files: ([^;\n]+)", done.stdout)
    assert missing
    assert all(path.startswith("below/results/") for line in missing for path in line.split(", "))


def test_files_of_new_slides_are_verified_and_none_is_an_orphan(study, repository, tmp_path):
    """As those of the training are: a byte that changed is named."""
    from molpath.provenance.verification import orphans, verify_all

    assert verify_all(study / "results") == orphans(study / "results") == []
    shutil.copytree(study / "results", tmp_path / "results")
    (path,) = (tmp_path / "results/predict/cohort/wsi").glob("*/features_colour/D020-DX1.h5")
    path.write_bytes((data := path.read_bytes())[:-1] + bytes([data[-1] ^ 1]))
    (path.parent / "D099-DX1.h5").touch()
    assert any(str(path) in wrong for wrong in verify_all(tmp_path / "results"))
    assert orphans(tmp_path / "results") == [str(path.parent / "D099-DX1.h5")]


def test_what_patches_add_is_drawn_and_sums_to_the_prediction(study, repository, tmp_path):
    """A case of two slides: contributions and the constant are the logit of its row in predictions.tsv."""
    folder = tmp_path / "study"
    shutil.copytree(study, folder, symlinks=True)
    config = json.loads((folder / "config.json").read_text())
    config["predict"]["contributions"] = ["D006-DX1", "D006-DX2"]
    (folder / "config.json").write_text(json.dumps(config))
    jobs = planned(folder, repository, "predict")
    assert not {"predict_extract_features", "predict_cases", "fit_predictor"} & set(jobs), "only maps are to be drawn"
    snakemake(folder, repository, "--cores", "2", "predict")
    row = read_tsv(folder / PREDICTED / "predictions.tsv").set_index("case_id").loc["D006"]
    with h5py.File(folder / PREDICTED / "contributions.h5") as handle:
        parts = [handle[f"slides/{slide}/contributions"][:].astype(float) for slide in ("D006-DX1", "D006-DX2")]
        logit = handle["constant"][0] + sum(part[:, 0].sum() for part in parts)
    assert sum(map(len, parts)) == int(row.n_patches)
    assert 1 / (1 + np.exp(-logit)) == pytest.approx(float(row.prob_high), abs=1e-5)
    for slide in ("D006-DX1", "D006-DX2"):
        for kind, suffix in (("contributions", "png"), ("contributions", "geojson"), ("contributing_patches", "png")):
            assert (folder / f"results/figures/{kind}/mean/here--grade/{slide}.{suffix}").stat().st_size > 1000
