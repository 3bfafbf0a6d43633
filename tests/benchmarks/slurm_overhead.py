"""What Snakemake costs under Slurm: 512 jobs that do nothing, some real ones, and the paper's cohort by both.

    python tests/benchmarks/slurm_overhead.py [JOBS]

A real Slurm of one node (the test rig in MOLPATH_TEST_RIGS, default ../shared/rigs next to the repository), the profile
`slurm` as it ships. A job there starts Snakemake twice before it works, and both read the config and the sheets: so
four jobs of the workflow itself, with the sheets of 47,171 slides, show what a start takes. The last rows are the
length of that cohort's run by the costs of `snakemake plan`, on GPUS GPUs and PROCESSORS processors, and what
Snakemake adds to it, with nothing of it done in parallel to other work: an upper bound.
"""

import contextlib
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import yaml
from molpath.common.files import read_tsv
from plan_cohort import REPOSITORY, SNAKEMAKE, write_cohort

RIGS = Path(os.environ.get("MOLPATH_TEST_RIGS") or REPOSITORY.parent / "shared" / "rigs") / "slurm"
PROFILE = REPOSITORY / "workflow/profiles/slurm"
JOBS = 512
SETTINGS = yaml.safe_load((PROFILE / "profile.yaml").read_text())
#: The cluster of the last rows: eight processors a GPU, as in the profile `slurm-gpu`; jobs take two at most elsewhere.
GPUS, PROCESSORS, JOB_PROCESSORS = 8, 64, 2
#: Stages that wait for one another; seconds between two looks of Snakemake at its jobs, at first and at most.
LINKS, FIRST_LOOK_S, LOOK_S = 8, 40, 180
STUBS = """
rule all:
    input:
        expand("done/{number}", number=range(JOBS)),

rule stub:
    output:
        "done/{number}",
    shell:
        "touch {output}"
"""


def main() -> None:
    """Measure and print."""
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else JOBS
    if not shutil.which("slurmctld") or not RIGS.is_dir() or Path("/etc/slurm/slurm.conf").exists():
        print(f"no Slurm to start here (its packages, {RIGS}, none running already): nothing was measured")
        return
    with tempfile.TemporaryDirectory(prefix="slurm-overhead-") as name:
        folder = Path(name)
        with slurm(folder / "slurm") as environment:
            measured = stubs(folder / "stubs", jobs, environment)
            write_study(folder / "study")
            measured |= starts(folder / "study", environment)
        measured |= share(folder / "study", measured)
    for key, value in measured.items():
        print(key, f"{value:.3g}" if isinstance(value, float) else value, sep="\t", flush=True)


@contextlib.contextmanager
def slurm(folder: Path):
    """A Slurm of this machine's processors; variables with which its commands and Snakemake find it."""
    environment = os.environ | {"SLURM_TOY_DIR": str(folder), "SLURM_CONF": str(folder / "slurm.conf")}
    environment["SLURM_TOY_CPUS"] = str(len(os.sched_getaffinity(0)))
    try:
        subprocess.run(["bash", RIGS / "start-slurm.sh"], env=environment, check=True, stdout=subprocess.DEVNULL)
        yield environment
    finally:
        stop = ["bash", RIGS / "stop-slurm.sh", "--purge"]
        subprocess.run(stop, env=environment, check=False, stdout=subprocess.DEVNULL)


def run(folder: Path, environment, *arguments: str) -> tuple[float, resource.struct_rusage]:
    """Snakemake in `folder` under Slurm: seconds, and what it and the commands it called used of this machine."""
    command = [SNAKEMAKE, *arguments, "--profile", PROFILE, "--slurm-status-command", "squeue"]
    began = time.perf_counter()
    with (folder / "log").open("w") as output:
        process = subprocess.Popen(list(map(str, command)), cwd=folder, env=environment, stdout=output, stderr=output)
        _, status, used = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError((folder / "log").read_text()[-3000:])
    return time.perf_counter() - began, used


def ended(environment) -> list[dict[str, float]]:
    """Every job that Slurm has ended so far: seconds since the epoch (whole ones) of submission, start and end."""
    text = (Path(environment["SLURM_TOY_DIR"]) / "log/jobcomp.log").read_text()
    return [
        {
            name: datetime.fromisoformat(re.search(rf"\b{name}=(\S+)", line)[1]).timestamp()
            for name in ("SubmitTime", "StartTime", "EndTime")
        }
        for line in text.splitlines()
    ]


