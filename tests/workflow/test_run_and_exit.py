"""A script run without Python's finalisation keeps its exit status, its output and its own folder on the path."""

import subprocess
import sys
from pathlib import Path

import pytest

RUNNER = Path(__file__).with_name("run_and_exit.py")


@pytest.mark.parametrize(
    ("line", "status", "output"),
    [
        ("import beside; print(beside.NAME, sys.argv[1:], __name__)", 0, "neighbour ['a', 'b'] __main__\n"),
        ("sys.exit()", 0, ""),
        ("sys.exit(3)", 3, ""),
        ("sys.exit('no such file')", 1, "no such file\n"),
        ("print('written'); raise ValueError('bad row')", 1, "ValueError: bad row\n"),
        ("raise KeyboardInterrupt", 1, "KeyboardInterrupt\n"),
    ],
)
def test_a_script_keeps_its_status(tmp_path, line, status, output):
    (tmp_path / "beside.py").write_text("NAME = 'neighbour'\n")
    (tmp_path / "script.py").write_text(f"import sys\n{line}\n")
    command = [sys.executable, RUNNER, tmp_path / "script.py", "a", "b"]
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == status
    assert done.stdout.endswith(output)
