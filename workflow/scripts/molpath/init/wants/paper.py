"""Reproduce one task of the paper: requirements and costs, then a study with its splits and the paper's settings."""

from __future__ import annotations

import argparse
import copy
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...study.config import Config, Row
from ..draft import Draft, Refusal, kept, table
from ..model_folder import adapters, read_pretrained
from ..paper import HUB, PaperTask, paper_models, paper_task, public_config, scores_in_words
from ..paper_bucket import listed
from ..paper_costs import costs_of
from ..paper_files import Needed, rows_of_splits, slides_in, slides_needed, splits_of
from .model import model_entry

SHEET = "config/slides.tsv"
#: The model with the fewest requirements: no pretraining, and the paper's own patch encoder.
USUAL = "mean-conch_v15"


def add_options(parser: argparse.ArgumentParser, wants: Any) -> None:
    """Options of this start, which goes with --slides and --model."""
    group = parser.add_argument_group("the paper's tasks")
    description = "set up one task of the paper (bcnb--er); `list` shows all 54; slides as --slides"
    group.add_argument("--paper", metavar="TASK", help=description)
    group.add_argument("--models", metavar="A,B,…", help=f"models of the paper, by its names ({USUAL})")
    group.add_argument(
        "--splits", metavar="DIR", help="copy of Patho-Bench, or of the task; else fetched with your login"
    )
    group.add_argument("--idc-index", metavar="FILE", help="index of the Imaging Data Commons, else the package's")
    group.add_argument("--idc-names", metavar="FILE", help="its table of names (sm_index), else from its service")
    group.add_argument("--skip-missing", action="store_true", help="go on without slides of the task that aren't there")


def paper(options: argparse.Namespace) -> Draft:
    """A study of a task of the paper; raises Refusal, listing what is missing and what to do, until all is there."""
    task = paper_task(options.paper)
    models = chosen_models(options)
    config = config_of(task, models, options)
    texts, splits = splits_of(task, options.splits)
    slide_rows = rows_of_splits(texts) if texts else []
    sheet_rows, slides = slides_of(task, slide_rows, options)
    if options.skip_missing and sheet_rows:
        config["probe"]["missing"] = "skip"
        slides = Needed(True, slides.what, f"{len(sheet_rows):,} of them, the others are left out")
    needed = [splits, slides, *weights_needed(config, models, options)]
    lines = [
        task.title,
        *scores_in_words(task, [*models, "threads"]),
        *map(str, needed),
        *costs_of(config, len(sheet_rows) or task.least_slides, task.procedure),
    ]
    if not all(item.here for item in needed):
        raise Refusal("\n  ".join([*lines, f"Nothing was written. When everything is there: {again(task, options)}"]))
    draft = Draft(config, counts=lines)
    draft.files[SHEET] = table(list(sheet_rows.values()))
    for name, text in texts.items():
        draft.files[f"{folder_of(task)}/{name}"] = text
    draft.after.append(("snakemake plan", "what it costs, counted again from the slides"))
    draft.after.append(("snakemake doctor", "software, GPU, weights and disk"))
    return draft


def slides_of(
    task: PaperTask, slide_rows: Sequence[Row], options: argparse.Namespace
) -> tuple[dict[str, dict[str, str]], Needed]:
    """Rows of the slide sheet by slide, of a folder or of an open bucket, in the order of the splits."""
    if options.slides is None and task.collection:
        return listed(task, slide_rows, options)
    names = [row["slide_id"] for row in slide_rows]
    paths = slides_in(options.slides, names) if options.slides is not None else {}
    columns = {"cohort": str(task.cohort["in_sheet"]), "organ": str(task.row["organ"])}
    columns |= {"procedure": task.procedure} if task.procedure else {}
    columns |= {"mpp": f"{options.mpp:g}"} if options.mpp else {}
    rows = {
        row["slide_id"]: {**row, "path": kept(paths[row["slide_id"]], options.folder), **columns}
        for row in slide_rows
        if row["slide_id"] in paths
    }
    return rows, slides_needed(task, options.slides, names, paths)


