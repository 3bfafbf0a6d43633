"""What the job of a pretraining run asks of a machine, by its processes, and what its model card says about patches."""

from __future__ import annotations

from .config import Wildcards
from .encoders import Encoders
from .models import Models

#: Main memory of one process in MB: PyTorch with CUDA, tables of profiles, the patches of two steps.
PROCESS_MB = 16000
#: Minutes of an attempt of one process, and the fewest: each continues from the last saved state.
ATTEMPT, SHORTEST_ATTEMPT = 2880, 720


class PretrainJobs:
    """GPUs, memory and time of rule pretrain_run, and a parameter of it."""

    def __init__(self, models: Models, encoders: Encoders) -> None:
        self.models, self.encoders = models, encoders

    def gpus(self, wildcards: Wildcards) -> int:
        """A GPU per process; none where the build of PyTorch is the CPU's."""
        return self.gpus_of(wildcards.run)

    def gpus_of(self, run: str) -> int:
        """The same by name."""
        return self.processes(run) if self.encoders.gpu_build else 0

    def promises_gpu(self, wildcards: Wildcards) -> bool:
        """True where the job must not run on the CPU instead (software/allow_cpu)."""
        return bool(self.gpus(wildcards)) and not self.encoders.allow_cpu

    def processes(self, run: str) -> int:
        """Processes of a run."""
        return int(self.models.runs[run]["training"]["processes"])

    def memory_mb(self, wildcards: Wildcards, attempt: int) -> int:
        """Main memory of all processes; more with each attempt."""
        return PROCESS_MB * self.processes(wildcards.run) * attempt

    def runtime(self, wildcards: Wildcards) -> int:
        """Minutes: several processes with a GPU each share the steps; those of a CPU share its cores, too."""
        return max(SHORTEST_ATTEMPT, ATTEMPT // max(1, self.gpus(wildcards)))

    def patch_encoder(self, wildcards: Wildcards) -> dict[str, str]:
        """What a run's model card says about the encoder of its patches, as far as it is known."""
        name = self.models.runs[wildcards.run]["encoder"]
        facts = self.encoders.facts_of(name)
        # Weights that the user names may be others than the hub's.
        fact_names = ("licence",) if self.encoders.entries[name]["weights"] else ("hub", "licence")
        return {key: str(facts[key]) for key in fact_names if facts.get(key)}
