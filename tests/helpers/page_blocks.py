"""The commands of a page of the documentation, typed as they are there, next to a clone called molpath."""

import os
import re
import subprocess
import sys
from pathlib import Path

ACTIVATE = ". molpath/.venv/bin/activate\n"


def blocks(page: Path, language: str = "bash") -> list[str]:
    """Contents of the page's fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)


def put_clone(folder: Path, repository: Path) -> None:
    """A clone as `make env` leaves it: an environment to activate, with Snakemake and the launcher."""
    programs = folder / "molpath/.venv/bin"
    programs.mkdir(parents=True)
    for name in ("python", "snakemake"):
        (programs / name).write_text(f'#!/bin/sh\nexec "{Path(sys.executable).with_name(name)}" "$@"\n')
        (programs / name).chmod(0o755)
    (programs / "activate").write_text(f'PATH="{programs}:$PATH"\n')
    # With the environment declared up to date (--old-file), make writes the launcher alone.
    make = ["make", "--silent", "--old-file=.venv/ready", f"BIN={programs}", f"{programs}/molpath"]
    subprocess.run(make, cwd=repository, check=True)


def run_block(block: str, folder: Path, **variables: str) -> subprocess.CompletedProcess:
    """Type a block into a shell in which the clone's environment is active; stdout and stderr together.

    The first command that fails ends it.
    """
    return subprocess.run(
        ["bash", "-e", "-c", block if block.startswith(ACTIVATE) else ACTIVATE + block],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={name: value for name, value in os.environ.items() if name != "SNAKEMAKE_PROFILE"}
        | {"OMP_NUM_THREADS": "1"}
        | variables,
    )
