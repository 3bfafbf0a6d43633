"""The state of a training that an earlier attempt left."""

from __future__ import annotations

import errno
import logging
import os
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch

log = logging.getLogger(__name__)


def left_state(
    path: Path, stamp: str, shapes: Mapping[str, torch.Size], names: Collection[str]
) -> tuple[str, dict[str, Any]]:
    """What an earlier attempt left at `path` ("nothing", "other", "damaged", "whole"), and the state where it is whole.

    shapes: those of the network's weights; names: all that a state holds beside its stamp. A file that can't be read is
    moved aside, so that it can be inspected and doesn't stop the next attempt.
    """
    try:
        with zipfile.ZipFile(path) as archive:  # torch.load ignores the checksums in the file
            if damaged := archive.testzip():
                raise ValueError(f"{damaged} differs from its checksum")
        # The generators' states must stay on the CPU; weights are copied to where they belong.
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if state["stamp"] != stamp:
            log.info("%s was left by other data, settings or code: started from the beginning", path)
            os.remove(path)
            return "other", {}
        if {name: value.shape for name, value in state["network"].items()} != shapes or set(names) - set(state):
            raise ValueError("parts of a training's state are missing")
    except FileNotFoundError:
        return "nothing", {}
    except Exception as error:  # torch.load raises whatever the bytes lead it to
        # EINVAL: an offset beyond what a file can have
        if isinstance(error, (OSError, MemoryError)) and getattr(error, "errno", None) != errno.EINVAL:
            raise  # the machine failed, not the file
        damaged_path = path.with_name(f"{path.name}.damaged")
        os.replace(path, damaged_path)
        log.warning(
            "%s is not a complete state of a training (%s: %s): it was moved to %s, training starts from the beginning",
            path, type(error).__name__, str(error)[:200], damaged_path,
        )  # fmt: skip
        return "damaged", {}
    return "whole", state
