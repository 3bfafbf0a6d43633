"""Packages that jobs import, tried once where no deployment is asked for: a missing one is reported before slides are
read.

They are tried in a separate process: torch alone takes seconds and memory, and a broken package may crash.
"""

from __future__ import annotations

import functools
import importlib.metadata
import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from .exports import Exports
from .launcher import Launcher
from .models import Models
from .tissue import Tissue

#: Of every encoder that is a network, unless it is named here. timm imports torchvision.
OF_ENCODERS = ("torch", "torchvision", "timm")
OF_ADAPTERS = {
    "mean_colour": (),
    "precomputed": (),
    "efficientnet_lite0": ("torch",),
    "conch_v1": (*OF_ENCODERS, "conch"),
}
OF_SLIDE_ENCODERS = {
    "titan": ("torch", "transformers"),
    "prism": ("torch", "transformers"),
    "gigapath": ("torch", "gigapath"),
    "madeleine": ("torch", "madeleine"),
}
OF_TISSUE = {
    "fpn": ("torch", "torchvision", "segmentation_models_pytorch"),
    "grandqc": ("torch", "torchvision", "segmentation_models_pytorch"),
    "deeplab": ("torch", "torchvision"),
}
#: What packages import themselves; failures are reported under their name.
BELOW = {
    "torchvision": ("torch",),
    "timm": ("torch", "torchvision"),
    "segmentation_models_pytorch": ("torch", "torchvision", "timm"),
}
#: Of rules that open slides.
OF_SLIDES = ("openslide", "cv2")
#: Tries each name; the last line says what happened to it.
TRIAL = """
import importlib, json, sys
found = {}
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except BaseException as error:
        found[name] = (str(error).strip() or type(error).__name__).splitlines()[0][:160]
if "torch" in sys.argv and "torch" not in found:
    found["GPU"] = "" if sys.modules["torch"].cuda.is_available() else "none"
print("\\n" + json.dumps(found))
"""
#: Where results are cached, in Snakemake's own folder, and seconds that a trial may take.
KEPT, LONGEST_S = ".snakemake/imports.json", 300


class Lack(NamedTuple):
    """A package that jobs need and can't import."""

    where: str
    wrong: str
    remedy: str


class Imports:
    """What the jobs of a study import. Asks nothing of Python where jobs get environments of their own."""

    def __init__(self, models: Models, tissue: Tissue, launcher: Launcher, exports: Exports) -> None:
        self.models, self.tissue, self.launcher, self.exports = models, tissue, launcher, exports
        self.results = models.places.results

    def left(self) -> list[tuple[str, Mapping[str, str]]]:
        """Rules and wildcards of what the config asks for and doesn't exist yet, as far as imports go."""
        jobs: list[tuple[str, Mapping[str, str]]] = []
        shards = list(self.models.slides.shards)
        for grid, encoder in self.models.used_sources():
            folder = f"{self.results}/features/{grid}/{encoder}"
            if any(not os.path.exists(f"{folder}/{shard}.tsv") for shard in shards):
                jobs.append(("extract_features", {"encoder": encoder}))
        for model in self.models.used:
            if not os.path.isdir(f"{self.results}/embed/{model}"):
                jobs.append(("embed_block", {"model": model}))
        if any(not os.path.exists(f"{self.results}/tissue/{shard}.tsv") for shard in shards):
            jobs.append(("assess_tissue", {}))
        return jobs

    def needed(self, jobs: Iterable[tuple[str, Mapping[str, str]]]) -> dict[str, tuple[str, ...]]:
        """Packages of jobs (rule and wildcards), by what of the config asks for them."""
        packages: dict[str, tuple[str, ...]] = {}
        for rule, wildcards in jobs:
            if rule.endswith("extract_features"):
                entry = self.models.encoders.entries.get(wildcards["encoder"], {})
                adapter = str(entry.get("adapter", "mean_colour"))  # none of a bundle's is known here
                adapter_packages = () if ":" in adapter else OF_ADAPTERS.get(adapter, OF_ENCODERS)
                packages[f"encoder {wildcards['encoder']}"] = adapter_packages
            elif rule.endswith("embed_block"):
                kind = str(self.models.entries.get(wildcards["model"], {}).get("kind", ""))
                packages[f"model {wildcards['model']}"] = OF_SLIDE_ENCODERS.get(kind, ())
            elif rule.endswith("assess_tissue"):
                packages["tissue"] = OF_TISSUE.get(self.tissue.section["method"], ())
            elif rule.endswith("export_slides"):
                packages["export"] = () if self.exports.python else ("spatialdata",)
            elif rule.endswith("inspect_slides"):
                packages["slides"] = OF_SLIDES
        return {asker: names for asker, names in packages.items() if names}

    def lacking(self, jobs: Iterable[tuple[str, Mapping[str, str]]] | None = None) -> list[Lack]:
        """What jobs need and can't import; without jobs, of what is left of the config. None under a deployment."""
        if self.launcher.deployment or not self.launcher.version:
            return []
        needed = self.needed(self.left() if jobs is None else jobs)
        names = sorted({name for packages in needed.values() for name in packages})
        failed = tried(tuple(names)) if names else {}
        lacks = []
        for name in [name for name in names if name in failed]:
            askers = [asker for asker, packages in needed.items() if name in packages]
            if any(cause in failed for cause in BELOW.get(name, ())):
                continue  # it fails because of the other
            wrong = f"can't import {name}, which {' and '.join(askers[:3])} need{'s' * (len(askers) == 1)}"
            lacks.append(
                Lack(f"this environment ({sys.prefix})", f"{wrong}: {reason_of(name, failed[name])}", remedy_of(name))
            )
        return lacks

    def notes(self) -> list[str]:
        """The same of what is left, as notes of a plan, and a GPU that is asked for and not seen."""
        notes = [f"note: {lack.where} {lack.wrong}\n    -> {lack.remedy}" for lack in self.lacking()]
        encoders = self.models.encoders
        if encoders.gpu_build and not encoders.allow_cpu and self.without_gpu():
            notes.append(
                "note: config, key software/torch: gpu, and PyTorch sees no GPU on this machine: encoders refuse "
                "to run here\n    -> run jobs where one is (--profile), or set allow_cpu: true, or torch: cpu"
            )
        return notes

    def without_gpu(self) -> bool:
        """True where jobs that are left run networks by this Python, and its PyTorch sees no GPU."""
        if self.launcher.deployment or not self.launcher.version:
            return False
        names = sorted({name for packages in self.needed(self.left()).values() for name in packages})
        return "torch" in names and "GPU" in tried(tuple(names))


