"""The profiles for LSF, Grid Engine and Kubernetes against doubles of their commands, which run the job for real.

No such scheduler runs here: what is tested is that the commands of a profile submit, ask and understand the answers.
The doubles lose the first job without a word, as a scheduler does that kills for memory; the second gets more.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import yaml

pytestmark = pytest.mark.slow

#: Every double: remember the call; run the script from the second submission on; write how it ended.
RUN = """
number=$(($(cat $STATE/count 2>/dev/null || echo 0) + 1)); echo $number > $STATE/count
echo "$@" > $STATE/call.$number
if [ $number -eq 1 ]; then echo 137 > $STATE/end.$number
else (sh "$script" > $STATE/log.$number 2>&1; echo $? > $STATE/end.$number) & fi
"""
DOUBLES = {
    "sge": {
        "qsub": "for script; do :; done" + RUN + "echo $number",
        "qstat": "test ! -f $STATE/end.$2",
        "qacct": 'test -f $STATE/end.$2 || exit 1; echo "failed       0"; echo "exit_status  $(cat $STATE/end.$2)"',
        "qdel": "",
    },
    "lsf": {
        "bsub": "for script; do :; done" + RUN + 'echo "Job <$number> is submitted to default queue <normal>."',
        "bjobs": """
for id; do :; done
if [ ! -f $STATE/end.$id ]; then echo RUN; elif [ "$(cat $STATE/end.$id)" = 0 ]; then echo DONE; else echo EXIT; fi
""",
        "bkill": "",
    },
    "kubernetes": {
        "kubectl": """
if [ $1 = get ]; then
    id=${2#job.batch/}
    if [ ! -f $STATE/end.$id ]; then echo "succeeded= failed="
    elif [ "$(cat $STATE/end.$id)" = 0 ]; then echo "succeeded=1 failed="; else echo "succeeded= failed=1"; fi
    exit
fi
cat > $STATE/job
script=$(sed 's/.*"command": \\["sh", "\\([^"]*\\)"\\].*/\\1/' $STATE/job)
set -- $(tr -d ' ' < $STATE/job)
"""
        + RUN
        + "echo job.batch/$number"
    },
}


def memory_of(profile: str, call: str) -> int:
    """Megabytes that a submission asks for."""
    if profile == "kubernetes":
        container = json.loads(call)["spec"]["template"]["spec"]["containers"][0]
        return int(container["resources"]["limits"]["memory"].removesuffix("M"))
    pattern = r"mem_free=(\d+)M" if profile == "sge" else r"-M (\d+)MB"
    return int(re.search(pattern, call)[1])


@pytest.fixture
def cluster(tmp_path):
    """A function that puts the doubles of a scheduler on PATH: (folder of what they saw, environment)."""

    def make(profile: str) -> tuple[Path, dict]:
        programs, state = tmp_path / "bin", tmp_path / "state"
        programs.mkdir()
        state.mkdir()
        for name, body in DOUBLES[profile].items():
            (programs / name).write_text(f"#!/bin/sh\nSTATE={state}\n{body}\n")
            (programs / name).chmod(0o755)
        names = {"MOLPATH_IMAGE": "registry/molpath:1", "MOLPATH_CLAIM": "molpath", "MOLPATH_MOUNT": str(tmp_path)}
        return state, os.environ | names | {"PATH": f"{programs}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}

    return make


@pytest.mark.parametrize("profile", sorted(DOUBLES))
def test_a_lost_job_is_submitted_again_with_more(profile, cluster, tmp_path, repository):
    state, environment = cluster(profile)
    folder = tmp_path / "study"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (512, 512, 3), np.uint8)
    tifffile.imwrite(folder / "S.tif", pixels, tile=(256, 256), photometric="rgb")
    (folder / "slides.tsv").write_text("slide_id\tcase_id\tpath\tmpp\nS\tC\tS.tif\t0.5\n")
    (folder / "config.yaml").write_text(yaml.safe_dump({"slides": {"sheet": "slides.tsv"}}))
    start = [Path(sys.executable).with_name("snakemake"), "--snakefile", repository / "workflow/Snakefile"]
    start += ["--configfile", "config.yaml", "--profile", repository / "workflow/profiles" / profile]
    start += ["--set-resources", "inspect_slides:gpu=attempt - 1"]  # none for the first job, one for the second
    start += ["--seconds-between-status-checks", "1", "slides"]
    done = subprocess.run(
        [str(part) for part in start], cwd=folder, env=environment, text=True, capture_output=True, check=False
    )
    log = done.stderr + "".join(path.read_text() for path in state.glob("log.*"))
    assert done.returncode == 0, log[-6000:]
    assert (folder / "results/slides/00000.tsv").read_text().splitlines()[1].startswith("S\tok")
    first, second = ((state / f"call.{number}").read_text() for number in (1, 2))
    assert not (state / "call.3").exists()
    assert memory_of(profile, second) == pytest.approx(2 * memory_of(profile, first), abs=1)
    if profile == "kubernetes":
        pod = json.loads(second)["spec"]["template"]["spec"]
        assert pod["containers"][0]["workingDir"] == str(folder)
        assert pod["volumes"][0] == {"name": "shared", "persistentVolumeClaim": {"claimName": "molpath"}}
        assert pod["containers"][0]["image"] == "registry/molpath:1"
    request = {"sge": "-l gpu=1 ", "lsf": "-gpu num=1 ", "kubernetes": '"nvidia.com/gpu":"1"'}[profile]
    assert request in second
    assert "gpu" not in first
