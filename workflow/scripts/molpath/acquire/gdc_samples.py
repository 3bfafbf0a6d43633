"""What the GDC says about a file's case and samples, in its old fields and in those that replaced them.

`sample_type` is deprecated since data release 40 (2024); `tissue_type`, `tumor_descriptor`, `specimen_type` and
`preservation_method` say the same, and any of them may be null or missing. https://docs.gdc.cancer.gov (data
dictionary, release notes).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..omics.barcodes import parse_barcode
from ..omics.sample_types import kind_of_words

#: Fields that say the kind of a sample, and those of its aliquots.
FIELDS = (
    "cases.samples.submitter_id", "cases.samples.sample_type", "cases.samples.tissue_type",
    "cases.samples.tumor_descriptor", "cases.samples.specimen_type", "cases.samples.preservation_method",
    "cases.samples.portions.analytes.aliquots.submitter_id",
    "associated_entities.entity_submitter_id", "associated_entities.entity_type",
)  # fmt: skip
#: TCGA's two digits in the words of `sample_type`.
CODES = {
    "01": "Primary Tumor", "02": "Recurrent Tumor", "03": "Primary Blood Derived Cancer - Peripheral Blood",
    "05": "Additional - New Primary", "06": "Metastatic", "07": "Additional Metastatic",
    "10": "Blood Derived Normal", "11": "Solid Tissue Normal",
}  # fmt: skip
#: Words of `tumor_descriptor` in those of `sample_type`.
DESCRIPTORS = {
    "primary": "primary tumor", "metastatic": "metastatic", "recurrence": "recurrent tumor",
    "recurrent": "recurrent tumor", "new primary": "additional - new primary",
}  # fmt: skip


@dataclass(frozen=True)
class Tissue:
    """What a file was made of.

    sample_id: the one sample's, '' for several; kind: tumour, normal, '' or other; label: the service's own words;
    words: all words that may be asked for, in lower case; aliquot: the one aliquot's; specimen: FFPE, frozen or ''.
    """

    case: Mapping[str, Any]
    sample_id: str
    kind: str
    label: str
    words: frozenset[str]
    aliquot: str
    specimen: str


class NotOneTissue(ValueError):
    """A file of no case, of several, or of tumour and normal tissue together: a message, and a reason to count by."""

    def __init__(self, message: str, reason: str = ""):
        super().__init__(message)
        self.reason = reason or message


def tissue_of(hit: Mapping[str, Any]) -> Tissue:
    """The case and tissue of a file. Raises NotOneTissue."""
    cases = [case for case in hit.get("cases") or [] if case and case.get("submitter_id")]
    if not cases:
        raise NotOneTissue("it belongs to no case")
    names = sorted({case["submitter_id"] for case in cases})
    if len(names) > 1:
        raise NotOneTissue(f"a pool of {', '.join(names)}", "a pool of cases")
    samples = [sample for case in cases for sample in case.get("samples") or [] if sample]
    samples = samples or [{"submitter_id": of_barcode(hit.get("file_name") or "")}]
    kinds = {kind for sample in samples for kind in kinds_of(sample)}
    if "other" in kinds:
        raise NotOneTissue(f"a sample of {names[0]} that is neither tumour nor normal", "neither tumour nor normal")
    if len(kinds) > 1:
        raise NotOneTissue(f"a mixture of tumour and normal of {names[0]}", "a mixture of tumour and normal")
    ids = {sample.get("submitter_id") or "" for sample in samples}
    terms = frozenset(term for sample in samples for term in words_of(sample))
    return Tissue(
        case=cases[0],
        sample_id=ids.pop() if len(ids) == 1 else "",
        kind=next(iter(kinds), ""),
        label=", ".join(sorted({label_of(sample) for sample in samples} - {""})),
        words=terms,
        aliquot=aliquot_of(hit, samples),
        specimen=specimen_of(samples),
    )


def of_barcode(name: str) -> str:
    """The sample that TCGA's name of a file holds (TCGA-XX-0002-01Z), '' if it holds none."""
    code = parse_barcode(name)
    return f"{code.case}-{code.sample}{code.vial}" if code and code.program == "TCGA" and code.sample else ""


def label_of(sample: Mapping[str, Any]) -> str:
    """The kind of a sample in the service's words, else in those of its barcode."""
    newer = " ".join(sample.get(name) or "" for name in ("tissue_type", "tumor_descriptor")).strip()
    code = parse_barcode(sample.get("submitter_id") or "")
    return sample.get("sample_type") or newer or CODES.get(code.sample if code else "", "")


def kinds_of(sample: Mapping[str, Any]) -> set[str]:
    """tumour, normal, other: what the fields of a sample say, several if they contradict each other.

    If they say nothing, the barcode decides.
    """
    kinds = {kind_of_words(sample.get(name) or "") for name in ("tissue_type", "sample_type")} - {""}
    code = parse_barcode(sample.get("submitter_id") or "")
    if kinds or not code:
        return kinds
    return {"other" if code.kind == "control" else code.kind} - {""}


def words_of(sample: Mapping[str, Any]) -> Iterator[str]:
    """Every term by which a sample may be requested, in lower case."""
    field_values = [str(sample.get(name) or "").lower() for name in ("sample_type", "tissue_type", "tumor_descriptor")]
    yield from filter(None, [*field_values, label_of(sample).lower()])
    kinds = kinds_of(sample)
    if "tumour" in kinds:
        yield "tumor"
        yield from filter(None, [DESCRIPTORS.get(field_values[2])])
    if "normal" in kinds:
        yield "normal"
        specimen_type = str(sample.get("specimen_type") or "").lower()
        yield {"solid tissue": "solid tissue normal", "peripheral blood nos": "blood derived normal"}.get(
            specimen_type, "normal"
        )


def aliquot_of(hit: Mapping[str, Any], samples: list[dict]) -> str:
    """The one aliquot of a file, '' if none or several are named."""
    entities = [entity for entity in hit.get("associated_entities") or [] if entity]
    names = {
        associated.get("entity_submitter_id") for associated in entities if associated.get("entity_type") == "aliquot"
    } - {None, ""}
    if not names:
        names = {
            aliquot["submitter_id"]
            for sample in samples
            for portion in sample.get("portions") or []
            for analyte in (portion or {}).get("analytes") or []
            for aliquot in (analyte or {}).get("aliquots") or []
            if aliquot and aliquot.get("submitter_id")
        }
    return names.pop() if len(names) == 1 else ""


def specimen_of(samples: list[dict]) -> str:
    """FFPE or frozen, if `preservation_method` says the same of all samples."""
    methods = {str(sample.get("preservation_method") or "").lower() for sample in samples}
    if methods == {"ffpe"}:
        return "FFPE"
    return "frozen" if methods and methods <= {"frozen", "snap frozen", "fresh frozen", "oct", "cryopreserved"} else ""
