"""One training in several processes: the rule's job starts torchrun, and each of its processes runs process.py.

On one node that needs nothing. For several, MOLPATH_TORCHRUN holds the command to start torchrun with, such as
`srun --nodes=2 --ntasks-per-node=1 torchrun --nnodes=2 ...` (workflow/docs/clusters.md); variables in it are filled in.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..common.files import write_json
from ..common.joblog import die_with_parent

LIBRARY = Path(__file__).resolve().parents[2]


class LaunchFailed(Exception):
    """A process of the training failed; the log holds its message."""


def launch(arguments: Mapping[str, Any], processes: int) -> None:
    """Run `runs.train(**arguments)` in `processes` processes; SIGTERM and SIGUSR1 go on to them.

    Raises LaunchFailed if one of them fails, also after a signal, so that a scheduler starts the job again.
    """
    job = Path(f"{arguments['state']}.job.json")
    write_json(job, {key: value if _is_plain(value) else str(value) for key, value in arguments.items()})
    own = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = (shlex.split(os.path.expandvars(os.environ.get("MOLPATH_TORCHRUN", ""))) or own) + [
        "-m",
        "molpath.pretrain.process",
        str(job),
    ]
    path = os.pathsep.join(filter(None, [str(LIBRARY), os.environ.get("PYTHONPATH", "")]))
    # An orphaned training would write beside the one that takes its place.
    child = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": path}, preexec_fn=die_with_parent)
    handlers = {
        number: signal.signal(number, lambda *_: child.send_signal(signal.SIGTERM))
        for number in (signal.SIGTERM, signal.SIGUSR1)
    }
    try:
        status = child.wait()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        job.unlink(missing_ok=True)
    if status:
        raise LaunchFailed(f"training in {processes} processes ended with status {status}; see the log above")


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, list, dict))
