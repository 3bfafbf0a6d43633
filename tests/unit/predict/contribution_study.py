"""Feature files of some slides, models of each kind that is a sum over patches, and predictors made by hand."""

import json

import anndata
import h5py
import numpy as np
import torch
from molpath.common.files import fingerprint
from molpath.common.h5ad import write_h5ad
from molpath.common.manifests import accepted, write_manifest
from molpath.embed.bags import Bags
from molpath.embed.embedding import embed_bags
from molpath.embed.foreign import ChiefPooling, FeatherPooling
from molpath.embed.models import get_embed
from molpath.predict.conformal import Calibration
from molpath.predict.contributions import average_slides, contribute_patches
from molpath.predict.predictor import Predictor
from molpath.predict.survival import Baseline
from molpath.pretrain.network import build, save

EDGE = 512
SIZES = {"kind": "abmil", "hidden": 24, "layers": 2, "output": 16, "dropout": 0.1, "attention_dropout": 0.1}
#: Kind, heads, width of patches and of the embedding.
KINDS = {
    "mean": ("mean", 1, 6, 6),
    "threads, 3 heads": ("threads", 3, 6, 16),
    "threads, 1 head": ("threads", 1, 6, 24),
    "random": ("random", 2, 6, 16),
    "chief": ("chief", 1, 768, 768),
    "feather": ("feather", 1, 768, 512),
}


def write_bags(folder, bags, placed=True):
    """Feature files (float16) of slides and their manifest m.tsv; bags: patches by slide. Returns coords by slide."""
    rows, places = [], {}
    (folder / "wsi").mkdir(exist_ok=True)
    for number, (name, patches) in enumerate(bags.items()):
        order = np.random.default_rng(number).permutation(2 * len(patches))[: len(patches)]
        places[name] = np.stack([order % 7, order // 7], 1).astype(np.int64) * EDGE
        path = folder / "wsi" / f"{name}.h5"
        with h5py.File(path, "w") as handle:
            handle["features"], handle["coords"] = patches.astype(np.float16), places[name]
        about = {"n_patches": len(patches), "dim": patches.shape[1], "file": path.name, "bytes": 1}
        row = accepted(name, **about, fingerprint=fingerprint(path)) | {"dataset": "features", "coords_scale": 1}
        rows.append(row | {"patch_size_level0": EDGE if placed else ""})
    write_manifest(folder / "m.tsv", rows, list(rows[0])[4:])
    return places


def model_of(folder, name, cases="union"):
    """A model of a kind and its sources, with random weights."""
    kind, heads, width, output = KINDS[name]
    torch.manual_seed(3)
    model, sources = {"name": "m", "kind": kind, "cases": cases, "seed": 0}, []
    sizes = SIZES | {"heads": heads, "output": output}
    if kind == "random":
        model["slide_encoder"] = sizes
    if kind == "threads":
        description = {"slide_encoder": sizes | {"input": width}, "encoder": "e"}
        sources = [str(folder / name) for name in ("config.json", "model.safetensors")]
        (folder / "config.json").write_text(json.dumps(description))
        save(build(description, 1).state_dict(), sources[1])
    if kind in ("chief", "feather"):
        sources = [str(folder / f"{kind}.pth")]
        torch.save((ChiefPooling if kind == "chief" else FeatherPooling)().state_dict(), sources[0])
    return model, sources


def write_predictor(folder, linear, kind="classes", classes=("wild", "mutant"), cases=(), name="m"):
    """A predictor with given coefficients; nothing of it was calibrated."""
    outputs, width = linear.coefficients.shape
    facts = {"kind": kind, "model": name, "task": "t", "classes": list(classes), "width": width, "temperature": 1.0}
    facts |= {"scale": {"unit": linear.unit}, "training": {"cases": list(cases)}, "digests": {}}
    facts |= {"survival": {"follow_up": 9.0, "cutoff": 0.0, "times": []}} if kind == "survival" else {}
    none, whole = np.zeros(0), np.zeros(0, np.int64)
    predictor = Predictor(
        kind, list(classes), facts, linear, np.zeros((1, outputs, width)), np.zeros((1, outputs)),
        Calibration(whole, whole, whole, none), Baseline(none, none, 9.0) if kind == "survival" else None,
    )  # fmt: skip
    (folder / "predictor").mkdir(exist_ok=True)
    predictor.save(folder / "predictor/model.safetensors", folder / "predictor/predictor.json")
    return Predictor.load(folder / "predictor")


def embed(folder, model, sources, members):
    """Embeddings of members by the stage's own code, as cases.h5ad; by member."""
    with get_embed(model, sources[0] if sources else "", 1, Bags([folder / "m.tsv"], folder / "wsi")) as function:
        vectors = {name: vector for name, vector, _ in embed_bags(members, model, function)}
    data = anndata.AnnData(np.stack(list(vectors.values())).astype(np.float32))
    data.obs_names = list(vectors)
    write_h5ad(folder / "cases.h5ad", data)
    return vectors


def run(folder, model, sources, trained, members, average=True):
    """Both jobs on given predictor and embeddings; trained: case by slide. Returns the path of contributions.h5."""
    same = {"predictor": str(folder / "predictor"), "model": model, "sources": sources}
    same |= {"manifests": [folder / "m.tsv"], "wsi": str(folder / "wsi")}
    usual = str(folder / "predictor/usual.json")
    if average:
        average_slides(**same, cases=trained, output=usual)
    output = str(folder / "contributions.h5")
    contribute_patches(**same, usual=usual, embedded=str(folder / "cases.h5ad"), members=members, output=output)
    return output
