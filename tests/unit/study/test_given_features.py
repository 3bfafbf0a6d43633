"""Files of other tools are inputs of the jobs that read them, and a replaced one is noticed whatever its date."""

import os
from types import SimpleNamespace

import pytest
from molpath.study import Study


def planned(project):
    """Inputs and state of the job of the first shard with given features, of a study planned again."""
    study = Study.open("config.yaml")
    wildcards = SimpleNamespace(shard="00000", encoder="theirs", grid=study.grids.names["main"])
    features = study.given_features
    return (
        features.files(wildcards),
        features.state(wildcards),
        features.sample(wildcards),
        study.grids.given_state(wildcards),
    )


@pytest.fixture
def vectors(project):
    """A project with features and coordinates of another tool for its first three slides."""
    project.config["features"]["encoders"]["theirs"] = {"adapter": "precomputed", "folder": "theirs"}
    project.config["tiles"]["grids"]["main"]["coords"] = "places"
    for folder, ending in (("theirs", ".h5"), ("places", "_patches.h5")):
        (project.folder / folder).mkdir()
        for number in range(3):
            (project.folder / folder / f"S{number}{ending}").write_bytes(b"first")
    project.write()
    return project


def test_files_are_inputs(vectors):
    files, _, sample, _ = planned(vectors)
    assert files == ["theirs/S0.h5", "theirs/S1.h5", "theirs/S2.h5"]
    assert sample == files


def test_an_encoder_that_runs_has_none(project):
    project.write()
    features = Study.open("config.yaml").given_features
    wildcards = SimpleNamespace(shard="00000", encoder="tiny")
    assert (features.files(wildcards), features.sample(wildcards)) == ([], [])


@pytest.mark.parametrize(("name", "place"), [("theirs/S1.h5", 1), ("places/S1_patches.h5", 3)])
def test_a_file_replaced_by_an_older_one_is_noticed(name, place, vectors):
    before = planned(vectors)
    assert planned(vectors) == before
    (vectors.folder / name).write_bytes(b"other")
    os.utime(vectors.folder / name, (10**9, 10**9))
    after = planned(vectors)
    assert after[place] != before[place]
    assert after[0] == before[0]


def test_a_folder_next_to_the_config_is_found_by_the_job(vectors, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    config = vectors.folder / "config.yaml"
    study = Study.open(config)
    folder = study.encoders.encoder(SimpleNamespace(encoder="theirs"))["folder"]
    assert os.path.samefile(folder, vectors.folder / "theirs")
