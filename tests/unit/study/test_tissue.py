"""What a method of tissue segmentation changes of its rule: environment, GPU, input files."""

from types import SimpleNamespace

import pytest
from molpath.study import Study
from molpath.study.problems import ProblemsFound

NETWORK = {"method": "fpn", "weights": "files/S0.svs", "sha256": "0" * 64}
ARTEFACTS = {"artefacts": {"weights": "files/S1.svs", "sha256": "0" * 64}}


def planned(project, tissue):
    """Environment (its file's name), GPUs, weights and contours of the rule for the first shard."""
    project.config["tissue"] = tissue
    project.write()
    study = Study.open("config.yaml")
    study.check()
    environment = study.environment(study.tissue.family).rsplit("/", 1)[-1]
    contours = study.tissue.shard_contours(SimpleNamespace(shard="00000"))
    return environment, study.tissue.gpus, study.tissue.weights, contours


@pytest.mark.parametrize("method", ["otsu", "hsv"])
def test_classical_methods_need_neither_torch_nor_a_gpu(project, method):
    assert planned(project, {"method": method}) == ("slides.yaml", 0, [], [])


@pytest.mark.parametrize(
    ("tissue", "weights"),
    [
        (NETWORK | ARTEFACTS, ["files/S0.svs", "files/S1.svs"]),
        (NETWORK, ["files/S0.svs"]),
        (ARTEFACTS, ["files/S1.svs"]),
    ],
)
def test_networks_get_their_environment_a_gpu_and_their_weights(project, tissue, weights):
    assert planned(project, tissue) == ("segmentation.yaml", 1, weights, [])


def test_given_contours_of_the_shard_are_inputs(project):
    (project.folder / "drawn").mkdir()
    for name in ("S1", "other"):
        (project.folder / f"drawn/{name}.geojson").write_text("[]")
    tissue = {"method": "contours", "contours": "drawn"}
    assert planned(project, tissue) == ("slides.yaml", 0, [], ["drawn/S1.geojson"])


def test_a_file_of_contours_is_of_one_slide(project):
    """Two scans of one name in different folders got the same polygons."""
    (project.folder / "drawn").mkdir()
    project.slides[1]["path"] = "files/more/S0.svs"
    (project.folder / "drawn/S0.geojson").write_text("[]")
    tissue = {"method": "contours", "contours": "drawn"}
    with pytest.raises(ProblemsFound, match=r"S0\.geojson would be taken for slides S0 and S1"):
        planned(project, tissue)
    (project.folder / "drawn/S1.geojson").write_text("[]")
    assert planned(project, tissue)[3] == ["drawn/S0.geojson", "drawn/S1.geojson"]
