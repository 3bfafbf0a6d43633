"""From a bundle of predictors and new slides to a table of predictions."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from ...study.bundle import BundleParts, read_bundle
from ...study.config import Config, Places
from ...study.problems import ProblemsFound
from ..draft import Draft, Refusal, kept, number, some
from ..label_table import plain
from ..labels import Joined, join, renamed
from ..names import safe_ids
from ..slide_files import look_at
from ..survival import TIME
from .features import SHEET, case_ids, sheet_of


def add_options(parser: argparse.ArgumentParser, wants: Any) -> None:
    """Options of this start, which needs --slides."""
    description = "with --slides: predict them with the predictors of this folder (`snakemake bundle` writes it)"
    parser.add_argument("--bundle", metavar="DIR", help=description)
    description = "with --bundle: path of weights that it names but does not contain (repeat for more)"
    parser.add_argument("--weights", metavar="NAME=FILE", action="append", help=description)


def bundle(options: argparse.Namespace) -> Draft:
    """A study of a bundle and new slides only."""
    if options.slides is None:
        raise Refusal("--bundle: name the slides to predict, too: --slides DIR")
    for name in ("grid", "encoder", "label"):
        if getattr(options, name):
            raise Refusal(f"--{name}: the bundle sets it; leave it out")
    contents = read(options.bundle)
    folder_slides = look_at(Path(options.slides))
    draft = Draft({"slides": {"sheet": ""}})
    draft.config["predict"] = {"slides": SHEET, "bundle": kept(contents.folder, options.folder)}
    draft.guess("slides", f"{number(len(folder_slides.paths), 'file')} in {folder_slides.folder}", "--slides")
    draft.guess("predictors", f"{', '.join(contents.predictors)} of {contents.folder}", "--bundle")
    ids = safe_ids(list(folder_slides.paths), "slide")
    joined = join(list(folder_slides.paths), "slide", options, draft)
    joined = renamed(joined, ids, case_ids(joined))
    paths = {ids[name]: kept(path, options.folder) for name, path in folder_slides.paths.items()}
    draft.files[SHEET] = with_labels(sheet_of(joined, paths, options.mpp), joined, contents)
    take_weights(options.weights or [], contents, options.folder, draft.config)
    draft.notes += folder_slides.notes + notes_of_labels(joined, contents)
    draft.after.append(("snakemake predict", "predictions alone: results/predict/<model>/<task>/predictions.tsv"))
    return draft


def read(folder: str) -> BundleParts:
    """The bundle in a folder; raises Refusal if there is none, or it is invalid."""
    try:
        return read_bundle(os.path.abspath(folder), Places())
    except ProblemsFound as problems:
        raise Refusal(f"--bundle {folder}: {str(problems).split(chr(10), 1)[1].strip()}") from None


def with_labels(sheet: str, joined: Joined, contents: BundleParts) -> str:
    """The slide sheet with those columns of the table of labels that predictors are validated by."""
    names = [name for name in contents.label_columns() if joined.labels and name in joined.labels.columns]
    header, *lines = sheet.splitlines()
    slide_rows = [(joined.rows_of.get(slide) or [{}])[0] for slide in joined.names]
    cells = (["", *(row.get(name, "") for name in names)] for row in slide_rows)
    rows = [line + "\t".join(extra_cells) for line, extra_cells in zip(lines, cells, strict=True)]
    return "\n".join([header + "".join(f"\t{name}" for name in names), *rows]) + "\n"


def notes_of_labels(joined: Joined, contents: BundleParts) -> list[str]:
    """Columns of the label table that are not taken, and the columns that predictors read in place of similar ones."""
    if not joined.labels:
        return []
    table, label_columns, notes = joined.labels, contents.label_columns(), []
    unused = [name for name in table.columns if name not in label_columns and name not in joined.ids]
    for name in list(unused):
        similar = [label for label in label_columns if label not in table.columns and is_alike(name, label)]
        if similar:
            unused.remove(name)
            unit = unit_of(similar[0])
            remedy = f"write {unit} into a column of that name" if unit != unit_of(name) else "rename the column"
            notes.append(f"{name} of {table.name} is not taken: predictors read {similar[0]}: {remedy}")
    if unused:
        notes.append(f"no predictor is validated by {some(unused)} of {table.name}: not taken")
    return notes


def is_alike(first: str, second: str) -> bool:
    """True for column names that differ in their letters' case, the signs between words, or the unit of time."""
    stems = [TIME.fullmatch(plain(name)) for name in (first, second)]
    same = stems[0] and stems[1] and stems[0][1] == stems[1][1]
    return plain(first) == plain(second) or bool(same)


def unit_of(name: str) -> str:
    """The unit of time that a column is named after; '' for none."""
    match = TIME.fullmatch(plain(name))
    return match[2] if match else ""


def take_weights(pairs: list[str], contents: BundleParts, study: str, config: Config) -> None:
    """Put paths of weights into the config, at the keys that the bundle names."""
    needed = {item["name"]: item["key"].split("/") for item in contents.needed}
    for text in pairs:
        name, _, path = text.partition("=")
        if not needed:
            raise Refusal(f"--weights {text}: the bundle needs no other weights; leave it out")
        if name not in needed or not path:
            raise Refusal(f"--weights {text}: write NAME=FILE, where NAME is one of: {', '.join(sorted(needed))}")
        section, bundle_section = config, contents.config
        for key in needed[name][:-1]:
            section, bundle_section = section.setdefault(key, {}), bundle_section.get(key, {})
            section |= {
                key_name: bundle_section[key_name]
                for key_name in ("kind", "adapter", "grid")
                if isinstance(bundle_section.get(key_name), str)
            }
        section[needed[name][-1]] = kept(path, study)
