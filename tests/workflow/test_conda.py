"""Each environment file makes an environment, and each rule finds all that it imports in its own.

Snakemake appends the launcher's search path to every script's, which hides what an environment lacks. So it is launched
from an environment of envs/launch.yaml alone, and every process records where its modules come from. The channel
is made of wheels by a rig (MOLPATH_TEST_RIGS, default ../shared/rigs next to the repository); envs/README.md says what
that can't prove.
"""

import hashlib
import json
import os
from pathlib import Path

import pytest
from vector_study import write_study

from .conda_rig import CondaRig, call, checked
from .small_cohort import ENCODER, GRID, PAIRS, config_of, write_listed_task
from .test_environments import LEFT_OUT, NEEDED_BY, SCRIPTS, families, needed

pytestmark = pytest.mark.slow

#: Of export.yaml, some hundred packages of which only one rule has need, test_export.py installs the lock instead.
CPU = sorted(set(families()) - {"export"})
GPU = sorted(path.stem for path in (SCRIPTS.parents[1] / "envs").glob("*-gpu.yaml"))
#: Scripts that the small cohort has no use for; what they import is looked at all the same.
NOT_RUN = {
    "sheets.py": "asks data services",
    "download_files.py": "downloads",
    "fetch_splits.py": "downloads",
    "fetch_encoder_weights.py": "downloads",
    "fetch_hub_weights.py": "downloads",
    "list_gdc_profiles.py": "reads a cart of the GDC",
    **dict.fromkeys(
        ("score_gene_sets.py", "read_gene_sets.py", "draw_gene_sets.py"), "the small cohort has no gene sets"
    ),
    **dict.fromkeys(
        ("average_slides.py", "contribute_patches.py", "draw_contributions.py", "show_contributing_patches.py"),
        "the small cohort has no new slides",
    ),
    "measure_robustness.py": "the small cohort asks for no robustness",
    "fit_predictor.py": "the small cohort keeps no probe",
    "predict_cases.py": "the small cohort predicts no new slides",
    "write_bundle.py": "the small cohort bundles nothing",
    "draw_planted.py": "the picture of the demo's second part",
    "describe_training.py": "the small cohort keeps no predictors",
    **dict.fromkeys(
        (
            *("list_outputs.py", "export_tables.py", "export_croissant.py"),
            *("export_slides.py", "export_stores.py", "export_pathobench.py"),
        ),
        "the small cohort exports nothing",
    ),
}
SEGMENTATION = {"method": "fpn", "fpn": {"encoder": "resnet18", "classes": 2, "tissue_class": 1}}
WEIGHTS = """
import sys, torch, segmentation_models_pytorch as smp
torch.save(smp.FPN("resnet18", encoder_weights=None, classes=2).state_dict(), sys.argv[1])
"""


@pytest.fixture(scope="module")
def rig(tmp_path_factory, repository) -> CondaRig:
    """The channel, the stand-in for conda and the launcher's environment (in MOLPATH_TEST_CONDA, where it is kept)."""
    rigs = Path(os.environ.get("MOLPATH_TEST_RIGS") or repository.parent / "shared" / "rigs")
    if not (rigs / "conda/make_channel.py").is_file():
        pytest.skip(f"no rig for conda in {rigs}")
    kept = os.environ.get("MOLPATH_TEST_CONDA")
    conda_rig = CondaRig(rigs, Path(kept) if kept else tmp_path_factory.mktemp("conda"), repository)
    launch = conda_rig.folder / "launch"
    if not launch.exists():
        conda_rig.set_up()
    conda_rig.wrap_conda()
    if not launch.exists():
        conda_rig.create(repository / "envs/launch.yaml", launch)
    return conda_rig


def with_fewer_jobs(config: dict) -> dict:
    """Every kind of job of the small cohort, of most kinds one."""
    config["slides"]["slides_per_job"] = 32
    config["embed"]["attention"] = config["embed"]["attention"][:1]
    config["embed"]["use"] = ["threads-s0"]
    probe = config["probe"]
    probe["use"] = [f"synthetic--{task}" for task in ("subtype", "immune", "OS", "listed")]
    for task in probe["tasks"].values():
        task["groups"] = [group for group in task.get("groups", ["frozen"]) if group != "fewshot"]
    probe["transfer"]["use"] = probe["prompt"]["use"] = PAIRS[:1]
    return config | {"probe": probe | {"permutations": 1, "survival_permutations": 1, "C_sweep": []}}


def run_in_environments(rig: CondaRig, folder: Path, *arguments: str | Path) -> None:
    """Run, each rule in its own environment, which Snakemake makes first."""
    done = rig.snakemake(folder, *arguments)
    assert done.returncode == 0, done.stdout[-6000:]


@pytest.fixture(scope="module")
def cohort(rig, tmp_path_factory) -> Path:
    """A dozen generated cases, run from slides to report with every rule in its own environment."""
    from molpath.demo.cohort import make_cohort

    folder = tmp_path_factory.mktemp("cohort")
    make_cohort(folder, n_cases=20, seed=1)
    write_listed_task(folder)
    (folder / "config.json").write_text(json.dumps(with_fewer_jobs(config_of(folder))))
    run_in_environments(rig, folder, "--configfile", "config.json")
    features = sorted((folder / f"results/wsi/{GRID}/features_{ENCODER}").glob("*.h5"))[0]
    compared = f"slide: {features.stem}, grid: main, encoder: {ENCODER}, file: {features.relative_to(folder)}"
    targets = [
        "verify",
        "verify_slides",
        "orphans",
        "summary",
        "refused",
        "retry_refused",
        "pathobench",
        "plan",
        "plan_table",
    ]
    over = ["--config", f"features={{compare: {{{compared}}}}}"]
    run_in_environments(rig, folder, *targets, "compare_features", "--configfile", "config.json", *over)
    return folder


