"""What the doctor says of Snakemake, profiles, conda, GPUs and limits; programs are doubles on a PATH of our own."""

import resource
import sys
import types

import pytest
import yaml
from molpath.preflight import machine, software
from molpath.preflight.findings import as_list, as_table, note, ok, problem, problems_of


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A function that puts a program on an otherwise empty PATH; it prints a text."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def add(name: str, prints: str = "", code: int = 0) -> None:
        path = folder / name
        path.write_text(f"#!/bin/sh\necho '{prints}'\nexit {code}\n")
        path.chmod(0o755)

    return add


def verdicts(findings) -> dict[str, str]:
    return {item.check: item.verdict for item in findings}


def write_profile(folder, contents: dict) -> str:
    folder.mkdir()
    (folder / "profile.yaml").write_text(yaml.safe_dump(contents))
    return str(folder)


def test_snakemake_too_old():
    assert software.check_snakemake("9.3.1", "9.27", {})[0].verdict == "problem"
    assert software.check_snakemake("10.0", "9.27", {})[0].verdict == "ok"


def test_no_conda_on_path(programs):
    assert verdicts(software.check_deployments(set())) == {"conda": "ok", "apptainer": "ok"}
    findings = {item.check: item for item in software.check_deployments({"conda"})}
    assert findings["conda"].verdict == "problem"
    assert "not on PATH" in findings["conda"].found
    assert "Miniforge" in findings["conda"].remedy


@pytest.mark.parametrize(
    ("prints", "code", "verdict"), [("conda 25.1.0", 0, "ok"), ("conda 23.11.0", 0, "problem"), ("", 1, "problem")]
)
def test_conda_that_is_there(programs, prints, code, verdict):
    programs("conda", prints, code)
    assert verdicts(software.check_deployments({"conda"}))["conda"] == verdict


def test_singularity_does_for_apptainer(programs):
    programs("singularity", "singularity-ce version 4.1.0")
    (_, finding) = software.check_deployments({"apptainer"})
    assert (finding.verdict, "4.1.0" in finding.found) == ("ok", True)


def test_a_profile_whose_plugin_and_commands_are_missing(programs, tmp_path):
    profile = write_profile(tmp_path / "site", {"executor": "slurm", "software-deployment-method": ["conda"]})
    findings = list(software.check_profiles([profile], {}))
    assert [item.verdict for item in findings] == ["problem", "problem"]
    assert findings[0].remedy == "pip install snakemake-executor-plugin-slurm"
    assert "sbatch" in findings[1].found
    for name in ("sbatch", "squeue", "sacct", "scancel"):
        programs(name)
    (findings,) = software.check_profiles([profile], {"snakemake-executor-plugin-slurm": "2.8.0"})
    assert findings.verdict == "ok"
    assert software.asked_deployments([], [profile]) == {"conda"}


def test_a_generic_profile_names_its_commands(programs, tmp_path):
    contents = {"executor": "cluster-generic", "cluster-generic-submit-cmd": "qsub -pe smp {threads}"}
    profile = write_profile(tmp_path / "sge", contents | {"default-storage-provider": "s3"})
    plugins = {"snakemake-executor-plugin-cluster-generic": "1.0.9"}
    messages = " ".join(item.found for item in software.check_profiles([profile], plugins))
    assert "qsub" in messages
    assert "snakemake-storage-plugin-s3 is not installed" in messages


@pytest.mark.parametrize(
    ("name", "commands"),
    [
        ("sge", ["qsub", "qstat", "qacct", "qdel"]),
        ("lsf", ["bsub", "bjobs", "bkill"]),
        ("kubernetes", ["kubectl"]),
        ("slurm-gpu", ["sbatch", "squeue", "sacct", "scancel"]),
        ("default", []),
    ],
)
def test_commands_of_the_shipped_profiles(repository, name, commands):
    folder = repository / "workflow/profiles" / name
    assert software.needed_commands(software.read_profile(str(folder)), folder) == commands


def test_a_profile_that_is_not_there(tmp_path):
    (finding,) = software.check_profiles([str(tmp_path / "nowhere")], {})
    assert (finding.verdict, "can't be read" in finding.found) == ("problem", True)


def fake_torch(cuda, available):
    device = types.SimpleNamespace(is_available=lambda: available)
    return types.SimpleNamespace(__version__="2.13.0", version=types.SimpleNamespace(cuda=cuda), cuda=device)


@pytest.mark.parametrize(
    ("smi", "cuda", "visible", "verdict", "words"),
    [
        ("", None, None, "note", "networks run on the CPU"),
        ("NVIDIA A100, 81920 MiB, 470.82", None, None, "problem", "can't use it"),
        ("NVIDIA A100, 81920 MiB, 470.82", "12.9", None, "problem", "finds no device"),
        ("NVIDIA A100, 81920 MiB, 470.82", "12.9", "", "note", "hidden by an empty CUDA_VISIBLE_DEVICES"),
    ],
)
def test_gpu_and_driver_against_torch(programs, monkeypatch, smi, cuda, visible, verdict, words):
    monkeypatch.setitem(sys.modules, "torch", fake_torch(cuda, available=False))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    if smi:
        programs("nvidia-smi", smi)
    finding = machine.check_gpu(networks=True)
    assert (finding.verdict, words in finding.found) == (verdict, True), finding


def test_no_gpu_is_nothing_to_note_where_no_network_runs(programs, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", fake_torch(None, available=False))
    assert machine.check_gpu(networks=False).verdict == "ok"


def test_no_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert machine.check_gpu(networks=True).verdict == "problem"


@pytest.mark.parametrize(("files", "verdict"), [(100, "problem"), (512, "note"), (4096, "ok")])
def test_limit_of_open_files(monkeypatch, files, verdict):
    monkeypatch.setattr(resource, "getrlimit", lambda which: (files, 1 << 20))
    finding = next(iter(machine.check_limits(0, 1)))
    assert (finding.check, finding.verdict) == ("ulimit", verdict)


def test_memory_and_shared_memory(monkeypatch):
    monkeypatch.setattr(machine, "memory_available", lambda: 4e9)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: types.SimpleNamespace(free=64e6))
    monkeypatch.setattr(machine.os.path, "isdir", lambda path: True)
    assert verdicts(machine.check_limits(1e9, 1)) | {"ulimit": ""} == {
        "ulimit": "",
        "shared memory": "ok",
        "memory": "note",
    }
    assert verdicts(machine.check_limits(1e9, 4))["shared memory"] == "problem"
    monkeypatch.setattr(machine, "memory_available", lambda: 12e9)
    assert [verdicts(machine.check_limits(1e9, 1, trains))["memory"] for trains in (False, True)] == ["ok", "note"]


def test_the_table():
    findings = [ok("a", "fine"), note("much longer", "w " * 100, "look"), problem("c", "broken", "fix it")]
    table = as_table(findings)
    assert max(map(len, table.splitlines())) <= 118
    assert "c            problem  broken\n" + " " * 22 + "-> fix it\n" in table
    assert table.endswith("1 ok, 1 to note, 1 problem. Fix the problems before a long run.")
    assert problems_of(findings) == findings[2:]
    assert as_list(findings) == "c: broken\n    -> fix it"
