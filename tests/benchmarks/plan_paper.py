"""How long Snakemake takes to plan config/public and config/paper, with generated sheets of real size.

Slides, expression and weights are empty files; splits have the folds and the samples of resources/tasks. Slides
of a cohort whose number the paper does not state share what is left of its 23,161 public ones.
"""

import csv
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
SNAKEMAKE = Path(sys.executable).with_name("snakemake")
PRETRAINING = {
    "public": (("TCGA", 10209, "rna"), ("GTEX", 9507, "rna")),
    "paper": (("BWH", 20556, "dna"), ("TCGA", 10209, "rna"), ("GTEX", 9507, "rna"), ("MGH", 6899, "rna")),
}
PUBLIC_SLIDES = 23161
# Slides of cohorts that only retrieval, transfers and prompts use. The paper states those of TCGA's projects but the
# last, of the first two together.
FURTHER_COHORTS = {"cptac_ov": 200, "cptac_ucec": 200}
PROJECTS = {"TCGA-GBM": 400, "TCGA-LGG": 723, "TCGA-BRCA": 1048, "TCGA-LUAD": 509, "TCGA-PAAD": 180, "TCGA-KIRC": 500}
WEIGHTS = (
    "resources/scgpt/pancancer/best_model.pt",
    "resources/scgpt/pancancer/args.json",
    "resources/scgpt/pancancer/vocab.json",
    "weights/prism/config.json",
    "weights/gigapath/slide_encoder.pth",
    "weights/CHIEF_pretraining.pth",
)


def table(name: str) -> list[dict[str, str]]:
    """Rows of a table of resources/tasks."""
    with open(REPOSITORY / "resources/tasks" / name, encoding="utf-8") as handle:
        return list(csv.DictReader((line for line in handle if not line.startswith("#")), delimiter="\t"))


