"""Costs per unit that the plan counts with: resources/costs/costs.tsv."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from ..common.files import read_tsv


class BadCosts(Exception):
    """The table of costs lacks a constant, or has one that is no number; the message names it."""


@dataclass
class Costs:
    """Constants by name; `used` collects those that were assumed and not measured since the last `take`.

    least, most: those with which a run costs least and most; `value` where the table says no other.
    """

    values: dict[str, float]
    basis: dict[str, str]
    least: dict[str, float]
    most: dict[str, float]
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

    def cheapest(self) -> Costs:
        """The same with every constant at its cheapest."""
        return replace(self, values=self.least, used=set())

    def dearest(self) -> Costs:
        """The same with every constant at its most expensive."""
        return replace(self, values=self.most, used=set())


def read_costs(path: str | Path) -> Costs:
    """Read costs.tsv. Raises BadCosts for a value that is no number above 0."""
    table = read_tsv(path)
    costs: dict[str, dict[str, float]] = {}
    for column in ("value", "least", "most"):
        texts = table[column].where(table[column] != "", table.value)
        numbers = pd.to_numeric(texts, errors="coerce")
        wrong = table[~(numbers > 0)]
        if len(wrong):
            row = wrong.iloc[0]
            raise BadCosts(f"{path}, row {row.cost}, column {column}: {row[column]!r} is no number above 0")
        costs[column] = dict(zip(table.cost, numbers, strict=True))
    basis = dict(zip(table.cost, table.basis, strict=True))
    return Costs(costs["value"], basis, costs["least"], costs["most"])
