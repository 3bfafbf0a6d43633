"""Under a real Slurm: the workflow by the shipped profile, through kills by scheduler, operator and hand."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile

pytestmark = pytest.mark.slow

#: Epochs take some seconds: an order to Slurm arrives before the last of them.
EPOCHS, DEADLINE_S = 300, 1200
SMALL = {"width": 16, "layers": 1, "heads": 2, "feedforward": 16}
CONFIG = {
    "slides": {"sheet": "slides.tsv", "slides_per_job": 64, "max_failed_fraction": 0.5},
    "tiles": {"grids": {"main": {"patch_size": 256, "min_tissue": 0.25}}},
    "features": {"encoders": {"tiny": {"adapter": "mean_colour"}}},
    "omics": {"sheet": "profiles.tsv"},
    "pretrain": {
        "runs": {
            "one": {
                "grid": "main",
                "encoder": "tiny",
                "cohorts": ["SYNTH-A"],
                "slide_encoder": {"hidden": 16, "output": 16, "heads": 2},
                "rna_encoder": SMALL,
                "dna_encoder": {"hidden": 16},
                "training": {
                    "epochs": EPOCHS,
                    "warmup_epochs": 1,
                    "batch_size": 6,
                    "patches": 16,
                    "genes": 50,
                    "save_every": 10,
                    "threads": 1,
                },
            }
        }
    },
    "embed": {"models": {"threads": {"kind": "threads", "run": "one"}}, "use": ["threads"]},
}
#: The first attempt at training gets less memory than torch takes; a patch encoder of this size needs no GPU itself.
RESOURCES = ["pretrain_run:mem_mb=attempt * attempt * 400", "extract_features:gpu=1"]
QUICK = ["--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"]
QUICK += ["--seconds-between-status-checks", "2", "--latency-wait", "5"]


def command(repository: Path, *arguments: str) -> list[str]:
    """Snakemake with the cohort's config, for the target `pretrain`."""
    start = [Path(sys.executable).with_name("snakemake"), "--snakefile", repository / "workflow/Snakefile"]
    return [str(part) for part in (*start, "--configfile", "config.json", *arguments, "pretrain")]


def start(folder: Path, repository: Path, environment) -> subprocess.Popen:
    """Snakemake under Slurm, in the background; its words go to run.log."""
    profile = ["--profile", repository / "workflow/profiles/slurm", *QUICK, "--set-resources", *RESOURCES]
    profile += ["--set-threads", "extract_features=1", "assess_tissue=1", "--"]  # the node has few processors
    with (folder / "run.log").open("a") as log:
        return subprocess.Popen(
            command(repository, *profile), cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )


def wait_for(condition, folder: Path) -> None:
    """Until `what()` is true."""
    until = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < until, (folder / "run.log").read_text()[-6000:]
        time.sleep(0.2)


def squeue(environment, *arguments: str) -> str:
    """What squeue says, a job per line."""
    listed = subprocess.run(
        ["squeue", "--noheader", *arguments], env=environment, text=True, capture_output=True, check=True
    )
    return listed.stdout


def job_ids(environment, *states: str) -> list[str]:
    """Ids of the jobs in a state."""
    return squeue(environment, "--format=%A", "--states", ",".join(states)).split()


@pytest.fixture
def cohort(tmp_path) -> Path:
    """A dozen generated (synthetic) cases."""
    from molpath.demo.cohort import make_cohort

    folder = tmp_path / "slurm"
    make_cohort(folder, n_cases=12, seed=1)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    return folder


@pytest.fixture
def plain(cohort, tmp_path, repository):
    """The same cases in another folder, and their run without Slurm, which goes on while a test waits for Slurm."""
    folder = tmp_path / "local"
    shutil.copytree(cohort, folder)
    with (folder / "run.log").open("w") as log:
        local = subprocess.Popen(
            command(repository, "--cores", "1"),
            cwd=folder,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=log,
            stderr=log,
        )
    yield folder, local
    local.terminate()
    local.wait()


