"""A small synthetic cohort as feature files, pairs and profiles, and a run that trains on it."""

import anndata
import h5py
import numpy as np
import pandas as pd
from molpath.common.files import fingerprint
from molpath.common.manifests import accepted, write_manifest
from molpath.pretrain.runs import pretrain_run
from molpath.pretrain.store import pack_patches

RUN = {
    "name": "toy",
    "grid": "g",
    "encoder": "e",
    "cohorts": ["A"],
    "modalities": ["rna", "dna"],
    "fraction": 1.0,
    "slide_encoder": {"hidden": 16, "layers": 1, "heads": 2, "output": 8, "dropout": 0.1, "attention_dropout": 0.1},
    "rna_encoder": {"width": 16, "layers": 1, "heads": 2, "feedforward": 16, "dropout": 0.1}
    | {"checkpoint": "", "standardise": True},
    "dna_encoder": {"genes": 239, "hidden": 0, "layers": 2, "dropout": 0.1},
    "training": {
        "seed": 0, "epochs": 4, "warmup_epochs": 1, "batch_size": 8, "patches": 6, "genes": 5, "temperature": 0.1,
        "learning_rate": {"slide": 1e-3, "rna": 1e-3, "dna": 1e-3}, "final_learning_rate": 1e-8,
        "weight_decay": {"slide": 0.01, "rna": 0.01, "dna": 0.01}, "precision": "fp32", "select": "rankme",
        "save_every": 1, "threads": 1, "processes": 1, "micro_batch": 0, "joint": False, "learn_temperature": False,
        "one_slide_per_case": False, "rankme_slides": 0, "readers": 2,
    },
}  # fmt: skip


def write_cohort(folder, cases=12, patches=10, dim=6, latents=1, share=0.3, seed=0, genes=8):
    """Feature files, manifest, pairs and profiles of a cohort whose latents mark a share of the patches."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(cases, latents))
    rows, pairs = [], []
    for case in range(cases):
        x = rng.normal(size=(patches, dim))
        for latent in range(latents):
            marked = rng.random(patches) < share
            x[marked, latent] += 4
            x[marked, latents + latent] += 3 * z[case, latent]
        path = folder / "wsi" / f"S{case}.h5"
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(path, "w") as handle:
            handle["features"] = x.astype(np.float16)
            handle["coords"] = np.stack([np.arange(patches) * 512, np.zeros(patches)], 1).astype(np.int64)
            handle["coords"].attrs["patch_size_level0"] = 512
        rows.append(
            accepted(f"S{case}", n_patches=patches, dim=dim, file=path.name, bytes=1, fingerprint=fingerprint(path))
            | {"dataset": "features", "coords_scale": 1, "patch_size_level0": 512}
        )
        pairs += [(f"S{case}", f"C{case}", "A", f"P{case}-{kind}", kind, "paired", "") for kind in ("rna", "dna")]
    write_manifest(folder / "m.tsv", rows, list(rows[0])[4:])
    columns = ["slide_id", "case_id", "cohort", "profile_id", "modality", "status", "reason"]
    pd.DataFrame(pairs, columns=columns).to_csv(folder / "pairs.tsv", sep="\t", index=False)
    weights = np.random.default_rng(99).normal(size=(latents, genes))
    tables = {"rna": 5 + z @ weights + rng.normal(0, 0.3, (cases, genes)), "dna": (z @ weights > 0).astype(float)}
    for kind, values in tables.items():
        obs = pd.DataFrame(
            {"case_id": [f"C{i}" for i in range(cases)], "cohort": "A"}, index=[f"P{i}-{kind}" for i in range(cases)]
        )
        data = anndata.AnnData(
            values.astype(np.float32), obs=obs, var=pd.DataFrame(index=[f"G{i}" for i in range(genes)])
        )
        data.uns["value"] = "flags" if kind == "dna" else "log2_tpm_plus_1"
        data.write_h5ad(folder / f"{kind}.h5ad")
    pack(folder)
    return z


def pack(folder):
    pack_patches(
        manifest=folder / "m.tsv", pairs=folder / "pairs.tsv", wsi=folder / "wsi", patches=folder / "patches.npy",
        index=folder / "index.tsv", finished=folder / "finished", code="c",
    )  # fmt: skip


def arguments(folder, run, out):
    """What pretrain_run takes for a cohort in a folder."""
    names = ("model.safetensors", "last.safetensors", "config.json", "history.tsv", "model_card.md", "sha256.txt")
    (folder / out).mkdir(exist_ok=True)
    return {
        "run": run, "patches": [folder / "patches.npy"], "indices": [folder / "index.tsv"],
        "pairs": str(folder / "pairs.tsv"), "rna": [folder / "rna.h5ad"], "dna": [folder / "dna.h5ad"],
        "outputs": {name: folder / out / name for name in names}, "finished": str(folder / f"finished-{out}"),
        "state": str(folder / "state"), "code": "c",
    }  # fmt: skip


def train(folder, run=RUN, out="out", **more):
    """Train the run; returns the bytes of its files."""
    values = arguments(folder, run, out)
    pretrain_run(**values | more)
    return {name: path.read_bytes() for name, path in values["outputs"].items()}
