"""What snakemake.github.io/snakemake-workflow-catalog asks of a repository that it lists with standardised usage."""

import re
import shutil
from pathlib import Path

import pytest
import yaml


@pytest.fixture(scope="module")
def clone(tmp_path_factory, repository) -> Path:
    """The repository as the catalog clones it: without what runs leave."""
    ignore = shutil.ignore_patterns("results", ".venv*", ".snakemake", ".git", "*.safetensors", "__pycache__")
    return shutil.copytree(repository, tmp_path_factory.mktemp("catalog") / "clone", symlinks=True, ignore=ignore)


def test_files_are_where_the_catalog_looks(repository):
    readme = (repository / "README.md").read_text().lower()
    assert "snakemake" in readme
    assert "workflow" in readme
    for name in ("workflow/Snakefile", "config/README.md", ".snakemake-workflow-catalog.yml", "LICENSE"):
        assert (repository / name).is_file(), name
    assert list((repository / "workflow/rules").glob("*.smk"))


def test_usage_is_described_as_the_catalog_reads_it(repository):
    usage = yaml.safe_load((repository / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment"}
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}
    deployment = usage["software-stack-deployment"]
    assert set(deployment) == {"conda", "apptainer", "apptainer+conda", "report"}
    assert all(isinstance(value, bool) for value in deployment.values())
    assert deployment["conda"]
    # Images hold conda environments: without conda they would be empty.
    assert not deployment["apptainer"]


def test_readme_of_the_config_names_every_section(repository):
    schema = yaml.safe_load((repository / "workflow/schemas/config.schema.yaml").read_text())
    page = (repository / "config/README.md").read_text()
    absent = [name for name in schema["properties"] if not re.search(rf"\b{name}\b", page)]
    assert not absent, f"config/README.md says nothing of {absent}"


def test_schema_describes_every_section(repository):
    """As the catalog reads it, which follows no reference; what it then shows is what stands behind the reference."""
    schema = yaml.safe_load((repository / "workflow/schemas/config.schema.yaml").read_text())
    for name, section in schema["properties"].items():
        shown = {key: section.get(key) for key in ("type", "description", "default")}
        assert None not in shown.values(), name
        behind = schema["$defs"][section["$ref"].rsplit("/", 1)[-1]] if "$ref" in section else section
        assert shown == {key: behind[key] for key in shown}, name


def test_a_clone_is_linted_without_a_problem(clone, snakemake_in):
    """By the config of a clone, whose sheets name slides that nobody has."""
    done = snakemake_in(clone, "workflow/Snakefile", "--lint")
    assert done.returncode == 0, done.stdout
    assert "Congratulations" in done.stdout


def test_rulegraph_draws_every_rule_of_the_picture(clone, repository, snakemake_in):
    """The catalog's command, and the picture in workflow/docs drawn from the same graph."""
    done = snakemake_in(clone, "workflow/Snakefile", "-c", "1", "-d", ".test", "--forceall", "--rulegraph")
    assert done.returncode == 0, done.stdout
    drawn = set(re.findall(r'label = "(\w+)"', done.stdout)) - {"all"}
    assert drawn == set(re.findall(r">(\w+)</text>", (repository / "workflow/docs/rulegraph.svg").read_text()))


def test_releases_agree(repository):
    """The catalog shows the latest release: its number stands in CITATION.cff and on top of CHANGELOG.md."""
    version = yaml.safe_load((repository / "CITATION.cff").read_text())["version"]
    latest = re.search(r"^## (\d+\.\d+\.\d+)", (repository / "CHANGELOG.md").read_text(), re.M)
    assert latest
    assert latest[1] == version
