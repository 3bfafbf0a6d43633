"""Bundles: whole, of the right parts, and refused by name where one byte or one part is another."""

import contextlib
import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest
import yaml
from bundle_files import CASES, FILES, TASK, bundle_of, files_below, refusal, signed, user_of, write_as_rule
from molpath.common.bundles import verify_files
from molpath.common.digests import digest_of, sha256_of
from molpath.predict.cases import mark_training
from molpath.predict.predictor import Predictor
from molpath.study import Study
from molpath.study.bundle import read_bundle
from molpath.study.config import Places
from molpath.study.problems import ProblemsFound


def test_a_bundle_holds_its_parts_and_lists_their_sha256(project):
    bundle = bundle_of(project)
    assert sorted(files_below(bundle)) == sorted(FILES)
    lines = (bundle / "checksums.tsv").read_text().splitlines()
    assert lines[1] == "file\tbytes\tsha256"
    by_hand = {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in files_below(bundle).items()}
    by_hand.pop("checksums.tsv")
    assert {line.split("\t")[0]: (int(line.split("\t")[1]), line.split("\t")[2]) for line in lines[2:]} == by_hand
    whole = Path(project.folder, "results/pretrain/runs/one/model.safetensors").read_bytes()
    assert (bundle / "models/threads/model.safetensors").read_bytes() == whole


def test_the_same_inputs_give_the_same_bytes(project):
    first = files_below(bundle_of(project))
    again = files_below(write_as_rule(project.folder))
    assert first == again == files_below(write_as_rule(project.folder, "elsewhere/bundle"))


def test_names_of_cases_and_slides_stay_in_the_house(project):
    bundle = bundle_of(project)
    names = [*CASES, *(case.replace("C", "S") for case in CASES)]
    for file, data in files_below(bundle).items():
        assert not any(f'"{name}"'.encode() in data for name in names), file
    predictor = Predictor.load(bundle / f"predictors/mean/{TASK}")
    training = predictor.facts["training"]
    assert training["cases"] == [digest_of(case) for case in CASES]
    assert training["slides"] == {digest_of(case.replace("C", "S")): f"identity of {case}" for case in CASES}


def test_in_training_is_the_same_by_names_and_by_digests(project):
    """A case by its name, a slide by its identity; what isn't known is not marked."""
    bundle = bundle_of(project)
    samples = pd.DataFrame({"case_id": ["C3", "D1", "D2"]}, index=["C3", "D1", "D2"])
    identity = ["x", "identity of C5", "y"]
    slides = pd.DataFrame({"slide_id": ["N1", "N2", "N3"], "case_id": samples.case_id.tolist(), "identity": identity})
    marked = [
        mark_training(samples, slides, Predictor.load(folder).facts["training"])
        for folder in (project.folder / f"results/probe/mean/{TASK}/predictor", bundle / f"predictors/mean/{TASK}")
    ]
    assert marked[0].in_training.tolist() == [True, True, False]
    assert marked[0].in_training_by.tolist() == ["case C3", "slide N2", ""]
    pd.testing.assert_frame_equal(*marked)


def test_no_path_of_this_machine_is_in_it(project):
    bundle = bundle_of(project)
    assert not any(str(project.folder).encode() in data for data in files_below(bundle).values())


def test_the_sections_plan_new_slides_as_the_study_does(project, tmp_path):
    """Patches and models of a study with the bundle alone are those of the study that wrote it."""
    builder = Study.open(bundle_of(project, "bundle").parent / "config.yaml")
    config = user_of(tmp_path / "user", Path("../bundle"))
    with contextlib.chdir(config.parent):
        new_study = Study.open(config.name)
        new_study.check()
        inner = Study(new_study.predict.config)
    assert new_study.predict.used == [f"mean/{TASK}", f"threads/{TASK}"]
    assert inner.config["tissue"] == builder.config["tissue"]
    assert inner.grids.by_name == builder.grids.by_name
    assert inner.encoders.entries == builder.encoders.entries
    assert inner.models.used_sources() == builder.models.used_sources()
    assert inner.models.entries["mean"] == builder.models.entries["mean"]
    assert inner.models.entries["threads"]["path"] == "../bundle/models/threads"
    assert new_study.predict.source("threads") == ("20x_256px_0px_overlap", "tiny")


def weighted(project):
    """The project with an encoder whose weights are a file of the user's, and tissue by a network."""
    project.texts["uni.bin"], project.texts["grandqc.pth"] = b"weights of uni", b"weights of grandqc"
    project.config["features"]["encoders"]["tiny"] = {"adapter": "uni_v1", "weights": "uni.bin"}
    sha256 = hashlib.sha256(b"weights of grandqc").hexdigest()
    project.config["tissue"] = {"method": "grandqc", "weights": "grandqc.pth", "sha256": sha256}
    return bundle_of(project, "bundle")


