"""The plan for people: columns for a terminal, and a page to paste into a proposal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ..common.files import read_tsv, write_text, write_tsv
from ..common.requests import PlanRequest
from .costs import Costs, read_costs
from .estimate import in_time, with_range
from .plan import machine_of, plan_run
from .plan_sum import NUMBERS, Machine

#: Column of the table for a terminal -> heading, and decimals (None: text).
TERMINAL = {
    "stage": ("stage", None),
    "what": ("what", None),
    "units": ("units", 0),
    "left": ("left", 0),
    "patches": ("patches", 0),
    "cpu_hours": ("CPU hours", 1),
    "gpu_hours": ("GPU hours", 1),
    "wall_hours": ("wall hours", 1),
    "disk_gb": ("disk GB", 1),
    "download_gb": ("download GB", 1),
    "patches_are": ("patches are", None),
    "note": ("note", None),
}
#: Models that a row of the page names.
NAMED = 4
#: Hours and GB below which a figure is not shown.
LITTLE = 0.01
#: Names of the units of each stage.
UNITS = {"slides": "slides", "tissue": "slides", "tiles": "slides", "features": "slides", "omics": "profiles"}
UNITS |= {"acquire": "files", "embed": "slides and cases", "probe": "jobs"}


def as_text(table: pd.DataFrame, machine: Machine, costs: Costs) -> str:
    """The plan in columns for a terminal, what it is for, its range and what in it was assumed."""
    cells = [[heading for heading, _ in TERMINAL.values()]]
    for _, row in table.iterrows():
        cells.append([_cell(row[name], digits) for name, (_, digits) in TERMINAL.items()])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    sides = ["<" if digits is None else ">" for _, digits in TERMINAL.values()]
    lines = [
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)).rstrip()
        for row in cells
    ]
    total = table.iloc[-1]
    lines += [
        "",
        "units are slides, profiles, files, shards, pairs or jobs; left are those without results, and all else is of",
        "those left: patches, hours of one core and of one GPU, wall hours of all of them, GB (10^9 bytes)",
        f"for {machine.gpu}, and {machine.cores} core{'s' * (machine.cores != 1)}, one stage after the other:",
        f"  GPU hours  {_range(total, 'gpu_hours')}",
        f"  CPU hours  {_range(total, 'cpu_hours')}",
        f"  wall time  {_clock(total)}",
        f"  disk       {_range(total, 'disk_gb')} GB",
        "the range has every constant of resources/costs/costs.tsv at its cheap and its expensive end",
    ]
    if names := assumed_in(table):
        values = ", ".join(f"{name} = {costs.values[name]:g}" for name in names)
        lines.append(f"assumed, not measured: {values}")
    return "\n".join(lines)


def as_page(table: pd.DataFrame, machine: Machine, costs: pd.DataFrame, facts: Mapping[str, Any]) -> str:
    """The same as Markdown. costs: costs.tsv; facts: slides, cases, software (name -> version)."""
    total = table.iloc[-1]
    gpu = f"{machine.gpu.count} NVIDIA {machine.gpu.name} GPU{'s' * (machine.gpu.count != 1)}"
    cores = f"{machine.cores} CPU core{'s' * (machine.cores != 1)}"
    downloads = f", {_range(total, 'download_gb')} of them downloads" if total.download_gb else ""
    lines = [
        "# What this study will cost",
        "",
        f"{facts['slides']:,} slides of {facts['cases']:,} cases. What is left to compute takes "
        f"**{_range(total, 'gpu_hours')} GPU-hours** of an NVIDIA {machine.gpu.name} ({machine.gpu.memory_gb:g} GB), "
        f"**{_range(total, 'cpu_hours')} CPU-hours** and **{_range(total, 'disk_gb')} GB** of disk{downloads}: "
        f"{_clock(total)} with {gpu} and {cores}.",
        "",
        "| stage | what | count | left | patches | GPU-hours | CPU-hours | disk (GB) |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [_page_line(row) for row in in_short(table)]
    lines += ["", "In brackets the range: every assumption below at its cheap and its expensive end.", ""]
    lines += ["## Assumptions", ""]
    peaks = f"{machine.gpu.half / 1e12:g} TFLOP/s in half precision, {machine.gpu.single / 1e12:g} in fp32"
    lines.append(f"- GPU: NVIDIA {machine.gpu.name}, dense peak {peaks} (vendor's data sheet); {machine.gpu.why}")
    sources = sorted({source for cell in table.patches_are if cell for source in cell.split(" and ")})
    if sources:
        lines.append(f"- patches are {', '.join(sources)}; 512 px at 20x unless the grid says otherwise")
    for row in costs[costs.cost.isin(assumed_in(table))].to_dict("records"):
        ends = f" ({row['least']} to {row['most']})" if row["least"] else ""
        lines.append(f"- {row['cost']}: {row['value']}{ends} {row['unit']}; {row['source']}")
    lines += [
        "",
        "Everything else is measured or published: resources/costs/costs.tsv of the software names the source of each.",
        "",
    ]
    lines += ["## Software", ""]
    lines += [f"- {name} {version}" for name, version in facts["software"].items()]
    return "\n".join(lines) + "\n"


def in_short(table: pd.DataFrame) -> list[pd.Series]:
    """Rows of the page: those of the table, with all models of a stage, all runs and all fine-tuned models as one."""
    rows: dict[tuple[str, ...], list[pd.Series]] = {}
    for _, row in table.iterrows():
        kind = next((word for word in ("run", "fine-tuned") if str(row.what).startswith(f"{word} ")), "")
        is_merged = (row.stage in ("embed", "probe") or kind) and not row.note
        rows.setdefault((row.stage, kind, "") if is_merged else (row.stage, kind, row.what), []).append(row)
    return [_as_one(merged_rows) if len(merged_rows) > 1 else merged_rows[0] for merged_rows in rows.values()]


def _as_one(rows: list[pd.Series]) -> pd.Series:
    merged = rows[0].copy()
    for name in (*NUMBERS, "units", "left"):
        merged[name] = sum(row[name] for row in rows)
    merged["patches"] = float("nan")
    n_hidden = len(rows) - NAMED
    merged["what"] = ", ".join(row.what for row in rows[:NAMED]) + (f" and {n_hidden} more" if n_hidden > 0 else "")
    return merged


def _page_line(row: pd.Series) -> str:
    item = row.what + (f" ({row.note})" if row.note else "")
    counts = [f"{_cell(row.units, 0)} {UNITS.get(row.stage, _units(row))}".strip(), _cell(row.left, 0)]
    values = [_cell(row.patches, 0), *(_range(row, name) for name in ("gpu_hours", "cpu_hours", "disk_gb"))]
    return "| " + " | ".join([row.stage, item, *(["", ""] if row.stage == "total" else counts), *values]) + " |"


def assumed_in(table: pd.DataFrame) -> list[str]:
    """Names of the constants that the plan rests on without a measurement."""
    return sorted({name for cell in table.assumed if cell for name in cell.split(", ")})


def _cell(value: Any, digits: int | None) -> str:
    if digits is None:
        return str(value)
    if pd.isna(value) or (value == 0 and digits):
        return ""
    return f"{value:,.{digits}f}" if not digits or value >= 0.05 else "<0.1"


def _range(row: pd.Series, name: str) -> str:
    """A figure with its range, as short as possible: 3.1 (1.2 to 8)."""
    middle, low, high = (row[f"{name}{end}"] for end in ("", "_least", "_most"))
    if high < LITTLE:
        return f"<{LITTLE}" if high else "0"
    figure = _figure(middle)
    return figure if low == high else f"{figure} ({_figure(low)} to {_figure(high)})"


def _clock(total: pd.Series) -> str:
    return with_range([in_time(total[f"wall_hours{end}"]) for end in ("", "_least", "_most")])


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}" if value >= LITTLE else f"<{LITTLE}"


def _units(row: pd.Series) -> str:
    return "pairs" if str(row.what).startswith("run ") else "shards" if row.stage == "pretrain" else ""


def print_plan(*, request: PlanRequest, tables: Mapping[str, str], results: str) -> None:
    """Print the plan of a run."""
    machine, costs = machine_of(request, tables), read_costs(tables["costs"])
    print(as_text(plan_run(request, tables, results), machine, costs), flush=True)


def write_plan(
    *,
    request: PlanRequest,
    tables: Mapping[str, str],
    results: str,
    facts: Mapping[str, Any],
    state: Mapping[str, Any],
    table: str,
    page: str,
) -> None:
    """Write the plan of a run as TSV and as a page. facts: slides, cases, snakemake; state: study/code_state.py."""
    plan = plan_run(request, tables, results)
    write_tsv(table, plan)
    version = state["release"] or (state["commit"] or "of an unknown version")[:12]
    software = {"molpath": version + ", with local changes" * bool(state["modified"]), "Snakemake": facts["snakemake"]}
    costs = read_tsv(tables["costs"])
    write_text(page, as_page(plan, machine_of(request, tables), costs, {**facts, "software": software}))
