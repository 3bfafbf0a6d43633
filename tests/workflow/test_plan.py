"""The plan of a project: targets, shards, what an edited sheet reruns."""

import os
import re


def jobs(text: str) -> dict[str, int]:
    """Job counts of a dry run by rule."""
    return {name: int(count) for name, count in re.findall(r"^(\w+)\s+(\d+)$", text, re.M)}


def test_shards_are_consecutive_rows(project):
    project.config["slides"]["slides_per_job"] = 3
    project.write()
    planned = jobs(project.snakemake("--dry-run", "--quiet", "rules").stdout)
    assert planned["inspect_slides"] == planned["assess_tissue"] == planned["extract_features"] == 3


def test_a_shard_can_be_one_slide(project):
    project.config["slides"]["slides_per_job"] = 1
    project.write()
    assert jobs(project.snakemake("--dry-run", "--quiet", "rules").stdout)["inspect_slides"] == 8


def test_each_stage_word_is_a_target(project):
    project.write()
    seen = {}
    for stage in ("slides", "tissue", "tiles", "features", "omics", "pretrain", "embed", "probe", "report"):
        done = project.snakemake(stage, "--dry-run", "--quiet", "rules")
        assert done.returncode == 0, done.stdout
        seen[stage] = jobs(done.stdout)
    assert "assess_tissue" not in seen["slides"]
    assert "extract_features" in seen["features"]
    assert "normalise_rna" not in seen["features"]
    assert seen["report"]["total"] > seen["probe"]["total"] > seen["embed"]["total"] > seen["pretrain"]["total"]


def test_other_working_directory_and_prefix(project, repository, tmp_path):
    """Another workflow imports this one with a prefix: every output moves below it."""
    project.write()
    (project.folder / "Snakefile").write_text(
        f"""
configfile: "config.yaml"
module molpath:
    snakefile: "{repository}/workflow/Snakefile"
    config: config
    prefix: "inner"
use rule * from molpath as molpath_*
"""
    )
    for name in ("slides.tsv", "profiles.tsv"):
        assert (project.folder / name).exists()
    project.use_own_snakefile = True
    done = project.snakemake("molpath_all", "--dry-run")
    assert done.returncode == 0, done.stdout
    assert "inner/results/features/" in done.stdout


def test_plan_prints_what_a_run_costs_and_builds_nothing(project):
    project.write()
    done = project.snakemake("plan", "--cores", "1")
    assert done.returncode == 0, done.stdout
    assert re.search(r"^slides +slides +8 ", done.stdout, re.M)
    # 256 px without overlap: four patches where the paper has one, 8 slides of 2,653.
    assert re.search(r"^tiles +20x_256px_0px_overlap +8 +84,899 ", done.stdout, re.M)
    assert re.search(r"^pretrain +run one +4 ", done.stdout, re.M)
    assert re.search(r"^probe +mean +1 ", done.stdout, re.M)
    assert "assumed, not measured" in done.stdout
    assert not [path for path in (project.folder / "results").iterdir() if path.name != "logs"]
    done = project.snakemake("results/tables/plan.tsv", "--cores", "1")
    assert done.returncode == 0, done.stdout
    assert (project.folder / "results/tables/plan.tsv").read_text().startswith("stage\twhat\tunits\tpatches\t")


def test_a_slide_replaced_by_an_older_file_reruns_its_shard_alone(project):
    """Snakemake looks for newer files only; `rsync -a` and `cp -p` keep the date of what they copy."""
    project.config["slides"]["slides_per_job"] = 3
    project.write()
    assert project.snakemake("slides", "--cores", "1").returncode == 0
    assert "Nothing to be done" in project.snakemake("slides", "--dry-run").stdout
    verified = project.snakemake("verify_slides", "--cores", "1")
    assert verified.returncode == 0, verified.stdout
    assert "0 of 8 inspected slides have changed" in verified.stdout
    slide = project.folder / "files/S4.svs"
    slide.write_bytes(b"another slide")
    os.utime(slide, (10**9, 10**9))
    assert jobs(project.snakemake("slides", "--dry-run", "--quiet", "rules").stdout)["inspect_slides"] == 1
    verified = project.snakemake("verify_slides", "--cores", "1")
    assert verified.returncode != 0
    assert "files/S4.svs (slide S4): 13 bytes, and inspection saw 0" in verified.stdout
    assert project.snakemake("slides", "--cores", "1").returncode == 0
    assert "Nothing to be done" in project.snakemake("slides", "--dry-run").stdout
