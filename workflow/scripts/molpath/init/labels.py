"""Match the rows of a table of labels with slides, and slides with cases."""

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
    """Slides (or other named items) with their data from a table: case and rows by name; ids: columns of names."""

    names: Sequence[str]
    case_of: dict[str, str]
    rows_of: dict[str, list[dict[str, str]]]
    ids: Collection[str] = ()
    labels: Labels | None = None


def join(
    names: Sequence[str],
    unit: str,
    options: argparse.Namespace,
    draft: Draft,
    known_cases: Mapping[str, str] | None = None,
) -> Joined:
    """Slides with their cases and the rows of --labels; guesses and counts go to the draft.

    known_cases: the cases of slides, where something else says them.
    """
    known_cases = {name: name for name in names} if unit == "case" else dict(known_cases or {})
    if not options.labels:
        case_of, origin = cases_by_name(names, options.case_pattern)
        draft.guess("cases", origin, "--case-pattern REGEX, --labels FILE")
        warn_of_cases(case_of, draft)
        draft.counts.append(f"{of_cases(names, unit, case_of)}, no labels")
        return Joined(names, case_of, {})
    labels = read_labels(options.labels)
    for option in ("slide_column", "case_column", "time", "event"):
        labels.check(getattr(options, option), f"--{option.replace('_', '-')}")
    slide, case = choose_columns(labels, names, unit, known_cases, options)
    rows_of = _rows_by(labels, slide, names) if slide else {}
    case_of, origin = _cases(names, labels, rows_of, case, known_cases, options.case_pattern)
    if not slide:
        of_case = _rows_by(labels, case, set(case_of.values()))
        rows_of = {name: of_case[case_of[name]] for name in names if case_of[name] in of_case}
    if not known_cases and not options.case_pattern and (patients := patients_of(case_of)) != case_of:
        case_of, origin = patients, f"{origin}: the first 12 letters of TCGA's barcodes"
    if slide:
        draft.guess(f"names of {unit}s", f"column {slide!r} of {labels.name}", f"--{unit}-column")
    if unit != "case":
        draft.guess("cases", origin, "--case-column" if case else "--case-pattern REGEX")
        warn_of_cases(case_of, draft)
    if not rows_of:
        raise nothing_fits(labels, slide or case, names, unit)
    joined = Joined(names, case_of, rows_of, {slide, case} - {""}, labels)
    count(joined, slide, case, unit, draft)
    return joined


def warn_of_cases(case_of: Mapping[str, str], draft: Draft) -> None:
    """Warn of slides that are their own cases but may be of one patient: they could be on both sides of a fold."""
    similar = shared_beginnings(slide for slide, case in case_of.items() if slide == case)
    if similar:
        message = f"names share a prefix ({some(similar)}): if these are slides of one patient, say"
        draft.notes.append(f"{message} --case-pattern '^.+(?=[-_. ])', or a column of cases")


def _rows_by(labels: Labels, column: str, names: Collection[str]) -> dict[str, list[dict[str, str]]]:
    """Rows of each name that a column has."""
    rows_of: dict[str, list[dict[str, str]]] = {}
    for row in labels.rows:
        for name in _keys(row[column]):
            rows_of.setdefault(name, []).append(row)
    matches = {name: rows_of.get(name) or rows_of.get(slide_barcode(name)) for name in names}
    return {name: rows for name, rows in matches.items() if rows}


def _keys(cell: str) -> list[str]:
    """Possible names in a cell: itself, without folder and suffix, without the UUID of TCGA's files."""
    return list(dict.fromkeys((cell, stem_of(cell), slide_barcode(stem_of(cell))))) if cell else []


def _cases(
    names: Sequence[str],
    labels: Labels,
    rows_of: Mapping[str, list[dict[str, str]]],
    column: str,
    known_cases: Mapping[str, str],
    pattern: str | None,
) -> tuple[dict[str, str], str]:
    """Case of each slide and its origin: as known, else from the table, else from the name."""
    if known_cases:
        return dict(known_cases), "as the embeddings say"
    by_name, origin = cases_by_name(names, pattern)
    if not column or pattern:
        return by_name, origin
    all_cases = {row[column] for row in labels.rows} - {""}
    stated = {}
    for name, rows in rows_of.items():
        cases = {row[column] for row in rows} - {""}
        if len(cases) > 1:
            raise Refusal(f"{labels.name}: slide {name} is of case {' and of '.join(sorted(cases))}: correct one")
        if cases:
            stated[name] = cases.pop()
    by_prefix = cases_by_prefix([name for name in names if name not in stated], all_cases)
    if caseless := [name for name in rows_of if name not in stated and name not in by_prefix]:
        problem = f"{labels.name}, column {column}: {number(len(caseless), 'slide')} without a case ({some(caseless)})"
        raise Refusal(f"{problem}: fill it in in every row (merged cells, too), or give --case-pattern")
    check_spelling(labels, column, {*stated.values(), *by_prefix.values()})
    remark = "" if rows_of else ", which a slide's name begins with"
    return by_name | by_prefix | stated, f"column {column!r} of {labels.name}{remark}"


def check_spelling(labels: Labels, column: str, cases: Collection[str]) -> None:
    """Refuse two spellings of one case, which could be on both sides of a fold."""
    first: dict[str, str] = {}
    for case in sorted(cases):
        if first.setdefault(case.casefold(), case) != case:
            problem = f"{first[case.casefold()]} and {case} differ only in upper and lower case"
            raise Refusal(f"{labels.name}, column {column}: {problem}: write them the same way if they are one case")


