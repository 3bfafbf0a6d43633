"""Costs per unit that the plan counts with: resources/costs/costs.tsv."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from ..common.files import read_tsv


class BadCosts(Exception):
    """The table of costs lacks a constant, or has one that is no number; the message names it."""


@dataclass
class Costs:
    """Constants by name; `used` collects those that were assumed and not measured since the last `take`."""

    values: dict[str, float]
    basis: dict[str, str]
    used: set[str] = field(default_factory=set)

    def __getitem__(self, name: str) -> float:
        if name not in self.values:
            raise BadCosts(f"the table of costs has no row {name!r}; add it (resources/costs/costs.tsv)")
        if self.basis[name] == "assumed":
            self.used.add(name)
        return self.values[name]

    def take(self) -> str:
        """Names of the assumed constants used since the last call."""
        names, self.used = ", ".join(sorted(self.used)), set()
        return names


def read_costs(path: str | Path) -> Costs:
    """Read costs.tsv. Raises BadCosts for a value that is no number above 0."""
    table = read_tsv(path)
    values = pd.to_numeric(table.value, errors="coerce")
    wrong = table[~(values > 0)]
    if len(wrong):
        raise BadCosts(f"{path}, row {wrong.cost.iloc[0]}, column value: {wrong.value.iloc[0]!r} is no number above 0")
    return Costs(dict(zip(table.cost, values, strict=True)), dict(zip(table.cost, table.basis, strict=True)))
