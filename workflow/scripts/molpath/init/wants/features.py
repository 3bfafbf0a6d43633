"""From features of patches by another tool to probes and report, without slides."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from ..draft import Draft, Refusal, kept, number, some, table
from ..feature_files import GRID as GRID_NAME
from ..feature_files import Found, grid_name, grid_of, look_at
from ..labels import Joined, join, renamed
from ..names import ID, safe_ids, sites_of
from ..tasks import add_tasks

SHEET = "config/slides.tsv"


def add_options(parser: argparse.ArgumentParser, wants: Any) -> None:
    """Options of this start, and those it shares with slides."""
    description = "features of patches: a folder of TRIDENT, CLAM, STAMP, AtlasPatch, slide2vec or LazySlide"
    wants.add_argument("--features", metavar="DIR", help=description)
    group = parser.add_argument_group("grid and encoder")
    group.add_argument("--grid", metavar="20x_512px", help="magnification and edge of a patch in pixels")
    group.add_argument("--encoder", metavar="NAME", help="patch encoder: to extract with, or that made the features")


def features(options: argparse.Namespace) -> Draft:
    """A study of given features."""
    draft = Draft({})
    feature_files = look_at(Path(options.features))
    draft.guess(
        "feature files",
        f"{number(len(feature_files.stems), 'file')} of {feature_files.tool} in {feature_files.folder}",
        "--features",
    )
    if unfit := [stem for stem in feature_files.stems if not ID.fullmatch(stem)]:
        raise Refusal(
            f"{feature_files.folder}: {number(len(unfit), 'file')} can't be found by a slide's id "
            f"({some(map(repr, unfit))}): rename them to letters, digits and . _ - "
            "(no spaces), or link them under such names into another folder"
        )
    grid = choose_grid(feature_files, options, draft)
    encoder, selection = choose_encoder(feature_files, options, draft)
    draft.config |= {
        "slides": {"sheet": SHEET},
        "tiles": {"grids": {"main": grid}},
        "features": {
            "encoders": {
                encoder: {"adapter": "precomputed", "folder": kept(feature_files.folder, options.folder)} | selection
            },
            "use": [{"grid": "main", "encoder": encoder}],
        },
        "embed": mean_of(encoder),
    }
    joined = join(feature_files.stems, "slide", options, draft)
    joined = renamed(joined, {stem: stem for stem in feature_files.stems}, case_ids(joined))
    draft.files[SHEET] = sheet_of(joined, {})
    add_tasks(joined, options, draft)
    return draft


def case_ids(joined: Joined) -> dict[str, str]:
    """Ids of the cases."""
    return safe_ids(dict.fromkeys(joined.case_of.values()), "case")


def mean_of(encoder: str) -> dict[str, Any]:
    """Section embed of a study that pools by the mean."""
    name = f"mean-{encoder}"
    return {"models": {name: {"kind": "mean", "grid": "main", "encoder": encoder}}, "use": [name]}


def sheet_of(joined: Joined, paths: dict[str, str], mpp: float | None = None) -> str:
    """The slide sheet; column site of TCGA's barcodes or of the table, cohort and mpp of the table."""
    sites = sites_of(joined.case_of)
    columns = [name for name in ("site", "cohort", "mpp") if joined.labels and name in joined.labels.columns]
    rows = []
    for slide in joined.names:
        row = {"slide_id": slide, "case_id": joined.case_of[slide], "path": paths.get(slide, "")}
        row |= {"site": sites[slide]} if sites else {}
        row |= {"mpp": f"{mpp:g}"} if mpp else {}
        labels = (joined.rows_of.get(slide) or [{}])[0]
        rows.append(row | {name: labels.get(name) or row.get(name, "") for name in columns})
    return table(rows)


def choose_grid(feature_files: Found, options: argparse.Namespace, draft: Draft) -> dict[str, Any]:
    """The grid given in the files, or --grid. Raises Refusal if there is none, or files contradict each other."""
    if len(feature_files.grids) > 1:
        grids = "; ".join(f"{name} ({file})" for name, file in feature_files.grids.items())
        raise Refusal(
            f"{feature_files.folder}: features of several grids in one folder: {grids}: move them to separate folders"
        )
    if options.grid:
        requested = grid_of(options.grid)
        match = GRID_NAME.fullmatch(options.grid)
        name = grid_name(match.groupdict()) if match else ""
        if feature_files.grids and name not in feature_files.grids:
            raise Refusal(f"--grid {options.grid}: the features say {next(iter(feature_files.grids))}")
        return requested
    if not feature_files.grids:
        raise Refusal(
            f"{feature_files.folder}: files of {feature_files.tool} don't say on which grid they were made: give "
            "--grid 20x_512px"
        )
    name, file = next(iter(feature_files.grids.items()))
    draft.guess("grid", f"{name}, by {file}", "--grid")
    return grid_of(name)


def choose_encoder(feature_files: Found, options: argparse.Namespace, draft: Draft) -> tuple[str, dict[str, str]]:
    """Name of the encoder in the config, and key `features` if a file holds those of several."""
    names = {spelled(name): name for name in feature_files.encoders}
    if options.encoder:
        name = spelled(options.encoder)
        if len(names) > 1 and name not in names:
            raise Refusal(
                f"--encoder {options.encoder}: the files hold features of {', '.join(feature_files.encoders)}"
            )
        return name, {"features": names[name]} if len(names) > 1 else {}
    if len(names) > 1:
        names_text = ", ".join(feature_files.encoders)
        raise Refusal(
            f"{feature_files.folder}: features of {names_text} in the same files: choose with --encoder "
            f"{feature_files.encoders[0]}"
        )
    name = next(iter(names), "theirs")
    draft.guess("encoder", f"{name}{'' if names else ', because nothing names it'}", "--encoder")
    return name, {}


def spelled(name: str) -> str:
    """An encoder's name as the config takes it."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "theirs"
