"""The table of patch encoders: what each takes, gives and needs. Facts only: reading it imports no torch.

Sources: resources/encoders/encoders.tsv names origin, digest and licence of the weights.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..common.files import sha256_of

HALF = (0.5, 0.5, 0.5)
PRECISIONS = ("fp32", "bf16", "fp16")


@dataclass(frozen=True)
class Facts:
    """What is known of an encoder before it is built. Sizes in pixels; mean and std for values in 0..1."""

    dim: int
    input_size: int  # 0: takes patches of any size as they are
    mean: tuple[float, ...] = HALF
    std: tuple[float, ...] = HALF
    interpolation: str = "bicubic"
    precision: str = "fp32"
    needs_weights: bool = True


#: Adapter name -> facts; `encoders.BUILDERS` has a function for each.
ADAPTERS: dict[str, Facts] = {
    # The published conversion's README shows ImageNet mean and std; the network was trained with (x-127)/128.
    "efficientnet_lite0": Facts(dim=1280, input_size=224),
    # The null encoder of tests and benchmarks: the mean colour of a patch, no network at all.
    "mean_colour": Facts(dim=3, input_size=0, needs_weights=False),
}
PRECOMPUTED = "precomputed"


def facts_of(config: Mapping[str, Any]) -> Facts:
    """Facts of a built-in adapter with the config's own mean, std and precision. KeyError for others."""
    facts = ADAPTERS[config["adapter"]]
    changes = {key: tuple(config[key]) for key in ("mean", "std") if config.get(key)}
    if config.get("precision"):
        changes["precision"] = config["precision"]
    facts = replace(facts, **changes)
    if facts.precision not in PRECISIONS:
        raise ValueError(f"precision {facts.precision!r} is none of {', '.join(PRECISIONS)}")
    return facts


def describe(config: Mapping[str, Any], weights: Sequence[str | os.PathLike]) -> dict[str, Any]:
    """Everything of an encoder that decides its output, for the digest of what a file was made from.

    `weights` counts by contents (SHA-256), a user's adapter by the source of its module. Exact decoding of pixels is
    not mentioned: it is what every file was made with before there was a choice.
    """
    adapter = config["adapter"]
    about = {"adapter": adapter, "weights": [sha256_of(path) for path in weights]}
    if config.get("decode", "exact") != "exact":
        about["decode"] = config["decode"]
    if adapter in ADAPTERS:
        return about | {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(facts_of(config)).items()}
    source = Path(_find_module(adapter.split(":")[0])).read_bytes()
    settings = {key: config.get(key) for key in ("mean", "std", "precision", "options")}
    return about | settings | {"source": hashlib.sha256(source).hexdigest()}


def user_function(adapter: str) -> Callable:
    """The function that `module:function` names; the module may lie in the working directory."""
    module, _, name = adapter.partition(":")
    with _working_directory_on_path():
        try:
            return getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise ValueError(f"encoder adapter {adapter!r} can't be imported: {error}") from error


def check_adapter(adapter: str) -> None:
    """Raise ValueError, with the known names, if `adapter` is neither built in nor module:function."""
    if adapter not in ADAPTERS and adapter != PRECOMPUTED and ":" not in adapter:
        known = ", ".join([*ADAPTERS, PRECOMPUTED])
        raise ValueError(f"unknown encoder adapter {adapter!r}; one of {known}, or module:function")


def _find_module(name: str) -> str:
    with _working_directory_on_path():
        spec = importlib.util.find_spec(name)
    if spec is None or not spec.origin:
        raise ValueError(f"no Python module {name!r} in the working directory or the environment")
    return spec.origin


class _working_directory_on_path:
    def __enter__(self):
        self.folder = os.getcwd()
        sys.path.insert(0, self.folder)

    def __exit__(self, *_):
        sys.path.remove(self.folder)
