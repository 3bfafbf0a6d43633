"""The table of patch encoders: inputs, outputs and requirements of each. Reading it doesn't import torch.

The table itself is encoders.yaml beside this file, because the rules read it too.
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

import yaml

from ..common.digests import sha256_of
from ..common.kinds import why_not_input_size
from ..common.settings.features import Encoder

TABLE = Path(__file__).with_name("encoders.yaml")
PRECISIONS = ("fp32", "bf16", "fp16")
TOKENS = ("cls", "cls_mean")
#: Facts that determine the output, with weights and code; the others may be corrected without encoding again.
DECISIVE = ("dim", "input_size", "resize", "interpolation", "mean", "std", "tokens", "precision")


@dataclass(frozen=True)
class Facts:
    """Facts of an encoder before it is built. Sizes in pixels; mean and std for values in 0..1.

    The head of encoders.yaml explains every field.
    """

    network: str
    dim: int
    input_size: int  # 0: takes patches of any size as they are
    resize: int
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    tokens: str
    precision: str
    licence: str
    parameters: float = 0.0  # millions
    tile: Mapping[str, float] | None = None
    hub: str = ""
    files: tuple[str, ...] = ()
    revision: str = ""
    dataset: bool = False
    gated: bool = False
    package: str = ""
    member: str = ""
    sha256: str = ""
    needs_weights: bool = True

    @property
    def page(self) -> str:
        """Page of the repository on the hub, where access is asked for."""
        return f"https://huggingface.co/{'datasets/' * self.dataset}{self.hub}" if self.hub else ""


def read_table(path: str | os.PathLike = TABLE) -> dict[str, Facts]:
    """Adapter name -> facts, from a table like encoders.yaml."""
    table = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    adapters = {}
    for name, entry in table["encoders"].items():
        norm = table["normalisations"][entry.pop("normalisation")]
        entry["mean"], entry["std"] = tuple(norm["mean"]), tuple(norm["std"])
        entry["files"] = tuple(entry.get("files", ()))
        adapters[name] = Facts(**{"resize": entry["input_size"]} | entry)
    return adapters


#: Adapter name -> facts; `encoders.loader_of` has the function that makes each network.
ADAPTERS: dict[str, Facts] = read_table()
PRECOMPUTED = "precomputed"


def facts_of(config: Encoder) -> Facts:
    """Facts of a built-in adapter with the config's own mean, std, precision, tokens and input size.

    KeyError for an unknown adapter, ValueError for a value that the adapter can't have.
    """
    facts = ADAPTERS[config["adapter"]]
    options: Mapping[str, Any] = config
    changes: dict[str, Any] = {key: tuple(options[key]) for key in ("mean", "std") if options.get(key)}
    changes |= {key: options[key] for key in ("precision", "tokens") if options.get(key)}
    if changes.get("precision", "fp32") not in PRECISIONS:
        raise ValueError(f"precision {changes['precision']!r} is none of {', '.join(PRECISIONS)}")
    tokens = changes.get("tokens", facts.tokens)
    if tokens != facts.tokens:
        if not {tokens, facts.tokens} <= set(TOKENS):
            raise ValueError(f"encoder {config['adapter']} gives {facts.tokens}; tokens can't be {tokens!r}")
        changes["dim"] = facts.dim * 2 if tokens == "cls_mean" else facts.dim // 2
    if size := config.get("input_size", 0):
        if reason := why_not_input_size(config["adapter"], facts.network, size):
            raise ValueError(f"{reason} (input_size)")
        changes |= {"input_size": size, "resize": size}
    return replace(facts, **changes)


def precision_of(config: Encoder) -> str:
    """Precision of an encoder: the config's, else its default; a user's adapter decides for itself."""
    adapter, requested = config["adapter"], config.get("precision", "")
    return facts_of(config).precision if adapter in ADAPTERS else requested or ""


def parameters_of(config: Encoder) -> float:
    """Parameters of a built-in network in millions; 0 where they aren't known."""
    facts = ADAPTERS.get(config["adapter"])
    return facts.parameters if facts else 0.0


def describe(config: Encoder, weights: Sequence[str | os.PathLike]) -> dict[str, Any]:
    """Everything that determines an encoder's output, for the digest of a file's inputs.

    `weights` (and the target image of a stain normalisation behind them) count by contents (SHA-256), a user's
    adapter by the source of its module. Options that are off by default are listed only if they are on.
    """
    adapter = config["adapter"]
    description: dict[str, Any] = {"adapter": adapter, "weights": [sha256_of(path) for path in weights]}
    if config.get("crops", 1) != 1:
        description["crops"] = config["crops"]
    stain = config.get("stain")
    if stain and stain.get("method"):
        description["stain"] = stain["method"]
    if config.get("decode", "exact") != "exact":
        description["decode"] = config["decode"]
    if config.get("store", "fp16") != "fp16":
        description["store"] = config["store"]
    if adapter in ADAPTERS:
        facts = asdict(facts_of(config))
        return description | {
            key: list(facts[key]) if isinstance(facts[key], tuple) else facts[key] for key in DECISIVE
        }
    source = Path(_find_module(adapter.split(":")[0])).read_bytes()
    settings = {key: config.get(key) for key in ("mean", "std", "precision", "options")}
    return description | settings | {"source": hashlib.sha256(source).hexdigest()}


def weights_of(description: Mapping[str, Any]) -> str:
    """First 16 digits of the SHA-256 of weights and stain target, of what `describe` says; '' where there are none."""
    return " ".join(digest[:16] for digest in description["weights"])


def user_function(adapter: str) -> Callable:
    """The function that `module:function` names; the module may be in the working directory."""
    module, _, name = adapter.partition(":")
    with _working_directory_on_path():
        try:
            return getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise ValueError(f"encoder adapter {adapter!r} can't be imported: {error}") from error


def check_adapter(adapter: str) -> None:
    """Raise ValueError, with the known names, if `adapter` is neither built in nor module:function."""
    if adapter not in ADAPTERS and adapter != PRECOMPUTED and ":" not in adapter:
        names = ", ".join([*ADAPTERS, PRECOMPUTED])
        raise ValueError(f"unknown encoder adapter {adapter!r}; one of {names}, or module:function")


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
