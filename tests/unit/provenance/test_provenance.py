"""What made the results, as written down: what it holds, what it keeps to itself, and what is found wrong later."""

import getpass
import hashlib
import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml
from molpath.provenance.crate import PROFILES, write_crate
from molpath.provenance.inventory import compare, list_files
from molpath.provenance.provenance import seeds, write_config, write_provenance

SECRET = "hf_secret-of-the-user-0123456789"
BENCHMARK = "s\th:m:s\tmax_rss\tmax_vms\n12.5\t0:00:12\t210.4\t900\n"


def put(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


@pytest.fixture
def project(tmp_path, monkeypatch, repository):
    """A user's folder with results, sheets and a config full of things that concern nobody else."""
    folder = tmp_path / "home of jane" / "study"
    monkeypatch.chdir(put(folder / "slides.tsv", "slide_id\n").rsplit("/", 1)[0])
    monkeypatch.setenv("HF_TOKEN", SECRET)
    results = folder / "results"
    for name in (
        "tables/metrics.tsv",
        "tables/metrics.html",
        "embed/mean/cases.h5ad",
        "probe/mean/t/frozen/metrics.tsv",
    ):
        put(results / name, name)
    put(results / "benchmarks/embed/mean/cases.tsv", BENCHMARK)
    put(results / "benchmarks/resources.tsv", "rule\tjobs\nembed_cases\t1\n")
    put(results / "tables/.tmp-host@1@x.tsv", "being written")
    put(folder / "weights/prism/a.bin", "weights")
    config = {
        "slides": {"sheet": str(folder / "slides.tsv"), "slides_per_job": 4},
        "embed": {"models": {"prism": {"weights": "/home/jane/weights/prism", "seed": 3}}},
        "acquire": {"gdc_api": f"https://jane:{SECRET}@api.example.org/v0?X-Signature={SECRET}"},
        "demo": {"seed": 1},
        "omics": {"sheet": "~/profiles.tsv", "reference": f"file:///home/{getpass.getuser()}/genes.tsv"},
    }
    write_config(config, str(results / "config.yaml"))
    return folder


def write(folder: Path, repository: Path) -> Path:
    """provenance.json and the crate of the project; the path of the former."""
    results = folder / "results"
    provenance = write_provenance(
        config=str(results / "config.yaml"),
        inputs={"slides/sheet": str(folder / "slides.tsv"), "embed/models/prism": str(folder / "weights/prism")},
        environments=[str(repository / f"envs/{name}.yaml") for name in ("report", "pretrain")],
        code={"digests": {"report": "0123456789abcdef"}, "commit": "c" * 40, "modified": False, "release": None},
        outputs=[f"results/{name}" for name in ("config.yaml", "tables/metrics.tsv", "embed/mean/cases.h5ad")]
        + ["results/probe/mean/t/frozen/metrics.tsv", "elsewhere/file.tsv"],
        results="results",
        output=str(results / "provenance.json"),
    )
    write_crate(
        provenance=provenance,
        snakefile=str(repository / "workflow/Snakefile"),
        workflow=str(results / "workflow/Snakefile"),
        benchmarks=str(results / "benchmarks"),
        times=str(results / "job_times.tsv"),
        note="synthetic",
        output=str(results / "ro-crate-metadata.json"),
    )
    return results / "provenance.json"


def test_what_made_the_results_is_there(project, repository):
    written = json.loads(write(project, repository).read_text())
    assert written["seeds"] == {"embed/models/prism/seed": 3, "demo/seed": 1}
    sheet = written["inputs"]["slides/sheet"]
    assert sheet == {"name": "slides.tsv", "bytes": 9, "sha256": hashlib.sha256(b"slide_id\n").hexdigest()}
    assert list(written["inputs"]["embed/models/prism"]["files"]) == ["a.bin"]
    assert list(written["files"]) == [
        "config.yaml",
        "embed/mean/cases.h5ad",
        "probe/mean/t/frozen/metrics.tsv",
        "tables/metrics.html",  # next to a declared one
        "tables/metrics.tsv",
    ]
    listed = written["files"]["tables/metrics.html"]
    assert listed == {"bytes": 19, "sha256": hashlib.sha256(b"tables/metrics.html").hexdigest()}
    assert written["software"]["packages"]["pytorch"]["pinned"] == "2.13.0"
    assert written["software"]["packages"]["pandas"]["installed"] is not None
    assert set(written["environments"]) == {"report.yaml", "pretrain.yaml"}
    assert written["workflow"]["digests"] == {"report": "0123456789abcdef"}


def test_nothing_of_the_machine_and_its_user_is_revealed(project, repository):
    path = write(project, repository)
    for name in ("provenance.json", "ro-crate-metadata.json", "job_times.tsv", "workflow/Snakefile"):
        text = (path.parent / name).read_text()
        for private in (SECRET, str(project), str(repository), "jane", "/home/"):
            assert private not in text, f"{name} tells {private}"
    config = json.loads(path.read_text())["config"]
    assert config["slides"] == {"sheet": "slides.tsv", "slides_per_job": 4}
    assert config["embed"]["models"]["prism"]["weights"] == "…/prism"
    assert config["acquire"]["gdc_api"] == "https://api.example.org/v0"
    assert config["omics"] == {"sheet": "…/profiles.tsv", "reference": "…/genes.tsv"}


def test_the_same_run_gives_the_same_bytes_but_for_times(project, repository):
    path = write(project, repository)
    first = path.read_bytes()
    put(path.parent / "benchmarks/embed/mean/cases.tsv", BENCHMARK.replace("12.5", "99.5"))
    assert write(project, repository).read_bytes() == first
    moved = project.parent / "moved"
    project.rename(moved)
    os.chdir(moved)
    config = path.parent / "config.yaml"
    config = moved / config.relative_to(project)
    moved_config = json.dumps(yaml.safe_load(config.read_text())).replace(str(project), str(moved))
    write_config(json.loads(moved_config), str(config))
    again = json.loads(write(moved, repository).read_text())
    before = json.loads(first)
    for document in (again, before):
        document["files"].pop("config.yaml")  # holds the paths that the user wrote
    assert again == before


def test_the_crate_is_one_of_a_workflow_run(project, repository):
    """Read again by the library; what its profiles ask for is there."""
    from rocrate.rocrate import ROCrate

    results = write(project, repository).parent
    crate = ROCrate(results)
    assert {entity.id for entity in crate.root_dataset["conformsTo"]} == set(PROFILES)
    assert crate.mainEntity.id == "workflow/Snakefile"
    assert set(crate.mainEntity.type) == {"File", "SoftwareSourceCode", "ComputationalWorkflow"}
    assert "snakemake" in crate.mainEntity["programmingLanguage"].id
    assert crate.datePublished
    assert crate.license
    assert "synthetic" in crate.name
    action = crate.root_dataset["mentions"]
    assert action.type == "CreateAction"
    assert action["instrument"] is crate.mainEntity
    assert action["startTime"] < action["endTime"]
    entities = {entity.id: entity for entity in action["result"]}
    listed = json.loads((results / "provenance.json").read_text())["files"]
    assert {name: entity["sha256"] for name, entity in entities.items()} == {n: f["sha256"] for n, f in listed.items()}
    parameters = {entity.id for entity in [*crate.mainEntity["input"], *crate.mainEntity["output"]]}
    for entity in [*action["object"], *entities.values()]:
        assert entity["exampleOfWork"].id in parameters
    for entity in crate.data_entities:
        assert (results / entity.id).is_file(), f"{entity.id} is not in the folder"
    assert {"provenance.json", "job_times.tsv"} <= {entity.id for entity in crate.data_entities}
    formats = {Path(entity.id).suffix: entity["encodingFormat"] for entity in crate.data_entities}
    assert formats == {
        "": "text/plain",
        ".html": "text/html",
        ".tsv": "text/tab-separated-values",
        ".json": "application/json",
        ".yaml": "application/yaml",
        ".h5ad": "application/x-hdf5",
    }
    packages = {entity.id: entity["name"] for entity in crate.mainEntity["softwareRequirements"]}
    assert packages[f"pkg:pypi/torch@{quote(version('torch'))}"] == "pytorch"
    assert crate.mainEntity["version"]
    times = (results / "job_times.tsv").read_text().splitlines()
    assert times[0] == "job\tend\tseconds\tmax_rss_mb"
    assert len(times) == 2
    assert times[1].startswith("embed/mean/cases\t20")
    assert times[1].endswith("\t12.5\t210.4")


def test_a_copied_folder_is_as_it_was(project, repository, tmp_path):
    copy = tmp_path / "elsewhere"
    shutil.copytree(write(project, repository).parent, copy)
    assert compare(copy) == []
    put(copy / "report.html", "made after the run")
    put(copy / "tables/plan.tsv", "made on request")
    assert compare(copy) == []


def damage_contents(folder):
    put(folder / "tables/metrics.tsv", "tables/METRICS.tsv")


def damage_size(folder):
    put(folder / "embed/mean/cases.h5ad", "cut")


def remove(folder):
    (folder / "probe/mean/t/frozen/metrics.tsv").unlink()


def remove_folder(folder):
    shutil.rmtree(folder / "embed")


def add_file(folder):
    put(folder / "tables/other.tsv", "from where?")


FAULTS = {
    damage_contents: "tables/metrics.tsv is changed: other contents",
    damage_size: "embed/mean/cases.h5ad is changed: 3 bytes, provenance.json says 21",
    remove: "probe/mean/t/frozen/metrics.tsv is missing",
    remove_folder: "embed/mean/cases.h5ad is missing",
    add_file: "tables/other.tsv is extra",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_is_named(project, repository, fault):
    results = write(project, repository).parent
    fault(results)
    (problem,) = compare(results)
    assert problem.startswith(FAULTS[fault])


@pytest.mark.parametrize("text", ["", "[]", '{"files": 1}', '{"files": {"a": {"bytes": "x"}}}', "{"])
def test_a_damaged_list_is_one_problem(project, repository, text):
    path = write(project, repository)
    path.write_text(text)
    (problem,) = compare(path.parent)
    assert "can't be read as a list of files" in problem


def test_all_faults_come_in_one_message_without_snakemake(project, repository):
    results = write(project, repository).parent
    for fault in (damage_contents, damage_size, remove, add_file):
        fault(results)
    command = [sys.executable, "-m", "molpath.provenance.inventory", str(results)]
    environment = os.environ | {"PYTHONPATH": str(repository / "workflow/scripts")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "4 differences" in done.stdout
    for fault in (damage_contents, damage_size, remove, add_file):
        assert FAULTS[fault] in done.stdout


def test_no_list_no_differences(tmp_path):
    assert compare(tmp_path) == []


def test_a_folder_without_a_list_is_not_called_unchanged(tmp_path, repository):
    command = [sys.executable, "-m", "molpath.provenance.inventory", str(tmp_path / "reslts")]
    environment = os.environ | {"PYTHONPATH": str(repository / "workflow/scripts")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"{tmp_path}/reslts holds no provenance.json: name the results folder of a finished run" in done.stderr


def test_files_outside_are_not_listed(tmp_path):
    put(tmp_path / "results/a/x.tsv", "x")
    assert list_files(str(tmp_path / "results"), [str(tmp_path / "results/a/x.tsv"), str(tmp_path / "b.tsv")]) == [
        "a/x.tsv"
    ]


def test_seeds_are_found_at_every_depth():
    assert seeds({"a": {"seed": 1, "b": {"seeds": [1, 2]}}, "seed": 0}) == {"a/seed": 1, "a/b/seeds": [1, 2], "seed": 0}
