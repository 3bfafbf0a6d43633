"""Pages that stand alone: a title, sentences, and tables that sort and filter; they need no network.

DataTables (MIT licence), as the package itables brings it, and the rows lie packed in each page: the report shows pages
as data URLs, of which Chromium takes two megabytes. Browsers since 2023 unpack them.
"""

from __future__ import annotations

import base64
import gzip
import html
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, StrictUndefined

from ..common.files import read_tsv, write_text
from .names import headings

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


#: What isn't marked `safe` is escaped.
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{{ title }}</title>
<style>{{ style|safe }}</style></head>
<body><h1>{{ title }}</h1>
{% for section in sections %}
  {% if section.heading %}<h2>{{ section.heading }}</h2>{% endif %}
  {% if section.sentences %}<div class="sentences">{{ section.sentences|safe }}</div>{% endif %}
  {% if section.table is not none %}
    {% with name = "table-%d" % loop.index, table = section.table|text, marks = section.marks %}
      {% if table.rows %}
<style>{% for place in table.wide %}#{{ name }} td:nth-child({{ place }}){white-space:normal;min-width:24em}{% endfor %}
</style><div class="wide"><table class="data display compact" id="{{ name }}">
<thead><tr>{% for column in table.columns -%}
<th{% if loop.index in table.numbers %} data-type="num"{% endif %}>{{ column }}</th>
{%- endfor %}</tr></thead><tbody></tbody></table></div>
<script type="text/plain" id="{{ name }}-rows">{% filter packed %}
        {% for row in table.rows %}
<tr>{% for cell in row %}<td{% if cell in marks %} style="background:{{ marks[cell] }}"{% endif %}>{{ cell }}</td>
          {%- endfor %}</tr>
        {%- endfor %}
      {% endfilter %}</script>
      {% else %}
<p>No rows.</p>
      {% endif %}
    {% endwith %}
  {% endif %}
{% endfor %}
{% if code %}
<noscript>The table needs JavaScript.</noscript>
<script type="text/plain" id="datatables">{{ code|packed }}</script>
<script type="module">
{{ script|safe }}</script>
{% endif %}
</body></html>
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
    pages = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    pages.filters |= {"packed": pack, "text": _as_text}
    full = f"{title} ({note})" if note else title
    css, code = _libraries() if any(section.table is not None for section in sections) else ("", "")
    page = pages.from_string(PAGE).render(
        title=full, style=f"{css}{STYLE}{style}", sections=sections, code=code, script=UNPACK + SCRIPT
    )
    write_text(path, f"{page}\n")


def show_table(*, table: str, name: str, title: str, sentences: str, note: str, page: str) -> None:
    """Write the page of one TSV file.

    name: where the file lies below the results folder, for readers who want all of it; sentences: plain text, with
    names of files and columns between `backticks`.
    """
    rows = read_tsv(table)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(sentences))
    if len(rows) > MOST_ROWS:
        text += f" <b>The first {MOST_ROWS:,} of {len(rows):,} rows.</b>"
    text += f" The same as a file: <code>{html.escape(name)}</code>."
    write_page(page, title, note, [Section(sentences=text, table=as_numbers(rows.head(MOST_ROWS)))])


def as_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """The table of strings with the columns as numbers that hold nothing else; names stay names.

    Not by pandas.to_numeric, which dies (2.3.3) of a fingerprint such as 7e45361234567890: its exponent is too large.
    """
    columns = {name: table[name] for name in table if name not in NAMES}
    numeric = {name: column for name, column in columns.items() if _holds_numbers(column)}
    return table.assign(**{name: column.map(lambda cell: float(cell or "nan")) for name, column in numeric.items()})


def _holds_numbers(column: pd.Series) -> bool:
    filled = column[column != ""]
    return len(filled) > 0 and filled.map(lambda cell: NUMBER.fullmatch(cell) is not None).all()


def _as_text(table: pd.DataFrame) -> dict[str, Any]:
    """Rows of a table as words, numbers with four significant digits; headings; places of sentences and numbers."""
    shown = [_words(column) for _, column in table.items()]
    wide = [place for place, cells in enumerate(shown, start=1) if max(map(len, cells), default=0) > SENTENCE]
    names = headings(list(map(str, table)))
    numbers = [place for place, (_, column) in enumerate(table.items(), start=1) if _is_float(column)]
    return {"columns": names, "wide": wide, "numbers": numbers, "rows": list(zip(*shown, strict=True))}


def pack(text: str) -> str:
    """Text as letters that UNPACK makes it of again: no markup, and a fifth as long. Same text, same letters."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _words(column: pd.Series) -> list[str]:
    write: Callable[[Any], str] = _number if _is_float(column) else str
    return ["" if pd.isna(value) else write(value) for value in column]


def _is_float(column: pd.Series) -> bool:
    return bool(pd.api.types.is_float_dtype(column))


def _number(value: float) -> str:
    if math.isinf(value):  # as JavaScript writes it, which sorts it
        return "Infinity" if value > 0 else "-Infinity"
    whole = float(value).is_integer() or abs(value) >= 1000
    return f"{value:.0f}" if whole and abs(value) < 1e9 else f"{value:.4g}"


def _libraries() -> tuple[str, str]:
    """Style and code of DataTables."""
    import itables.options

    bundle = Path(itables.options.dt_bundle)
    return bundle.with_suffix(".css").read_text(encoding="utf-8"), bundle.read_text(encoding="utf-8")
