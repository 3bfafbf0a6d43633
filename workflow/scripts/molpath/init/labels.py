"""A table of labels as people have them - CSV or TSV, from a spreadsheet or R - and how its rows belong to slides."""

from __future__ import annotations

import argparse
import csv
import io
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..common.tsv import BadTable, decode_text
from .draft import Draft, Refusal, number, some
from .names import cases_by_name, cases_by_prefix, ends_of, shared_beginnings, stem_of

#: What columns of slides and of cases are called, in lower case and with `_` between words.
SLIDE_WORDS = (
    *("slide_id", "slide", "slide_name", "slides", "filename", "file_name", "file", "wsi", "wsi_id"),
    *("image", "image_id", "slide_file", "slide_path", "slideid"),
)
CASE_WORDS = (
    *("case_id", "case", "patient_id", "patient", "patientid", "bcr_patient_barcode", "submitter_id", "subject"),
    *("subject_id", "case_submitter_id", "participant_id", "caseid"),
)
#: What cells hold where there is no value.
EMPTY = {"", "na", "n/a", "nan", "null", "#n/a", "-", "?", "[not available]", "[not applicable]", "[unknown]"}


@dataclass(frozen=True)
class Labels:
    """A table of labels: its columns, and its rows with '' where a cell is empty or says so (NA, nan, …)."""

    path: str
    columns: list[str]
    rows: list[dict[str, str]]

    @property
    def name(self) -> str:
        """The file's name, as messages say it."""
        return Path(self.path).name

    def with_words(self, words: Sequence[str]) -> list[str]:
        """Columns that are called one of `words`, however spelled."""
        return [column for column in self.columns if plain(column) in words]

    def check(self, column: str | None, option: str) -> None:
        """Refuse a column that isn't there."""
        if column is not None and column not in self.columns:
            raise Refusal(f"{option} {column}: {self.name} has no such column, but {', '.join(self.columns)}")


@dataclass(frozen=True)
class Joined:
    """Slides (or whatever has names) with what a table says of them: case and rows by name; ids: columns of names."""

    names: Sequence[str]
    case_of: dict[str, str]
    rows_of: dict[str, list[dict[str, str]]]
    ids: Collection[str] = ()
    labels: Labels | None = None


def plain(column: str) -> str:
    """A column's name in lower case, words split by `_`."""
    return re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_")


def read_labels(path: str) -> Labels:
    """The table; a byte order mark, semicolons, quotes and any line ends are fine. Raises Refusal for what is none."""
    if not Path(path).is_file():
        raise Refusal(f"--labels {path}: no such file")
    try:
        text = decode_text(path, "comma-separated")
    except BadTable as error:
        book = "Excel" in error.wrong
        remedy = "save its sheet as CSV UTF-8 (File, Save As) and give that" if book else error.remedy
        raise Refusal(f"--labels {error.where}: {error.wrong}: {remedy}") from None
    except OSError as error:
        raise Refusal(f"--labels {path}: {error.strerror}") from None
    lines = [line for line in text.split("\n") if not line.startswith("#")]
    header = next((line for line in lines if line.strip()), "")
    mark = max("\t,;", key=header.count)
    try:
        cells = [row for row in csv.reader(io.StringIO("\n".join(lines), newline=""), delimiter=mark) if any(row)]
    except csv.Error as error:
        raise Refusal(f"--labels {path}: {error}: save it as CSV in UTF-8") from None
    if len(cells) < 2:
        raise Refusal(f"--labels {path}: no rows below a header")
    return _of_cells(path, cells, decimal_comma=mark == ";")


def _of_cells(path: str, cells: list[list[str]], decimal_comma: bool) -> Labels:
    columns = [name.strip() for name in cells[0]]
    if twice := [name for name in columns if name and columns.count(name) > 1]:
        raise Refusal(f"--labels {path}: column {twice[0]!r} is there twice: rename or remove one")
    for place, row in enumerate(cells[1:], 2):
        if len(row) != len(columns):
            raise Refusal(f"--labels {path}, row {place}: {len(row)} cells, and the header has {len(columns)}")
    rows = [dict(zip(columns, map(str.strip, row), strict=True)) for row in cells[1:]]
    for one in rows:
        for name, cell in one.items():
            if cell.lower() in EMPTY:
                one[name] = ""
            elif decimal_comma and re.fullmatch(r"-?\d+,\d+", cell):
                one[name] = cell.replace(",", ".")
    return Labels(path, [name for name in columns if name], rows)


