"""Files of weights: read without running code, renamed to our networks' names, loaded strictly."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..common.given_files import check_archive, check_safetensors
from ..common.given_text import AGAIN, Refused
from ..common.state_dicts import differences
from .registry import ADAPTERS

Network = TypeVar("Network", bound=nn.Module)

#: Wrappers that training code puts around a state dict, and prefixes it puts before every name.
WRAPPERS = ("model", "teacher", "state_dict")
PREFIXES = ("module.", "backbone.")
#: Not used to encode: the class of pretraining, the token of masked patches.
UNUSED = ("head.", "mask_token", "dino_head.", "ibot_head.")

# Names in files of the transformers library (model type dinov2) -> those of the DINOv2 authors.
_TRANSFORMERS = (
    (r"^embeddings\.(cls_token|mask_token|register_tokens)$", r"\1"),
    (r"^embeddings\.position_embeddings$", "pos_embed"),
    (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (r"^encoder\.layer\.", "blocks."),
    (r"\.attention\.attention\.(query|key|value)\.", r".attn.\1."),
    (r"\.attention\.output\.dense\.", ".attn.proj."),
    (r"\.layer_scale(\d)\.lambda1$", r".ls\1.gamma"),
    (r"\.mlp\.weights_in\.", ".mlp.fc1."),
    (r"\.mlp\.weights_out\.", ".mlp.fc2."),
    (r"^layernorm\.", "norm."),
)
# Names of the DINOv2 authors, and of other ports -> timm's.
_DINOV2 = (
    (r"^register_tokens$", "reg_token"),
    (r"^blocks\.\d+\.(\d+\.)", r"blocks.\1"),  # blocks that training kept in chunks
    (r"\.mlp\.w12\.", ".mlp.fc1."),
    (r"\.mlp\.w3\.", ".mlp.fc2."),
    (r"\.ls(\d)\.weight$", r".ls\1.gamma"),
)


def load_weights(path: str) -> dict[str, Tensor]:
    """State dict from a safetensors file, or from a torch file that loads without running code (`weights_only`).

    The format is detected by the first bytes, because downloads have any name. Raises ValueError for anything else.
    """
    with open(path, "rb") as handle:
        begin = handle.read(9)
    if len(begin) == 9 and begin[8:] == b"{":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        check_safetensors(path)
        try:
            return load_file(path)
        except SafetensorError as error:
            raise Refused(f"{path}: not a complete safetensors file ({error}): {AGAIN}") from None
    try:
        check_archive(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(
            f"{path} is not a file of weights that can be loaded without running code from it: {reason[0]}\n"
            "Give the safetensors file, or a plain state dict (torch.save(model.state_dict(), …)) from a source "
            "you trust; a Git LFS pointer of some hundred bytes means that the download is incomplete."
        ) from error
    return _unwrapped(state, path)


def _unwrapped(state: Mapping, path: str) -> dict[str, Tensor]:
    for name in WRAPPERS:
        if isinstance(state, Mapping) and isinstance(state.get(name), Mapping):
            state = state[name]
    if not isinstance(state, Mapping) or not any(isinstance(value, Tensor) for value in state.values()):
        raise ValueError(f"{path} holds no state dict, but a {type(state).__name__}")
    tensors = {key: value for key, value in state.items() if isinstance(value, Tensor)}
    for prefix in PREFIXES:
        if any(key.startswith(prefix) for key in tensors):
            tensors = {key[len(prefix) :]: value for key, value in tensors.items() if key.startswith(prefix)}
    return tensors


def timm_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A ViT's weights under timm's names, whether they came from timm, DINOv2 or transformers."""
    if "embeddings.cls_token" in state:
        state = _fused_attention(_renamed(state, _TRANSFORMERS))
    state = _renamed(state, _DINOV2)
    return {key: value for key, value in state.items() if not key.startswith(UNUSED)}


def _renamed(state: Mapping[str, Tensor], rules) -> dict[str, Tensor]:
    renamed = {}
    for key, value in state.items():
        for pattern, replacement in rules:
            key = re.sub(pattern, replacement, key)
        renamed[key] = value
    return renamed


def _fused_attention(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Query, key and value of a block as the one matrix that timm has."""
    fused = dict(state)
    for key in state:
        sources = [key.replace(".attn.query.", f".attn.{name}.") for name in ("query", "key", "value")]
        if ".attn.query." in key and all(source in state for source in sources):
            fused[key.replace(".attn.query.", ".attn.qkv.")] = torch.cat([fused.pop(source) for source in sources])
    return fused


def split_class_position(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """For networks without a position for the class token: DINOv2's table has one, which is added to the token."""
    state, table = dict(state), state.get("pos_embed")
    if table is not None and math.isqrt(table.shape[1]) ** 2 != table.shape[1]:  # 1 + a square, never a square itself
        state["cls_token"], state["pos_embed"] = state["cls_token"] + table[:, :1], table[:, 1:]
    return state


def resampled_positions(table: Tensor, grid: int, prefix: int, antialias: bool = False) -> Tensor:
    """A position table 1 x (prefix + n²) x D for grid x grid patches, by bicubic interpolation to that size.

    Without antialiasing this is what transformers does for DINOv2; the DINOv2 authors antialias with registers.
    """
    side = math.isqrt(table.shape[1] - prefix)
    if side == grid:
        return table
    positions = table[:, prefix:].reshape(1, side, side, -1).permute(0, 3, 1, 2).to(torch.float32)
    positions = functional.interpolate(
        positions, (grid, grid), mode="bicubic", align_corners=False, antialias=antialias
    )
    return torch.cat([table[:, :prefix], positions.permute(0, 2, 3, 1).flatten(1, 2)], dim=1)


def loaded(make: Callable[[], Network], state: Mapping[str, Tensor], name: str, path: str) -> Network:
    """The network built by `make` with the weights of `state`, in float32, ready for inference.

    It is built without memory first, so that a big one isn't filled with random numbers for nothing. Raises
    ValueError, with the first names, if a tensor is missing, left over or of another shape.
    """
    with torch.device("meta"):
        network = make()
    expected = network.state_dict()
    problems = differences(expected, state)
    if problems:
        raise ValueError(
            f"{path} doesn't hold the weights of {name}: " + "; ".join(problems) + ". Is it the file of another "
            "encoder, or of another part of this one?"
        )
    if len(list(network.buffers())) + len(list(network.parameters())) > len(expected):
        network = make()  # it has tables that no file holds: they must be computed
    network.load_state_dict({key: _float32(value) for key, value in state.items()}, assign=True)
    return network.eval()


def _float32(value: Tensor) -> Tensor:
    return value.to(torch.float32) if value.is_floating_point() else value


def file_of(weights: Sequence[str], name: str) -> str:
    """The file of weights of built-in encoder `name`. ValueError, saying where it comes from, if there is none."""
    if not weights:
        page = ADAPTERS[name].page
        raise ValueError(f"encoder {name} needs a file of weights (key `weights`)" + (f", from {page}" if page else ""))
    return str(weights[0])
