"""`snakemake doctor` as a user calls it: the table, the exit status, and nothing left behind."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
import tifffile
import yaml


@pytest.fixture
def small_project(project, tmp_path, monkeypatch):
    """A project whose slides can be read, and a machine without a login at the hub."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "SNAKEMAKE_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # a GPU that this torch was not built for would be a problem
    project.write()
    pixels = np.random.default_rng(0).integers(0, 255, (512, 512, 3), np.uint8)
    for row in project.slides:
        tifffile.imwrite(project.folder / row["path"], pixels, tile=(256, 256), photometric="rgb")
    return project


def has_conda(folder: str) -> bool:
    """True for a folder of programs with conda in it."""
    return (Path(folder) / "conda").exists()


def verdicts(text: str) -> dict[str, str]:
    """Verdict by check, from the table in Snakemake's output."""
    return dict(re.findall(r"^(\S.*?) {2,}(ok|note|problem) ", text, re.M))


def test_a_healthy_machine(small_project):
    done = small_project.snakemake("--cores", "1", "doctor")
    assert done.returncode == 0, done.stdout
    verdict_of = verdicts(done.stdout)
    assert "problem" not in verdict_of.values()
    named = {"Snakemake", "conda", "apptainer", "results folder", "disk", "scratch", "rename and fsync", "clock"}
    named |= {"HDF5 and locks", "tokens", "encoder tiny", "slides", "reading slides", "ulimit", "shared memory", "GPU"}
    named |= {"trial of encoder tiny", "time"}
    assert named < set(verdict_of)
    assert "8 of 8 files are there" in done.stdout
    assert "0 problems. The run can start." in done.stdout
    assert not (small_project.folder / "results").exists()


def test_problems_fail_the_run_and_are_listed_at_its_end(small_project, monkeypatch, tmp_path):
    """A gated encoder without a token, a profile whose plugin and conda are missing, a file in the place of results."""
    small_project.config["features"]["encoders"]["tiny"]["adapter"] = "uni_v1"
    (tmp_path / "site").mkdir()
    (tmp_path / "site/profile.yaml").write_text("executor: nowhere\nsoftware-deployment-method: [conda]\n")
    monkeypatch.setenv("PATH", os.pathsep.join(p for p in os.environ["PATH"].split(os.pathsep) if not has_conda(p)))
    (small_project.folder / "results").write_text("")
    small_project.config["doctor"] = {"profiles": ["site"], "slides": 1}
    (small_project.folder / "config.yaml").write_text(yaml.safe_dump(small_project.config))
    done = small_project.snakemake("--cores", "1", "--retries", "2", "doctor")
    assert done.returncode == 1, done.stdout
    verdict_of = verdicts(done.stdout)
    wrong = {check for check, verdict in verdict_of.items() if verdict == "problem"}
    # Where torchvision isn't of torch's build the network can't be built, which is a problem, too.
    assert wrong - {"trial of encoder tiny"} == {"encoder tiny", "profile site", "results folder", "conda"}
    sentence = f"{len(wrong)} problems. Fix the problems before a long run."
    assert done.stdout.count(sentence) == 1, "not tried again"
    end = done.stdout.rsplit(sentence, 1)[1]
    assert "encoder tiny: MahmoodLab/UNI gives access on request, and no token is set\n    -> ask at" in end
    assert "snakemake-executor-plugin-nowhere is not installed next to Snakemake" in end
    assert "conda: --sdm conda is asked for, and conda is not on PATH\n    -> install Miniforge" in end
    assert "Traceback" not in done.stdout
