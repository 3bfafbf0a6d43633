"""What embedding asks of a machine, by the slide encoder of the model and the build of PyTorch."""

from types import SimpleNamespace

import pytest
from molpath.study import Study
from molpath.study.problems import ProblemsFound


def opened(project, build, allow_cpu=False):
    for kind in ("titan", "prism", "gigapath", "madeleine", "chief", "feather"):
        project.config["embed"]["models"][kind] = {"kind": kind, "grid": "main", "encoder": "resnet50", "weights": "w"}
    project.config["software"] = {"torch": build, "allow_cpu": allow_cpu}
    project.write()
    return Study.open("config.yaml").slide_encoders


@pytest.mark.parametrize("kind", ["titan", "prism", "gigapath", "madeleine"])
def test_a_job_asks_for_a_gpu_where_the_config_has_one(project, kind):
    with_gpu, wildcards = opened(project, "gpu"), SimpleNamespace(model=kind)
    assert (with_gpu.gpus(wildcards), with_gpu.promises_gpu(wildcards)) == (1, True)
    without = opened(project, "cpu")
    assert (without.gpus(wildcards), without.promises_gpu(wildcards)) == (0, False)
    assert without.memory_mb(wildcards, 1) >= with_gpu.memory_mb(wildcards, 1) == with_gpu.memory_mb(wildcards, 2) // 2
    assert without.runtime(wildcards, 1) >= with_gpu.runtime(wildcards, 1)
    assert not opened(project, "gpu", allow_cpu=True).promises_gpu(wildcards)


@pytest.mark.parametrize("kind", ["chief", "feather", "mean"])
def test_small_networks_ask_for_none(project, kind):
    wildcards = SimpleNamespace(model=kind)
    assert opened(project, "gpu").gpus(wildcards) == 0
    assert opened(project, "gpu").memory_mb(wildcards, 2) == 16000


def test_an_encoder_for_gpus_alone_is_refused_before_anything_runs(project):
    opened(project, "cpu")
    project.config["embed"]["use"] = ["gigapath"]
    project.write()
    with pytest.raises(ProblemsFound) as refused:
        Study.open("config.yaml").check()
    refusal = str(refused.value)
    assert "gigapath runs on a GPU only" in refusal
    assert "software: {torch: gpu}" in refusal
