"""Rows of a plan and their total, with one set of constants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from .costs import Costs
from .gpus import Gpu
from .networks import Network
from .patches import Patches

HOURS, SIZES = ("cpu_hours", "gpu_hours"), ("disk_gb", "download_gb")
#: Columns of the table. *_least and *_most: with every constant at its cheapest and most expensive.
COLUMNS = (
    *("stage", "what", "units", "left", "patches", *HOURS, "wall_hours", *SIZES),
    *(f"{name}_{end}" for name in (*HOURS, "wall_hours", *SIZES) for end in ("least", "most")),
    *("patches_are", "note", "assumed"),
)
NUMBERS = tuple(name for name in COLUMNS if name.partition("_")[2].startswith(("hours", "gb")))


@dataclass(frozen=True)
class Machine:
    """What a plan is for."""

    gpu: Gpu
    cores: int


@dataclass
class Sum:
    """Rows of a plan with one set of constants."""

    costs: Costs
    machine: Machine
    networks: Mapping[str, Network]
    patches: Patches
    rows: list[dict[str, Any]]

    def add(self, stage: str, item: str, units: float, units_left: float | None = None, **values: Any) -> None:
        """A row. cpu_hours and gpu_hours are in seconds here, sizes in bytes; at_once: GPUs that can share the work."""
        at_once = min(self.machine.gpu.count, values.pop("at_once", self.machine.gpu.count))
        row = {name: float(values.pop(name, 0)) / 3600 for name in HOURS}
        row |= {name: float(values.pop(name, 0)) / 1e9 for name in SIZES}
        row["wall_hours"] = max(row["cpu_hours"] / self.machine.cores, row["gpu_hours"] / at_once)
        texts = {"note": "", "patches_are": ""} | values | {"assumed": self.costs.take()}
        self.rows.append(
            {"stage": stage, "what": item, "units": units, "left": units if units_left is None else units_left}
            | row
            | texts
        )

    def table(self) -> pd.DataFrame:
        """The rows and their total."""
        table = pd.DataFrame(self.rows)
        names = [name for name in NUMBERS if name in table]
        total = {"stage": "total", "what": ""} | {name: table[name].sum() for name in names}
        runs = table[(table.stage == "pretrain") & table.what.str.startswith("run ")]
        if len(runs):  # side by side, as far as there are GPUs
            wall_hours = max(runs.wall_hours.max(), runs.gpu_hours.sum() / self.machine.gpu.count)
            total["wall_hours"] += wall_hours - runs.wall_hours.sum()
        table = pd.concat([table, pd.DataFrame([total])], ignore_index=True).reindex(columns=COLUMNS)
        return table.fillna(dict.fromkeys(("what", "patches_are", "note", "assumed"), ""))