def choose_columns(
    labels: Labels, names: Sequence[str], unit: str, known_cases: Mapping[str, str], options: argparse.Namespace
) -> tuple[str, str]:
    """Columns of slides and of cases, '' if there is none: given ones, else by name, else by contents."""
    name_set = set(names)
    exact = {column: _fits(labels, column, name_set) for column in labels.columns}
    if unit == "case":
        by_title = best(labels, labels.with_words(CASE_WORDS), exact, "cases", "--case-column")
        column = options.case_column or by_title or best(labels, labels.columns, exact, "cases", "--case-column")
        return _or_refuse(labels, column, "", names, unit)
    slide = options.slide_column or best(labels, labels.with_words(SLIDE_WORDS), exact, "slides", "--slide-column")
    prefix_fits = {
        column: _near(names, known_cases, {row[column] for row in labels.rows} - {""}) for column in labels.columns
    }
    # If there is a column of slides, the one of cases need not resemble slide names.
    called = [column for column in labels.with_words(CASE_WORDS) if column != slide]
    case = options.case_column or best(
        labels, called, dict.fromkeys(labels.columns, 1) if slide else prefix_fits, "cases", "--case-column"
    )
    if not slide and not case:
        slide = best(labels, labels.columns, exact, "slides", "--slide-column")
        case = "" if slide else best(labels, labels.columns, prefix_fits, "cases", "--case-column")
    return _or_refuse(labels, slide, case, names, unit)


def _or_refuse(labels: Labels, slide: str, case: str, names: Sequence[str], unit: str) -> tuple[str, str]:
    if not slide and not case:
        candidates = [*labels.with_words(SLIDE_WORDS), *labels.with_words(CASE_WORDS), *labels.columns]
        raise nothing_fits(labels, candidates[0], names, unit)
    return slide, case


def _fits(labels: Labels, column: str, names: Collection[str]) -> int:
    """How many names a column contains."""
    cells = {key for row in labels.rows for key in _keys(row[column])}
    return sum(name in cells or slide_barcode(name) in cells for name in names)


def _near(names: Sequence[str], known_cases: Mapping[str, str], cases: Collection[str]) -> int:
    """How many names belong to a case in the cells of a column: as known, else by their prefix."""
    if known_cases:
        return sum(known_cases[name] in cases for name in names)
    return sum(any(end in cases for end in ends_of(name)) for name in names)


def best(labels: Labels, columns: Sequence[str], fit: Mapping[str, int], unit: str, option: str) -> str:
    """The column that matches most names; '' if none does. Raises Refusal if two different ones match equally many."""
    best_fit = max((fit[column] for column in columns), default=0)
    fitting = [column for column in columns if fit[column] == best_fit and best_fit]
    exact = [column for column in fitting if column in ("slide_id", "case_id")]
    if exact or len(fitting) < 2:
        return (exact or fitting or [""])[0]
    if len({tuple(row[column] for row in labels.rows) for column in fitting}) == 1:
        return fitting[0]
    examples = "; ".join(f"{column}: {some(row[column] for row in labels.rows)}" for column in fitting)
    raise Refusal(f"{labels.name}: {' and '.join(fitting)} could both name the {unit} ({examples}): give {option}")


def nothing_fits(labels: Labels, column: str, names: Sequence[str], unit: str) -> Refusal:
    """The message if no row matches a slide: examples of both sides, and the likely cause."""
    cells = [stem_of(row[column]) for row in labels.rows if row[column]]
    hint = "name the right column (--slide-column, --case-column), or correct the names"
    for change, explanation in (
        (lambda text: text.lstrip("0"), "leading zeros are missing on one side; a spreadsheet removes them"),
        (str.casefold, "they differ in upper and lower case"),
        (lambda text: text.removesuffix(".0"), "whole numbers were written as fractions (12.0)"),
    ):
        if {change(cell) for cell in cells} & {change(end) for name in names for end in ends_of(name)}:
            hint = f"{explanation}: write them the same way"
            break
    return Refusal(
        f"no row of {labels.name} is of one of the {number(len(names), unit)}:\n"
        f"  {unit}s: {some(names)}\n  {labels.name}, column {column!r}: {some(cells)}\n  -> {hint}"
    )


def of_cases(names: Sequence[str], unit: str, case_of: Mapping[str, str]) -> str:
    """`12 slides of 6 cases`, or `6 cases` where the names are cases themselves."""
    of = "" if unit == "case" else f" of {number(len(set(case_of.values())), 'case')}"
    return f"{number(len(names), unit)}{of}"


def count(joined: Joined, slide: str, case: str, unit: str, draft: Draft) -> None:
    """Count slides and cases, and those without a match on either side. slide, case: their columns, '' for none."""
    assert joined.labels is not None
    table, column = joined.labels.name, slide or case
    case = column if unit == "case" else case
    used_rows = {id(row) for rows in joined.rows_of.values() for row in rows}
    draft.counts.append(of_cases(joined.names, unit, joined.case_of))
    if case:
        all_cases = {row[case] for row in joined.labels.rows} - {""}
        with_data = {row[case] for row in joined.labels.rows if id(row) in used_rows} - {""}
        if len(with_data) < len(all_cases):
            data = "embeddings" if unit == "case" else "slides"
            draft.counts.append(f"{len(with_data):,} of {number(len(all_cases), 'case')} in {table} have {data}")
    rowless = [name for name in joined.names if name not in joined.rows_of]
    draft.counts.append(f"{number(len(rowless), unit)} without a row in {table}" + _shown(rowless))
    unused = [row[column] or "without a name" for row in joined.labels.rows if id(row) not in used_rows]
    draft.counts.append(
        f"{number(len(unused), 'row')} of {table} without {'embeddings' if unit == 'case' else 'a slide'}"
        + _shown(unused)
    )
    if n_commented := joined.labels.hidden:
        draft.counts.append(f"{number(n_commented, 'row')} of {table} left out for a leading #")


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
