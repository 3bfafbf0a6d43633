"""Every shipped profile: options that Snakemake has, rules that exist, a plan that can be made, a reason a line."""

import re
import shutil
from types import SimpleNamespace

import pytest
import yaml
import yte
from snakemake.cli import get_argument_parser, parse_args
from snakemake.resources import GroupResources, Resource, Resources

PROFILES = ("default", "slurm", "slurm-gpu", "lsf", "sge", "kubernetes")


def read(repository, name: str) -> str:
    return (repository / "workflow/profiles" / name / "profile.yaml").read_text()


def settings(repository, name: str, monkeypatch) -> dict:
    """What a profile sets where nothing else does."""
    monkeypatch.setattr("sys.argv", ["snakemake"])
    monkeypatch.delenv("SNAKEMAKE_PROFILE", raising=False)
    return yte.process_yaml(read(repository, name), require_use_yte=True)


def rules_named(profile: dict) -> set[str]:
    return {rule for key in ("set-resources", "set-threads", "groups") for rule in profile.get(key, {})}


def test_none_is_forgotten(repository):
    names = {path.name for path in (repository / "workflow/profiles").iterdir() if path.is_dir()}
    assert names == set(PROFILES)


@pytest.mark.parametrize("name", PROFILES)
def test_options_and_rules_exist(repository, name, monkeypatch):
    profile = settings(repository, name, monkeypatch)
    options = {text.removeprefix("--") for action in get_argument_parser()._actions for text in action.option_strings}
    assert set(profile) <= options, f"not options of Snakemake: {set(profile) - options}"
    rules = "\n".join(path.read_text() for path in (repository / "workflow/rules").glob("*.smk"))
    rule_names = set(re.findall(r"^rule (\w+):", rules, re.M))
    rule_names |= {f"predict_{name}" for name in rule_names}  # the same on new slides (rules/predict.smk)
    suggested = set(re.findall(r"^# *(?:  )?(\w+): \{", read(repository, name), re.M))
    assert rules_named(profile) | suggested <= rule_names
    groups = set(profile.get("groups", {}).values())
    assert set(profile.get("group-components", {})) <= groups


@pytest.mark.parametrize("name", PROFILES)
def test_each_line_has_its_reason(repository, name):
    """A setting says why on its line, or on the line above it; lines of one block share a reason."""
    lines = read(repository, name).splitlines()
    for number, line in enumerate(lines):
        own = line.strip() if lines[number - 1].startswith("?if") else line
        if re.match(r"[a-z-]+: \S", own) and not re.match(r"(keep-going|show-failed-logs)", own):
            assert "# " in line or lines[number - 1].lstrip().startswith("#"), f"{name}: {line}"


@pytest.mark.parametrize("name", ["slurm", "slurm-gpu"])
def test_jobs_of_seconds_share_a_submission(repository, name):
    """Those of a shard, one after the other, and several of those that no others wait for."""
    profile = yaml.safe_load(read(repository, name))
    assert profile["groups"] == {
        "inspect_slides": "shard",
        "assess_tissue": "shard",
        "tile_slides": "shard",
        "pack_patches": "store",
        "probe_task": "probes",
    }
    assert set(profile["group-components"]) == {"store", "probes"}


@pytest.mark.parametrize("name", ["slurm", "slurm-gpu"])
@pytest.mark.parametrize(
    ("rule", "file", "expected"),
    [
        ("probe_task", "probe", {"_cores": 4, "mem_mb": 8000, "runtime": 5 * 60}),
        ("pack_patches", "pretrain", {"_cores": 2, "mem_mb": 8000, "runtime": 4 * 120}),
    ],
)
def test_a_group_asks_for_what_runs_side_by_side(repository, name, rule, file, expected):
    """20 probes would ask for 20 processors, and after a failure for twice and three times the memory of all."""
    profile = yaml.safe_load(read(repository, name))
    text = (repository / f"workflow/rules/{file}.smk").read_text().split(f"rule {rule}:")[1]
    numbers = {key: int(re.search(rf"{key}=grow\((\d+)\)", text)[1]) for key in ("mem_mb", "runtime")}
    resources = {"_cores": 1} | numbers | profile["set-resources"][rule]
    count = profile["group-components"][profile["groups"][rule]]
    (limit,) = profile["resources"]
    name, _, largest = limit.partition("=")
    assert profile["set-resource-scopes"] == {name: "local"}
    jobs = [SimpleNamespace(resources=resources, pipe_group=None) for _ in range(count)]
    requested = GroupResources.basic_layered([jobs], Resources({name: Resource(name, int(largest))}), run_local=False)
    assert {key: requested[key] for key in expected} == expected


