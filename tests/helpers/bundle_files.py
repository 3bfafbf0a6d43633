"""A small study with predictors that nobody fitted, and the bundle that the workflow's own code writes of them."""

import contextlib
import json
import shutil
from pathlib import Path

import yaml
from molpath.common.digests import sha256_of
from molpath.predict.bundle import write_bundle
from molpath.study import Study
from trained_study import write_model

TASK = "here--grade"
CASES = ["C1", "C3", "C5", "C7"]
USED = {"predictors": [{"model": "mean", "task": TASK}, {"model": "threads", "task": TASK}]}


def write_predictor(folder: Path, model: str, **more) -> None:
    """Files of a predictor; its numbers are read by nobody here."""
    folder.mkdir(parents=True)
    for name in ("model.safetensors", "reference.safetensors"):
        (folder / name).write_bytes(f"{model} {name}".encode())
    (folder / "card.md").write_text(f"# {model}\n")
    (folder / "reference.json").write_text("{}\n")
    facts = {"model": model, "task": TASK, "classes": ["low", "high"], "training": {"n": 4, "cases": CASES}} | more
    facts["digests"] = {"model": sha256_of(folder / "model.safetensors")}
    (folder / "predictor.json").write_text(json.dumps(facts))


def write_results(folder: Path) -> None:
    """Results of which a bundle is made: a run, and two predictors."""
    write_model(folder / "results/pretrain/runs/one", encoder="tiny", adapter="mean_colour", grid="20x_256px_0px")
    (folder / "results/pretrain/runs/one/model_card.md").write_text("# one\n")
    for model in ("mean", "threads"):
        write_predictor(folder / f"results/probe/{model}/{TASK}/predictor", model)


def write_as_rule(folder: Path, target: str = "results/bundle") -> Path:
    """Write the bundle of the study in `folder` as the rule's job does; its folder."""
    with contextlib.chdir(folder):
        bundling = Study.open("config.yaml").bundling
        here = [path.replace("<results>", "results") for path in bundling.files()]
        write_bundle(
            folder=target,
            files=dict(zip(bundling.copied(), here, strict=True)),
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
