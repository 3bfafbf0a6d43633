"""Write a study folder, atomically and without overwriting anything."""

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

MOLPATH = {clone!r}  # path of the workflow; correct it when it moves
VERSION = {version!r}  # of the workflow; write the new one here after an upgrade (its CHANGELOG.md says what changes)

settings = Path(MOLPATH, "pyproject.toml")
if not settings.is_file():
    raise WorkflowError(f"no molpath in {{MOLPATH}}: correct MOLPATH in the study's Snakefile")
if f'\\nversion = "{{VERSION}}"\\n' not in settings.read_text():
    raise WorkflowError(f"{{MOLPATH}} is not molpath {{VERSION}}: read CHANGELOG.md there, then correct VERSION here")


# Reports outdated versions and mistakes in the config before Snakemake fails on them.
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
    """Version of the workflow in the clone; raises Refusal if the library was installed separately."""
    with contextlib.suppress(OSError):
        for line in (CLONE / "pyproject.toml").read_text(encoding="utf-8").splitlines():
            if line.startswith("version = "):
                return line.split('"')[1]
    raise Refusal(f"{CLONE} is not a clone of molpath: call the launcher of a clone (`make env` there writes it)")


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
    """Refuse a folder that already contains files of a study."""
    existing = [
        name for name in ("Snakefile", "config", "profiles", "workflow/Snakefile") if os.path.lexists(folder / name)
    ]
    if existing:
        raise Refusal(
            f"{folder} has {' and '.join(existing)} already, and nothing will be overwritten: name another folder, "
            f"or move {'it' if len(existing) == 1 else 'them'} away"
        )
    if folder.exists() and not folder.is_dir():
        raise Refusal(f"{folder} is a file: name a folder")


def write(folder: Path, draft: Draft) -> list[str]:
    """Write the study and check it as Snakemake will; returns what was written. On Refusal nothing is left behind."""
    check_free(folder)
    contents = contents_of(draft)
    existed = folder.is_dir()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder if existed else folder.parent))
    except OSError as error:
        raise Refusal(f"{folder} can't be written: {error.strerror}") from None
    placed: list[Path] = []
    try:
        for name, text in contents.items():
            (staging / name).parent.mkdir(parents=True, exist_ok=True)
            (staging / name).write_text(text, encoding="utf-8")
        placed = place(staging, folder, existed)
        check(folder)
    except BaseException as error:
        for path in placed:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if isinstance(error, OSError):
            raise Refusal(f"{folder} can't be written: {error}") from None
        raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return sorted(contents)


def place(staging: Path, folder: Path, existed: bool) -> list[Path]:
    """Move the staged files to their place; returns the new paths."""
    if not existed:
        staging.chmod(0o777 & ~umask())
        staging.rename(folder)
        return [folder]
    placed = []
    for entry in sorted(staging.iterdir()):
        if not os.path.lexists(folder / entry.name):  # the user's .gitignore stays
            entry.rename(folder / entry.name)
            placed.append(folder / entry.name)
    return placed


def umask() -> int:
    """The user's umask, which temporary folders ignore."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def check(folder: Path) -> None:
    """Check config, sheets and tasks as a run does before its first job."""
    try:
        with contextlib.chdir(folder):
            Study.open(CONFIG).check()
    except ProblemsFound as problems:
        raise Refusal(f"nothing was written, because the study would not run:\n{problems}") from None


def next_commands(folder: Path, draft: Draft) -> list[tuple[str, str]]:
    """The next commands, for any shell, each with its purpose."""
    commands = []
    on_path = shutil.which("snakemake")
    bin_folder = Path(sys.executable).parent
    if on_path is None or Path(on_path).parent.resolve() != bin_folder.resolve():
        commands.append((f". {shlex.quote(str(bin_folder / 'activate'))}", "once in each terminal"))
    if folder.resolve() != Path.cwd():
        commands.append((f"cd {shlex.quote(str(folder))}", ""))
    usual = [
        ("snakemake --dry-run", "what would run; every problem in one message"),
        *draft.after,
        ("snakemake", "the run; you can kill it at any time, it resumes where it stopped"),
        ("snakemake --report results/report.html", "the report, in one file"),
    ]
    return commands + usual