def test_weights_of_others_are_named_and_not_copied(project):
    bundle = weighted(project)
    assert not any(b"weights of uni" in data or b"weights of grandqc" in data for data in files_below(bundle).values())
    needed = {entry["key"]: entry for entry in json.loads((bundle / "bundle.json").read_text())["needed"]}
    assert sorted(needed) == ["features/encoders/tiny/weights", "tissue/weights"]
    uni = needed["features/encoders/tiny/weights"]
    assert (uni["name"], uni["source"], uni["fetched"]) == ("uni_v1", "MahmoodLab/UNI", "")
    assert uni["files"] == {"": hashlib.sha256(b"weights of uni").hexdigest()}
    page = (bundle / "README.md").read_text()
    assert uni["files"][""] in page
    assert "features/encoders/tiny/weights" in page


def test_weights_are_looked_up_here_and_compared_before_any_work(project, tmp_path):
    weighted(project)
    user, bundle = tmp_path / "user", Path("../bundle")
    message = refusal(user_of(user, bundle))
    assert "config, key features/encoders/tiny/weights: empty, and the bundle doesn't hold weights of others" in message
    assert "MahmoodLab/UNI" in message
    assert "config, key tissue/weights: empty" in message
    own_keys = {
        "tissue": {"weights": "mine.pth"},
        "features": {"encoders": {"tiny": {"adapter": "uni_v1", "weights": "mine.bin"}}},
    }
    config = user_of(user, bundle, **own_keys)
    (user / "mine.pth").write_bytes(b"weights of grandqc")
    (user / "mine.bin").write_bytes(b"weights of others")
    message = refusal(config)
    assert (
        "config, key features/encoders/tiny/weights: mine.bin has another SHA-256 than ../bundle/bundle.json" in message
    )
    assert "1 problem in" in message
    (user / "mine.bin").write_bytes(b"weights of uni")
    with contextlib.chdir(user):
        study = Study.open("config.yaml")
        study.check()
        assert study.predict.config["features"]["encoders"]["tiny"]["weights"] == "mine.bin"
        assert study.predict.config["tissue"]["weights"] == "mine.pth"


def test_a_bundle_of_others_permits_nothing_here(project, tmp_path):
    bundle = bundle_of(project, "bundle")
    config = yaml.safe_load((bundle / "config.yaml").read_text())
    config["features"]["encoders"]["tiny"] |= {"adapter": "os:system", "weights": "/etc/passwd"}
    config["embed"]["models"]["mean"]["trust_remote_code"] = True
    config["tiles"]["grids"]["main"]["coords"] = "/etc"
    (bundle / "config.yaml").write_text(yaml.safe_dump(config))
    signed(bundle)
    assert "its encoder tiny runs code that it does not hold, os:system" in refusal(user_of(tmp_path / "user", bundle))
    with contextlib.chdir(tmp_path / "user"):
        inner = Study.open("config.yaml").predict.config
    assert "weights" not in inner["features"]["encoders"]["tiny"]
    assert "trust_remote_code" not in inner["embed"]["models"]["mean"]
    assert "coords" not in inner["tiles"]["grids"]["main"]


def test_a_table_of_vectors_makes_no_bundle(project, tmp_path):
    (tmp_path / "vectors.tsv").write_text("case_id\te0\nC1\t1\n")
    project.config["embed"]["models"]["given"] = {"kind": "table", "path": "vectors.tsv"}
    project.config["embed"]["use"].append("given")
    project.config["probe"]["predictors"] = [{"model": "given", "task": TASK}]
    project.write()
    bundling = Study.open("config.yaml").bundling
    with pytest.raises(ProblemsFound, match="table of given vectors, and nothing in a bundle computes those"):
        bundling.check()


def test_an_earlier_bundles_files_go_and_those_of_others_stop_it(project):
    bundle = bundle_of(project)
    project.config["probe"]["predictors"] = [{"model": "mean", "task": TASK}]
    project.write()
    write_as_rule(project.folder)
    assert sorted(files_below(bundle)) == [name for name in sorted(FILES) if "threads" not in name]
    verify_files(str(bundle))
    assert read_bundle(str(bundle), Places()).predictors == {f"mean/{TASK}": f"{bundle}/predictors/mean/{TASK}"}
    (bundle / "thesis.docx").write_text("x")
    with pytest.raises(FileExistsError, match="thesis.docx is none of a bundle's files: move it away"):
        write_as_rule(project.folder)
    assert sha256_of(bundle / "thesis.docx")
