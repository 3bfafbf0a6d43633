"""A job records what it made as it ends well, and refuses an input that isn't what another job left."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from molpath.common import recorded
from molpath.common.job_files import ChangedInput, check, record, record_of, results_of
from molpath.common.recorded import read_rows

JOB = """
import sys
from types import SimpleNamespace
sys.path.insert(0, {library!r})
from molpath.common import joblog
job = SimpleNamespace(input={input!r}, output=["results/a/made.tsv"], log=["results/logs/made.log"])
joblog.start(job)
open("results/a/made.tsv", "w").write("made")
{then}
"""


@pytest.fixture
def given_folder(tmp_path):
    """A recorded output of a job."""
    path = tmp_path / "results/a/input.tsv"
    path.parent.mkdir(parents=True)
    path.write_text("x" * 100)
    record([str(path)], str(tmp_path / "results"))
    return path


def test_what_is_elsewhere_has_no_record(tmp_path):
    path = tmp_path / "resources/a.svs"
    path.parent.mkdir()
    path.write_text("theirs")
    for results in (str(tmp_path / "results"), ""):
        record([str(path)], results)
    assert [entry.name for entry in tmp_path.rglob("*")] == ["resources", "a.svs"]
    path.write_text("others")
    check([path])


@pytest.mark.parametrize(
    ("log", "outputs", "expected"),
    [
        ("results/logs/tiles/g/00000.log", ["results/tiles/g/00000.tsv"], "results"),
        ("logs/results/logs/x.log", ["logs/results/x.tsv"], "logs/results"),
        ("results/logs/omics/logs/rna.log", ["results/omics/logs/rna.h5ad"], "results"),
        ("results/logs/download.log", ["resources/a.svs"], ""),
        (".snakemake/doctor.log", [], ""),
    ],
)
def test_where_the_results_are(tmp_path, monkeypatch, log, outputs, expected):
    monkeypatch.chdir(tmp_path)
    assert results_of(log, outputs) == (str(tmp_path / expected) if expected else "")


def test_a_touched_input_is_read_once(given_folder, monkeypatch):
    os.utime(given_folder, ns=(1, 1))  # as Snakemake does with every output
    digest = read_rows(record_of(given_folder))[0].sha256
    check([given_folder])
    assert read_rows(record_of(given_folder))[0].sha256 == digest
    monkeypatch.setattr(recorded, "sha256_of", None)
    check([given_folder])


@pytest.mark.parametrize("text", ["y" + "x" * 99, "x" * 99, "", "another shard's"])
def test_a_changed_input_is_refused(given_folder, text):
    given_folder.write_text(text)
    for _ in range(2):  # and stays refused
        with pytest.raises(ChangedInput, match=r"a/input\.tsv has changed .* run `snakemake --forcerun .*input\.tsv`"):
            check([given_folder])
    given_folder.unlink()
    check([given_folder])  # Snakemake makes a missing file again, or says that it can't


def start(folder: Path, library: Path, then="", **more):
    text = JOB.format(library=str(library), then=then, input=more.get("input", []))
    (folder / "results/logs").mkdir(parents=True, exist_ok=True)
    (folder / "results/a").mkdir(parents=True, exist_ok=True)
    (folder / "job.py").write_text(text)
    return subprocess.run([sys.executable, "job.py"], cwd=folder, capture_output=True, text=True)


def test_only_a_job_that_ends_well_records_what_it_made(tmp_path, repository):
    library = repository / "workflow/scripts"
    assert start(tmp_path, library).returncode == 0
    place = record_of(tmp_path / "results/a/made.tsv")
    assert read_rows(place)[0].bytes == 4
    for then in ("raise ValueError('no')", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"):
        assert start(tmp_path, library, then).returncode != 0
        assert not place.exists()
    assert start(tmp_path, library, "import os\nif not os.fork(): sys.exit(0)\nos.wait()").returncode == 0
    assert len(read_rows(place)) == 1


def test_a_job_does_not_begin_on_a_changed_input(given_folder, tmp_path, repository):
    given_folder.write_text("y")
    done = start(tmp_path, repository / "workflow/scripts", input=[str(given_folder)])
    assert done.returncode == 1
    assert "input.tsv has changed since it was made" in done.stderr
    assert not (tmp_path / "results/a/made.tsv").exists()
