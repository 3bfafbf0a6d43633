"""The command `molpath init`: its options and output."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from ..common.tsv import BadTable
from . import folder
from .draft import Draft, Refusal
from .paper import listing

#: What a user may start from, by option: molpath.init.wants.<name> has a function of that name, which takes the
#: options and gives a Draft, and may have `add_options(parser)` for options of its own.
WANTS = ("paper", "model", "bundle", "slides", "features", "embeddings")


#: Starts that use an option which others would ignore. (A bundle says itself why it takes no grid, encoder and label.)
_TASKS = ("slides", "features", "embeddings", "model")
BELONGS = {
    **dict.fromkeys(("classes", "folds", "time", "event", "time_unit"), _TASKS),
    **dict.fromkeys(("grid", "encoder"), ("slides", "features", "model", "bundle")),
    **dict.fromkeys(("ids", "unit"), ("embeddings",)),
    **dict.fromkeys(("models", "splits", "skip_missing", "idc_index", "idc_names"), ("paper",)),
    "label": (*_TASKS, "bundle"),
    "labels": (*_TASKS, "bundle"),
    "mpp": ("slides", "model", "bundle", "paper"),
    "weights": ("bundle",),
}


def parser() -> argparse.ArgumentParser:
    """Options of `molpath init`."""
    top = argparse.ArgumentParser(prog="molpath", description="Studies on whole-slide images, from their set-up.")
    commands = top.add_subparsers(dest="command", required=True, metavar="init")
    init = commands.add_parser(
        "init",
        help="set up a study folder",
        description="Set up a study folder: inspect the given files, report every guess, write config and sheets.",
    )
    init.add_argument("folder", metavar="FOLDER", nargs="?", help="the study folder to write; nothing is overwritten")
    wants = init.add_mutually_exclusive_group()
    for name in WANTS:
        importlib.import_module(f".wants.{name}", __package__).add_options(init, wants)
    labels = init.add_argument_group("labels")
    labels.add_argument("--labels", metavar="FILE", help="CSV or TSV with a row for each slide or case")
    labels.add_argument("--label", action="append", metavar="COLUMN", help="column to predict (again for more)")
    labels.add_argument("--classes", metavar="A,B,…", help="classes of the one --label, in their order")
    labels.add_argument("--slide-column", metavar="COLUMN", help="column that names slides")
    labels.add_argument("--case-column", metavar="COLUMN", help="column that names cases (patients)")
    labels.add_argument("--case-pattern", metavar="REGEX", help="the part of a slide's name that is its case")
    labels.add_argument("--time", metavar="COLUMN", help="survival: column of times")
    labels.add_argument("--event", metavar="COLUMN", help="survival: column of events (1, 0; dead, alive)")
    labels.add_argument("--time-unit", choices=("days", "months", "years"), help="survival: unit of the times")
    labels.add_argument("--folds", type=int, metavar="N", help="folds of cross-validation (5)")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Set up a study; returns 0 if it was written."""
    options = parser().parse_args(arguments)
    if options.paper == "list":
        print(listing())
        return 0
    name = next((name for name in WANTS if getattr(options, name) is not None), None)
    if options.folder is None or name is None:
        print("molpath init: name the folder of the study, and what you have (molpath init --help)", file=sys.stderr)
        return 2
    study = Path(options.folder)
    try:
        check_options(options, name)
        folder.check_free(study)
        draft: Draft = getattr(importlib.import_module(f".wants.{name}", __package__), name)(options)
        written = folder.write(study, draft)
    except (Refusal, BadTable) as refusal:
        print(f"molpath init: {refusal}", file=sys.stderr)
        return 1
    say(study, draft, written)
    return 0


def check_options(options: argparse.Namespace, start: str) -> None:
    """Raise Refusal for an option that this start would ignore."""
    for name, starts in BELONGS.items():
        if getattr(options, name) not in (None, False) and start not in starts:
            users = " or ".join(f"--{other}" for other in starts)
            option = name.replace("_", "-")
            raise Refusal(f"--{option}: it has no effect with --{start}, only with {users}: leave it out")


def say(study: Path, draft: Draft, written: Sequence[str]) -> None:
    """Print guesses, counts, notes and the next commands."""
    if draft.guesses:
        print("Guessed (each can be given):")
        wide = max(len(topic) for topic, _, _ in draft.guesses)
        for topic, guess, option in draft.guesses:
            print(f"  {topic:<{wide}}  {guess}   [{option}]")
    print("Counted:", *(f"  {line}" for line in draft.counts), sep="\n")
    for note in draft.notes:
        print(f"note: {note}")
    print(f"Written to {study}: {', '.join(written)}")
    print("Next:")
    commands = folder.next_commands(study, draft)
    wide = max(len(command) for command, _ in commands)
    for command, purpose in commands:
        print(f"  {command:<{wide}}  # {purpose}" if purpose else f"  {command}")
