"""A stand-in for conda over a local channel of wheels, and a record of where each script's modules came from."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

#: What the rig's programs need.
NEEDED = ["py-rattler==0.28.0", "PyYAML==6.0.4", "packaging==26.4", "conda-package-streaming==0.13.0"]
NEEDED += ["zstandard==0.25.0"]
#: Packages without a wheel on the index: built here, for the rig takes wheels alone.
WITHOUT_WHEEL = ["connection_pool", "autograd-gamma"]
#: conda-forge's names that the rig spells otherwise.
ALIASES = ["huggingface_hub"]
#: Put into each environment: at its end a process writes which file each of its modules came from.
AUDIT = """
import json, os, sys
from multiprocessing import util

def write_modules():
    folder = os.environ.get("MODULE_AUDIT")
    if folder:
        files = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
        found = {"script": os.path.basename(sys.argv[0]), "prefix": sys.prefix, "files": files}
        with open(os.path.join(folder, f"{os.getpid()}.json"), "w") as handle:
            json.dump(found, handle)

util.Finalize(None, write_modules, exitpriority=0)
"""

#: The stand-in for conda. An environment gets at once what lets its processes report their modules: one call of
#: Snakemake makes environments and runs.
CONDA = """#!/bin/sh
here=$(dirname "$0")
CONDA_SHIM_PREFIX=$(dirname "$here") "{python}" "{runner}" "{shim}" "$@"
code=$?
while [ $# -gt 0 ]; do
    [ "$1" = --prefix ] && prefix=$2
    shift
done
[ -n "$prefix" ] && [ -e "$prefix/conda-meta/history" ] || exit $code
for site in "$prefix"/lib/python*/site-packages; do
    [ ! -d "$site" ] || {{ [ ! -e "$site/torchvision" ] || cat "$here/vision.py"; cat "$here/audit.py"; }} \
        > "$site/sitecustomize.py"
done
exit $code
"""
#: Runs each program that uses py-rattler.
RUNNER = Path(__file__).with_name("run_and_exit.py")


def call(*command: str | Path, **options) -> subprocess.CompletedProcess:
    """Run a command; stdout and stderr together."""
    command = [str(part) for part in command]
    return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **options)


def checked(*command: str | Path, **options) -> str:
    """Output of a command that must not fail."""
    done = call(*command, **options)
    assert done.returncode == 0, f"status {done.returncode}: {' '.join(map(str, command))}\n{done.stdout[-6000:]}"
    return done.stdout


class CondaRig:
    """The rig set up in a folder: channel, stand-in for conda, environments."""

    def __init__(self, rigs: Path, folder: Path, repository: Path):
        self.rigs, self.folder, self.repository = rigs, folder, repository
        self.python = folder / "python/bin/python"
        self.channel = folder / "channel/conda-forge"
        self.modules = folder / "modules"
        self.modules.mkdir(parents=True, exist_ok=True)

    def set_up(self) -> None:
        """Make the channel from the environment files for CPUs, and the stand-in that installs from it."""
        checked(sys.executable, "-m", "venv", self.folder / "python")
        installed = call(self.python, "-m", "pip", "install", "--quiet", *NEEDED)
        if installed.returncode:
            pytest.skip(f"the rig's own packages can't be installed here: {installed.stdout[-500:]}")
        plain = self.folder / "constraints.txt"  # with hashes pip would ask for those of the rig's own wheels, too
        plain.write_text("".join(f"{name}=={version}\n" for name, version in self.locked.items()))
        wheels = self.channel.parent / "wheels"
        pip = [self.python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", wheels]
        checked(*pip, *(f"{name}=={self.version(name)}" for name in WITHOUT_WHEEL))
        files = [
            path
            for path in sorted((self.repository / "envs").glob("*.yaml"))
            if "-gpu" not in path.name and path.stem != "export"
        ]
        make = [self.python, RUNNER, self.rigs / "conda/make_channel.py", "--channel", self.channel]
        checked(*make, "--constraint", plain, "--pip-arg=--find-links", f"--pip-arg={wheels}", *files)
        for name in ALIASES:
            done = self.solver("alias", self.rigs / "conda", self.channel, name, self.version(name))
            assert done.returncode == 0, f"status {done.returncode}: {done.stdout}"
        checked(self.python, self.rigs / "conda/conda_shim.py", "--install", self.folder / "shim")

    def wrap_conda(self) -> None:
        """Write the stand-in, and next to it what each environment gets; torchvision loads with a CPU torch."""
        conda, vision = self.folder / "shim/bin/conda", self.rigs / "torchvision/sitecustomize.py"
        conda.with_name("audit.py").write_text(AUDIT)
        conda.with_name("vision.py").write_text(vision.read_text() if vision.is_file() else "")
        conda.write_text(CONDA.format(python=self.python, runner=RUNNER, shim=self.rigs / "conda/conda_shim.py"))
        conda.chmod(0o755)

    @property
    def locked(self) -> dict[str, str]:
        """Versions of the locks by the index's spelling of the name; of PyTorch the plain one, which fits any build."""
        text = "".join((self.repository / f"envs/{name}.lock").read_text() for name in ("torch", "requirements"))
        return dict(re.findall(r"(?m)^([a-z0-9.-]+)==(\S+)", text))

    def version(self, name: str) -> str:
        """Version of a package in the locks."""
        return self.locked[name.lower().replace("_", "-")]

    def solver(self, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess:
        """Run conda_solver.py by the rig's Python."""
        script = Path(__file__).with_name("conda_solver.py")
        return call(self.python, RUNNER, script, *arguments, env=os.environ | variables)

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which Snakemake finds the stand-in, and nothing of the environment of the tests."""
        # Wheels come without compiled modules: where none may be written, each job compiles all that it imports.
        foreign = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")
        kept = {name: value for name, value in os.environ.items() if name not in foreign}
        places = [self.folder / "launch/bin", self.folder / "shim/bin", "/usr/local/bin", "/usr/bin", "/bin"]
        return kept | {
            "PATH": os.pathsep.join(map(str, places)),
            "CONDA_SHIM_CHANNELS": str(self.channel.parent),
            "CONDA_SHIM_CACHE": str(self.folder / "cache"),
            "MODULE_AUDIT": str(self.modules),
            "OMP_NUM_THREADS": "1",
        }

    def create(self, file: Path, prefix: Path) -> None:
        """Make one environment."""
        conda = self.folder / "shim/bin/conda"
        checked(conda, "env", "create", "--quiet", "--file", file, "--prefix", prefix, env=self.environment)

    def environments(self) -> dict[str, Path]:
        """Environments that Snakemake made, by the name of their file; it keeps a copy of that file next to each."""
        files = {path.read_bytes(): path.stem for path in (self.repository / "envs").glob("*.yaml")}
        return {
            files[copy.read_bytes()]: copy.with_suffix("") for copy in (self.folder / "environments").glob("*_.yaml")
        }

    def snakemake(self, folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess:
        """Run the workflow from the launcher's environment, each rule in its own."""
        command = [self.folder / "launch/bin/snakemake", "--snakefile", self.repository / "workflow/Snakefile"]
        command += ["--sdm", "conda", "--conda-prefix", self.folder / "environments", "--cores", "2"]
        return call(*command, *arguments, cwd=folder, env=self.environment)

    def recorded(self) -> list[dict]:
        """What finished processes recorded: script, prefix, and the file of each module."""
        records = [json.loads(path.read_text()) for path in sorted(self.modules.glob("*.json"))]
        return [record | {"script": record["script"].partition(".")[2]} for record in records]
