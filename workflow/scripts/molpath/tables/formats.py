"""How numbers and tables read: intervals, names of metrics, Markdown and LaTeX."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..common.files import write_text

#: Usual names of metrics.
METRICS = {
    "macro-ovr-auc": "AUC",
    "cindex": "c-index",
    "bacc": "balanced accuracy",
    "weighted_kappa": "quadratic weighted kappa",
    "weighted_kappa_fixed": "quadratic weighted kappa, all labels",
}


def write_readable(parts: Mapping[str, pd.DataFrame], markdown: str, latex: str, note: str) -> None:
    """Write tables by title, Markdown with headings and LaTeX with captions that end in the note."""
    parts = {f"{title}{f' ({note})' if note else ''}": table for title, table in parts.items()}
    write_text(markdown, "\n\n".join(f"## {md(title)}\n\n{as_markdown(part)}" for title, part in parts.items()) + "\n")
    write_text(latex, "\n".join(as_latex(title, part) for title, part in parts.items()))


def as_markdown(table: pd.DataFrame) -> str:
    """A table as Markdown."""
    lines = ["| " + " | ".join(map(md, table.columns)) + " |", "|" + "---|" * len(table.columns)]
    cells = [list(map(md, row)) for row in table.itertuples(index=False)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in cells])


def md(text: object) -> str:
    """Text with the letters escaped that Markdown reads as tags, links, pictures, code or cells."""
    return re.sub(r"([\\`<|\[\]])", r"\\\1", str(text))


def as_latex(caption: str, table: pd.DataFrame) -> str:
    """A table environment with plain rules (package booktabs)."""
    rows = [" & ".join(map(tex, row)) + r" \\" for row in table.itertuples(index=False)]
    head = " & ".join(map(tex, table.columns)) + r" \\"
    parts = [
        r"\begin{table}",
        rf"\caption{{{tex(caption)}}}",
        rf"\begin{{tabular}}{{{'l' * table.shape[1]}}}",
        r"\toprule",
    ]
    return "\n".join([*parts, head, r"\midrule", *rows, r"\bottomrule", r"\end{tabular}", r"\end{table}", ""])


def tex(text: object) -> str:
    """Text with the letters escaped that LaTeX reads as commands."""
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(special.get(letter, f"\\{letter}" if letter in "&%$#_{}" else letter) for letter in str(text))


def show(mean: float, lower: float, upper: float, suffix: str = "") -> str:
    """'0.712 (0.650 to 0.770)'; suffix: how many folds it is over, where some failed."""
    if not np.isfinite(mean):
        return "no result"
    value = f"{mean:.3f} ({lower:.3f} to {upper:.3f})" if np.isfinite(lower) else f"{mean:.3f}"
    return f"{value}, {suffix}" if suffix else value


def words_of(metric: str) -> str:
    """A metric's usual name, for axes."""
    return METRICS.get(metric, metric)
