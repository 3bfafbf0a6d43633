"""Writes the lock files of this folder, with the hash of every file that the index has of a version (`make lock`).

Versions are those that stand in the files: edit one there, and run this. requirements.lock lists what needs no word
about platforms, torch.lock and torch-cpu.lock what comes before it (PyTorch in two builds, and setuptools, which builds
the packages that are no wheels), tools.lock what `make lock`, `make sbom` and `make audit` call, export.lock
what writes SpatialData, docs.lock what `make docs` calls.
"""

import re
import subprocess
import sys
from pathlib import Path

ENVS = Path(__file__).resolve().parent
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
#: What PyTorch's build for CUDA needs and nothing else does.
WITH_CUDA = re.compile(r"(torch|setuptools|triton|cuda-|nvidia-)")
HEADS = {
    "requirements.lock": "Exact versions and hashes of all that `make env` installs into .venv after torch.lock.",
    "torch.lock": "PyTorch as the Python index has it, built for CUDA, with CUDA's libraries.",
    "torch-cpu.lock": f"PyTorch built for CPUs ({CPU_INDEX}): taken where pip is set up to find it.",
    "tools.lock": "What `make lock`, `make sbom` and `make audit` call, in an environment of its own.",
    "export.lock": "What writes slides as SpatialData (envs/export.yaml), in an environment of its own.",
    "docs.lock": "What `make docs` builds the documentation with, in an environment of its own.",
}


def entries_of(text: str) -> dict[str, str]:
    """Entries of a lock by package: its line and those of its hashes."""
    entries = (entry for entry in re.split(r"\n(?=\S)", text) if not entry.startswith("#"))
    return {entry.partition("==")[0]: entry.rstrip("\n") for entry in entries if "==" in entry}


def pins_of(name: str) -> list[str]:
    """The versions of a lock, without hashes."""
    return [entry.split()[0] for entry in entries_of((ENVS / name).read_text()).values()]


def compiled(requirements: list[str], *options: str) -> dict[str, str]:
    """What uv makes of requirements: entries with hashes for Python 3.11 and later."""
    command = [str(Path(sys.executable).with_name("uv")), "pip", "compile", "--quiet", "--no-config", "--universal"]
    command += ["--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate", *options, "-"]
    done = subprocess.run(command, input="\n".join(requirements), text=True, stdout=subprocess.PIPE, check=True)
    return entries_of(done.stdout)


def write(name: str, entries: dict[str, str]) -> None:
    """Write a lock, sorted."""
    head = f"# {HEADS[name]}\n# Made by `make lock`: edit a version here, then run it.\n"
    (ENVS / name).write_text(head + "".join(entries[package] + "\n" for package in sorted(entries)))


def main() -> None:
    """Write the six files; of PyTorch for CPUs only where its index is reached."""
    write("requirements.lock", compiled(pins_of("requirements.lock"), "--no-deps"))
    first = {pin.partition("==")[0]: pin for pin in pins_of("torch.lock")}
    everything = compiled([first["torch"], first["setuptools"]], "--constraint", str(ENVS / "requirements.lock"))
    with_cuda = {package: entry for package, entry in everything.items() if WITH_CUDA.match(package)}
    write("torch.lock", with_cuda)
    for name in ("tools.lock", "export.lock", "docs.lock"):
        write(name, compiled(pins_of(name)))
    try:
        cpu = compiled([f"{first['torch']}+cpu"], "--no-deps", "--default-index", CPU_INDEX)
    except subprocess.CalledProcessError:
        sys.exit(f"{CPU_INDEX} can't be reached: torch-cpu.lock stays as it is, the other locks are new")
    write("torch-cpu.lock", cpu | {"setuptools": with_cuda["setuptools"]})


if __name__ == "__main__":
    main()
