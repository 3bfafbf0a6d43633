"""What the job of a run asks for grows with its processes."""

from types import SimpleNamespace

import pytest
from molpath.study import Study
from molpath.study.problems import ProblemsFound


@pytest.mark.parametrize(
    ("processes", "build", "gpus", "memory", "minutes"),
    [
        (1, "cpu", 0, 16000, 2880),
        (1, "gpu", 1, 16000, 2880),
        (2, "cpu", 0, 32000, 2880),
        (2, "gpu", 2, 32000, 1440),
        (4, "gpu", 4, 64000, 720),
    ]
    + [(8, "gpu", 8, 128000, 720)],
)
def test_a_run_asks_for_its_processes(project, processes, build, gpus, memory, minutes):
    project.config["pretrain"]["runs"]["one"]["training"] = {"processes": processes}
    project.config["software"] = {"torch": build}
    project.write()
    training, wildcards = Study.open("config.yaml").training, SimpleNamespace(run="one")
    assert training.gpus(wildcards) == gpus
    assert training.promises_gpu(wildcards) == (build == "gpu")
    assert training.memory_mb(wildcards, 1) == memory
    assert training.memory_mb(wildcards, 2) == 2 * memory
    assert training.runtime(wildcards) == minutes


def test_a_card_names_the_hub_only_where_the_weights_are_the_hubs(project):
    project.config["features"]["encoders"] |= {
        "hubs": {"adapter": "uni_v1"},
        "own": {"adapter": "uni_v1", "weights": "weights.pth"},
    }
    for name in ("hubs", "own"):
        project.config["pretrain"]["runs"][name] = project.config["pretrain"]["runs"]["one"] | {"encoder": name}
    project.write()
    training = Study.open("config.yaml").training
    assert training.patch_encoder(SimpleNamespace(run="hubs"))["hub"] == "MahmoodLab/UNI"
    assert set(training.patch_encoder(SimpleNamespace(run="own"))) == {"licence"}


def test_vocabularies_are_of_runs_that_read_expression(project):
    scgpt = {"kind": "scgpt", "checkpoint": "scgpt"}
    runs = project.config["pretrain"]["runs"]
    runs["one"]["rna_encoder"] = scgpt
    runs["dna"] = runs["one"] | {"modalities": ["dna"]}
    project.config["pretrain"]["use"] = ["one", "dna"]
    project.write()
    study = Study.open("config.yaml")
    cohort = runs["one"]["cohorts"][0]
    assert set(study.models.used_runs) == {"one", "dna"}
    assert study.omics.vocabulary_runs(SimpleNamespace(cohort=cohort)) == ["one"]


def test_attention_of_a_transformer_is_refused_at_planning(project):
    project.config["pretrain"]["runs"]["one"]["slide_encoder"] = {"kind": "transformer"}
    project.config["embed"] |= {"attention": ["S0"]}
    project.write()
    with pytest.raises(ProblemsFound, match="embed/attention asks for its attention over patches, and its slide enc"):
        Study.open("config.yaml").check()