def chosen_models(options: argparse.Namespace) -> dict[str, Row]:
    """The requested models of the paper; raises Refusal for others, and for threads without a folder."""
    model_of = paper_models()
    usual = ["threads"] if options.model else [USUAL]
    names = options.models.split(",") if options.models else usual
    if unknown := [name for name in names if name not in model_of]:
        raise Refusal(f"--models {','.join(unknown)}: the paper has {', '.join(model_of)}")
    if "threads" in names and not options.model:
        raise Refusal(
            "--models threads: the paper's weights are not public. Pretrain a model on TCGA and GTEx first "
            "(config/public/README.md), then name its folder: --model results/pretrain/runs/<run>"
        )
    return {name: model_of[name] for name in names}


def config_of(task: PaperTask, models: dict[str, Row], options: argparse.Namespace) -> Config:
    """The config: of config/public what these models read, and the task with the paper's settings."""
    public, exceptions = public_config(), []
    grids: Config = {}
    encoders: Config = {}
    entries: Config = {}
    for name in models:
        entry = copy.deepcopy(public["embed"]["models"][name])
        if name == "threads":
            trained = read_pretrained(options.model)
            entry = model_entry(trained, options.folder)
            if public["tiles"]["grids"]["main"] != trained.grid:
                grids["trained"], entry["grid"] = trained.grid, "trained"
            encoders[trained.encoder] = trained.entry
        grids.setdefault(entry["grid"], public["tiles"]["grids"].get(entry["grid"]))
        encoders.setdefault(entry["encoder"], public["features"]["encoders"].get(entry["encoder"]))
        entries[name] = entry
    for exception in public["probe"]["cox"]["exceptions"]:
        if exception["task"] == task.name and exception["model"] in models:
            exceptions.append(exception)
    probe: Config = {
        "tasks": {task.name: {"path": folder_of(task), "family": task.row["family"]}},
        "use": [task.name],
        "permutations": 0,
    }
    return {
        "software": public["software"],
        "slides": {"sheet": SHEET},
        "tiles": {"grids": grids},
        "features": {"encoders": encoders},
        "embed": {"models": entries, "use": list(models)},
        "probe": probe | ({"cox": {"exceptions": exceptions}} if exceptions else {}),
    }


def folder_of(task: PaperTask) -> str:
    """Path of the task in the study."""
    return f"config/tasks/{task.name.replace('--', '/')}"


def weights_needed(config: Config, models: dict[str, Row], options: argparse.Namespace) -> list[Needed]:
    """Weights of slide encoders, which the user must provide, and of patch encoders, which a run fetches."""
    study, known_encoders, needed = Path(options.folder), adapters(), []
    for name in models:
        entry = config["embed"]["models"][name]
        if weights := entry.get("weights"):
            path = study / weights
            origin = str(path) if path.exists() else f"{models[name]['weights']}; put them at {path}"
            needed.append(Needed(path.exists(), f"weights of {models[name]['name']}", origin))
    for name, entry in config["features"]["encoders"].items():
        encoder = known_encoders.get(entry["adapter"], {})
        if "hub" in encoder:
            kind = "datasets/" if encoder.get("dataset") else ""
            origin = f"by the run, from {HUB}/{kind}{encoder['hub']}"
            origin += ", access on request; `hf auth login` first" if encoder.get("gated") else ""
            needed.append(Needed(True, f"weights of {name} ({encoder['licence']})", origin, fetched=True))
    return needed


def again(task: PaperTask, options: argparse.Namespace) -> str:
    """The same command with the missing options."""
    command = ["molpath", "init", options.folder, "--paper", options.paper]
    command += ["--slides", options.slides or "SLIDES"] if options.slides or not task.collection else []
    for name in ("models", "model", "splits"):
        command += [f"--{name}", getattr(options, name)] if getattr(options, name) else []
    return " ".join(map(shlex.quote, command))
