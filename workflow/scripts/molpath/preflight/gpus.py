"""The GPU that a plan is for: the config's, the one this machine has, or an A100 (resources/costs/gpus.tsv)."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ..common.files import read_tsv
from ..common.requests import MachineNumbers

#: Default of the plan.
USUAL = "A100"
#: Precisions in which tensor cores multiply at their full rate.
HALF = ("fp16", "bf16")


class UnknownGpu(Exception):
    """The config names a GPU that the table doesn't have; the message lists those it has."""


@dataclass(frozen=True)
class Gpu:
    """A GPU: dense peaks in operations per second. count: how many share the work; why: its source."""

    name: str
    memory_gb: float
    half: float
    single: float
    count: int
    why: str

    def peak(self, precision: str) -> float:
        """Peak operations per second, in a precision of the config's words."""
        return self.half if precision in HALF else self.single

    def __str__(self) -> str:
        return f"{self.count} x NVIDIA {self.name} ({self.memory_gb:g} GB), {self.why}"


def choose_gpu(path: str | Path, plan: MachineNumbers) -> Gpu:
    """The GPU of the plan. plan: the config's section `plan`: gpu (name or ''), gpus (0: those visible, else one)."""
    rows, visible = read_tsv(path).to_dict("records"), visible_gpus()
    name = plan["gpu"] or (visible[0] if visible else USUAL)
    row = next((row for row in rows if _fits(row["name"], name)), None)
    reason = "as the config says (plan: gpu)" if plan["gpu"] else "seen on this machine"
    if row is None and plan["gpu"]:
        gpu_names = ", ".join(row["name"] for row in rows)
        raise UnknownGpu(f"config, key plan/gpu: {name!r} is not in resources/costs/gpus.tsv; it has {gpu_names}")
    if row is None or not (plan["gpu"] or visible):
        row = next(row for row in rows if row["name"] == USUAL)
        reason = (
            f"no figures for {name}: name another (plan: gpu)" if visible else "none seen here: name yours (plan: gpu)"
        )
    numbers = (float(row[key]) for key in ("memory_gb", "half_tflops", "fp32_tflops"))
    memory, half, single = numbers
    return Gpu(row["name"], memory, half * 1e12, single * 1e12, plan["gpus"] or len(visible) or 1, reason)


def visible_gpus() -> list[str]:
    """Names of the GPUs that nvidia-smi lists and CUDA_VISIBLE_DEVICES allows; none without a driver."""
    program = shutil.which("nvidia-smi")
    if not program:
        return []
    query = [program, "--query-gpu=name", "--format=csv,noheader"]
    try:
        output = subprocess.run(query, capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    names = [line.strip() for line in output.splitlines() if line.strip()]
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    return names if hidden is None else names[: len([part for part in hidden.split(",") if part.strip()])]


def _fits(table_name: str, name: str) -> bool:
    """Every word of the table's name is in the other one: 'H100 PCIe' in 'NVIDIA H100 PCIe', A10 not in A100."""
    name_parts = name.upper().replace("-", " ").replace("_", " ").split()
    return all(word in name_parts for word in table_name.upper().split())
