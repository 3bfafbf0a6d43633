"""What a check found, and the table of all of them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

OK, NOTE, PROBLEM = "ok", "note", "problem"
#: Widest line of the table, in characters.
WIDTH = 118


@dataclass(frozen=True)
class Finding:
    """One row of the table. `verdict`: ok, note (the run works, but read this) or problem; `remedy` says what to do."""

    check: str
    verdict: str
    found: str
    remedy: str = ""


def ok(check: str, message: str) -> Finding:
    """A check that found nothing to do."""
    return Finding(check, OK, message)


def note(check: str, message: str, remedy: str = "") -> Finding:
    """Something to know; the run can start."""
    return Finding(check, NOTE, message, remedy)


def problem(check: str, message: str, remedy: str) -> Finding:
    """Something that would stop or spoil the run."""
    return Finding(check, PROBLEM, message, remedy)


def problems_of(findings: Sequence[Finding]) -> list[Finding]:
    """The problems among the findings."""
    return [finding for finding in findings if finding.verdict == PROBLEM]


def as_table(findings: Sequence[Finding]) -> str:
    """All findings as a table for a terminal: check, verdict, what was found, and below it what to do."""
    first = max(len("check"), *(len(finding.check) for finding in findings)) + 2
    room = WIDTH - first - 9
    lines = [f"{'check':{first}}{'verdict':9}found, and what to do", "-" * WIDTH]
    for finding in findings:
        texts = textwrap.wrap(finding.found, room) or [""]
        texts += textwrap.wrap(finding.remedy, room, initial_indent="-> ", subsequent_indent="   ")
        lines.append(f"{finding.check:{first}}{finding.verdict:9}{texts[0]}")
        lines += [" " * (first + 9) + text for text in texts[1:]]
    return "\n".join([*lines, "-" * WIDTH, summary(findings)])


def summary(findings: Sequence[Finding]) -> str:
    """Numbers of checks by verdict, in one line."""
    counts = {verdict: sum(finding.verdict == verdict for finding in findings) for verdict in (OK, NOTE, PROBLEM)}
    counts_text = f"{counts[OK]} ok, {counts[NOTE]} to note, {counts[PROBLEM]} problem{'s' * (counts[PROBLEM] != 1)}"
    return f"{counts_text}. " + ("Fix the problems before a long run." if counts[PROBLEM] else "The run can start.")


def as_list(findings: Sequence[Finding]) -> str:
    """The problems alone, for the log, which Snakemake shows at the end of a run that failed."""
    return "\n".join(f"{item.check}: {item.found}\n    -> {item.remedy}" for item in problems_of(findings))
