"""Names of slides: from files, to ids, to cases."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping

from .draft import Refusal, number, some

#: Ids as the workflow takes them.
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,159}")
#: Endings that tables carry behind the names of slides.
ENDING = re.compile(
    r"(\.ome)?\.(svs|svslide|tiff?|btf|ndpi|scn|bif|czi|png|jpe?g|mrxs|vms|vmu|dcm|h5|hdf5|pt|npz|zarr)$", re.I
)
TCGA = re.compile(r"(TCGA-([A-Z0-9]{2})-[A-Z0-9]{4})(?![A-Z0-9])")
#: A sample of TCGA, as tables of genes call it, and a slide with the UUID of its file behind it.
SAMPLE = re.compile(r"(TCGA-[A-Z0-9]{2}-[A-Z0-9]{4}-\d{2})[A-Z]")
SLIDE_UUID = re.compile(r"(TCGA-[A-Z0-9]{2}-[A-Z0-9]{4}-\d{2}[A-Z]-\d{2}-[A-Z]+\d*)\.[0-9A-Fa-f-]+")


def stem_of(cell: str) -> str:
    """A slide's name as tables write it (a path, with an ending) without both."""
    return ENDING.sub("", re.split(r"[/\\]", cell.strip())[-1])


def slide_barcode(name: str) -> str:
    """A name; of TCGA's without the UUID, which tables and files have or lack."""
    match = SLIDE_UUID.fullmatch(name)
    return match[1] if match else name


def patients_of(case_of: Mapping[str, str]) -> dict[str, str]:
    """Cases, of TCGA's longer barcodes (of samples, of slides) the patients: those of one must stay together."""
    return {slide: match[1] if (match := TCGA.match(case)) else case for slide, case in case_of.items()}


def safe_ids(names: Iterable[str], what: str) -> dict[str, str]:
    """An id for each name: itself where it can be one, else with `_` for what can't stand in it.

    Raises Refusal where two names would get one id.
    """
    ids: dict[str, str] = {}
    first: dict[str, str] = {}
    for name in names:
        ids[name] = name if ID.fullmatch(name) else _spelled(name)
        if not ID.fullmatch(ids[name]):
            raise Refusal(f"{what} {name!r} has no letter or digit (a to z, 0 to 9): rename it")
        if first.setdefault(ids[name], name) != name:
            told = f"{what}s {first[ids[name]]!r} and {name!r} would both be called {ids[name]}"
            raise Refusal(f"{told}: rename one (letters, digits and . _ - make an id)")
    return ids


def _spelled(name: str) -> str:
    """A name in letters without accents, `_` for the rest; '' where nothing is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "_", plain).lstrip("._-")[:160]


def cases_by_name(slides: Collection[str], pattern: str | None) -> tuple[dict[str, str], str]:
    """Case of each slide by its name alone, and how it was found."""
    if pattern:
        return _by_pattern(slides, pattern), f"the part of a slide's name that fits {pattern}"
    found = {slide: match[1] for slide in slides if (match := TCGA.match(slide))}
    if slides and len(found) == len(slides):
        return found, "the first 12 letters of TCGA's barcodes"
    return {slide: slide for slide in slides}, "every slide is taken for a case of its own"


def shared_beginnings(slides: Iterable[str]) -> list[str]:
    """Slides whose names differ behind the last separator alone, as blocks of a patient's do; none where all do."""
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
    found = {slide: match for slide in slides if (match := compiled.search(slide))}
    if missing := [slide for slide in slides if slide not in found]:
        raise Refusal(f"--case-pattern {pattern}: fits no part of {number(len(missing), 'name')} ({some(missing)})")
    return {slide: match[1] if compiled.groups else match[0] for slide, match in found.items()}


def ends_of(slide: str) -> list[str]:
    """A name, and what of it stands before each separator, the whole first; of TCGA's also the sample."""
    sample = [match[1]] if (match := SAMPLE.match(slide)) else []
    return [slide, *sample, *(slide[: match.start()] for match in re.finditer(r"[-_. ]", slide))]


def cases_by_prefix(slides: Iterable[str], cases: Collection[str]) -> dict[str, str]:
    """Case of each slide whose name is a case's, or begins with it and a separator.

    Raises Refusal where a slide fits two cases.
    """
    known = set(cases)
    found = {}
    for slide in slides:
        fitting = [end for end in ends_of(slide) if end in known]
        if len(fitting) > 1 and fitting[0] != slide:
            told = f"slide {slide} could be of case {' or '.join(fitting)}"
            raise Refusal(f"{told}: give the table a column of slides (--slide-column), or say --case-pattern")
        if fitting:
            found[slide] = fitting[0]
    return found


def sites_of(cases: Mapping[str, str]) -> dict[str, str]:
    """Tissue source site by slide where every case is a TCGA barcode; else none."""
    found = {slide: match[2] for slide, case in cases.items() if (match := TCGA.match(case))}
    return found if found and len(found) == len(cases) else {}
