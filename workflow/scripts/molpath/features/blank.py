"""Built-in networks without weights or memory: checks whether the environment can build and run them."""

from __future__ import annotations

import importlib
from typing import Any

import torch

from .registry import ADAPTERS, check_adapter, user_function


def try_blank(adapter: str) -> int:
    """Build an adapter's network without storage, run an empty patch through it, and return its width.

    For conch_v1 and a user's function only the import is tried: 0. Raises what imports and networks raise.
    """
    check_adapter(adapter)
    if adapter not in ADAPTERS:
        user_function(adapter)
        return 0
    if adapter == "conch_v1":
        importlib.import_module("conch")
        return 0
    with torch.device("meta"):
        network = _network(adapter).eval()
        size = ADAPTERS[adapter].input_size
        with torch.inference_mode():
            return int(network(torch.empty(1, 3, size, size)).shape[1])


def _network(adapter: str) -> Any:
    if adapter == "efficientnet_lite0":
        from .efficientnet_lite import EfficientNetLite0

        return EfficientNetLite0()
    if adapter == "conch_v15":
        from .conch import ConchV15

        return ConchV15()
    from . import timm_encoders

    if adapter in ("ctranspath", "resnet50"):
        return timm_encoders.ctranspath() if adapter == "ctranspath" else timm_encoders.ThirdStage()
    return timm_encoders.TokenPool(timm_encoders.vision_transformer(adapter), ADAPTERS[adapter].tokens)
