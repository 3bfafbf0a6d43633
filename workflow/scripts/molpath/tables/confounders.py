"""Pages of what could explain a score: one per task, and one of all tasks."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import pandas as pd

from ..common.files import read_tsv, write_tsv
from ..probe.confounders.verdict import CANNOT, EXPLAINED, INDEPENDENT, MASKED, PARTLY, RULES
from ..probe.site_folds import KEEP, LEAVE_ONE
from .pages import Section, as_numbers, write_page

#: Background of a verdict's cells, of a palette for colour-blind readers.
COLOURS = {EXPLAINED: "#f4b9a7", PARTLY: "#fbe3a2", INDEPENDENT: "#b9dcc9", MASKED: "#c3cfec", CANNOT: "#e6e6e6"}
#: Columns of confounders.tsv on the page of a task, in this order, by their headings.
SHOWN = {
    "column": "column",
    "verdict": "verdict",
    "reason": "why",
    "n": "cases with a value",
    "n_groups": "groups",
    "measure": "measure",
    "association": "with the label",
    "p_association": "P of that",
    "alone": "score of the column alone",
    "score": "score of the model",
    "within": "score within groups",
    "within_lower": "from",
    "within_upper": "to",
    "p_within": "P of that",
    "gain": "gain over the column",
    "gain_lower": "gain from",
    "gain_upper": "gain to",
    "note": "note",
}
PLAIN = {
    EXPLAINED: "The score can be explained by {0}: among cases alike in it, the model finds nothing more.",
    PARTLY: "A part of the score goes with {0}, and something is left among cases alike in it.",
    INDEPENDENT: "The score holds among cases alike in {0}.",
    MASKED: "Within groups of {0} the score differs from that over all cases, which is at chance: {0} hides it.",
    CANNOT: "For {0} no verdict is possible here; the table says why.",
}
#: Columns of names and sentences, even where each is a number.
WORDS = ("column", "stratum", "group", "highest", "lowest", "reason", "note", "labels")
#: How a page of all tasks reads a drop at other sites.
FOLDS = {KEEP: "whole sites kept apart", LEAVE_ONE: "each site left out"}


def show_confounders(*, task: str, tables: Mapping[str, str], metrics: str, note: str, page: str) -> None:
    """Write the page of a task. tables: TSV files of the job by their names; metrics: summary.tsv of group frozen."""
    parts = {name: read_tsv(path) for name, path in tables.items()}
    confounders = parts["confounders"]
    sections = [Section(sentences=introduction(confounders, parts["left_out"]) + of_sites(read_tsv(metrics)))]
    sections += [Section("Columns", table=headed(confounders), marks=COLOURS)]
    sections += [Section("How the verdicts are made", sentences=f"<p>{html.escape(RULES)}</p>")]
    named = {
        "strata": ("Scores within groups", "Groups with too few cases, or one label only, are listed and say so."),
        "subgroups": ("Subgroups", "Score, calibration and rates by group, with 95 % intervals."),
        "gaps": ("Largest gaps between groups", "P by exchanging groups among cases of the same label."),
        "left_out": ("Cases that are in none of these", ""),
    }
    for name, (heading, sentence) in named.items():
        rows = parts[name].drop(columns=["model", "task"])
        if len(rows):
            sections.append(Section(heading, f"<p>{sentence}</p>" * bool(sentence), numbered(rows)))
    write_page(page, f"What could explain the scores on {task}", note, sections)


def introduction(confounders: pd.DataFrame, left_out: pd.DataFrame) -> str:
    """The question, and a sentence per verdict (HTML)."""
    if confounders.empty:
        return "<p>There are no columns of the cases.</p>"
    first = confounders.iloc[0]
    model, score = html.escape(first.model), html.escape(first.score_name)
    text = (
        f"<p>A score can come from biology, or from where and how a slide was made. The out-of-fold predictions of "
        f"<b>{model}</b> are compared again among cases that are alike in one column at a time. Score: {score}. "
        f"Cases left out: {len(left_out)}. Association is not causation, and a column that nobody recorded "
        "can't be tested.</p>"
    )
    lines = []
    for verdict, sentence in PLAIN.items():
        names = [f"<b>{html.escape(name)}</b>" for name in confounders[confounders.verdict == verdict].column]
        lines += [f"<li>{sentence.format(', '.join(names))}</li>"] if names else []
    return f"{text}<ul>{''.join(lines)}</ul>"


def of_sites(summary: pd.DataFrame) -> str:
    """A sentence per kind of folds of whole sites, where they were asked for (HTML)."""
    first = summary[summary.primary == "1"].set_index("protocol")
    frozen_protocol = next((name for name in ("logistic", "cox", "ridge") if name in first.index), "")
    lines = []
    for protocol, description in FOLDS.items():
        if frozen_protocol and protocol in first.index:
            lines.append(
                f"<li>{description}: {shown(first.loc[protocol])}; "
                f"on the task's folds {shown(first.loc[frozen_protocol])}.</li>"
            )
    return f"<p>At hospitals that are not in training:</p><ul>{''.join(lines)}</ul>" if lines else ""


def shown(row: pd.Series) -> str:
    """A score with its interval."""
    if row["mean"] in ("", "nan"):
        return f"{html.escape(row.metric)} is not defined"
    between = f" ({float(row.lower):.3f} to {float(row.upper):.3f})" if row.lower and row.upper else ""
    return f"{html.escape(row.metric)} {float(row['mean']):.3f}{between}"


def numbered(rows: pd.DataFrame) -> pd.DataFrame:
    """Numbers as numbers; names of columns and groups stay as they are, for 1e9 may be a hospital."""
    return as_numbers(rows).assign(**{name: rows[name] for name in WORDS if name in rows})


def headed(confounders: pd.DataFrame) -> pd.DataFrame:
    """The columns that a page shows, numbers as numbers, under headings of their own."""
    table = numbered(confounders)[list(SHOWN)]
    names = list(SHOWN.values())
    table.columns = [f"{name}{' ' * names[:place].count(name)}" for place, name in enumerate(names)]
    return table


def compare_confounders(
    *, tables: Sequence[str], metrics: Sequence[str], note: str, table: str, page: str
) -> pd.DataFrame:
    """Write tables/confounders.tsv (rows of all tasks) and its page, tasks x columns; return the rows.

    tables: confounders.tsv of each task; metrics: summary.tsv of group frozen of each, in the same order.
    """
    parts = [read_tsv(path) for path in tables]
    rows = pd.concat(parts, ignore_index=True)
    write_tsv(table, rows)
    grid = rows.pivot(index="task", columns="column", values="verdict") if len(rows) else pd.DataFrame()
    columns = [name for name in dict.fromkeys(rows.column)]
    grid = grid.reindex(index=list(dict.fromkeys(rows.task)), columns=columns).fillna("")
    grid.columns = [f"{name} (column)" if name == "task" else name for name in columns]
    grid = grid.rename_axis("task").reset_index()
    sites = pd.DataFrame([{"task": path_task, **drops(read_tsv(path))} for path_task, path in named(parts, metrics)])
    wide = grid.merge(sites, on="task", how="left") if sites.shape[1] > 1 else grid
    counts = rows.verdict.value_counts()
    verdict_counts = "; ".join(f"{name}: {counts.get(name, 0)}" for name in COLOURS)
    intro = (
        "<p>Tasks x columns of their cases: can the column explain what the model scores? A page per task has the "
        f"numbers. {html.escape(verdict_counts)}.</p><p>{html.escape(RULES)}</p>"
    )
    write_page(page, "What could explain the scores", note, [Section(sentences=intro, table=wide, marks=COLOURS)])
    return rows


def named(parts: Sequence[pd.DataFrame], metrics: Sequence[str]) -> list[tuple[str, str]]:
    """Task of each table of columns, with the summary of its scores."""
    return [(part.task.iloc[0], path) for part, path in zip(parts, metrics, strict=True) if len(part)]


def drops(summary: pd.DataFrame) -> dict[str, float]:
    """How much lower the first metric is on folds of whole sites than on the task's own."""
    first = summary[summary.primary == "1"].set_index("protocol")["mean"].map(lambda cell: float(cell or "nan"))
    task_score = next((first[name] for name in ("logistic", "cox", "ridge") if name in first), float("nan"))
    return {f"drop, {description}": task_score - first[name] for name, description in FOLDS.items() if name in first}