def slides_of_cohorts() -> dict[str, list[tuple[str, str]]]:
    """(slide, case) of every public cohort."""
    cohorts = [row for row in table("cohorts.tsv") if row["access"] == "public" and row["used_by"] == "tasks"]
    slides_of = {row["cohort"]: int(row["n_slides"]) for row in cohorts if row["n_slides"]}
    cases = {row["cohort"]: int(row["n_cases"] or row["n_slides"]) for row in cohorts}
    rest = [row["cohort"] for row in cohorts if not row["n_slides"]]
    left, total = PUBLIC_SLIDES - sum(slides_of.values()), sum(cases[name] for name in rest)
    counts = slides_of | {name: left * cases[name] // total for name in rest}
    counts[rest[-1]] += PUBLIC_SLIDES - sum(counts.values())
    counts, cases = counts | FURTHER_COHORTS, cases | FURTHER_COHORTS
    return {
        name: [(f"{name}-{i:05d}", f"{name}-case{i % cases[name]:05d}") for i in range(count)]
        for name, count in counts.items()
    }


def write_project(folder: Path, which: str) -> int:
    """Write sheets, splits and empty files for config/`which` into `folder`; return the number of slides."""
    slides = ["slide_id\tcase_id\tpath\tcohort\tproject\torgan"]
    profiles = ["profile_id\tcase_id\tmodality\tcohort\tformat\tpath\tcolumn\tunit"]
    evaluated = slides_of_cohorts()
    for cohort, count, modality in PRETRAINING[which]:
        reader, unit = ("maf", "") if modality == "dna" else ("matrix", "tpm")
        (folder / f"{cohort}.txt").touch()
        evaluated[cohort] = [(f"{cohort}-{i:05d}-DX1", f"{cohort}-{i:05d}") for i in range(count)]
        profiles += [
            f"{case}-P\t{case}\t{modality}\t{cohort}\t{reader}\t{cohort}.txt\t{case}\t{unit}"
            for _, case in evaluated[cohort]
        ]
    projects = [name for name, count in PROJECTS.items() for _ in range(count)]
    for cohort, rows in evaluated.items():
        (folder / "slides" / cohort).mkdir(parents=True)
        for number, (slide, case) in enumerate(rows):
            path = f"slides/{cohort}/{slide}.svs"
            (folder / path).touch()
            project = projects[number] if cohort == "TCGA" and number < len(projects) else ""
            slides.append(f"{slide}\t{case}\t{path}\t{cohort}\t{project}\torgan{number % 40}")
    (folder / "slides.tsv").write_text("\n".join(slides) + "\n")
    (folder / "profiles.tsv").write_text("\n".join(profiles) + "\n")
    for name in WEIGHTS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    evaluated |= further_cohorts(evaluated, projects)
    for task in [row for row in table("tasks.tsv") if row["access"] == "public"] + further_tasks():
        write_task(folder / "patho-bench" / task["task"].replace("--", "/"), task, evaluated[task["cohort"]])
    return len(slides) - 1


def further_cohorts(evaluated: dict, projects: list[str]) -> dict[str, list[tuple[str, str]]]:
    """(slide, case) of cohorts that are part of others: those of TCGA's projects, all of CPTAC."""
    own = {}
    for row in table("cohorts.tsv"):
        if row["cohort"].startswith("tcga_"):
            projects_here = row["in_sheet"].split(", ")
            own[row["cohort"]] = [evaluated["TCGA"][i] for i, name in enumerate(projects) if name in projects_here]
    names = [name for name in evaluated if name.startswith("cptac_")]
    return own | {"cptac_all": [slide for name in names for slide in evaluated[name]]}


def further_tasks() -> list[dict[str, str]]:
    """Tasks that are no task of the 54: sides of transfers and prompts, and the ten cancer types of CPTAC."""
    task_names = {row["task"] for row in table("tasks.tsv")}
    named = [row["task"] for row in table("transfer.tsv") if row["access"] == "public"]
    named += [row["task"] for row in table("sets.tsv") if row["access"] == "public" and row["set"] == "prompting"]
    kinds = {"cptac_all--organ": ("bacc", "logistic", "10", "slide_id")}
    for name in named:
        sources, task = name.split("--")
        kind = ("cindex", "cox", "", "case_id") if task == "OS" else ("macro-ovr-auc", "logistic", "2", "case_id")
        kinds |= {f"{cohort}--{task}": kind for cohort in sources.split("==")}
    keys = ("metric", "probe", "n_classes", "unit")
    return [
        {"task": task, "cohort": task.split("--")[0], "n_cases": "1500", "folds": "5"}
        | dict(zip(keys, kind, strict=True))
        for task, kind in kinds.items()
        if task not in task_names
    ]


def write_task(folder: Path, task: dict[str, str], slides: list[tuple[str, str]]) -> None:
    """config.yaml and k=all.tsv with as many cases and folds as the task has; labels alternate."""
    folder.mkdir(parents=True)
    survival, classes = task["probe"] == "cox", int(task["n_classes"] or 4)
    name = task["task"].split("--")[1]
    extra = [f"{name}_event", f"{name}_days"] if survival else []
    settings = {
        "task_col": name,
        "sample_col": task["unit"],
        "extra_cols": extra,
        "label_dict": {code: f"class {code}" for code in range(8 if survival else classes)},
        "metrics": [task["metric"]],
        "task_type": "survival" if survival else "classification",
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    cases = list(dict.fromkeys(case for _, case in slides))
    if task["unit"] == "case_id":
        cases = cases[: int(task["n_cases"])]
    number = {case: i for i, case in enumerate(cases)}
    folds = int(task["folds"])
    lines = ["\t".join(["case_id", "slide_id", name, *extra, *(f"fold_{i}" for i in range(folds))])]
    for slide, case in slides:
        if case in number:
            i = number[case]
            sides = ["test" if (i + fold) % 5 == 0 else "train" for fold in range(folds)]
            values = [str(i % 2), str(100 + i)] if survival else []
            lines.append("\t".join([case, slide, str(i % (8 if survival else classes)), *values, *sides]))
    (folder / "k=all.tsv").write_text("\n".join(lines) + "\n")


def dry_run(folder: Path, which: str) -> tuple[float, float, float, dict[str, int], str]:
    """Plan config/`which` in `folder`: CPU seconds, seconds by the clock, peak MB, jobs by rule, all that was printed.

    Planning runs on one core: on a machine with nothing else to do both seconds are the same.
    """
    command = [SNAKEMAKE, "--snakefile", REPOSITORY / "workflow/Snakefile"]
    command += ["--configfile", REPOSITORY / f"config/{which}/config.yaml"]
    command += ["--dry-run", "--quiet", "rules", "reason", "--cores", "2"]
    program = "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:]); "
    program += "used = resource.getrusage(resource.RUSAGE_CHILDREN); "
    program += "print('peak_kB', used.ru_maxrss); print('cpu_s', used.ru_utime + used.ru_stime); sys.exit(code)"
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, command)],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(done.stdout[-3000:])
    jobs = {name: int(count) for name, count in re.findall(r"^(\w+)\s+(\d+)$", done.stdout, re.M)}
    peak, cpu = (float(re.search(rf"^{name} ([\d.]+)", done.stdout, re.M)[1]) for name in ("peak_kB", "cpu_s"))
    return cpu, seconds, peak / 1024, jobs, done.stdout


def main() -> None:
    """Both configs, one row each."""
    print("config\tslides\tjobs\tcpu_s\tseconds\tMB")
    for which in PRETRAINING:
        with tempfile.TemporaryDirectory() as name:
            count = write_project(Path(name), which)
            cpu, seconds, megabytes, jobs, _ = dry_run(Path(name), which)
        print(f"{which}\t{count}\t{jobs.get('total', '?')}\t{cpu:.1f}\t{seconds:.1f}\t{megabytes:.0f}", flush=True)


if __name__ == "__main__":
    main()
