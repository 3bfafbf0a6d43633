"""A run that another study trained, as a model of a study that has neither its run nor its profiles."""

import json
import shutil

import pytest
from molpath.pretrain.artefacts import export

from .small_cohort import ENCODER, run

FILES = ("slides.h5ad", "cases.h5ad", "attention.h5")


@pytest.mark.parametrize("layout", ["run", "hub"])
def test_a_run_folder_gives_the_same_embeddings_byte_for_byte(cohort, code, tmp_path, layout):
    """The other study calls the grid otherwise, and it trains nothing."""
    copy, shared = tmp_path / "other", tmp_path / "shared"
    trained = cohort / "results/pretrain/runs/one"
    if layout == "run":
        shutil.copytree(trained, shared)
    else:
        export(str(trained), str(shared))
    shutil.copytree(cohort, copy)
    for stage in ("pretrain", "omics", "embed"):
        shutil.rmtree(copy / "results" / stage)
    config = json.loads((cohort / "config.json").read_text())
    kept = {key: config[key] for key in ("slides", "features")}
    kept["tiles"] = {"grids": {"theirs": config["tiles"]["grids"]["main"]}}
    model = {"kind": "threads", "path": str(shared), "grid": "theirs", "encoder": ENCODER}
    kept["embed"] = {"models": {"threads-s0": model}, "use": ["threads-s0"], "attention": config["embed"]["attention"]}
    (copy / "config.json").write_text(json.dumps(kept))
    done = run(copy, code, "embed")
    assert done.returncode == 0, done.stdout[-6000:]
    assert not (copy / "results/pretrain").exists()
    for name in FILES:
        path = f"results/embed/threads-s0/{name}"
        assert (copy / path).read_bytes() == (cohort / path).read_bytes(), name
