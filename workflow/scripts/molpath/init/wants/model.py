"""From a pretrained model and new slides, or new features, to embeddings."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ...study.config import Config, defaults_of
from ...study.grids import name_of_grid
from ..draft import Draft, Refusal, kept, number, some
from ..feature_files import grid_of, look_at
from ..model_folder import Pretrained, adapters, read_pretrained
from .features import SHEET, features, spelled
from .slides import slides

ANY_GRID, ANY_ENCODER = "20x_512px", "efficientnet_lite0"


def add_options(parser: argparse.ArgumentParser, wants: Any) -> None:
    """Options of this start, which needs --slides or --features."""
    description = (
        "with --slides or --features: embed them with the pretrained model of this folder (results/pretrain/runs/<run>)"
    )
    parser.add_argument("--model", metavar="DIR", help=description)


def model(options: argparse.Namespace) -> Draft:
    """A study that embeds slides, or features, with a model trained in another study."""
    trained = read_pretrained(options.model)
    if options.features is not None:
        check_given(trained, options)
        draft = features(options)
        draft.config["tiles"]["grids"]["main"] = trained.scale
        draft.config["features"] = {"encoders": encoder_of(trained, draft.config["features"])}
    elif options.slides is not None:
        check_asked(trained, options)
        draft = slides(options)
        draft.config["tiles"] = {"grids": {"main": trained.grid}}
        draft.config["features"] = {"encoders": {trained.encoder: trained.entry}}
    else:
        raise Refusal("--model: also name what to embed: --slides DIR or --features DIR")
    draft.guesses = [guess for guess in draft.guesses if guess[0] not in ("grid", "encoder")]
    draft.config["embed"] = {"models": {trained.name: model_entry(trained, options.folder)}, "use": [trained.name]}
    report_model(trained, draft)
    return draft


def full_name(grid: str) -> str:
    """20x_512px_0px_overlap of 20x_512px."""
    return name_of_grid(defaults_of("grid") | grid_of(grid))


def model_entry(trained: Pretrained, study: str) -> Config:
    """The entry of embed/models."""
    return {"kind": "threads", "path": kept(trained.folder, study), "grid": "main", "encoder": trained.encoder}


def encoder_of(trained: Pretrained, section: Config) -> dict[str, Config]:
    """Given features under the name and with the settings of the model's own."""
    ((_, entry),) = section["encoders"].items()
    return {trained.encoder: trained.entry | entry}


def check_asked(trained: Pretrained, options: argparse.Namespace) -> None:
    """Check that slides can be encoded for the model, whose grid and encoder are used."""
    if trained.reads_given:
        raise Refusal(
            f"model {trained.name} reads features that another tool made ({trained.encoder}), so slides can't be "
            f"encoded for it here: make those features with that tool, and give their folder as --features"
        )
    if options.grid:
        trained.check_features(f"--grid {options.grid}", grid=full_name(options.grid))
    if options.encoder:
        trained.check_features(f"--encoder {options.encoder}", encoder=options.encoder)
    # These only keep `slides` from guessing: they are replaced by the model's own.
    options.grid, options.encoder = (
        options.grid or ANY_GRID,
        next(iter({trained.encoder} & set(adapters())), ANY_ENCODER),
    )


def check_given(trained: Pretrained, options: argparse.Namespace) -> None:
    """Check that features have the model's grid, encoder and width, as far as files, folders and options show."""
    if ":" in trained.run.patches["adapter"]:
        raise Refusal(f"model {trained.name} reads features of your own code, which files don't show: give it --slides")
    feature_files = look_at(Path(options.features))
    for grid in [full_name(options.grid)] if options.grid else list(feature_files.grids):
        trained.check_features(f"{feature_files.folder}", grid=grid)
    names = [spelled(name) for name in feature_files.encoders]
    if options.encoder or (names and trained.encoder not in names):
        trained.check_features(f"{feature_files.folder}", encoder=options.encoder or names[0])
    for stem in feature_files.stems[:1]:
        trained.check_features(
            f"{feature_files.folder}", dim=width_of(feature_files.folder, stem, feature_files.encoders, trained.encoder)
        )
    options.encoder = trained.encoder
    options.grid = None if feature_files.grids else ANY_GRID


def width_of(folder: Path, stem: str, names: list[str], encoder: str) -> int:
    """Numbers per patch in the HDF5 file of a slide; 0 for other files, which are checked when they are embedded."""
    import h5py

    path = next(iter(sorted(folder.rglob(f"{stem}.h5"))), None)
    if path is None:
        return 0
    with h5py.File(path, "r") as handle:
        item = handle.get("features", handle.get("feats"))
        if isinstance(item, h5py.Group):
            item = item.get(next((name for name in names if spelled(name) == encoder), ""))
        return int(item.shape[-1]) if item is not None else 0


def report_model(trained: Pretrained, draft: Draft) -> None:
    """Report the model, what its folder lacks, and cases that it was trained on."""
    summary = f"grid {trained.grid_name}, encoder {trained.encoder}, {trained.run.width} numbers per slide"
    draft.guess("model", f"{trained.name} in {trained.folder}: {summary}", "--model")
    draft.notes += trained.unsaid
    header, *rows = (line.split("\t") for line in draft.files[SHEET].splitlines())
    cases = [row[header.index("case_id")] for row in rows]
    if trained_cases := trained.trained_on(cases):
        draft.notes.append(
            f"the model was trained on {number(len(trained_cases), 'case')} of these ({some(trained_cases)}): they "
            "are embedded, and can't be on the test side of a task"
        )
    draft.after.append(
        ("snakemake embed", f"embeddings alone: results/embed/{trained.name}/slides.h5ad and cases.h5ad")
    )
