"""Every shipped profile: options that Snakemake has, rules that exist, a plan that can be made, a reason a line."""

import re

import pytest
import yaml
from snakemake.cli import get_argument_parser

PROFILES = ("default", "slurm", "slurm-gpu", "lsf", "sge", "kubernetes")


def read(repository, name: str) -> str:
    return (repository / "workflow/profiles" / name / "profile.yaml").read_text()


def rules_named(profile: dict) -> set[str]:
    return {rule for key in ("set-resources", "set-threads", "groups") for rule in profile.get(key, {})}


def test_none_is_forgotten(repository):
    found = {path.name for path in (repository / "workflow/profiles").iterdir() if path.is_dir()}
    assert found == set(PROFILES)


@pytest.mark.parametrize("name", PROFILES)
def test_options_and_rules_exist(repository, name):
    profile = yaml.safe_load(read(repository, name))
    options = {text.removeprefix("--") for action in get_argument_parser()._actions for text in action.option_strings}
    assert set(profile) <= options, f"not options of Snakemake: {set(profile) - options}"
    rules = "\n".join(path.read_text() for path in (repository / "workflow/rules").glob("*.smk"))
    known = set(re.findall(r"^rule (\w+):", rules, re.M))
    suggested = set(re.findall(r"^# *(?:  )?(\w+): \{", read(repository, name), re.M))
    assert rules_named(profile) | suggested <= known
    groups = set(profile.get("groups", {}).values())
    assert set(profile.get("group-components", {})) <= groups


@pytest.mark.parametrize("name", PROFILES)
def test_each_line_has_its_reason(repository, name):
    """A setting says why on its line, or on the line above it; lines of one block share a reason."""
    lines = read(repository, name).splitlines()
    for number, line in enumerate(lines):
        if re.match(r"[a-z-]+: \S", line) and not re.match(r"(keep-going|show-failed-logs|printshellcmds)", line):
            assert "# " in line or lines[number - 1].startswith("#"), f"{name}: {line}"


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
