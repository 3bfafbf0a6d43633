"""What embedding with a model asks of a machine, by its slide encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..common.kinds import SUMS
from .config import Wildcards
from .models import Models


class Needs(NamedTuple):
    """Of one block of bags: main memory in MB and minutes, with a GPU and without one (None: not without one)."""

    with_gpu: tuple[int, int]
    without: tuple[int, int] | None


#: Memory and minutes of the models that run on the CPU: bags go through in blocks, or networks are small.
SMALL = (8000, 240)
#: Foreign slide encoders that run on a GPU where there is one. Estimates, not measured: weights in float32 (PRISM has
#: 558 million parameters, GigaPath 86, TITAN some 50), CUDA, and a whole bag at a time; without a GPU attention over
#: all pairs of patches besides (TITAN).
NEEDS = {
    "titan": Needs((12000, 240), (48000, 1440)),
    "prism": Needs((16000, 240), (24000, 1440)),
    "gigapath": Needs((12000, 240), None),
    "madeleine": Needs((12000, 240), (24000, 480)),
}


class SlideEncoders:
    """GPU, memory and time of rule embed_block, by the model."""

    def __init__(self, models: Models) -> None:
        self.models, self.encoders = models, models.encoders

    def gpus(self, wildcards: Wildcards) -> int:
        """A GPU where the model's slide encoder is one that uses it and PyTorch is built for it."""
        return self.gpus_of(wildcards.model)

    def gpus_of(self, name: str) -> int:
        """The same by name."""
        return int(self.encoders.gpu_build and self.models.entries[name]["kind"] in NEEDS)

    def promises_gpu(self, wildcards: Wildcards) -> bool:
        """True where the job must not run on the CPU instead (software/allow_cpu)."""
        return bool(self.gpus(wildcards)) and not self.encoders.allow_cpu

    def memory_mb(self, wildcards: Wildcards, attempt: int) -> int:
        """Main memory; more with each attempt."""
        return self._needs(wildcards)[0] * attempt

    def runtime(self, wildcards: Wildcards, attempt: int) -> int:
        """Minutes; more with each attempt, which continues from the bags that the last one kept."""
        return self._needs(wildcards)[1] * attempt

    def _needs(self, wildcards: Wildcards) -> tuple[int, int]:
        needs = NEEDS.get(self.models.entries[wildcards.model]["kind"])
        if needs is None:
            return SMALL
        return (
            needs.with_gpu if self.gpus(wildcards) and not self.encoders.allow_cpu else needs.without or needs.with_gpu
        )


def is_sum(kind: str, sizes: Any, kinds: Sequence[str] = SUMS) -> bool:
    """True if embeddings are a sum over patches: of one of `kinds`, and by no transformer (sizes of the run's slide
    encoder)."""
    transformer = isinstance(sizes, dict) and sizes.get("kind") == "transformer"
    return kind in kinds and not (kind in ("threads", "random") and transformer)


def sizes_of(models: Models, name: str) -> Any:
    """What a model's run or finished run says about its slide encoder; {} where there is none."""
    finished, run = models.finished.get(name), models.entries[name].get("run", "")
    return (finished.description if finished else models.runs.get(run, {})).get("slide_encoder", {})
