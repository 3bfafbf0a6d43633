"""A real Slurm of one node, where its packages are there or can be installed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PACKAGES = ("slurm-wlm", "munge")


@pytest.fixture(scope="session")
def slurm_rig() -> Path:
    """The scripts that start and stop Slurm (MOLPATH_TEST_RIGS, default ../shared/rigs next to the repository)."""
    rigs = os.environ.get("MOLPATH_TEST_RIGS") or Path(__file__).resolve().parents[3] / "shared" / "rigs"
    if not (Path(rigs) / "slurm").is_dir():
        pytest.skip(f"no rig for Slurm in {rigs}")
    return Path(rigs) / "slurm"


@pytest.fixture(scope="session")
def slurm(slurm_rig, tmp_path_factory):
    """Environment variables with which Slurm's commands and Snakemake find the running cluster."""
    if not shutil.which("slurmctld"):
        if os.geteuid() or not shutil.which("apt-get"):
            pytest.skip("Slurm is not installed, and only root can install it, by apt-get")
        install = ["apt-get", "install", "-y", "--no-install-recommends", *PACKAGES]
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        commands = (["apt-get", "update"], install)
        if any(
            subprocess.run(command, env=environment, capture_output=True, check=False).returncode
            for command in commands
        ):
            pytest.skip(f"apt-get can't install {' and '.join(PACKAGES)} here")
    folder = tmp_path_factory.mktemp("slurm")
    environment = os.environ | {"SLURM_TOY_DIR": str(folder), "SLURM_CONF": str(folder / "slurm.conf")}
    try:
        started = subprocess.run(
            ["bash", slurm_rig / "start-slurm.sh"], env=environment, text=True, capture_output=True, check=False
        )
        assert started.returncode == 0, f"Slurm is installed but didn't start:\n{started.stdout}{started.stderr}"
        yield environment | {"OMP_NUM_THREADS": "1"}
    finally:
        stop = ["bash", slurm_rig / "stop-slurm.sh", "--purge"]
        subprocess.run(stop, env=environment, capture_output=True, check=False)
