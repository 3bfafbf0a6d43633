"""An entry of embed/models in the config."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from .pretrain import SlideEncoder


class Model(TypedDict):
    """One model. The rules add `name`, its key in the config, and resolve an empty `cases`.

    A random model also gets `slide_encoder`, the sizes of its run. path: of a table, or the folder of a finished run.
    """

    name: str
    kind: str
    grid: str
    encoder: str
    weights: str
    trust_remote_code: bool
    run: str
    seed: int
    path: str
    ids: str
    unit: str
    cases: str
    slide_encoder: NotRequired[SlideEncoder]
