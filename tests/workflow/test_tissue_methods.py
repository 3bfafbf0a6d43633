"""What a method of tissue segmentation changes of its rule: environment, GPU, input files."""

import json
import re

import pytest

NETWORK = {"method": "fpn", "weights": "files/S0.svs", "sha256": "0" * 64}
ARTEFACTS = {"artefacts": {"weights": "files/S1.svs", "sha256": "0" * 64}}
PROBE = """
import json
from types import SimpleNamespace

include: "{snakefile}"

seen = workflow.get_rule("assess_tissue")
shard = SimpleNamespace(shard="00000")
found = {{name: seen.input[name](shard) for name in ("weights", "contours")}}
print("RULE", json.dumps(found | {{"conda": str(seen.conda_env), "gpu": seen.resources["gpu"].value}}))
"""


def planned(project, tissue):
    """Environment (its file's name), GPUs, weights and contours of the rule for the first shard."""
    project.config["tissue"] = tissue
    project.write()
    (project.folder / "Snakefile").write_text(PROBE.format(snakefile=project.repository / "workflow/Snakefile"))
    project.use_own_snakefile = True
    seen = project.snakemake("--dry-run", "results/tissue/00000.tsv")
    assert seen.returncode == 0, seen.stdout
    rule = json.loads(re.search(r"^RULE (.*)$", seen.stdout, re.M)[1])
    return rule["conda"].rsplit("/", 1)[-1], rule["gpu"], rule["weights"], rule["contours"]


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
