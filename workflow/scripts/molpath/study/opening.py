"""Config files that Snakemake is about to read: their mistakes are reported before it fails on them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .hints import for_path
from .problems import Problems, ProblemsFound
from .yaml_files import load_yaml

#: The config that the Snakefile names; others are laid over it.
OWN_CONFIG = "config/config.yaml"
#: Folder in which Snakemake keeps locks and records of a run.
STATE = ".snakemake"
#: Endings of config files.
ENDINGS = (".yaml", ".yml", ".json")


def check_working_folder() -> None:
    """Snakemake can keep its state in the working directory; raises ProblemsFound, where it would print a traceback.

    So a user learns what to do in a clone that somebody else owns, or that is mounted read-only.
    """
    if os.path.exists(STATE) or os.access(os.curdir, os.W_OK | os.X_OK, effective_ids=True):
        return
    problems = Problems()
    problems.add(
        os.getcwd(),
        f"this folder can't be written to, and Snakemake keeps its state in {STATE} here",
        "run in a folder of your own: `molpath init FOLDER …` writes one for your data (README.md, Your own data); "
        "the clone of the workflow may stay read-only",
    )
    problems.stop()


def map_of(path: str, contents: Any) -> dict[str, Any]:
    """A config file's contents; an empty file is an empty map, and anything but a map a problem."""
    if contents is not None and not isinstance(contents, dict):
        problems = Problems()
        problems.add(path, f"{str(contents)[:40]!r} is no map of keys", "write a section per stage (config/README.md)")
        problems.stop()
    return contents or {}


def check_config_files(config_files: Sequence[str | os.PathLike[str]], own_config: str = "") -> None:
    """Every config file can be read and is a map of keys; raises ProblemsFound with what is wrong with the first.

    config_files: those of --configfile; own_config: the one that the Snakefile names, '' where it isn't read.
    """
    files = [str(path) for path in config_files]
    if own_config and not files and not os.path.exists(own_config):
        problems = Problems()
        problems.add(
            own_config,
            f"no such file in {os.getcwd()}",
            "change to the folder of your study (the one that holds config/), or name a config with --configfile FILE",
        )
        problems.stop()
    for place, path in enumerate(files):
        check_given(path, place, files)
    for path in [*[own_config] * bool(own_config and os.path.exists(own_config)), *files]:
        if not made_by_yte(path):
            map_of(path, load_yaml(path))


def check_given(path: str, place: int, files: Sequence[str]) -> None:
    """A file of --configfile is there; a word after the first may be a target that the option takes, too."""
    if os.path.exists(path):
        return
    problems = Problems()
    if place and not path.endswith(ENDINGS):
        problems.add(
            f"--configfile {' '.join(map(os.path.relpath, files[:place]))} {os.path.basename(path)}",
            "the option takes every word up to the next one that begins with -",
            f"write the target first: snakemake {os.path.basename(path)} --configfile {os.path.relpath(files[0])}",
        )
    else:
        remedy = for_path(path) or "correct the path, which is relative to the working directory"
        problems.add(f"--configfile {path}", "no such file", remedy)
    problems.stop()


def made_by_yte(path: str) -> bool:
    """True for a config that is a template of YTE, which only Snakemake reads."""
    try:
        return b"__use_yte__" in Path(path).read_bytes()
    except OSError:
        return False


def refuse_config_files(config_files: Sequence[str] | None) -> None:
    """End Python with the message of `check_config_files`: for the default profile, before Snakemake reads them."""
    try:
        check_config_files(config_files or ())
    except ProblemsFound as problems:
        print(problems, file=sys.stderr)
        sys.exit(1)


def laid_over(files: Sequence[str], section: str, key: str) -> str:
    """The last of the config files that sets a key of a section; '' where none does."""
    for file in reversed(files):
        try:
            contents = {} if made_by_yte(file) else load_yaml(file)
        except ProblemsFound:
            continue
        values = contents.get(section) if isinstance(contents, Mapping) else None
        if isinstance(values, Mapping) and values.get(key) is not None:
            return file
    return ""
