"""Tables of scores to print: a table per cohort, and the protocols beside frozen probes; as TSV, Markdown and LaTeX.

Cells come as a tidy table, one row per cell: `table` and `column` say its place, `model` in which row, `block` in
which part of the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..common.files import write_text, write_tsv
from .formats import md, show, tex, words_of
from .gains import sweep
from .scores import PROMPTS, Models, enough, main_scores, notes_of_folds, read_metrics

COLUMNS = [
    "table",
    "block",
    "model",
    "column",
    "metric",
    "mean",
    "se",
    "lower",
    "upper",
    "n_folds",
    "n_fits",
    "n_failed",
    "n_empty",
]
COLUMNS += ["shown", "best"]
FROZEN, TRAINED = "frozen", "fine-tuned and supervised"


def table_cohorts(*, metrics: str, models: Models, note: str, outputs: Mapping[str, str]) -> None:
    """Write a table for each source of tasks: models by task, frozen probes first, then what was trained."""
    scores = read_metrics(metrics)
    parts = []
    for group, block in (("frozen", FROZEN), ("finetune", TRAINED)):
        group_scores = main_scores(scores, group, models)
        source, task_names = (
            group_scores.task.map(lambda task, part=part: task.partition("--")[part]) for part in (0, 2)
        )
        parts.append(cells(group_scores, source, task_names + ", " + metric_names(group_scores), block))
    write_tables(finished(parts), models, note, outputs)


def table_protocols(*, metrics: str, models: Models, c: float, note: str, outputs: Mapping[str, str]) -> None:
    """Write the tables of few labels, retrieval, prompts, transfer and the sweep of C (c: the probe's own)."""
    scores = read_metrics(metrics)
    shots = main_scores(scores, "fewshot", models)
    retrieval = scores[(scores.protocol == "retrieval") & scores.model.isin(models)]
    prompts = scores[(scores.primary == 1) & (scores.group == "prompt") & scores.protocol.isin(PROMPTS)]
    across = main_scores(scores, "transfer", models)
    parts = [
        cells(
            shots, "few labels: " + shots.task + ", " + metric_names(shots), [f"k = {count:g}" for count in shots.shots]
        ),
        cells(retrieval, "retrieval: " + retrieval.task, retrieval.metric),
        cells(prompts[prompts.model.isin(models)], "prompts", prompts.task + ", " + metric_names(prompts), by=PROMPTS),
        cells(across, "transfer", across.task + ", " + metric_names(across)),
        swept(scores, models, c),
    ]
    write_tables(finished(parts), models, note, outputs)


def metric_names(scores: pd.DataFrame) -> pd.Series:
    """The usual name of each row's metric."""
    return scores.metric.map(words_of)


def cells(scores: pd.DataFrame, table, column, block: str = "", by: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Scores as cells; by: names of protocols, each a block of its own."""
    rows = scores.rename(columns={"mean": "value"}).assign(fold_note=notes_of_folds(scores))
    shown = [show_score(row) for row in rows.itertuples()]
    blocks = scores.protocol.map(by) if by else block
    return scores.assign(table=table, column=column, block=blocks, shown=shown)


def show_score(row) -> str:
    """'0.712 ± 0.015' (standard error) over folds; '0.712 (0.650 to 0.770)' where there is one.

    Where some folds have no value, how many have one: '0.590, 1 of 5 folds'.
    """
    if not np.isfinite(row.value):
        return "no result"
    if row.n_folds > 1 and np.isfinite(row.se):
        return f"{row.value:.3f} ± {row.se:.3f}" + f", {row.fold_note}" * bool(row.fold_note)
    if row.fold_note:
        return f"{row.value:.3f}, {row.fold_note}"
    return show(row.value, row.lower, row.upper)


def swept(scores: pd.DataFrame, models: Models, c: float) -> pd.DataFrame:
    """Cells of the sweep of C, a row per kind of model: mean over tasks and how many of them it won."""
    numbers = sweep(scores, models, c)
    shown = [
        f"{mean:.3f} ({n_won} of {tasks})"
        for mean, n_won, tasks in zip(numbers["mean"], numbers.won, numbers.tasks, strict=True)
    ]
    blank = {"block": "", "metric": "mixed", "se": np.nan, "lower": np.nan, "upper": np.nan}
    blank |= dict.fromkeys(("n_folds", "n_fits", "n_failed", "n_empty"), "")
    table = "C of the logistic probe: mean score and tasks won, by kind of model"
    return numbers.assign(table=table, model=numbers.kind, column="C = " + numbers.C, shown=shown, **blank)


def finished(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """All cells, tables in the order of their first cell; the highest mean of each column and block has `best` = 1.

    Means over too few folds are never the best.
    """
    filled = [part[COLUMNS[:-1]] for part in parts if len(part)]
    if not filled:
        return pd.DataFrame(columns=COLUMNS)
    table = pd.concat(filled, ignore_index=True)
    fits = table[["n_fits", "n_failed", "n_empty"]].apply(pd.to_numeric)
    means = table["mean"].where(enough(fits) | fits.n_fits.isna())
    highest = means.groupby([table.table, table.block, table.column]).transform("max")
    table["best"] = (means == highest).astype(int)
    first = {name: place for place, name in enumerate(dict.fromkeys(table.table))}
    return table.sort_values("table", key=lambda names: names.map(first), kind="stable").reset_index(drop=True)


def write_tables(table: pd.DataFrame, models: Models, note: str, outputs: Mapping[str, str]) -> None:
    """The cells (TSV), and every table of them to read (Markdown) and to print (LaTeX, package booktabs)."""
    write_tsv(outputs["table"], table)
    parts = {name: blocks_of(rows, models) for name, rows in table.groupby("table", sort=False)}
    head = f"{md(note)}\n\n" if note else ""
    write_text(outputs["markdown"], head + "\n".join(blocks_as_markdown(*part) for part in parts.items()))
    write_text(outputs["latex"], "\n".join(blocks_as_latex(*part, note) for part in parts.items()))


def blocks_of(cells: pd.DataFrame, models: Models) -> dict[str, pd.DataFrame]:
    """Of one table: the rows (models, in their order) of each block; a cell is (text, best or not), empty ones None."""
    columns = list(dict.fromkeys(cells.column))
    cells = cells.assign(cell=list(zip(cells.shown, cells.best == 1, strict=True)))
    tables = {}
    for block, block_cells in cells.groupby("block", sort=False):
        wide = block_cells.pivot(index="model", columns="column", values="cell").reindex(columns=columns)
        ordered = [model for model in models if model in wide.index]
        tables[block] = wide.reindex([*ordered, *(model for model in wide.index if model not in ordered)])
    return tables


def blocks_as_markdown(name: str, blocks: Mapping[str, pd.DataFrame]) -> str:
    """A heading and a table; the best of each column and block in bold."""
    columns = next(iter(blocks.values())).columns
    lines = [
        f"## {md(name)}",
        "",
        "| model | " + " | ".join(map(md, columns)) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for block, rows in blocks.items():
        lines += [f"| *{md(block)}* |" + " |" * len(columns)] * bool(block)
        for model, row in zip(rows.index, rows.to_numpy(), strict=True):
            texts = [
                (f"**{md(cell[0])}**" if cell[1] else md(cell[0])) if isinstance(cell, tuple) else "" for cell in row
            ]
            lines.append("| " + " | ".join([md(model), *texts]) + " |")
    return "\n".join(lines) + "\n"


def blocks_as_latex(name: str, blocks: Mapping[str, pd.DataFrame], note: str) -> str:
    """A table environment; the best of each column and block in bold, a rule between blocks."""
    columns = next(iter(blocks.values())).columns
    width = len(columns) + 1
    lines = [r"\begin{table}", rf"\caption{{{tex(f'{name} ({note})' if note else name)}}}"]
    lines += [rf"\begin{{tabular}}{{{'l' * width}}}", r"\toprule", " & ".join(map(tex, ["model", *columns])) + r" \\"]
    for block, rows in blocks.items():
        lines += [r"\midrule"] + [rf"\multicolumn{{{width}}}{{l}}{{\emph{{{tex(block)}}}}} \\"] * bool(block)
        for model, row in zip(rows.index, rows.to_numpy(), strict=True):
            texts = [tex(cell[0]).replace("±", r"$\pm$") if isinstance(cell, tuple) else "" for cell in row]
            texts = [
                rf"\textbf{{{w}}}" if isinstance(c, tuple) and c[1] else w for w, c in zip(texts, row, strict=True)
            ]
            lines.append(" & ".join([tex(model), *texts]) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}", ""])