def remedy_of(name: str) -> str:
    """How to get a package that can't be imported: torchvision goes with one version and build of torch."""
    conda = "add `--sdm conda`, so that each rule gets an environment of its own"
    if name == "spatialdata":
        return (
            f"{conda}, or run `make export-env` and write export: {{python: .venv-export/bin/python}} into the config"
        )
    if name != "torchvision":
        return f"{conda}, or install it here ({workflow_page(name)})"
    torch, _, build = version_of("torch").partition("+")
    numbers = torch.split(".")
    if numbers[0] != "2" or not numbers[1:2] or not numbers[1].isdigit():
        return f"{conda}, or install torch and torchvision of one build here"
    index = f" --index-url https://download.pytorch.org/whl/{build}" if build else ""
    fitting = f"pip install 'torchvision==0.{int(numbers[1]) + 15}.*'{index}"  # 2.0 goes with 0.15, and so on
    return f"{conda}, or install the build that goes with this torch: {fitting}"


def version_of(package: str) -> str:
    """Version of an installed distribution; '' where there is none."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def reason_of(name: str, error: str) -> str:
    """Why a package can't be imported, in clearer words where Python's mislead."""
    if name == "torchvision" and "No module" not in error:
        return f"version {version_of(name)} is not the build that goes with torch {version_of('torch')}"
    return error


def workflow_page(name: str) -> str:
    """Where it is written how a package is installed."""
    documented = ("conch", "gigapath", "madeleine", "transformers", "timm")
    return "workflow/docs/encoders.md" if name in documented else "`make env` in a clone of the workflow"


@functools.lru_cache(maxsize=8)
def tried(names: tuple[str, ...]) -> dict[str, str]:
    """Why each of the packages that fail can't be imported by this Python; kept until something is installed."""
    packages = sysconfig.get_path("purelib")
    state = f"{sys.executable} {os.stat(packages).st_mtime_ns} {os.environ.get('PYTHONPATH', '')} {' '.join(names)}"
    cache = Path(KEPT)
    try:
        results = json.loads(cache.read_text(encoding="utf-8"))
        if results["state"] == state:
            return dict(results["failed"])
    except (OSError, ValueError, KeyError):
        pass
    failed = try_imports(names)
    if cache.parent.is_dir() and os.access(cache.parent, os.W_OK):
        cache.write_text(json.dumps({"state": state, "failed": failed}), encoding="utf-8")
    return failed


def try_imports(names: Sequence[str]) -> dict[str, str]:
    """The same, tried in a process of its own; a trial that fails reports nothing."""
    command = [sys.executable, "-c", TRIAL, *names]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S, check=False)
        reasons: dict[str, str] = json.loads(done.stdout.strip().splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return {}
    return {name: reason for name, reason in reasons.items() if reason}
