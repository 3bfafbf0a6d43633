"""A study of six generated (synthetic) slides that trains a model of a few parameters, as Snakemake runs it; and the
folder of a model that nobody trained."""

import json
from pathlib import Path

import pandas as pd
from molpath.common.digests import digest_of, sha256_of
from molpath.common.files import write_tsv
from molpath.demo.cohort import profile_rows, slide_rows
from molpath.demo.molecular import make_omics
from molpath.demo.slide_files import make_slides
from projects import call_snakemake

GRID, RUN = "20x_256px_0px_overlap", "ours"
SMALL = {"width": 16, "layers": 1, "heads": 2, "feedforward": 16}
TRAINING = {"epochs": 2, "warmup_epochs": 1, "batch_size": 6, "patches": 16, "genes": 50}


def config_of() -> dict:
    """Patches as TRIDENT cuts them, none dropped: neither is the default."""
    run = {"grid": "their_grid", "encoder": "mean_colour", "cohorts": ["SYNTH-A"], "modalities": ["rna"]}
    run |= {"slide_encoder": {"hidden": 16, "output": 16, "heads": 2}, "rna_encoder": SMALL, "training": TRAINING}
    grid = {"patch_size": 256, "min_tissue": 0.25, "like": "trident", "drop": []}
    return {
        "slides": {"sheet": "slides.tsv"},
        "tiles": {"grids": {"their_grid": grid}},
        "features": {"encoders": {"mean_colour": {"adapter": "mean_colour"}}},
        "omics": {"sheet": "profiles.tsv"},
        "pretrain": {"runs": {RUN: run}},
        "embed": {"models": {"made-here": {"kind": "threads", "run": RUN}}, "use": ["made-here"]},
    }


def train(folder: Path, repository: Path) -> Path:
    """Draw slides and profiles, and run the study as far as embeddings; the run's folder."""
    rows = [row for row in slide_rows(8, 0) if not row["special"]][:6]
    make_slides([row | {"path": str(folder / row["path"])} for row in rows], 1, size=(1280, 1280))
    make_omics(sorted({row["case_id"] for row in rows}), folder / "resources/demo", 1)
    profiles = [row for row in profile_rows(rows) if row["modality"] == "rna"]
    for name, table in (("slides", rows), ("profiles", profiles)):
        write_tsv(folder / f"{name}.tsv", pd.DataFrame(table))
    (folder / "config.json").write_text(json.dumps(config_of()))
    snakefile = repository / "workflow/Snakefile"
    done = call_snakemake(folder, snakefile, "embed", "--configfile", "config.json", "--cores", "2")
    assert done.returncode == 0, done.stdout[-4000:]
    return folder / "results/pretrain/runs" / RUN


#: What the folder of a model says of its patches.
PATCHES = {
    "grid": "20x_512px_0px", "adapter": "conch_v15", "input_size": 448, "tokens": "attention pooler", "crops": 1,
    "stain": "", "decode": "exact", "mean": [], "std": [], "options": {}, "revision": "", "weights": "0123456789abcdef",
    "cut": {
        "scale": "mpp", "like": "trident", "min_tissue": 0.0, "drop": [], "max_dropped_fraction": 0.5, "tissue": "otsu",
    },
}  # fmt: skip


def write_model(folder, encoder="conch_v15", cases=("C1",), dim=768, **patches):
    """A folder as a run leaves it, of a network that nobody loads here."""
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    description = {
        "slide_encoder": {"input": dim, "output": 1024},
        "encoder": encoder,
        "run": {"name": "shared", "grid": "main", "patches": PATCHES | patches},
        "cases": sorted(map(digest_of, cases)),
    }
    (folder / "config.json").write_text(json.dumps(description))
    names = ("config.json", "model.safetensors")
    (folder / "sha256.txt").write_text("".join(f"{sha256_of(folder / name)}  {name}\n" for name in names))
    return folder
