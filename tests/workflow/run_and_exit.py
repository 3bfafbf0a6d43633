"""run_and_exit.py SCRIPT ...: run a script as Python does, then end the process without finalising Python.

Threads of py-rattler still ask for Python's lock when Python finalises itself, and about one process in twenty aborts
there ("PyGILState_Release: thread state must be current"), after its work is done and its output written.
"""

import os
import runpy
import sys
import traceback


def run(script: str) -> int:
    """Exit status of a script run as the main program."""
    sys.path[0] = os.path.dirname(os.path.abspath(script))
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    del sys.argv[0]
    status = run(sys.argv[0])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