@pytest.mark.parametrize("name", ["slurm", "slurm-gpu"])
def test_home_folders_need_not_be_shared(project, repository, name):
    """The commented line, taken."""
    project.write()
    (project.folder / "site").mkdir()
    text, count = re.subn(r"^# (shared-fs-usage: \[)", r"\1", read(repository, name), flags=re.M)
    assert count == 1
    (project.folder / "site/profile.yaml").write_text(text)
    done = project.snakemake("--profile", "site", "--dry-run")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "source-cache" not in yaml.safe_load(text)["shared-fs-usage"]


@pytest.mark.parametrize("name", PROFILES)
def test_a_plan_can_be_made(project, repository, name):
    project.write()
    done = project.snakemake("--profile", str(repository / "workflow/profiles" / name), "--cores", "2", "--dry-run")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "extract_features" in done.stdout


TRIGGERS = ["input", "mtime", "params", "software-env"]


@pytest.fixture
def parse(tmp_path, repository, monkeypatch):
    """What Snakemake makes of options, a profile of the user and the shipped default one."""
    monkeypatch.delenv("SNAKEMAKE_PROFILE", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Snakefile").touch()
    shutil.copytree(repository / "workflow/profiles/default", tmp_path / "profiles/default")

    def look(*options: str, profile: dict | None = None) -> dict:
        (tmp_path / "mine").mkdir(exist_ok=True)
        (tmp_path / "mine/profile.yaml").write_text(yaml.safe_dump(profile or {}))
        monkeypatch.setattr("sys.argv", ["snakemake", *options])
        _, parsed = parse_args(None)
        return vars(parsed) | {"rerun_triggers": sorted(map(str, parsed.rerun_triggers))}

    return look


@pytest.mark.parametrize("options", [["--profile", "mine"], ["--profile=mine"], ["environment"]])
def test_a_profile_of_the_user_overrules_the_default_one(parse, options, monkeypatch):
    """Whatever it sets; what it leaves out is as the default has it."""
    if options == ["environment"]:
        monkeypatch.setenv("SNAKEMAKE_PROFILE", "mine")
        options = []
    profile = {"cores": 1, "keep-going": False, "resources": ["gpu=2"], "rerun-triggers": ["mtime", "code"]}
    parsed = parse(*options, profile=profile)
    assert (parsed["cores"], parsed["keep_going"], str(parsed["resources"])) == (
        1,
        False,
        str(parse("--resources", "gpu=2")["resources"]),
    )
    assert parsed["rerun_triggers"] == ["code", "mtime"]
    parsed = parse(*options, profile={"cores": 1})
    assert (parsed["cores"], parsed["keep_going"], parsed["rerun_triggers"]) == (1, True, TRIGGERS)
    parsed = parse(*options, profile={"jobs": 1})
    assert (parsed["cores"], parsed["jobs"]) == (None, 1), "this many cores, as without the default profile"
    assert parse("--cores", "2", *options, profile={"cores": 1})["cores"] == 2


def test_the_default_profile_alone(parse):
    parsed = parse()
    assert parsed["cores"] >= 1
    assert (parsed["keep_going"], parsed["rerun_triggers"]) == (True, TRIGGERS)
    assert parse("-c1")["cores"] == 1
    assert (parse("--jobs", "1")["cores"], parse("-j1")["cores"]) == (None, None)
    named = parse("--profile", "profiles/default")
    assert (named["cores"], named["rerun_triggers"]) == (parsed["cores"], TRIGGERS), "named by the user, too"


def test_without_a_workflow_profile_snakemakes_own_defaults_count(parse):
    parsed = parse("--workflow-profile", "none", "--cores", "1")
    assert (parsed["cores"], parsed["keep_going"]) == (1, False)
    assert "code" in parsed["rerun_triggers"]


@pytest.mark.parametrize("name", ["slurm", "slurm-gpu", "lsf", "sge", "kubernetes"])
def test_a_profile_for_clusters_keeps_what_it_does_not_set_itself(parse, repository, name):
    parsed = parse("--profile", str(repository / "workflow/profiles" / name))
    assert (parsed["cores"], parsed["rerun_incomplete"]) == (None, True)
    assert (parsed["keep_going"], parsed["rerun_triggers"]) == (True, TRIGGERS)


@pytest.mark.parametrize(
    ("options", "limit"), [([], 8), (["--resources", "gpu=1"], 8), (["--resources", "downloads=3"], 3)]
)
def test_connections_are_limited_whatever_else_is(project, options, limit):
    """--resources, or the key of that name in a profile, replaces a whole list."""
    project.write()
    extra = f'assert workflow.global_resources["downloads"].value == {limit}, workflow.global_resources'
    (project.folder / "Snakefile").write_text(f'include: "{project.repository}/workflow/Snakefile"\n{extra}\n')
    project.use_own_snakefile = True
    done = project.snakemake("--cores", "1", "--dry-run", "--quiet", *options)
    assert done.returncode == 0, done.stdout[-2000:]