def join(
    names: Sequence[str],
    what: str,
    options: argparse.Namespace,
    draft: Draft,
    known: Mapping[str, str] | None = None,
) -> Joined:
    """Slides with their cases and the rows of --labels; guesses and counts go to the draft.

    known: the cases of slides, where something else says them.
    """
    known = {name: name for name in names} if what == "case" else dict(known or {})
    if not options.labels:
        case_of, how = cases_by_name(names, options.case_pattern)
        draft.guess("cases", how, "--case-pattern REGEX, --labels FILE")
        warn_of_cases(case_of, draft)
        draft.counts.append(f"{number(len(names), what)} of {number(len(set(case_of.values())), 'case')}, no labels")
        return Joined(names, case_of, {})
    labels = read_labels(options.labels)
    for option in ("slide_column", "case_column", "time", "event"):
        labels.check(getattr(options, option), f"--{option.replace('_', '-')}")
    slide, case = choose_columns(labels, names, what, known, options)
    found = _rows_by(labels, slide, names) if slide else {}
    case_of, how = _cases(names, labels, found, case, known, options.case_pattern)
    if not slide:
        of_case = _rows_by(labels, case, set(case_of.values()))
        found = {name: of_case[case_of[name]] for name in names if case_of[name] in of_case}
    if slide:
        draft.guess(f"names of {what}s", f"column {slide!r} of {labels.name}", f"--{what}-column")
    if what != "case":
        draft.guess("cases", how, "--case-column" if case else "--case-pattern REGEX")
        warn_of_cases(case_of, draft)
    if not found:
        raise nothing_fits(labels, slide or case, names, what)
    joined = Joined(names, case_of, found, {slide, case} - {""}, labels)
    count(joined, slide or case, what, draft)
    return joined


def warn_of_cases(case_of: Mapping[str, str], draft: Draft) -> None:
    """Slides that are cases of their own and look like several of one patient would stand on both sides of a fold."""
    alike = shared_beginnings(slide for slide, case in case_of.items() if slide == case)
    if alike:
        told = f"names begin alike ({some(alike)}): if these are slides of one patient, say"
        draft.notes.append(f"{told} --case-pattern '^.+(?=[-_. ])', or a column of cases")


def _rows_by(labels: Labels, column: str, names: Collection[str]) -> dict[str, list[dict[str, str]]]:
    """Rows of each name that a column has."""
    rows_of: dict[str, list[dict[str, str]]] = {}
    for row in labels.rows:
        for name in dict.fromkeys((row[column], stem_of(row[column]))):
            rows_of.setdefault(name, []).append(row)
    return {name: rows_of[name] for name in names if name in rows_of}


def _cases(
    names: Sequence[str],
    labels: Labels,
    found: Mapping[str, list[dict[str, str]]],
    column: str,
    known: Mapping[str, str],
    pattern: str | None,
) -> tuple[dict[str, str], str]:
    """Case of each slide and how it was told: as known, by the table where it says it, else by the name."""
    if known:
        return dict(known), "as the embeddings say"
    by_name, how = cases_by_name(names, pattern)
    if not column or pattern:
        return by_name, how
    near = cases_by_prefix([name for name in names if name not in found], {row[column] for row in labels.rows} - {""})
    told = {}
    for name, rows in found.items():
        cases = {row[column] for row in rows} - {""}
        if len(cases) > 1:
            raise Refusal(f"{labels.name}: slide {name} is of case {' and of '.join(sorted(cases))}: correct one")
        if cases:
            told[name] = cases.pop()
    place = "" if found else ", which a slide's name begins with"
    return by_name | near | told, f"column {column!r} of {labels.name}{place}"


def choose_columns(
    labels: Labels, names: Sequence[str], what: str, known: Mapping[str, str], options: argparse.Namespace
) -> tuple[str, str]:
    """Columns of slides and of cases, '' where there is none: those given, those so called, those that fit."""
    wanted = set(names)
    exact = {column: _fits(labels, column, wanted) for column in labels.columns}
    if what == "case":
        named = best(labels, labels.with_words(CASE_WORDS), exact, "cases", "--case-column")
        column = options.case_column or named or best(labels, labels.columns, exact, "cases", "--case-column")
        return _or_refuse(labels, column, "", names, what)
    slide = options.slide_column or best(labels, labels.with_words(SLIDE_WORDS), exact, "slides", "--slide-column")
    near = {column: _near(names, known, {row[column] for row in labels.rows} - {""}) for column in labels.columns}
    # Beside a column of slides, one of cases need not look like the names of slides.
    called = [column for column in labels.with_words(CASE_WORDS) if column != slide]
    case = options.case_column or best(
        labels, called, dict.fromkeys(labels.columns, 1) if slide else near, "cases", "--case-column"
    )
    if not slide and not case:
        slide = best(labels, labels.columns, exact, "slides", "--slide-column")
        case = "" if slide else best(labels, labels.columns, near, "cases", "--case-column")
    return _or_refuse(labels, slide, case, names, what)


