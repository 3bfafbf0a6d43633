"""Networks that can't be built, and bags that a model can't take, are refused before anything runs."""

import pytest
from molpath.study import Study
from molpath.study.problems import ProblemsFound


def refusal(project):
    project.write()
    with pytest.raises(ProblemsFound) as refused:
        Study.open("config.yaml").check()
    return str(refused.value)


@pytest.mark.parametrize(
    ("section", "sizes", "key", "says"),
    [
        ("rna_encoder", {"width": 60, "heads": 8}, "heads", "8 heads can't share width 60 evenly"),
        ("slide_encoder", {"kind": "transformer", "hidden": 770, "heads": 12}, "heads", "can't share hidden 770"),
        ("slide_encoder", {"heads": 1, "hidden": 512, "output": 1024}, "output", "hidden width 512, not 1024"),
    ],
)
def test_sizes_of_a_network_that_can_not_be_built(project, section, sizes, key, says):
    project.config["pretrain"]["runs"]["one"][section] = sizes
    message = refusal(project)
    assert f"config, key pretrain/runs/one/{section}/{key}" in message
    assert says in message


@pytest.mark.parametrize("kind", ["titan", "gigapath"])
def test_a_union_of_slides_for_a_model_that_reads_coordinates(project, kind):
    model = {"kind": kind, "grid": "main", "encoder": "resnet50", "weights": "w", "cases": "union"}
    project.config["embed"]["models"][kind] = model
    message = refusal(project)
    assert f"config, key embed/models/{kind}/cases" in message
    assert "set cases: mean" in message