@pytest.fixture(scope="module")
def vectors(rig, cohort, tmp_path_factory) -> Path:
    """A study of given vectors, without a slide sheet."""
    folder = tmp_path_factory.mktemp("vectors")
    write_study(folder, cases=20, width=4, tasks=1, folds=2)
    run_in_environments(rig, folder, "embed", "--configfile", "config.yaml")
    return folder


@pytest.fixture(scope="module")
def examined(rig, cohort) -> str:
    """What the doctor says of this machine."""
    return rig.snakemake(cohort, "doctor", "--configfile", "config.json").stdout


@pytest.fixture(scope="module")
def drawn(rig, tmp_path_factory, repository) -> Path:
    """What the demo's own rules make, and tissue found on some of its slides by a network of random weights."""
    folder = tmp_path_factory.mktemp("drawn")
    demo = repository / "config/demo"
    files = ["resources/demo/truth.tsv", "resources/demo/tasks/synthetic.tsv"]
    rows = (demo / "slides.tsv").read_text().splitlines()[:4]
    # Not by the name that the demo's own sheet has: a sheet of the working directory would go before it.
    (folder / "some.tsv").write_text("\n".join(rows) + "\n")
    config = {"slides": {"sheet": "some.tsv"}, "tissue": dict(SEGMENTATION), "demo": {"seed": 1}}
    config["tissue"] |= write_weights(rig, folder, config)
    (folder / "config.json").write_text(json.dumps(config))
    run_in_environments(rig, folder, *files, "--configfile", demo / "config.yaml")
    run_in_environments(rig, folder, "results/tissue/00000.tsv", "--configfile", "config.json")
    return folder


def write_weights(rig: CondaRig, folder: Path, config: dict) -> dict[str, str]:
    """Random weights, made in the environment that reads them; a file in their place has Snakemake make it first."""
    path = folder / "fpn.pth"
    path.write_bytes(b"no weights yet")
    config = config | {"tissue": config["tissue"] | {"weights": path.name, "sha256": "0" * 64}}
    (folder / "config.json").write_text(json.dumps(config))
    target = ("results/tissue/00000.tsv", "--configfile", "config.json", "--conda-create-envs-only")
    done = rig.snakemake(folder, *target)
    assert done.returncode == 0, done.stdout[-6000:]
    prefix = rig.environments()["segmentation"]
    checked(prefix / "bin/python", "-c", WEIGHTS, path)
    return {"weights": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


@pytest.fixture(scope="module")
def prefixes(rig, cohort, drawn, repository) -> dict[str, Path]:
    """Environment of each family as Snakemake made it for the runs; one that they have no use for is made alone."""
    environments = rig.environments()
    for name in sorted(set(CPU) - set(environments)):
        environments[name] = rig.folder / "alone" / name
        rig.create(repository / f"envs/{name}.yaml", environments[name])
    return environments


def foreign(record: dict) -> set[str]:
    """Top-level modules of a process of which a file is neither its environment's nor the repository's."""
    files = {name: file for name, file in record["files"].items() if file and Path(file).is_absolute()}
    other = {
        name for name, file in files.items() if not file.startswith(record["prefix"]) and "/.snakemake/" not in file
    }
    return {name.split(".")[0] for name in other} - {"molpath"}


@pytest.mark.parametrize("name", CPU)
def test_an_environment_holds_what_its_scripts_import(prefixes, name):
    packages = sorted(needed(families()[name]) - set(LEFT_OUT.get(name, {})))
    done = call(prefixes[name] / "bin/python", "-I", "-c", f"import {', '.join(packages)}")
    assert done.returncode == 0, done.stdout


def test_every_module_of_every_script_comes_from_its_own_environment(rig, cohort, drawn, vectors, examined):
    """What a library only tries to import may come from the launcher's: what it requires, the solver put next to it."""
    records = [record for record in rig.recorded() if (SCRIPTS / record["script"]).is_file()]
    assert records
    for record in records:
        assert record["prefix"].startswith(str(rig.folder / "environments")), record["script"]
        borrowed = foreign(record) & (needed({SCRIPTS / record["script"]}) | set(NEEDED_BY))
        assert not borrowed, f"{record['script']}: {borrowed} from elsewhere"


def test_the_list_of_scripts_that_were_not_run_is_exact(rig, cohort, drawn, vectors, examined):
    ran = {record["script"] for record in rig.recorded()}
    assert {path.name for path in SCRIPTS.glob("*.py")} - ran == set(NOT_RUN)


def test_doctor_finds_no_problem(examined):
    assert "0 problems" in examined, examined[-6000:]


@pytest.mark.parametrize("name", GPU)
def test_a_twin_for_gpus_takes_a_build_for_cuda_and_no_other(rig, repository, name):
    file = repository / f"envs/{name}.yaml"
    solved = rig.solver("twin", rig.channel, file, CONDA_OVERRIDE_CUDA="12.9")
    assert solved.returncode == 0, solved.stdout
    assert json.loads(solved.stdout.splitlines()[-1])["pytorch"].startswith("cuda")
    without = rig.solver("twin", rig.channel, file, CONDA_OVERRIDE_CUDA="")
    assert without.returncode != 0
    assert "__cuda" in without.stdout
