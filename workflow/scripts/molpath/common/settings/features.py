"""An entry of features/encoders in the config."""

from __future__ import annotations

from typing import Any, TypedDict


class Stain(TypedDict):
    """features/encoders/<name>/stain. `target` arrives as the path where it was found."""

    method: str
    target: str


class Encoder(TypedDict):
    """One patch encoder. The rules add `name`, its key in the config."""

    name: str
    adapter: str
    weights: str
    revision: str
    folder: str
    features: str
    precision: str
    store: str
    tokens: str
    input_size: int
    crops: int
    stain: Stain
    mean: list[float]
    std: list[float]
    options: dict[str, Any]
    decode: str
    batch_size: int
    workers: int
