"""Parse ids of TCGA, CPTAC and GTEx: case, sample type, vial, portion, slide."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TCGA = re.compile(
    r"TCGA-(?P<site>[A-Z0-9]{2})-(?P<participant>[A-Z0-9]{4})"
    r"(?:-(?P<type>\d{2})(?P<vial>[A-Z])?"
    r"(?:-(?:(?P<portion>\d{2})(?P<analyte>[A-Z])?)"
    r"(?:-(?:(?P<slide>(?:DX|TS|BS|MS)[A-Z0-9]+)|(?P<plate>[A-Z0-9]{4})(?:-(?P<center>\d{2}))?))?)?)?"
    r"(?:[._].*)?",
    re.I,
)
_GTEX = re.compile(
    r"(?P<case>GTEX-[A-Z0-9]+)(?:-(?P<tissue>\d{3,4}(?:-R\d+[a-z]?)?|R\d+[a-z]?)(?:-(?P<rest>SM-[A-Z0-9]+))?)?(?:[._].*)?",
    re.I,
)
_CPTAC = re.compile(
    r"(?P<case>(?:C3[LN]-\d{5}|\d{2}(?:OV|CO|BR|LU)\d{3}))"
    r"(?:-(?P<slide>\d{2}))?(?:[._-](?P<kind>[NT]\d{0,2}|NAT|normal|tumou?r)(?=$|[._-]))?(?:[._].*)?",
    re.I,
)


@dataclass(frozen=True)
class Barcode:
    """Parts of an id; '' for missing ones.

    program: TCGA, GTEx, CPTAC. kind: tumour, normal, control or ''. sample: distinguishes two specimens of a case
    (TCGA: two digits of the type; GTEx: the first three digits of the tissue code, which slide and RNA share).
    slide: DX1 (FFPE), TS1, BS1, MS1 (frozen).
    """

    program: str
    case: str
    kind: str = ""
    sample: str = ""
    vial: str = ""
    portion: str = ""
    analyte: str = ""
    plate: str = ""
    slide: str = ""
    site: str = ""

    @property
    def specimen(self) -> str:
        """FFPE for a diagnostic slide, frozen for a slide cut at the portion, '' if unknown."""
        return {"DX": "FFPE", "TS": "frozen", "BS": "frozen", "MS": "frozen"}.get(self.slide[:2], "")


def kind_of(type_code: str) -> str:
    """TCGA's sample types: 01-09 tumour, 10-19 normal, 20-29 control."""
    return {"0": "tumour", "1": "normal", "2": "control"}.get(type_code[:1], "")


def parse_barcode(name: str) -> Barcode | None:
    """The parts of an id, or None if it is of none of the three programs. Trailing file names and UUIDs are ignored."""
    if match := _TCGA.fullmatch(name):
        fields = {key: (value or "").upper() for key, value in match.groupdict().items()}
        case = f"TCGA-{fields['site']}-{fields['participant']}"
        return Barcode(
            "TCGA", case, kind_of(fields["type"]), fields["type"], fields["vial"], fields["portion"], fields["analyte"],
            fields["plate"], fields["slide"], fields["site"],
        )  # fmt: skip
    if match := _GTEX.fullmatch(name):
        # A region of the brain (0011-R10b) is a sample of its own; all of a donor's share the four digits.
        tissue = match["tissue"] or ""
        sample = tissue[:3] if tissue.isdigit() else tissue
        return Barcode("GTEx", match["case"].upper(), "normal", sample)
    if match := _CPTAC.fullmatch(name):
        kind = {"n": "normal", "t": "tumour"}.get((match["kind"] or "")[:1].lower(), "")  # C3L-00004.N, C3L-00004_T
        return Barcode("CPTAC", match["case"].upper(), kind, slide=match["slide"] or "")
    return None
