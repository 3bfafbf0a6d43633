"""Survival in a table of labels: which columns are time and event, and what their cells mean."""

from __future__ import annotations

import argparse
import math
import re
from dataclasses import dataclass

from ..common.tsv import plain_number
from .draft import Refusal, number, some
from .label_table import UNSAID, Labels, check_decimals, plain
from .labels import Joined

#: Columns named after an endpoint only (OS beside OS.time).
ENDPOINT = re.compile(r"(os|pfs|pfi|dfs|dfi|dss|css|rfs|efs|ttp|ttr|d?mfs|lrfs|bcr)|.*(survival|recurrence|relapse).*")
#: Columns in which yes may mean no event.
INVERTED = re.compile(r"(.*_)?(censor\w*|alive|living|lives|survived|survivor)(_.*)?")
_EVENT = re.compile(r"(?:(.+)_)?(?:event|status)")
TIME = re.compile(r"(?:(.+)_)?(?:time_)?(days|months|years|time)")
#: Days per unit, for units that are converted.
DAYS = {"years": 365.25}
UNCLEAR = {"1", "1.0", "0", "0.0", "yes", "no", "true", "false"}
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
    """Endpoints from --time and --event, or from names of columns (OS_event with OS_days or OS, OS with OS.time)."""
    if bool(options.time) != bool(options.event):
        raise Refusal("--time and --event go together: name both columns")
    if options.time:
        return [_endpoint(labels, options.event, options.time, options)]
    columns = {plain(column): column for column in labels.columns}
    endpoints = []
    for name, time in columns.items():
        match = TIME.fullmatch(name)
        is_bare_time = bool(ENDPOINT.fullmatch(name)) and _holds_times(labels, time)
        if not is_bare_time and (not match or (not match[1] and name not in ("time", "days", "months", "years"))):
            continue
        stem = name if is_bare_time else (match and match[1]) or ""
        bare_name = [stem] if ENDPOINT.fullmatch(stem) and not is_bare_time else []
        event_names = [f"{stem}_event", f"{stem}_status", *bare_name] if stem else ["event", "status"]
        event = next((columns[candidate] for candidate in event_names if candidate in columns), "")
        if event and any(event_of(row[event]) for row in labels.rows):
            endpoints.append(_endpoint(labels, event, time, options))
    names = [endpoint.name for endpoint in endpoints]
    if duplicates := [name for name in names if names.count(name) > 1]:
        times = " and ".join(endpoint.time for endpoint in endpoints if endpoint.name == duplicates[0])
        raise Refusal(f"{labels.name}: {times} could both be the times of {duplicates[0]}: give --time and --event")
    return endpoints


def _holds_times(labels: Labels, column: str) -> bool:
    """True if the column, named after an endpoint, holds numbers other than the 0, 1 and 2 that code an event."""
    try:
        numbers = {plain_number(row[column]) for row in labels.rows if _said(row[column])}
    except ValueError:
        return False
    return bool(numbers - {0.0, 1.0, 2.0})


def _endpoint(labels: Labels, event: str, time: str, options: argparse.Namespace) -> Endpoint:
    match_time = TIME.fullmatch(plain(time))
    title_unit = match_time[2] if match_time and match_time[2] != "time" else ""
    if options.time and options.time_unit and title_unit not in ("", options.time_unit):
        raise Refusal(f"column {time} is named after {title_unit}, and --time-unit says {options.time_unit}: rename it")
    unit = title_unit or options.time_unit
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
    nonpositive, incomplete = set(), set()
    all_rows = [row for rows in joined.rows_of.values() for row in rows]
    check_decimals(endpoint.time, [row[endpoint.time] for row in all_rows if row[endpoint.time]])
    for slide in joined.names:
        slide_rows = joined.rows_of.get(slide, [])
        rows = [row for row in slide_rows if all(_said(row[name]) for name in (endpoint.event, endpoint.time))]
        pairs = sorted({(row[endpoint.event], row[endpoint.time]) for row in rows})
        case = joined.case_of[slide]
        cells[slide] = {}
        if not pairs:
            incomplete |= {case} if any(row[endpoint.event] or row[endpoint.time] for row in slide_rows) else set()
            continue
        if len(pairs) > 1 or by_case.setdefault(case, pairs[0]) != pairs[0]:
            raise Refusal(f"{endpoint.time}: rows of case {case} contradict each other: correct them")
        time = _time(pairs[0][1], endpoint)
        if time <= 0:
            nonpositive.add(case)
            continue
        cells[slide] = {f"{name}_event": _event(pairs[0][0], endpoint), f"{name}_{unit}": f"{time:g}"}
    incomplete -= set(by_case)
    nonpositive_text = f"; left out for a time of 0 or less: {number(len(nonpositive), 'case')}" if nonpositive else ""
    incomplete_text = (
        f"; without time or event: {number(len(incomplete), 'case')} ({some(sorted(incomplete))})" if incomplete else ""
    )
    return cells, nonpositive_text + incomplete_text


def _said(cell: str) -> bool:
    return bool(cell) and plain(cell) not in UNSAID


def _time(cell: str, endpoint: Endpoint) -> float:
    try:
        if math.isfinite(time := plain_number(cell) * DAYS.get(endpoint.unit, 1)):
            return time
        raise ValueError
    except ValueError:
        raise Refusal(f"column {endpoint.time}: {cell!r} is no number") from None


def _event(cell: str, endpoint: Endpoint) -> str:
    """1 for an event, 0 for none, from numbers, words, or cBioPortal's `1:DECEASED`."""
    if code := event_of(cell):
        if INVERTED.fullmatch(plain(endpoint.event)) and (cell.lower() in UNCLEAR):
            problem = f"column {endpoint.event}: {cell!r} could be an event or none"
            raise Refusal(f"{problem}: write dead and alive, or 1 and 0 in a column called event")
        return code
    raise Refusal(f"column {endpoint.event}: {cell!r} is neither an event (1, dead) nor none (0, alive): write 1 and 0")


def event_of(cell: str) -> str:
    """1 for an event, 0 for none, '' for neither."""
    text = plain(cell.split(":")[0]) if re.match(r"[01]:", cell) else cell.lower().replace(" ", "_")
    return "1" if text in YES else "0" if text in NO else ""
