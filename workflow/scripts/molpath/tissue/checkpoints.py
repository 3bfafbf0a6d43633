"""Weights of networks from local files: checked by SHA-256, opened without running code, all keys must fit."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from ..common.contained import MethodUnusable
from ..common.given_files import check_archive
from ..common.state_dicts import differences

#: Training frameworks put a name of their own before the network's: DataParallel `module.`, Lightning `model.`.
PREFIXES = ("module.", "model.")
#: Heads that exist for training only.
TRAINING_ONLY = ("aux_classifier.",)


def load_into(network: nn.Module, path: str, sha256: str) -> nn.Module:
    """The network in evaluation mode with the weights of the file. Raises MethodUnusable unless all of them fit."""
    return fit(network, read_tensors(path, sha256), path).eval().requires_grad_(False)


def read_tensors(path: str, sha256: str) -> dict[str, Tensor]:
    """Tensors of a checkpoint by name: safetensors, or a torch file of tensors alone (a state dict, or one under
    `state_dict` as Lightning writes it).

    The bytes that are hashed are the bytes that are opened. Raises MethodUnusable where the digest differs, or
    where the file holds anything that would have to be executed.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise MethodUnusable(f"weights {path} can't be read: {error}") from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != sha256.lower():
        raise MethodUnusable(
            f"weights {path} have SHA-256 {digest}, the config says {sha256}: this isn't the file that was meant, and "
            "it is not loaded. Get the file again, or correct sha256 in the config."
        )
    if path.endswith(".safetensors"):
        return _read_safetensors(data, path)
    try:
        check_archive(io.BytesIO(data), path)
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # damaged bytes can raise anything in an unpickler
        message_lines = str(error).strip().splitlines()
        raise MethodUnusable(
            f"weights {path} are not loaded: the file is not a plain state dict of tensors, and opening it could run "
            f"code ({_first_sentence(message_lines)}). Export the network's state_dict() to a .safetensors or torch "
            "file and give that (workflow/docs/segmentation.md)."
        ) from error
    return _state_dict(content, path)


def _first_sentence(lines: list[str]) -> str:
    naming = [line for line in lines if "Unsupported" in line or "GLOBAL" in line]
    return (naming or lines or ["no message"])[0].strip()[:200]


def _read_safetensors(data: bytes, path: str) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(data)
    except SafetensorError as error:
        raise MethodUnusable(f"weights {path} are not a safetensors file: {error}") from error


def _state_dict(content, path: str) -> dict[str, Tensor]:
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise MethodUnusable(f"weights {path} hold no state dict (names and tensors), nor one under 'state_dict'")
    return dict(content)


def fit(network: nn.Module, tensors: Mapping[str, Tensor], path: str) -> nn.Module:
    """The network with `tensors` in it, prefixes removed. Raises MethodUnusable naming keys that don't fit."""
    state = {bare_name(name): tensor for name, tensor in tensors.items()}
    state = {name: tensor for name, tensor in state.items() if not name.startswith(TRAINING_ONLY)}
    if wrong := differences(network.state_dict(), state):
        raise MethodUnusable(
            f"weights {path} don't fit {type(network).__name__} ({'; '.join(wrong)}). Is it the file of this method, "
            "with the encoder and the number of classes that the config says?"
        )
    network.load_state_dict(state, strict=True)
    return network


def bare_name(name: str) -> str:
    """A key without the names that training frameworks put before it."""
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name
