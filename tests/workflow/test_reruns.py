"""A second run of the small cohort: what it makes again, what it takes as it is, and what a kill leaves."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from .small_cohort import ENCODER, GRID, run


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Contents of every result but logs, benchmarks and the files that hold times, records among them."""
    results = folder / "results"
    timed = ("logs", "benchmarks", "job_times.tsv", "ro-crate-metadata.json")
    return {
        path.relative_to(results).as_posix(): path.read_bytes()
        for path in sorted(results.rglob("*"))
        if path.is_file() and path.relative_to(results).parts[0] not in timed and path.parent.name != ".record"
    }


def test_second_run_does_nothing_and_verify_finds_nothing(cohort, code):
    again = run(cohort, code)
    assert "Nothing to be done" in again.stdout, again.stdout
    verified = run(cohort, code, "verify")
    assert verified.returncode == 0, verified.stdout


def test_verify_names_every_damaged_file(cohort, code, tmp_path):
    """A patch file that its manifest knows, and results that provenance.json knows, in a copied folder."""
    copy = tmp_path / "copy"
    shutil.copytree(cohort, copy)
    victim = next((copy / "results/wsi" / GRID / f"features_{ENCODER}").glob("*.h5"))
    victim.write_bytes(victim.read_bytes()[:-10])
    (copy / "results/tables/metrics.tsv").write_text("task\n")
    (copy / "results/pretrain/runs/one/model.safetensors").unlink()
    (copy / "results/figures/other.svg").write_text("")
    done = run(copy, code, "verify")
    assert done.returncode != 0
    assert "4 differences between results and what they claim" in done.stdout
    assert victim.name in done.stdout
    assert "tables/metrics.tsv is changed" in done.stdout
    assert "pretrain/runs/one/model.safetensors is missing" in done.stdout
    assert "figures/other.svg is extra" in done.stdout


def planned(folder: Path, code: Path) -> set[str]:
    """Rules that a dry run would run."""
    done = run(folder, code, "--dry-run", "--quiet", "rules")
    assert done.returncode == 0, done.stdout[-3000:]
    return set(re.findall(r"^(\w+)\s+\d+$", done.stdout, re.M)) - {"all", "total"}


def test_comments_rerun_nothing_and_code_its_stage(cohort, code):
    library = code / "workflow/scripts/molpath"
    reworded = [library / "tissue/quality.py", library / "common/files.py", code / "workflow/rules/tissue.smk"]
    before = {path: path.read_text() for path in (*reworded, library / "tiles/grid.py")}
    for path in reworded:
        path.write_text(before[path].replace('"""', '"""Reworded. ', 1) + "\n# a comment\n")
    nothing = planned(cohort, code)
    (library / "tiles/grid.py").write_text(before[library / "tiles/grid.py"] + "\nADDED = 1\n")
    rules = planned(cohort, code)
    for path, text in before.items():
        path.write_text(text)
    assert nothing == set()
    assert {"tile_slides", "extract_features", "pretrain_run", "probe_task"} <= rules
    assert not {"inspect_slides", "assess_tissue", "collect_slides", "normalise_rna", "flag_dna"} & rules


def test_another_clone_and_a_moved_study_rerun_nothing_and_a_changed_script_its_rule(cohort, code, tmp_path):
    """Shipped files and scripts count by their contents: not by place or by time, which is new in a new clone."""
    clone, study = tmp_path / "clone", tmp_path / "study"
    subprocess.run(["git", "clone", "-q", code, clone], check=True)
    shutil.copytree(cohort, study)
    assert planned(study, clone) == set()
    script, table = clone / "workflow/scripts/tile_slides.py", clone / "resources/known_slides/known_bad_slides.tsv"
    script.write_text(script.read_text() + "\nADDED = 1\n")
    assert {"tile_slides", "extract_features"} <= (rules := planned(study, clone))
    assert not {"inspect_slides", "assess_tissue", "normalise_rna"} & rules
    table.write_text(table.read_text() + "# a line more\n")
    os.utime(table, (0, 0))
    assert "inspect_slides" in planned(study, clone)


def test_same_contents_cost_no_encoding_and_no_training(cohort, code, tmp_path):
    """A rerun of tissue that gives the same results runs 0 encoder batches and 0 training steps."""
    copy = tmp_path / "copy"
    shutil.copytree(cohort, copy)
    before = bytes_of(copy)
    features = sorted((copy / "results/wsi" / GRID / f"features_{ENCODER}").glob("*.h5"))
    written = {path.name: path.stat().st_mtime_ns for path in features}
    done = run(copy, code, "embed", "--forcerun", "assess_tissue")
    assert done.returncode == 0, done.stdout[-6000:]
    assert {path.name: path.stat().st_mtime_ns for path in features} == written
    logs = "".join(path.read_text() for path in (copy / "results/logs/pretrain").rglob("*.log"))
    assert "taken from .finished" in logs
    after = bytes_of(copy)
    assert {name for name in before if before[name] != after.get(name)} == set()


def test_killed_run_resumes_where_it_was(cohort, code, tmp_path):
    """kill -9 of Snakemake during feature extraction: no writer survives, and the results are the same.

    As far as the embeddings: the same embeddings are the same results, whatever came before them.
    """
    copy = tmp_path / "copy"
    shutil.copytree(cohort, copy)
    expected = bytes_of(copy)
    shutil.rmtree(copy / "results/wsi" / GRID / f"features_{ENCODER}")
    shutil.rmtree(copy / "results/features")
    folder = copy / "results/wsi" / GRID / f"features_{ENCODER}"
    command = [str(Path(sys.executable).with_name("snakemake")), "--snakefile", str(code / "workflow/Snakefile")]
    process = subprocess.Popen(
        [*command, "features", "--configfile", "config.json", "--cores", "1"],
        cwd=copy,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.time() + 120
    while time.time() < deadline and len(list(folder.glob("*.h5"))) < 3:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(1)
    assert not living_jobs(copy), "an orphaned job is still running"
    kept = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.h5") if not path.name.startswith(".")}
    assert kept
    assert run(copy, code, "--unlock").returncode == 0
    done = run(copy, code, "features", "embed")
    assert done.returncode == 0, done.stdout[-6000:]
    assert {name: (folder / name).stat().st_mtime_ns for name in kept} == kept
    after = bytes_of(copy)
    assert {name for name in expected if expected[name] != after.get(name)} == set()
    assert run(copy, code, "verify").returncode == 0


def living_jobs(folder: Path) -> list[str]:
    """Command lines of processes that work in `folder`."""
    commands = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if Path(os.readlink(path / "cwd")) == folder:
                commands.append((path / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return commands
