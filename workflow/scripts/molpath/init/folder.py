"""Writing a study folder: whole or not at all, and over nothing that is there."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

import yaml

from ..study import Study
from ..study.problems import ProblemsFound
from .draft import Draft, Refusal

#: The clone of the workflow that this library is part of.
CLONE = Path(__file__).resolve().parents[4]

CONFIG, PROFILE = "config/config.yaml", "profiles/default/profile.yaml"
SNAKEFILE = """\
# A study of its own: `snakemake` in this folder runs molpath with config/config.yaml.
from pathlib import Path

MOLPATH = {clone!r}  # where the workflow lies; correct it when it moves
VERSION = {version!r}  # of the workflow; write the new one here after an upgrade (its CHANGELOG.md says what changes)

settings = Path(MOLPATH, "pyproject.toml")
if not settings.is_file():
    raise WorkflowError(f"no molpath in {{MOLPATH}}: correct MOLPATH in the study's Snakefile")
if f'\\nversion = "{{VERSION}}"\\n' not in settings.read_text():
    raise WorkflowError(f"{{MOLPATH}} is not molpath {{VERSION}}: read CHANGELOG.md there, then correct VERSION here")


# Tells versions that are too old and mistakes in the config, before Snakemake stumbles over them.
include: f"{{MOLPATH}}/workflow/rules/common_first.smk"


configfile: "config/config.yaml"


module molpath:
    snakefile:
        f"{{MOLPATH}}/workflow/Snakefile"
    config:
        config


use rule * from molpath
"""
HEAD = """\
# Written by `molpath init`. Keys that are not here have their defaults; all of them, with examples:
# {clone}/config/config.yaml
"""
IGNORED = "/results/\n/resources/\n/.snakemake/\n"


def version() -> str:
    """Version of the workflow in the clone; raises Refusal where the library was installed apart from it."""
    with contextlib.suppress(OSError):
        for line in (CLONE / "pyproject.toml").read_text(encoding="utf-8").splitlines():
            if line.startswith("version = "):
                return line.split('"')[1]
    raise Refusal(f"{CLONE} is no clone of molpath: call the launcher of a clone (`make env` there writes it)")


def contents_of(draft: Draft) -> dict[str, str]:
    """Every file of the study by its path below the folder."""
    config = yaml.safe_dump(draft.config, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)
    profile = (CLONE / "workflow/profiles" / PROFILE.removeprefix("profiles/")).read_text(encoding="utf-8")
    sheet = yaml.safe_dump({"report-stylesheet": f"{CLONE}/workflow/report/report.css"}, width=1000)
    return {
        "Snakefile": SNAKEFILE.format(clone=str(CLONE), version=version()),
        CONFIG: HEAD.format(clone=CLONE) + config,
        PROFILE: f"{profile.rstrip()}\n{sheet}",
        ".gitignore": IGNORED,
        **draft.files,
    }


def check_free(folder: Path) -> None:
    """Refuse a folder in which something stands where the study would be written."""
    taken = [
        name for name in ("Snakefile", "config", "profiles", "workflow/Snakefile") if os.path.lexists(folder / name)
    ]
    if taken:
        raise Refusal(
            f"{folder} has {' and '.join(taken)} already, and nothing is overwritten: name another folder, "
            f"or move {'it' if len(taken) == 1 else 'them'} away"
        )
    if folder.exists() and not folder.is_dir():
        raise Refusal(f"{folder} is a file: name a folder")


def write(folder: Path, draft: Draft) -> list[str]:
    """Write the study and check it as Snakemake will; what was written. Raises Refusal and leaves nothing behind."""
    check_free(folder)
    contents = contents_of(draft)
    existed = folder.is_dir()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder if existed else folder.parent))
    except OSError as error:
        raise Refusal(f"{folder} can't be written: {error.strerror}") from None
    placed: list[Path] = []
    try:
        for name, text in contents.items():
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            (made / name).write_text(text, encoding="utf-8")
        placed = place(made, folder, existed)
        check(folder)
    except BaseException as error:
        for path in placed:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if isinstance(error, OSError):
            raise Refusal(f"{folder} can't be written: {error}") from None
        raise
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return sorted(contents)


def place(made: Path, folder: Path, existed: bool) -> list[Path]:
    """Rename what was made to its place; the paths that are new."""
    if not existed:
        made.chmod(0o777 & ~umask())
        made.rename(folder)
        return [folder]
    placed = []
    for entry in sorted(made.iterdir()):
        if not os.path.lexists(folder / entry.name):  # a .gitignore of the user's stays
            entry.rename(folder / entry.name)
            placed.append(folder / entry.name)
    return placed


def umask() -> int:
    """The user's mask of permissions, which temporary folders don't follow."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def check(folder: Path) -> None:
    """Look at config, sheets and tasks as a run does before its first job."""
    try:
        with contextlib.chdir(folder):
            Study.open(CONFIG).check()
    except ProblemsFound as problems:
        raise Refusal(f"nothing was written, for the study would not run:\n{problems}") from None


def next_commands(folder: Path, draft: Draft) -> list[tuple[str, str]]:
    """What to type next, in any shell, with a word each."""
    commands = []
    found = shutil.which("snakemake")
    here = Path(sys.executable).parent
    if found is None or Path(found).parent.resolve() != here.resolve():
        commands.append((f". {shlex.quote(str(here / 'activate'))}", "once in each terminal"))
    if folder.resolve() != Path.cwd():
        commands.append((f"cd {shlex.quote(str(folder))}", ""))
    usual = [
        ("snakemake --dry-run", "what would run; every problem in one message"),
        *draft.after,
        ("snakemake", "the run; kill it whenever you like, it goes on where it was"),
        ("snakemake --report results/report.html", "the report, in one file"),
    ]
    return commands + usual
