"""A bundle made in one folder predicts in another, the first one's files gone: the same bytes, or a refusal by name."""

import json
import re
import shutil

import pytest
from molpath.common.bundles import verify_files
from molpath.common.digests import sha256_of
from molpath.common.files import read_tsv
from new_slides import ENCODER, write_study
from projects import call_snakemake
from trained_study import PATCHES

MODELS, TASK = ("mean", "tiny"), "here--grade"


def write_run(folder):
    """The folder of a finished run: a network of few parameters, its weights drawn, that reads the study's patches."""
    from molpath.pretrain.network import build, save

    sizes = {
        "kind": "abmil",
        "input": 3,
        "hidden": 8,
        "layers": 1,
        "heads": 1,
        "output": 8,
        "dropout": 0.0,
        "attention_dropout": 0.0,
    }
    folder.mkdir()
    save(build({"slide_encoder": sizes}, 0).state_dict(), str(folder / "model.safetensors"))
    cut = {"scale": "mpp", "like": "", "min_tissue": 0.0, "max_dropped_fraction": 0.5, "tissue": "otsu"}
    cut["drop"] = ["fold", "pen", "edge_or_bubble", "out_of_focus"]
    own = {
        "grid": "20x_256px_0px",
        "adapter": "mean_colour",
        "input_size": 0,
        "tokens": "mean",
        "weights": "",
        "cut": cut,
    }
    run = {"name": "tiny", "grid": "main", "patches": PATCHES | own}
    description = {"slide_encoder": sizes, "encoder": ENCODER, "run": run, "cases": []}
    (folder / "config.json").write_text(json.dumps(description))
    lines = [f"{sha256_of(folder / name)}  {name}\n" for name in ("config.json", "model.safetensors")]
    (folder / "sha256.txt").write_text("".join(lines))


def snakemake(folder, repository, *arguments):
    return call_snakemake(folder, repository / "workflow/Snakefile", *arguments, "--configfile", "config.json")


def predictions(folder):
    return {model: (folder / f"results/predict/{model}/{TASK}/predictions.tsv").read_bytes() for model in MODELS}


@pytest.fixture(scope="module")
def places(tmp_path_factory, repository):
    """A folder with a bundle and new slides alone; what the study that made both says of these slides."""
    origin, user = tmp_path_factory.mktemp("origin"), tmp_path_factory.mktemp("here")
    write_study(origin)
    write_run(origin / "run")
    config = json.loads((origin / "config.json").read_text())
    config["embed"]["models"]["tiny"] = {"kind": "threads", "path": "run", "grid": "main", "encoder": ENCODER}
    config["embed"]["use"] = list(MODELS)
    config["probe"]["predictors"] = [{"model": model, "task": TASK} for model in MODELS]
    (origin / "config.json").write_text(json.dumps(config | {"predict": {"slides": "new.tsv"}}))
    done = snakemake(origin, repository, "bundle", "predict", "--cores", "2")
    assert done.returncode == 0, done.stdout[-4000:]
    predicted = predictions(origin)
    shutil.copytree(origin / "results/bundle", user / "given")
    for name in ("slides", "new.tsv"):
        (origin / name).rename(user / name)
    shutil.rmtree(origin)
    own = {"slides": {"sheet": ""}, "predict": {"slides": "new.tsv", "bundle": "given"}}
    (user / "config.json").write_text(json.dumps(own))
    return user, predicted


def test_a_bundle_waits_for_predictors_and_what_describes_their_cases(project):
    project.config["probe"]["predictors"] = [{"model": model, "task": TASK} for model in ("mean", "threads")]
    project.write()
    done = project.snakemake("bundle", "--dry-run", "--quiet", "rules")
    assert done.returncode == 0, done.stdout[-3000:]
    count_of = {name: int(count) for name, count in re.findall(r"^(\w+)\s+(\d+)$", done.stdout, re.M)}
    counts = {name: count_of[name] for name in ("pretrain_run", "fit_predictor", "describe_training", "write_bundle")}
    assert counts == {"pretrain_run": 1, "fit_predictor": 2, "describe_training": 2, "write_bundle": 1}


def test_a_bundle_of_nothing_is_refused(project):
    project.write()
    done = project.snakemake("bundle", "--dry-run")
    assert done.returncode != 0
    assert "config, key probe/predictors: no predictor is configured, and a bundle needs at least one" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.slow
def test_a_bundle_predicts_the_same_bytes_where_nothing_else_is(places, repository):
    user, predicted = places
    done = snakemake(user, repository, "predict", "--cores", "2")
    assert done.returncode == 0, done.stdout[-4000:]
    assert predictions(user) == predicted
    rows = read_tsv(user / f"results/predict/tiny/{TASK}/predictions.tsv").set_index("case_id")
    assert set(rows.index) == set(read_tsv(user / "new.tsv").case_id)
    assert set(rows.in_training[rows.in_training == "yes"].index) == {"D019", "X1"}
    verify_files(str(user / "given"))
    again = snakemake(user, repository, "predict", "--cores", "2")
    assert "Nothing to be done" in again.stdout, again.stdout[-3000:]


@pytest.mark.slow
def test_a_changed_byte_starts_no_job(places, repository, tmp_path):
    user, _ = places
    shutil.copytree(user / "given", tmp_path / "given")
    for name in ("new.tsv", "config.json"):
        shutil.copy(user / name, tmp_path / name)
    (tmp_path / "slides").symlink_to(user / "slides")
    weights = tmp_path / f"given/predictors/tiny/{TASK}/model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    done = snakemake(tmp_path, repository, "predict", "--dry-run")
    assert done.returncode != 0
    assert f"given/predictors/tiny/{TASK}/model.safetensors: another SHA-256 than in checksums.tsv" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.slow
def test_another_class_order_is_refused_by_its_file(places, tmp_path):
    """Someone who writes every digest again can't name classes in another order than their coefficients have."""
    from molpath.predict.predictor import BadPredictor, Predictor
    from molpath.predict.stored import own_digest, text_of

    folder = shutil.copytree(places[0] / f"given/predictors/tiny/{TASK}", tmp_path / "predictor")
    facts = json.loads((folder / "predictor.json").read_text())
    facts["classes"].reverse()
    (folder / "predictor.json").write_text(text_of(facts | {"sha256": own_digest(facts)}))
    with pytest.raises(BadPredictor, match=r"model.safetensors: its classes are \['low', 'high'\], those of predictor"):
        Predictor.load(folder)
