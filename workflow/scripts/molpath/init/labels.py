"""How the rows of a table of labels belong to slides, and slides to cases."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from .draft import Draft, Refusal, number, some
from .label_table import Labels, read_labels
from .names import cases_by_name, cases_by_prefix, ends_of, patients_of, shared_beginnings, slide_barcode, stem_of

#: What columns of slides and of cases are called, in lower case and with `_` between words.
SLIDE_WORDS = (
    *("slide_id", "slide", "slide_name", "slides", "filename", "file_name", "file", "wsi", "wsi_id"),
    *("image", "image_id", "slide_file", "slide_path", "slideid"),
)
CASE_WORDS = (
    *("case_id", "case", "patient_id", "patient", "patientid", "bcr_patient_barcode", "submitter_id", "subject"),
    *("subject_id", "case_submitter_id", "participant_id", "caseid"),
)


@dataclass(frozen=True)
class Joined:
    """Slides (or whatever has names) with what a table says of them: case and rows by name; ids: columns of names."""

    names: Sequence[str]
    case_of: dict[str, str]
    rows_of: dict[str, list[dict[str, str]]]
    ids: Collection[str] = ()
    labels: Labels | None = None


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
    if not known and not options.case_pattern and (patients := patients_of(case_of)) != case_of:
        case_of, how = patients, f"{how}: the first 12 letters of TCGA's barcodes"
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
        for name in _keys(row[column]):
            rows_of.setdefault(name, []).append(row)
    found = {name: rows_of.get(name) or rows_of.get(slide_barcode(name)) for name in names}
    return {name: rows for name, rows in found.items() if rows}


def _keys(cell: str) -> list[str]:
    """What a cell may mean: itself, without folder and ending, without the UUID of TCGA's files."""
    return list(dict.fromkeys((cell, stem_of(cell), slide_barcode(stem_of(cell))))) if cell else []


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
    every = {row[column] for row in labels.rows} - {""}
    told = {}
    for name, rows in found.items():
        cases = {row[column] for row in rows} - {""}
        if len(cases) > 1:
            raise Refusal(f"{labels.name}: slide {name} is of case {' and of '.join(sorted(cases))}: correct one")
        if cases:
            told[name] = cases.pop()
    near = cases_by_prefix([name for name in names if name not in told], every)
    if lost := [name for name in found if name not in told and name not in near]:
        wrong = f"{labels.name}, column {column}: {number(len(lost), 'slide')} without a case ({some(lost)})"
        raise Refusal(f"{wrong}: fill it in in every row (cells that were merged too), or say --case-pattern")
    check_spelling(labels, column, {*told.values(), *near.values()})
    place = "" if found else ", which a slide's name begins with"
    return by_name | near | told, f"column {column!r} of {labels.name}{place}"


def check_spelling(labels: Labels, column: str, cases: Collection[str]) -> None:
    """Refuse two spellings of one case, which would stand on both sides of a fold."""
    first: dict[str, str] = {}
    for case in sorted(cases):
        if first.setdefault(case.casefold(), case) != case:
            told = f"{first[case.casefold()]} and {case} differ in upper and lower case alone"
            raise Refusal(f"{labels.name}, column {column}: {told}: write them alike if they are one case")


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
    cells = {key for row in labels.rows for key in _keys(row[column])}
    return sum(name in cells or slide_barcode(name) in cells for name in names)


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
        if {change(cell) for cell in cells} & {change(end) for name in names for end in ends_of(name)}:
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
    left = [row[column] or "without a name" for row in joined.labels.rows if id(row) not in used]
    draft.counts.append(f"{number(len(left), 'row')} of {joined.labels.name} without a {what}" + _shown(left))
    if hidden := joined.labels.hidden:
        draft.counts.append(f"{number(hidden, 'row')} of {joined.labels.name} left out for a # in front")


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
