"""Survival in a table of labels: which columns are time and event, and what their cells mean."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass

from .draft import Refusal, number
from .labels import Joined, Labels, plain

_EVENT = re.compile(r"(?:(.+)_)?(?:event|status)")
_TIME = re.compile(r"(?:(.+)_)?(?:time_)?(days|months|years|time)")
#: Days in a unit that isn't kept as it is.
DAYS = {"years": 365.25}
YES = {"1", "1.0", "yes", "true", "dead", "deceased", "event", "progressed", "recurred", "relapsed", "died"}
NO = {"0", "0.0", "no", "false", "alive", "living", "censored", "none", "disease_free", "diseasefree"}


@dataclass(frozen=True)
class Endpoint:
    """Columns of an endpoint (OS, PFS, …) and the unit of its times."""

    name: str
    event: str
    time: str
    unit: str


def endpoints_of(labels: Labels, options: argparse.Namespace) -> list[Endpoint]:
    """Endpoints that --time and --event give, or names of columns (OS_event and OS_days, OS and OS.time)."""
    if bool(options.time) != bool(options.event):
        raise Refusal("--time and --event go together: name both columns")
    if options.time:
        return [_endpoint(labels, options.event, options.time, options)]
    columns = {plain(column): column for column in labels.columns}
    found = []
    for name, time in columns.items():
        match = _TIME.fullmatch(name)
        if not match or (not match[1] and name not in ("time", "days", "months", "years")):
            continue
        stem = match[1] or ""
        wanted = [f"{stem}_event", f"{stem}_status", stem] if stem else ["event", "status"]
        if event := next((columns[one] for one in wanted if one in columns), ""):
            found.append(_endpoint(labels, event, time, options))
    names = [one.name for one in found]
    if twice := [name for name in names if names.count(name) > 1]:
        times = " and ".join(one.time for one in found if one.name == twice[0])
        raise Refusal(f"{labels.name}: {times} could both be the times of {twice[0]}: say --time and --event")
    return found


def _endpoint(labels: Labels, event: str, time: str, options: argparse.Namespace) -> Endpoint:
    said = _TIME.fullmatch(plain(time))
    unit = options.time_unit or (said[2] if said and said[2] != "time" else "")
    if not unit:
        raise Refusal(f"{labels.name}, column {time}: are these days, months or years? Say --time-unit")
    match = _EVENT.fullmatch(plain(event))
    stem = (match[1] or "") if match else plain(event)
    return Endpoint(stem.upper() if len(stem) < 5 and stem else stem or "survival", event, time, unit)


def survival_cells(joined: Joined, endpoint: Endpoint, name: str) -> tuple[dict[str, dict[str, str]], str]:
    """Cells `<name>_event` and `<name>_days` or `_months` by slide, and what was left out; cases have one of each."""
    unit = "months" if endpoint.unit == "months" else "days"
    cells: dict[str, dict[str, str]] = {}
    by_case: dict[str, tuple[str, str]] = {}
    left = set()
    for slide in joined.names:
        rows = [row for row in joined.rows_of.get(slide, []) if row[endpoint.event] and row[endpoint.time]]
        told = sorted({(row[endpoint.event], row[endpoint.time]) for row in rows})
        case = joined.case_of[slide]
        cells[slide] = {}
        if not told:
            continue
        if len(told) > 1 or by_case.setdefault(case, told[0]) != told[0]:
            raise Refusal(f"{endpoint.time}: rows of case {case} contradict each other: correct them")
        time = _time(told[0][1], endpoint)
        if time <= 0:
            left.add(case)
            continue
        cells[slide] = {f"{name}_event": _event(told[0][0], endpoint), f"{name}_{unit}": f"{time:g}"}
    return cells, f"; left out for a time of 0 or less: {number(len(left), 'case')}" if left else ""


def _time(cell: str, endpoint: Endpoint) -> float:
    try:
        return float(cell) * DAYS.get(endpoint.unit, 1)
    except ValueError:
        raise Refusal(f"column {endpoint.time}: {cell!r} is no number") from None


def _event(cell: str, endpoint: Endpoint) -> str:
    """1 for an event, 0 for none: numbers, words, or cBioPortal's `1:DECEASED`."""
    word = plain(cell.split(":")[0]) if re.match(r"[01]:", cell) else cell.lower().replace(" ", "_")
    if word in YES or word in NO:
        return "1" if word in YES else "0"
    raise Refusal(f"column {endpoint.event}: {cell!r} is neither an event (1, dead) nor none (0, alive): write 1 and 0")