def test_a_run_ends_the_same_through_every_kind_of_kill(slurm, cohort, plain, repository):
    """Snakemake is killed while jobs run and started again; Slurm kills the training for memory; it is requeued."""
    folder = cohort
    results = folder / "results"
    main = start(folder, repository, slurm)
    wait_for((results / "slides/00000.tsv").exists, folder)
    os.kill(main.pid, signal.SIGKILL)
    main.wait()
    wait_for(lambda: not job_ids(slurm, "RUNNING", "PENDING"), folder)  # what was submitted goes on to its end
    locked = subprocess.run(
        command(repository, "--cores", "1", "--nolock", "--unlock"), cwd=folder, env=slurm, check=False
    )
    assert locked.returncode == 0
    files = sorted((results / "wsi").rglob("*.*"))
    times = {path: path.stat().st_mtime_ns for path in files}

    main = start(folder, repository, slurm)
    state = results / "pretrain/runs/one.state"
    wait_for(state.exists, folder)
    (job,) = job_ids(slurm, "RUNNING")
    subprocess.run(["scontrol", "requeue", job], env=slurm, check=True)
    wait_for(lambda: squeue(slurm, "--jobs", job, "--format=%T").strip() == "PENDING", folder)
    now = ["scontrol", "update", f"JobId={job}", "StartTime=now"]  # Slurm would let two minutes pass
    subprocess.run(now, env=slurm, check=True)
    assert main.wait(DEADLINE_S) == 0, (folder / "run.log").read_text()[-6000:]

    assert {path: path.stat().st_mtime_ns for path in files} == times, "files of finished slides were made again"
    requested = squeue(slurm, "--states", "all", "--Format", "tres-per-job")
    assert requested.split().count("gres:gpu:1") == 1
    assert "exceeded memory limit" in (Path(slurm["SLURM_TOY_DIR"]) / "log/slurmd.log").read_text()
    ended = (Path(slurm["SLURM_TOY_DIR"]) / "log/jobcomp.log").read_text()
    assert ended.count(f"JobId={job} ") == 2, "requeued once, then completed"
    assert "resumed" in (results / "logs/pretrain/runs/one.log").read_text()
    assert not state.exists()

    elsewhere, local = plain
    assert local.wait(DEADLINE_S) == 0, (elsewhere / "run.log").read_text()[-6000:]
    for name in ("history.tsv", "model.safetensors", "last.safetensors"):
        first, other = (run / "results/pretrain/runs/one" / name for run in (folder, elsewhere))
        assert first.read_bytes() == other.read_bytes(), name


def test_the_profile_for_gpus_asks_for_one_where_a_network_would_run(slurm, tmp_path, repository):
    """Copied, with the site's names put in, as its head says; its processors a GPU are more than this node may have."""
    profile = (repository / "workflow/profiles/slurm-gpu/profile.yaml").read_text()
    site = profile.replace("'normal'", "'main'").replace("cpus_per_gpu: 8", "cpus_per_gpu: 1")
    assert site.count("cpus_per_gpu: 1") == 3
    (tmp_path / "site").mkdir()
    (tmp_path / "site/profile.yaml").write_text(site)
    pixels = np.random.default_rng(0).integers(0, 255, (512, 512, 3), np.uint8)
    tifffile.imwrite(tmp_path / "S.tif", pixels, tile=(256, 256), photometric="rgb")
    (tmp_path / "slides.tsv").write_text("slide_id\tcase_id\tpath\tmpp\tkeep\nS\tC\tS.tif\t0.5\tyes\n")
    settings = {name: CONFIG[name] for name in ("tiles", "features")} | {"slides": {"sheet": "slides.tsv"}}
    settings["features"] = settings["features"] | {"use": [{"grid": "main", "encoder": "tiny"}]}
    settings["slides"]["max_failed_fraction"] = 1.0  # noise is no tissue: what counts is what Slurm is asked for
    (tmp_path / "config.json").write_text(json.dumps(settings))
    start = command(repository, "--profile", str(tmp_path / "site"), *QUICK)[:-1]
    done = subprocess.run([*start, "features"], cwd=tmp_path, env=slurm, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr[-6000:]
    requested = squeue(slurm, "--states", "all", "--Format", "partition,tres-per-job,tres-per-task,cpus-per-task")
    jobs = [line.split() for line in requested.splitlines()]
    gpu_jobs = [job for job in jobs if "gpu" in job[0]]
    assert len(gpu_jobs) == 1, requested
    assert "gres:gpu:1" in gpu_jobs[0]
