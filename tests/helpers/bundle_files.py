"""A small study with predictors that nobody fitted, and the bundle that the workflow's own code writes of them."""

import contextlib
import shutil
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import yaml
from molpath.common.bundles import sums_of
from molpath.common.digests import sha256_of
from molpath.predict import stored
from molpath.predict.bundle import write_bundle
from molpath.predict.stored import TENSORS
from molpath.study import Study
from molpath.study.problems import ProblemsFound
from trained_study import write_model

TASK = "here--grade"


CASES = ["C1", "C3", "C5", "C7"]


LABELS = {"0": "low", "1": "high"}


#: Sizes of tensors: outputs, width, folds, calibration scores, event times.
SIZES = {"K": 1, "D": 2, "F": 2, "M": 4, "E": 0}


USED = {"predictors": [{"model": "mean", "task": TASK}, {"model": "threads", "task": TASK}]}


def write_predictor(folder: Path, model: str, patches: dict, slide_encoder: str) -> None:
    """A predictor of two numbers that nobody fitted, in the workflow's own files."""
    folder.mkdir(parents=True)
    tensors = {name: np.zeros([SIZES[dimension] for dimension in dims]) for name, (dims, _) in TENSORS.items()}
    facts = {
        "kind": "classes", "model": model, "task": TASK, "classes": ["low", "high"], "scale": {"unit": 1.0}, "width": 2,
        "training": {"cases": CASES, "slides": {case.replace("C", "S"): f"identity of {case}" for case in CASES}},
        "label": {"task_col": "grade", "sample_col": "case_id", "extra_cols": [], "label_dict": LABELS},
        "temperature": 1.0, "patches": patches, "digests": {"slide_encoder": slide_encoder, "patch_encoder": ""},
    }  # fmt: skip
    stored.write_predictor(tensors, facts, folder / "model.safetensors", folder / "predictor.json")
    (folder / "card.md").write_text(f"# {model}\n")
    (folder / "reference.safetensors").write_bytes(b"reference")
    (folder / "reference.json").write_text("{}\n")
    (folder / "usual.json").write_text("{}\n")


def write_results(folder: Path) -> None:
    """Results of which a bundle is made: a run, and two predictors."""
    run = write_model(folder / "results/pretrain/runs/one", encoder="tiny", adapter="mean_colour", grid="20x_256px_0px")
    (run / "model_card.md").write_text("# one\n")
    with contextlib.chdir(folder):
        predictors = Study.open("config.yaml").predictors
    for model, digest in (("mean", "0123"), ("threads", sha256_of(run / "model.safetensors"))):
        patches = predictors.patches(Namespace(model=model))
        write_predictor(folder / f"results/probe/{model}/{TASK}/predictor", model, patches, digest)


def write_as_rule(folder: Path, target: str = "results/bundle") -> Path:
    """Write the bundle of the study in `folder` as the rule's job does; its folder."""
    with contextlib.chdir(folder):
        bundling = Study.open("config.yaml").bundling
        paths = [path.replace("<results>", "results") for path in bundling.files()]
        write_bundle(
            folder=target,
            files=dict(zip(bundling.copied(), paths, strict=True)),
            weights=bundling.weights(),
            contents=bundling.contents(),
            sections=bundling.sections(),
        )
    return folder / target


def bundle_of(project, target: str = "results/bundle", **probe) -> Path:
    """The bundle of a project (of `projects`), written anywhere below its folder."""
    project.config["probe"] |= USED | probe
    project.write()
    shutil.rmtree(project.folder / "results", ignore_errors=True)
    write_results(project.folder)
    return write_as_rule(project.folder, target)


def user_of(folder: Path, bundle: Path, **more) -> Path:
    """A study elsewhere that has the bundle and a new slide, and nothing else; its config."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "new.svs").touch()
    (folder / "new.tsv").write_text("slide_id\tcase_id\tpath\nN1\tD1\tnew.svs\n")
    predict = {"slides": "new.tsv", "bundle": str(bundle)}
    config = {"slides": {"sheet": ""}, "predict": predict} | more
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder / "config.yaml"


def signed(bundle: Path) -> Path:
    """The bundle with the list of checksums of what is in it now, as someone who makes one by hand would write it."""
    (bundle / "checksums.tsv").unlink()
    text = sums_of(str(bundle))
    (bundle / "checksums.tsv").write_text(text)
    return bundle


#: Every file of the bundle of two predictors, one of a trained model.
FILES = [
    *("README.md", "bundle.json", "checksums.tsv", "config.yaml"),
    *(f"models/threads/{name}" for name in ("config.json", "model.safetensors", "model_card.md", "sha256.txt")),
    *(
        f"predictors/{model}/{TASK}/{name}"
        for model in ("mean", "threads")
        for name in ("card.md", "model.safetensors", "predictor.json")
        + ("reference.json", "reference.safetensors", "usual.json")
    ),
]


def files_below(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refusal(config: Path) -> str:
    """What planning says of a study that can't be run."""
    with contextlib.chdir(config.parent), pytest.raises(ProblemsFound) as caught:
        Study.open(config.name).check()
    return str(caught.value)
