"""Pages that stand alone: a title, sentences, and tables that sort and filter; they need no network.

DataTables (MIT licence), as the package itables brings it, and the rows lie packed in each page: the report shows pages
as data URLs, of which Chromium takes two megabytes. Browsers since 2023 unpack them.
"""

from __future__ import annotations

import base64
import gzip
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from ..common.files import read_tsv, write_text

#: Rows of a table that a page shows at most: browsers grow slow beyond.
MOST_ROWS = 10_000
#: Letters from which on a cell is a sentence and its column is not made narrow.
SENTENCE = 40
#: A number; 00012 and 12345678901234567 are names, of which a float would keep neither all digits nor the zeros.
NUMBER = re.compile(r"[-+]?((0|[1-9]\d{0,14})(\.\d*)?|\.\d+)(e[-+]?\d{1,3})?|nan|-?inf", re.IGNORECASE)
#: Columns of names, even where every name is a number.
NAMES = ("case_id", "slide_id", "profile_id", "sample_id", "gene", "fold", "seed")
STYLE = """body{font:15px system-ui,sans-serif;margin:2em;color:#222;background:#fff}
.sentences{max-width:60em;line-height:1.45} .wide{overflow-x:auto;margin:1em 0}
table.data{border-collapse:collapse;font-size:13px;margin:0} table.data th{text-align:left;white-space:nowrap}
table.data td{vertical-align:top;white-space:nowrap;border-bottom:1px solid #e4e4e4}
table.data.data td,table.data.data th{padding:.25em .7em}
"""
#: Function of JavaScript that gives what `pack` was given.
UNPACK = """async function unpack(text) {
  const bytes = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}
"""
#: A click on a column's name sorts; the fields below the names and the one above the table filter.
SCRIPT = """const code = await unpack(document.querySelector("#datatables").textContent);
const { jQuery } = await import("data:text/javascript;charset=utf-8," + encodeURIComponent(code));
for (const table of document.querySelectorAll("table.data"))
  table.tBodies[0].innerHTML = await unpack(document.querySelector(`#${table.id}-rows`).textContent);
jQuery("table.data").DataTable({
  autoWidth: false, deferRender: true, order: [], pageLength: 25, lengthMenu: [10, 25, 100, -1],
  columnControl: [{ target: 0, content: ["order"] }, { target: 1, content: ["search"] }],
  ordering: { indicators: false },
  layout: { topStart: "pageLength", topEnd: "search", bottomStart: "info", bottomEnd: "paging" },
  language: { lengthLabels: { "-1": "all" } },
});
document.body.dataset.ready = "yes";
"""


@dataclass(frozen=True)
class Section:
    """A part of a page: a heading, sentences (HTML; the words of others in it are escaped), a table if it has one.

    marks: background of cells that hold just this text, as CSS has colours."""

    heading: str = ""
    sentences: str = ""
    table: pd.DataFrame | None = None
    marks: Mapping[str, str] = field(default_factory=dict)


def write_page(path: str, title: str, note: str, sections: Sequence[Section], style: str = "") -> None:
    """Write a page; `note` (what the config says of the data, such as 'synthetic') stands in the title.

    The same title, note and sections give the same bytes.
    """
    full = html.escape(f"{title} ({note})" if note else title)
    body = "".join(_show(section, f"table-{number}") for number, section in enumerate(sections, start=1))
    css, script = _libraries() if any(section.table is not None for section in sections) else ("", "")
    write_text(
        path,
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{full}</title>\n'
        f"<style>{css}{STYLE}{style}</style></head>\n<body><h1>{full}</h1>{body}{script}</body></html>\n",
    )


def show_table(*, table: str, name: str, title: str, sentences: str, note: str, page: str) -> None:
    """Write the page of one TSV file.

    name: where the file lies below the results folder, for readers who want all of it; sentences: plain text, with
    names of files and columns between `backticks`.
    """
    rows = read_tsv(table)
    told = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(sentences))
    if len(rows) > MOST_ROWS:
        told += f" <b>The first {MOST_ROWS:,} of {len(rows):,} rows.</b>"
    told += f" The same as a file: <code>{html.escape(name)}</code>."
    write_page(page, title, note, [Section(sentences=told, table=as_numbers(rows.head(MOST_ROWS)))])


def as_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """The table of strings with the columns as numbers that hold nothing else; names stay names.

    Not by pandas.to_numeric, which dies (2.3.3) of a fingerprint such as 7e45361234567890: its exponent is too large.
    """
    columns = {name: table[name] for name in table if name not in NAMES}
    found = {name: column for name, column in columns.items() if _holds_numbers(column)}
    return table.assign(**{name: column.map(lambda cell: float(cell or "nan")) for name, column in found.items()})


def _holds_numbers(column: pd.Series) -> bool:
    filled = column[column != ""]
    return len(filled) > 0 and filled.map(lambda cell: NUMBER.fullmatch(cell) is not None).all()


def _show(section: Section, name: str) -> str:
    heading = f"<h2>{html.escape(section.heading)}</h2>" if section.heading else ""
    sentences = f'<div class="sentences">{section.sentences}</div>' if section.sentences else ""
    return heading + sentences + (_as_html(section.table, name, section.marks) if section.table is not None else "")


def _as_html(table: pd.DataFrame, name: str, marks: Mapping[str, str]) -> str:
    """The table as HTML, every cell escaped, numbers with four significant digits, sentences not too narrow."""
    if not len(table):
        return "<p>No rows.</p>"
    shown = pd.DataFrame({column: _as_text(table[column]) for column in table})
    wide = [number for number, column in enumerate(shown, start=1) if shown[column].str.len().max() > SENTENCE]
    style = "".join(f"#{name} td:nth-child({number}){{white-space:normal;min-width:24em}}" for number in wide)
    shown.columns = [str(column).replace("_", " ") for column in shown]
    with pd.option_context("display.max_colwidth", None):
        cells = shown.to_html(index=False, border=0, escape=True, table_id=name, classes="data display compact")
    start, end = cells.index("<tbody>") + len("<tbody>"), cells.index("</tbody>")
    rows = re.sub(r"\n *", "", cells[start:end])
    for text, colour in marks.items():
        cell = f"{html.escape(text)}</td>"
        rows = rows.replace(f"<td>{cell}", f'<td style="background:{colour}">{cell}')
    return (
        f'<style>{style}</style><div class="wide">{cells[:start]}{cells[end:]}</div>\n'
        f'<script type="text/plain" id="{name}-rows">{pack(rows)}</script>\n'
    )


def pack(text: str) -> str:
    """Text as letters that UNPACK makes it of again: no markup, and a fifth as long. Same text, same letters."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _as_text(column: pd.Series) -> pd.Series:
    return column.map(_number if pd.api.types.is_float_dtype(column) else str).where(column.notna(), "")


def _number(value: float) -> str:
    whole = float(value).is_integer() or abs(value) >= 1000
    return f"{value:.0f}" if whole and abs(value) < 1e9 else f"{value:.4g}"


def _libraries() -> tuple[str, str]:
    """Style and scripts of DataTables, to be put into a page."""
    import itables.options

    bundle = Path(itables.options.dt_bundle)
    code = pack(bundle.read_text(encoding="utf-8"))
    scripts = (
        "<noscript>The table needs JavaScript.</noscript>\n"
        f'<script type="text/plain" id="datatables">{code}</script>\n<script type="module">\n{UNPACK}{SCRIPT}</script>'
    )
    return bundle.with_suffix(".css").read_text(encoding="utf-8"), scripts
