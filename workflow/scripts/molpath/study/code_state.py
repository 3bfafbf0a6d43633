"""Which state of the workflow runs: looked up in its own folder, because jobs read copies outside git."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

#: What git tracks and results depend on. Sheets and config are recorded by themselves.
_CODE = ("workflow", "envs", "resources")


def state_of_code(library: Path, hosted: Any = None) -> dict[str, str | bool | None]:
    """Keys commit, modified (tracked files of the code differ from it) and release; None where it is unknown.

    library: the folder that holds the package, in the clone that runs. hosted: Snakemake's source file where it read
    the workflow from a git host, which names a commit or a tag.
    """
    unknown: dict[str, str | bool | None] = {"commit": None, "modified": None, "release": None}
    if hosted is not None:
        hosted_state = {"commit": getattr(hosted, "commit", None), "release": getattr(hosted, "tag", None)}
        return unknown | hosted_state | ({"modified": False} if hosted_state["commit"] else {})
    try:
        ask_git(library, "ls-files", "--error-unmatch", "molpath/__init__.py")
        root = ask_git(library, "rev-parse", "--show-toplevel")
        changed = ask_git(Path(root), "status", "--porcelain", "--untracked-files=no", "--", *_CODE)
        return unknown | {"commit": ask_git(library, "rev-parse", "HEAD"), "modified": bool(changed)}
    except (OSError, subprocess.SubprocessError):
        return unknown


def ask_git(folder: Path, *arguments: str) -> str:
    """What git says in a folder; raises what subprocess.run raises."""
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
