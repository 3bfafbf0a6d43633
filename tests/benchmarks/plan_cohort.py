"""How long Snakemake takes to plan the paper's cohort: 47,171 slides, all stages, default shard size."""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
SNAKEMAKE = Path(sys.executable).with_name("snakemake")
# Slides by source as in the paper (section 1.1 of its data): source, slides, modality.
SOURCES = (("BWH", 20556, "dna"), ("TCGA", 10209, "rna"), ("GTEX", 9507, "rna"), ("MGH", 6899, "rna"))


def write_cohort(folder: Path) -> int:
    """Write sheets, empty slide files, a config with a run, four models and two tasks; return the slides."""
    (folder / "slides").mkdir(parents=True)
    slides = ["slide_id\tcase_id\tpath\tcohort\torgan"]
    profiles = ["profile_id\tcase_id\tmodality\tcohort\tformat\tpath\tcolumn\tunit"]
    for cohort, count, modality in SOURCES:
        (folder / f"{cohort}.txt").touch()
        reader, unit = ("maf", "") if modality == "dna" else ("matrix", "tpm")
        for number in range(count):
            case = f"{cohort}-{number:05d}"
            (folder / "slides" / f"{case}.svs").touch()
            slides.append(f"{case}-DX1\t{case}\tslides/{case}.svs\t{cohort}\torgan{number % 40}")
            profiles.append(f"{case}-P\t{case}\t{modality}\t{cohort}\t{reader}\t{cohort}.txt\t{case}\t{unit}")
    (folder / "slides.tsv").write_text("\n".join(slides) + "\n")
    (folder / "profiles.tsv").write_text("\n".join(profiles) + "\n")
    run = {"grid": "main", "encoder": "conch", "cohorts": [source[0] for source in SOURCES]}
    models = {
        "mean": {"kind": "mean", "grid": "main", "encoder": "conch"},
        "threads": {"kind": "threads", "run": "one"},
    }
    config = {
        "slides": {"sheet": "slides.tsv"},
        "omics": {"sheet": "profiles.tsv"},
        "tiles": {"grids": {"main": {}}},
        "features": {"encoders": {"conch": {"adapter": "efficientnet_lite0"}}},
        "pretrain": {"runs": {"one": run}},
        "embed": {"models": models, "use": ["mean", "threads"]},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return len(slides) - 1


def main() -> None:
    """Write the cohort to a temporary folder, plan it once, print one row."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = write_cohort(folder)
        command = [SNAKEMAKE, "--snakefile", REPOSITORY / "workflow/Snakefile", "--configfile", "config.yaml"]
        started = time.perf_counter()
        done = subprocess.run(
            [str(part) for part in (*command, "--dry-run", "--quiet", "rules", "reason", "--cores", 2)],
            cwd=folder,
            text=True,
            capture_output=True,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        )
        seconds = time.perf_counter() - started
    if done.returncode:
        sys.exit(done.stdout[-3000:] + done.stderr[-3000:])
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    jobs = next((line.split()[1] for line in done.stdout.splitlines() if line.startswith("total")), "?")
    print("what\tslides\tjobs\tseconds\tMB")
    print(f"plan (dry run, all stages)\t{count}\t{jobs}\t{seconds:.1f}\t{memory:.0f}")


if __name__ == "__main__":
    main()
