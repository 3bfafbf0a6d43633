"""What becomes of a process whose parent is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path


def is_alive(process: int) -> bool:
    """True unless the process has ended, even if nobody waited for it."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def outlives_its_parent(code: str, arguments: tuple[str, ...] = (), ready: Callable[[], object] = int) -> bool:
    """True if the child of a Python process that runs `code` is alive 5 s after its parent was killed.

    The code prints the child's id on a line. ready: waits until the child is as far as it should be.
    """
    command = [sys.executable, "-c", code, *arguments]
    path = os.pathsep.join(entry for entry in sys.path if entry)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path}) as parent:
        child = int(parent.stdout.readline())
        try:
            ready()
            parent.kill()
            parent.wait()
            limit = time.monotonic() + 5
            while is_alive(child) and time.monotonic() < limit:
                time.sleep(0.02)
            return is_alive(child)
        finally:
            if is_alive(child):
                os.kill(child, signal.SIGKILL)
            parent.kill()
