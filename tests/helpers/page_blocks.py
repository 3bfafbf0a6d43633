"""The commands of a page of the documentation, run as they stand there."""

import os
import re
import subprocess
import sys
from pathlib import Path


def blocks(page: Path, language: str = "bash") -> list[str]:
    """Contents of the page's fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)


def run_block(block: str, folder: Path, repository: Path, **variables: str) -> subprocess.CompletedProcess:
    """Run a block in a shell of a user who has the workflow's environment active; stdout and stderr together.

    The first command that fails ends it. `molpath` is the launcher of this repository, whatever the environment has.
    """
    launchers = folder / ".launchers"
    launchers.mkdir(exist_ok=True)
    launcher = launchers / "molpath"
    launcher.write_text(
        f'#!/bin/sh\nPYTHONPATH="{repository}/workflow/scripts" exec "{sys.executable}" -m molpath.init "$@"\n'
    )
    launcher.chmod(0o755)
    path = os.pathsep.join([str(launchers), str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"PATH": path, "OMP_NUM_THREADS": "1"} | variables,
    )
