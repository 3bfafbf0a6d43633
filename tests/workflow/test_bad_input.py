"""What a user sees of a mistake on the terminal: one message before any job, and notes of what is no mistake.

All mistakes are tried in this process by tests/unit/study/test_mistakes.py; three of them here, as a user meets them.
"""

import re

import pytest
from mistakes import MISTAKES

SHOWN = ("unknown key", "duplicate slide id", "pretraining case on a test side")


@pytest.mark.parametrize("name", SHOWN)
def test_mistake_is_explained(project, name):
    spoil, expected = MISTAKES[name]
    spoil(project)
    project.write()
    done = project.snakemake("--dry-run")
    assert done.returncode != 0, done.stdout
    for words in expected:
        assert words in done.stdout, done.stdout
    assert "Traceback" not in done.stdout
    assert 'File "' not in done.stdout
    assert not (project.folder / "results").exists()


PLUGIN = """
from snakemake_interface_storage_plugins.storage_object import StorageObjectRead, StorageObjectWrite
from snakemake_interface_storage_plugins.storage_provider import StorageProviderBase, StorageQueryValidationResult

class StorageProvider(StorageProviderBase):
    example_queries = classmethod(lambda cls: [])
    rate_limiter_key = lambda self, query, operation: query
    default_max_requests_per_second = lambda self: 1.0
    use_rate_limiter = lambda self: False
    is_valid_query = classmethod(lambda cls, query: StorageQueryValidationResult(query=query, valid=True))

class StorageObject(StorageObjectRead, StorageObjectWrite):
    pass
"""


def test_results_in_a_bucket_are_refused_before_anything_runs(project, monkeypatch):
    """By a plugin that does nothing, in place of those for S3 and others."""
    package = project.folder / "plugins/snakemake_storage_plugin_nowhere"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(PLUGIN)
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    project.write()
    storage = ("--default-storage-provider", "nowhere", "--default-storage-prefix", "nowhere://bucket")
    done = project.snakemake("--dry-run", *storage)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout
    assert re.search(r"--default-storage-provider nowhere: storage plugins carry declared files only", done.stdout)
    assert "keep results on a file system that all jobs share (workflow/docs/clusters.md)" in done.stdout


def test_valid_project_has_a_plan(project):
    project.write()
    done = project.snakemake("--dry-run")
    assert done.returncode == 0, done.stdout
    assert "extract_features" in done.stdout


def test_patches_an_encoder_was_not_made_for_are_a_note(project):
    project.config["features"]["encoders"]["tiny"].update(adapter="conch_v15")
    project.write()
    done = project.snakemake("--dry-run")
    assert done.returncode == 0, done.stdout
    note = "note: encoder tiny was made for patches of 512 pixels at 20x, grid 20x_256px_0px_overlap has 256 at 20x"
    assert done.stdout.count(note) == 1
    assert "fetched from https://huggingface.co/MahmoodLab/conchv1_5, which gives access on request" in done.stdout
    project.config["tiles"]["grids"]["main"]["patch_size"] = 512
    project.write()
    assert "was made for" not in project.snakemake("--dry-run").stdout


def test_gated_weights_that_cannot_be_had_are_explained(project, monkeypatch):
    """One message on the terminal: where to ask, and how to give a file instead."""
    project.config["features"]["encoders"]["tiny"].update(adapter="uni_v1")
    project.write()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(project.folder / "home"))
    done = project.snakemake("--cores", "1", "--retries", "0", "resources/encoders/hub/uni_v1")
    assert done.returncode != 0
    assert "MahmoodLab/UNI could not be reached (HF_HUB_OFFLINE is set and the file is not in the cache)" in done.stdout
    assert "download pytorch_model.bin from https://huggingface.co/MahmoodLab/UNI where you can" in done.stdout
    assert "weights: /path/to/pytorch_model.bin" in done.stdout