def stubs(folder: Path, jobs: int, environment) -> dict[str, float]:
    """Jobs that touch a file."""
    folder.mkdir()
    (folder / "Snakefile").write_text(STUBS.replace("JOBS", str(jobs)))
    began = time.perf_counter()
    plan = [SNAKEMAKE, "--dry-run", "--quiet", "all", "--cores", "1"]
    subprocess.run(list(map(str, plan)), cwd=folder, check=True, env=environment, capture_output=True)
    planned = time.perf_counter() - began
    seconds, used = run(folder, environment)
    jobs_ended = ended(environment)
    burst = sorted(job["SubmitTime"] for job in jobs_ended)[: SETTINGS["jobs"]]
    return {
        "stub_jobs": len(jobs_ended),
        "stub_plan_s": planned,
        "stub_wall_s": seconds,
        "submit_s_a_job": (burst[-1] - burst[0]) / len(burst),
        "main_process_cpu_s_a_job": (used.ru_utime + used.ru_stime) / len(jobs_ended),
        "main_process_mb": used.ru_maxrss / 1024,
        "stub_job_s": sum(job["EndTime"] - job["StartTime"] for job in jobs_ended) / len(jobs_ended),
    }


def write_study(folder: Path) -> None:
    """The paper's cohort with its encoder; files of slides are empty."""
    write_cohort(folder)
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["features"]["encoders"]["conch"]["adapter"] = "conch_v15"
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def workflow(*arguments: str) -> list[str | Path]:
    """Arguments of Snakemake for the workflow itself, in a study's folder."""
    return ["--snakefile", REPOSITORY / "workflow/Snakefile", "--configfile", "config.yaml", *arguments]


def starts(folder: Path, environment) -> dict[str, float]:
    """Four jobs of the workflow itself, one after the other: how long each takes apart from its own work."""
    before = len(ended(environment))
    shards = [f"{number:05d}.tsv" for number in range(4)]
    run(folder, environment, *(f"results/slides/{name}" for name in shards), *workflow("--jobs", "1"))
    own = sum(float(read_tsv(folder / "results/benchmarks/slides" / name).s.iloc[0]) for name in shards)
    jobs_ended = ended(environment)[before:]
    spent = sum(job["EndTime"] - job["StartTime"] for job in jobs_ended)
    return {"real_jobs": len(jobs_ended), "start_s_a_job": (spent - own) / len(jobs_ended)}


def share(folder: Path, measured: dict[str, float]) -> dict[str, float]:
    """Jobs and length of the paper's cohort, and what Snakemake adds."""
    seconds, jobs = planned_jobs(folder)
    sent = submissions(jobs)
    length = length_s(folder)
    other_jobs = sum(sent.values()) - sent["extract_features"]
    added = {
        "plan": seconds,
        "submit": measured["submit_s_a_job"] * sum(sent.values()),
        "start": measured["start_s_a_job"]
        * (sent["extract_features"] / GPUS + other_jobs * JOB_PROCESSORS / PROCESSORS),
        "look": LOOK_S * LINKS + FIRST_LOOK_S * other_jobs / SETTINGS["jobs"],
    }
    rows = {"paper_jobs": sum(jobs.values()), "paper_submissions": sum(sent.values()), "paper_run_h": length / 3600}
    rows |= {f"paper_{name}_h": value / 3600 for name, value in added.items()}
    return rows | {"paper_overhead_share": sum(added.values()) / length}


def planned_jobs(folder: Path) -> tuple[float, dict[str, int]]:
    """Seconds of planning, and jobs per rule."""
    began = time.perf_counter()
    command = [SNAKEMAKE, *workflow("--dry-run", "--quiet", "rules", "reason", "--cores", "2")]
    done = subprocess.run(list(map(str, command)), cwd=folder, text=True, capture_output=True, check=True)
    counts = re.findall(r"^(\w+) +(\d+)$", done.stdout, re.M)
    return time.perf_counter() - began, {name: int(count) for name, count in counts if name not in ("total", "all")}


def submissions(jobs: dict[str, int]) -> dict[str, int]:
    """Jobs of Slurm by rule or group of the profile. Jobs of a shard, one a rule, are one; so are components."""
    groups, sent = SETTINGS.get("groups", {}), {}
    for rule, count in jobs.items():
        name = groups.get(rule, rule)
        size = SETTINGS.get("group-components", {}).get(name, 1)
        sent[name] = max(sent.get(name, 0), -(-count // size))
    return sent


def length_s(folder: Path) -> float:
    """Seconds of the run by `snakemake plan`: one stage after the other, pretraining on one GPU."""
    command = [SNAKEMAKE, *workflow("--cores", "1", "plan_table")]
    subprocess.run(list(map(str, command)), cwd=folder, check=True, capture_output=True)
    hours = 0.0
    for row in read_tsv(folder / "results/tables/plan.tsv").to_dict("records"):
        if row["stage"] != "total":
            gpus = 1 if row["what"].startswith("run ") else GPUS
            hours += max(float(row["cpu_hours"]) / PROCESSORS, float(row["gpu_hours"]) / gpus)
    return hours * 3600


if __name__ == "__main__":
    main()
