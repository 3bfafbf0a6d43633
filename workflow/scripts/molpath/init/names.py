"""Names of slides: from files, to ids, to cases."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping

from .draft import Refusal, number, some

#: Ids as the workflow takes them.
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,159}")
#: Suffixes that tables append to names of slides.
ENDING = re.compile(
    r"(\.ome)?\.(svs|svslide|tiff?|btf|ndpi|scn|bif|czi|png|jpe?g|mrxs|vms|vmu|dcm|h5|hdf5|pt|npz|zarr)$", re.I
)
TCGA = re.compile(r"(TCGA-([A-Z0-9]{2})-[A-Z0-9]{4})(?![A-Z0-9])")
#: A sample of TCGA, as named in tables of genes, and a slide followed by the UUID of its file.
SAMPLE = re.compile(r"(TCGA-[A-Z0-9]{2}-[A-Z0-9]{4}-\d{2})[A-Z]")
SLIDE_UUID = re.compile(r"(TCGA-[A-Z0-9]{2}-[A-Z0-9]{4}-\d{2}[A-Z]-\d{2}-[A-Z]+\d*)\.[0-9A-Fa-f-]+")


def stem_of(cell: str) -> str:
    """A slide's name as tables write it (a path with a suffix), without path and suffix."""
    return ENDING.sub("", re.split(r"[/\\]", cell.strip())[-1])


def slide_barcode(name: str) -> str:
    """A name; of TCGA's without the UUID, which tables and files have or lack."""
    match = SLIDE_UUID.fullmatch(name)
    return match[1] if match else name


def patients_of(case_of: Mapping[str, str]) -> dict[str, str]:
    """Cases; TCGA's longer barcodes (of samples, of slides) are cut to the patient's, to keep samples together."""
    return {slide: match[1] if (match := TCGA.match(case)) else case for slide, case in case_of.items()}


def safe_ids(names: Iterable[str], unit: str) -> dict[str, str]:
    """An id for each name: the name itself if it is valid, else with `_` for invalid characters.

    Raises Refusal if two names would get the same id.
    """
    ids: dict[str, str] = {}
    first: dict[str, str] = {}
    for name in names:
        ids[name] = name if ID.fullmatch(name) else _spelled(name)
        if not ID.fullmatch(ids[name]):
            raise Refusal(f"{unit} {name!r} has no letter or digit (a to z, 0 to 9): rename it")
        if first.setdefault(ids[name], name) != name:
            problem = f"{unit}s {first[ids[name]]!r} and {name!r} would both be called {ids[name]}"
            raise Refusal(f"{problem}: rename one (letters, digits and . _ - make an id)")
    return ids


def _spelled(name: str) -> str:
    """A name in letters without accents, `_` for the rest; '' if nothing is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "_", plain).lstrip("._-")[:160]


def cases_by_name(slides: Collection[str], pattern: str | None) -> tuple[dict[str, str], str]:
    """Case of each slide by its name only, and how it was found."""
    if pattern:
        return _by_pattern(slides, pattern), f"the part of a slide's name that matches {pattern}"
    patient_of = {slide: match[1] for slide in slides if (match := TCGA.match(slide))}
    if slides and len(patient_of) == len(slides):
        return patient_of, "the first 12 letters of TCGA's barcodes"
    return {slide: slide for slide in slides}, "every slide is its own case"


def shared_beginnings(slides: Iterable[str]) -> list[str]:
    """Slides whose names differ only after the last separator, like blocks of a patient; none if all do."""
    groups: dict[str, list[str]] = {}
    for slide in slides:
        groups.setdefault(ends_of(slide)[-1], []).append(slide)
    several = [names for names in groups.values() if len(names) > 1]
    return several[0] if several and len(groups) > 1 else []


def _by_pattern(slides: Collection[str], pattern: str) -> dict[str, str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise Refusal(f"--case-pattern {pattern}: no regular expression ({error}): such as '^[^_]+'") from None
    matches = {slide: match for slide in slides if (match := compiled.search(slide))}
    if missing := [slide for slide in slides if slide not in matches]:
        raise Refusal(f"--case-pattern {pattern}: matches no part of {number(len(missing), 'name')} ({some(missing)})")
    return {slide: match[1] if compiled.groups else match[0] for slide, match in matches.items()}


def ends_of(slide: str) -> list[str]:
    """A name and its prefixes before each separator, the whole name first; for TCGA also the sample."""
    sample = [match[1]] if (match := SAMPLE.match(slide)) else []
    return [slide, *sample, *(slide[: match.start()] for match in re.finditer(r"[-_. ]", slide))]


def cases_by_prefix(slides: Iterable[str], cases: Collection[str]) -> dict[str, str]:
    """Case of each slide whose name is a case's, or begins with it and a separator.

    Raises Refusal if a slide matches two cases.
    """
    case_set = set(cases)
    case_of = {}
    for slide in slides:
        fitting = [end for end in ends_of(slide) if end in case_set]
        if len(fitting) > 1 and fitting[0] != slide:
            problem = f"slide {slide} could be of case {' or '.join(fitting)}"
            raise Refusal(f"{problem}: give the table a column of slides (--slide-column), or give --case-pattern")
        if fitting:
            case_of[slide] = fitting[0]
    return case_of


def sites_of(cases: Mapping[str, str]) -> dict[str, str]:
    """Tissue source site by slide if every case is a TCGA barcode; else none."""
    site_of = {slide: match[2] for slide, case in cases.items() if (match := TCGA.match(case))}
    return site_of if site_of and len(site_of) == len(cases) else {}
