"""The config of a dozen generated cases with every stage and protocol at a tiny size, and the call of Snakemake."""

import json
import os
import subprocess
import sys
from pathlib import Path

from molpath.common.files import read_tsv, write_tsv

GRID, ENCODER = "20x_256px_0px_overlap", "tiny"
PAIRS = ["synthetic_a==synthetic--subtype", "synthetic_a==synthetic--OS"]
#: Tasks of the kind of TP53_mutation: each would be one more probe of every model, and shows nothing else.
ALIKE = ("BRAF_mutation", "KRAS_mutation")
GROUPS = {"synthetic--subtype": ["retrieval", "fewshot"], "synthetic--immune": ["finetune"]}
TRAINING = {"epochs": 3, "warmup_epochs": 1, "batch_size": 6, "patches": 16, "genes": 50}


#: Texts that are allowed and look like something else to a spreadsheet, Markdown, a formula or a page.
ODD_TEXTS = (
    '=HYPERLINK("x")',
    "@SUM(A1) & 'b'",
    "-2+3",
    "![a](http://b.example/c) `d` *e*",
    "&lt;img src=x&gt; $f$ $g$",
    "'=h",
    "{i} | {{ j }}",
)


def tuned_and_explained() -> dict:
    """Fine-tuning on one task, the genes of its probe, and expression by what it predicts."""
    quick = {"epochs": 2, "learning_rate": 1e-3, "precision": "fp32"}
    compared = {"task": "synthetic--immune", "split": "median", "class": 1, "min_counts": 10}
    return {
        "finetune": {
            "models": {"abmil": {"kind": "abmil", "grid": "main", "encoder": ENCODER}},
            "recipes": {"threads": quick, "abmil": quick},
            "threads": 1,
        },
        "genes": [{"model": "threads-s0", "task": "synthetic--immune"}],
        "expression": [compared | {"model": "abmil", "group": "finetune"}],
    }


def config_of(folder: Path) -> dict:
    """A config with every stage at a tiny size."""
    small = {"width": 16, "layers": 1, "heads": 2, "feedforward": 16}
    run = {
        "grid": "main",
        "encoder": ENCODER,
        "cohorts": ["SYNTH-A"],
        "slide_encoder": {"hidden": 16, "output": 16, "heads": 2},
        "rna_encoder": small,
        "dna_encoder": {"hidden": 16},
        "training": TRAINING,
    }
    task_names = sorted(path.name for path in (folder / "resources/demo/tasks/synthetic").iterdir())
    tasks = [name for name in task_names if name not in ALIKE]
    return {
        "slides": {"sheet": "slides.tsv", "slides_per_job": 14, "max_failed_fraction": 0.5},
        "tiles": {"grids": {"main": {"patch_size": 256, "min_tissue": 0.25}}},
        "features": {"encoders": {ENCODER: {"adapter": "mean_colour"}}},
        "omics": {"sheet": "profiles.tsv"},
        "pretrain": {"runs": {"one": run}},
        "embed": {
            "models": {
                "mean": {"kind": "mean", "grid": "main", "encoder": ENCODER},
                "random-s0": {"kind": "random", "run": "one"},
                "threads-s0": {"kind": "threads", "run": "one"},
            },
            "use": ["mean", "random-s0", "threads-s0"],
            "attention": ["D006-DX1", "D001-DX9"],
        },
        "probe": {
            "tasks": {
                f"{source}--{task}": {
                    "path": f"resources/demo/tasks/{source}/{task}",
                    "groups": ["frozen", *GROUPS.get(f"{source}--{task}", [])],
                }
                for source in ("synthetic", "synthetic_a")
                for task in tasks
            }
            | {"synthetic--listed": {"path": "tasks/listed"}},
            "use": [*(f"synthetic--{task}" for task in tasks), "synthetic--listed"],
            "permutations": 2,
            "survival_permutations": 2,
            "shots": [1, 2],
            "C_sweep": [0.01, "adaptive"],
            "transfer": {"tasks": {name: {} for name in PAIRS}, "use": PAIRS},
            "prompt": {"tasks": {name: {"modalities": ["rna", "dna"]} for name in PAIRS}, "use": PAIRS},
            "cluster": {"use": ["synthetic--subtype"], "seeds": 2},
        }
        | tuned_and_explained(),
        "report": {"note": "synthetic", "colour": "remark"},
    }


def write_odd_texts(folder: Path) -> None:
    """A column of the slide sheet with texts that look like something else, one a case."""
    slides = read_tsv(folder / "slides.tsv")
    places = slides.case_id.rank(method="dense").astype(int)
    write_tsv(folder / "slides.tsv", slides.assign(remark=[ODD_TEXTS[place % len(ODD_TEXTS)] for place in places]))


def write_listed_task(folder: Path) -> None:
    """A task that lists the first slide of each case only, split by its column `side`; labels mean nothing."""
    slides = read_tsv(folder / "slides.tsv").drop_duplicates("case_id")
    table = slides[["case_id", "slide_id"]].assign(y=[str(i % 2) for i in range(len(slides))])
    table["side"] = ["train" if cohort == "SYNTH-A" else "test" for cohort in slides.cohort]
    target = folder / "tasks/listed"
    target.mkdir(parents=True)
    table.to_csv(target / "k=all.tsv", sep="\t", index=False)
    config = {
        "task_col": "y",
        "sample_col": "case_id",
        "label_dict": {"0": "a & 'b'", "1": "`c` $d$ $e$"},
        "metrics": ["bacc"],
    }
    (target / "config.yaml").write_text(json.dumps(config | {"splits": {"method": "official", "column": "side"}}))


def run(folder: Path, repository: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run the workflow in the cohort's folder on two cores."""
    command = [Path(sys.executable).with_name("snakemake"), "--snakefile", repository / "workflow/Snakefile"]
    command += [*arguments, "--configfile", "config.json", "--cores", "2"]
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
