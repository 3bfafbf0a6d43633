"""Before the config is read: the versions that are needed, the library, and mistakes in config files.

The library is put on the path while Snakemake reads these files, and taken off again: jobs find their own copy beside
their script. A checkout is used where it lies. Where this workflow is imported from a git tag, each file of the library
and each file that ships is touched through `workflow.source_path`, so that it comes along. Another version of the
library, imported by another `module` of the same consumer, is dropped before.
"""

import functools
import hashlib
import re
import sys
from pathlib import Path

import snakemake
import yaml
from snakemake.exceptions import WorkflowError


class StudyRefused(WorkflowError):
    """Problems of config and sheets. Snakemake prints a traceback where there is one: here it would only distract."""

    __traceback__ = property(lambda self: None, lambda self, trace: None)


snakemake_version = tuple(int(number) for number in re.findall(r"\d+", snakemake.__version__)[:2])
if snakemake_version < (9, 27) or sys.version_info < (3, 11):
    raise StudyRefused(
        f"This is Snakemake {snakemake.__version__} on Python {sys.version.split()[0]}, and this workflow needs "
        "Snakemake 9.27 and Python 3.11 or newer: pip install 'snakemake>=9.27' (or run `make env` in a clone of the "
        "workflow and use its .venv/bin/snakemake)."
    )

from snakemake.io import sourcecache_entry
from snakemake.logging import logger
from snakemake.sourcecache import LocalSourceFile


@functools.cache
def shipped(name):
    """Path of a file that comes with this workflow; `name` is relative to `workflow/`.

    As an input it counts by name and contents, not by place and time: another clone of the same files reruns nothing.
    """
    path = str(workflow.source_path(f"../{name}"))
    contents = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return ancient(sourcecache_entry(path, f"{name}, SHA-256 {contents}"))


SCRIPTS = workflow.current_basedir.join("../scripts")
if isinstance(SCRIPTS, LocalSourceFile):
    LIBRARY = Path(SCRIPTS.get_path_or_uri(secret_free=False))
else:
    with open(shipped("scripts/molpath/files.yaml"), encoding="utf-8") as handle:
        for name in yaml.safe_load(handle):
            shipped(f"scripts/molpath/{name}")
    LIBRARY = Path(shipped("scripts/molpath/__init__.py")).parents[1]
for name in [name for name in sys.modules if name.split(".")[0] == "molpath"]:
    del sys.modules[name]
sys.path.insert(0, str(LIBRARY))
from molpath.study.code_state import state_of_code
from molpath.study.config import Places
from molpath.study.endings import LOOKING
from molpath.study.launcher import Launcher
from molpath.study.opening import OWN_CONFIG, check_config_files, check_working_folder
from molpath.study.problems import ProblemsFound
from molpath.study.progress import Planned, Tracker
from molpath.study.scheduling import keep_one_clock
from molpath.study.study import STAGES, Study
from molpath.study.terminal import Watch, wanted

sys.path.pop(0)

try:
    check_working_folder()
    # As a module of another workflow this one reads no config file of its own.
    check_config_files(
        workflow.overwrite_configfiles, "" if workflow.modifier.skip_configfile else OWN_CONFIG
    )
except ProblemsFound as problems:
    raise StudyRefused(str(problems))
