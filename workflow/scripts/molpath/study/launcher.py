"""The Snakemake that runs the workflow: its version, plugins and profiles."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: The oldest version of Snakemake that the workflow runs on; the Snakefile asks for it, too.
NEEDED_SNAKEMAKE = "9.27"
#: Packages that nearly every job imports.
IMPORTED = ("h5py", "numpy", "pandas")


@dataclass(frozen=True)
class Launcher:
    """version: of Snakemake. deployment: names of the methods in use. profiles: folder of the workflow's profiles."""

    version: str = ""
    deployment: Sequence[str] = ()
    profiles: str = ""

    def lacking(self) -> list[str]:
        """Packages that jobs import and this environment lacks, if jobs run in it because no deployment is set."""
        return [] if self.deployment else [name for name in IMPORTED if importlib.util.find_spec(name) is None]

    def without_conda(self) -> tuple[str, str, str] | None:
        """Where, what and a remedy where conda is asked for and is missing; in a container it is the image's."""
        if "conda" not in self.deployment or "apptainer" in self.deployment or shutil.which("conda"):
            return None
        return (
            "--sdm conda",
            "no conda is on PATH",
            "install Miniforge (https://conda-forge.org/download) and open a new shell; or leave --sdm conda out and "
            "run in the environment that `make env` makes in a clone (.venv/bin/snakemake)",
        )

    def plugins(self) -> dict[str, str]:
        """Snakemake's installed plugins: distribution name -> version."""
        distributions = importlib.metadata.distributions()
        named = {
            (distribution.metadata["Name"] or "").replace("_", "-"): distribution.version
            for distribution in distributions
        }
        return {name: version for name, version in named.items() if re.match(r"snakemake-\w+-plugin-", name)}

    def named_profiles(self, named: Sequence[str]) -> list[str]:
        """Profiles of the config, of the command line and of the environment, as paths where they are found."""
        options = ("--profile", "--workflow-profile")
        names = [*named]
        names += [value for option, value in zip(sys.argv, sys.argv[1:], strict=False) if option in options]
        prefixes = tuple(f"{option}=" for option in options)
        names += [argument.partition("=")[2] for argument in sys.argv if argument.startswith(prefixes)]
        names.append(os.environ.get("SNAKEMAKE_PROFILE", ""))
        return list(dict.fromkeys(self._find(name) for name in names if name and name != "none"))

    def _find(self, name: str) -> str:
        """A profile by path, by name in the user's folder of profiles, or by name among those of this workflow."""
        for folder in (Path(), Path.home() / ".config/snakemake", Path(self.profiles)):
            if (folder / name).exists():
                return str(folder / name)
        return name
