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
    planned = {}
    for stage in ("slides", "tissue", "tiles", "features", "omics", "pretrain", "embed", "probe", "report"):
        done = project.snakemake(stage, "--dry-run", "--quiet", "rules")
        assert done.returncode == 0, done.stdout
        planned[stage] = jobs(done.stdout)
    assert "assess_tissue" not in planned["slides"]
    assert "extract_features" in planned["features"]
    assert "normalise_rna" not in planned["features"]
    assert (
        planned["report"]["total"]
        > planned["probe"]["total"]
        > planned["embed"]["total"]
        > planned["pretrain"]["total"]
    )


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


def test_plan_prints_what_a_run_costs_and_builds_nothing(project, monkeypatch):
    monkeypatch.setattr("os.environ", os.environ | {"CUDA_VISIBLE_DEVICES": ""})
    project.config["plan"] = {"gpu": "H100", "gpus": 2, "cores": 16}
    project.write()
    done = project.snakemake("plan", "--cores", "1")
    assert done.returncode == 0, done.stdout
    assert re.search(r"^slides +slides +8 +8 ", done.stdout, re.M)
    # 256 px without overlap: four patches where the paper has one, 8 slides of 2,653.
    assert re.search(r"^tiles +20x_256px_0px_overlap +8 +8 +84,899 ", done.stdout, re.M)
    assert re.search(r"^pretrain +run one +4 +4 ", done.stdout, re.M)
    assert re.search(r"^probe +mean +1 +1 ", done.stdout, re.M)
    assert "for 2 x NVIDIA H100 (80 GB), as the config says (plan: gpu), and 16 cores" in done.stdout
    assert "assumed, not measured" in done.stdout
    assert not [path for path in (project.folder / "results").iterdir() if path.name != "logs"]


def test_the_table_and_the_page_follow_what_is_finished(project):
    """Made again once something is finished; what is finished isn't counted again."""
    project.config["slides"]["slides_per_job"] = 3
    for row in project.slides:
        row["procedure"] = "core biopsy"
    project.write()
    results = project.folder / "results"
    done = project.snakemake("plan_table", "--cores", "1")
    assert done.returncode == 0, done.stdout
    assert (results / "tables/plan.tsv").read_text().startswith("stage\twhat\tunits\tleft\tpatches\t")
    assert re.search(r"^\| tiles \| 20x_256px_0px_overlap \| 8 slides \| 8 \| 9,600 \|", page_of(results), re.M)
    assert "Nothing to be done" in project.snakemake("plan_table", "--cores", "1").stdout
    (results / "tiles/20x_256px_0px_overlap").mkdir(parents=True)
    (results / "tiles/20x_256px_0px_overlap/00001.tsv").write_text("slide_id\tstatus\tn_patches\nS4\tok\t70\n")
    (results / "wsi/20x_256px_0px_overlap/features_tiny").mkdir(parents=True)
    (results / "wsi/20x_256px_0px_overlap/features_tiny/S1.h5").touch()
    (results / "embed/mean").mkdir(parents=True)
    (results / "embed/mean/slides.h5ad").touch()
    done = project.snakemake("plan_table", "--cores", "1")
    assert done.returncode == 0, done.stdout
    assert re.search(r"^\| tiles \| 20x_256px_0px_overlap \| 8 slides \| 5 \| 6,000 \|", page_of(results), re.M)
    # Seven slides without features: two and two of 1,200 patches each, three of 70 together.
    assert re.search(r"^\| features \| \S+ tiny \| 8 slides \| 7 \| 4,870 \|", page_of(results), re.M)
    assert re.search(r"^embed\tmean\t\d+\t8\t", (results / "tables/plan.tsv").read_text(), re.M)


def page_of(results) -> str:
    return (results / "plan.md").read_text()


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