def _or_refuse(labels: Labels, slide: str, case: str, names: Sequence[str], what: str) -> tuple[str, str]:
    if not slide and not case:
        shown = [*labels.with_words(SLIDE_WORDS), *labels.with_words(CASE_WORDS), *labels.columns]
        raise nothing_fits(labels, shown[0], names, what)
    return slide, case


def _fits(labels: Labels, column: str, names: Collection[str]) -> int:
    """How many names a column has."""
    return len({name for row in labels.rows for name in (row[column], stem_of(row[column])) if name in names})


def _near(names: Sequence[str], known: Mapping[str, str], cases: Collection[str]) -> int:
    """How many names are of a case among the cells of a column: as known, else by their beginning."""
    if known:
        return sum(known[name] in cases for name in names)
    return sum(any(end in cases for end in ends_of(name)) for name in names)


def best(labels: Labels, columns: Sequence[str], fit: Mapping[str, int], what: str, option: str) -> str:
    """The column that fits most names; '' where none fits. Raises Refusal where two that differ fit as many."""
    most = max((fit[column] for column in columns), default=0)
    fitting = [column for column in columns if fit[column] == most and most]
    own = [column for column in fitting if column in ("slide_id", "case_id")]
    if own or len(fitting) < 2:
        return (own or fitting or [""])[0]
    if len({tuple(row[column] for row in labels.rows) for column in fitting}) == 1:
        return fitting[0]
    shown = "; ".join(f"{column}: {some(row[column] for row in labels.rows)}" for column in fitting)
    raise Refusal(f"{labels.name}: {' and '.join(fitting)} could both name the {what} ({shown}): say {option}")


def nothing_fits(labels: Labels, column: str, names: Sequence[str], what: str) -> Refusal:
    """What to say where no row is of a slide: examples of both sides, and what may be behind it."""
    cells = [stem_of(row[column]) for row in labels.rows if row[column]]
    hint = "name the right column (--slide-column, --case-column), or correct the names"
    for change, told in (
        (lambda text: text.lstrip("0"), "zeros in front are missing on one side; a spreadsheet takes them away"),
        (str.casefold, "they differ in upper and lower case"),
        (lambda text: text.removesuffix(".0"), "whole numbers were written as fractions (12.0)"),
    ):
        if {change(cell) for cell in cells} & {change(name) for name in names}:
            hint = f"{told}: write them alike"
            break
    return Refusal(
        f"no row of {labels.name} is of one of the {number(len(names), what)}:\n"
        f"  {what}s: {some(names)}\n  {labels.name}, column {column!r}: {some(cells)}\n  -> {hint}"
    )


def count(joined: Joined, column: str, what: str, draft: Draft) -> None:
    """Counts of slides and cases, and of what has no partner on either side."""
    assert joined.labels is not None
    cases = len(set(joined.case_of.values()))
    draft.counts.append(f"{number(len(joined.names), what)} of {number(cases, 'case')}")
    without = [name for name in joined.names if name not in joined.rows_of]
    draft.counts.append(f"{number(len(without), what)} without a row in {joined.labels.name}" + _shown(without))
    used = {id(row) for rows in joined.rows_of.values() for row in rows}
    left = [row[column] for row in joined.labels.rows if id(row) not in used]
    draft.counts.append(f"{number(len(left), 'row')} of {joined.labels.name} without a {what}" + _shown(left))


def _shown(names: Sequence[str]) -> str:
    return f" ({some(names)})" if names else ""


def renamed(joined: Joined, slides: Mapping[str, str], cases: Mapping[str, str]) -> Joined:
    """The same by ids: names of slides and cases as the sheet writes them."""
    return replace(
        joined,
        names=[slides[name] for name in joined.names],
        case_of={slides[name]: cases[case] for name, case in joined.case_of.items()},
        rows_of={slides[name]: rows for name, rows in joined.rows_of.items()},
    )
