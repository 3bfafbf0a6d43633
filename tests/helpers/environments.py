"""Environments of a test's own, with packages that this workflow never installs; by uv, in seconds."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / "envs/tools.lock"
#: What pip and uv print without a network; a wrong hash or a package that doesn't build fails the test.
UNREACHABLE = re.compile(
    r"name resolution|connection|error sending request|dns error|timed out|unreachable", re.IGNORECASE
)


def make_environment(folder: Path, *requirements: str, beside: tuple[Path, ...] = ()) -> Path:
    """Python of a new environment with these requirements, as pip spells them; skips where no index can be reached.

    beside: folders of packages that are found after its own.
    """
    uv = re.search(r"(?m)^uv==[\w.]+", TOOLS.read_text())[0]
    python, tools = folder / "own/bin/python", folder / "tools"
    _run(sys.executable, "-m", "venv", tools)
    _run(tools / "bin/python", "-m", "pip", "install", "--quiet", uv)
    _run(tools / "bin/uv", "venv", "--quiet", "--no-config", "--python", sys.executable, folder / "own")
    if requirements:
        _run(tools / "bin/uv", "pip", "install", "--quiet", "--no-config", "--python", python, *requirements)
    (site,) = (folder / "own/lib").glob("python*/site-packages")
    (site / "beside.pth").write_text("".join(f"{path}\n" for path in beside))
    return python


def _run(*command: str | Path) -> None:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    finished = subprocess.run(command, env=kept, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if finished.returncode and UNREACHABLE.search(finished.stdout):
        pytest.skip(f"{command[-1]} can't be installed here: {finished.stdout[-300:]}")
    assert finished.returncode == 0, finished.stdout[-3000:]
