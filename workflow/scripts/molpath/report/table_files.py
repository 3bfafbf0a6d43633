"""Tables as Markdown and LaTeX, several in one file, each under its title."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ..common.files import write_text
from .published import as_latex
from .tables import as_markdown


def write_readable(parts: Mapping[str, pd.DataFrame], markdown: str, latex: str, note: str) -> None:
    """Write tables by title, Markdown with headings and LaTeX with captions that end in the note."""
    parts = {f"{title}{f' ({note})' if note else ''}": table for title, table in parts.items()}
    write_text(markdown, "\n\n".join(f"## {title}\n\n{as_markdown(part)}" for title, part in parts.items()) + "\n")
    write_text(latex, "\n".join(as_latex(title, part) for title, part in parts.items()))
