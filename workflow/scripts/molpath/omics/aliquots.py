"""Which of several aliquots of one TCGA sample counts: the rules of Broad's GDAC Firehose, in their order.

https://gdac.broadinstitute.org/runs/gdc/report_2017_07_22/TCGA-LAML_Replicate_Samples.html states them. Analyte filter:
of RNA H before R before T, then the later plate; of DNA native D before amplified G, W and X, unless one of these is on
a later plate. FFPE samples are no part of Firehose's cohorts; here they come after all others. Sort filter: of what is
left the barcode that sorts last, that is the highest vial, portion and plate.
"""

from __future__ import annotations

from collections.abc import Sequence

from .barcodes import Barcode, parse_barcode

RNA_ANALYTES = {"H": 0, "R": 1, "T": 2}
AMPLIFIED = frozenset("GWX")
#: Vials of TCGA that were fixed in formalin (GDAC's list of FFPE cases); their barcodes don't show it.
FFPE_VIALS = frozenset(
    f"TCGA-{vial}"
    for vial in (
        "44-2656-01B 44-2662-01B 44-2665-01B 44-2666-01B 44-2668-01B 44-3917-01B 44-3918-01B 44-4112-01B 44-5645-01B "
        "44-6146-01B 44-6147-01B 44-6775-01C A6-2674-01B A6-2677-01B A6-2684-01C A6-3809-01B A6-3810-01B A6-5656-01B "
        "A6-5659-01B A6-6650-01B A6-6780-01B A6-6781-01B A7-A0DB-01C A7-A13D-01B A7-A13E-01B A7-A26E-01B A7-A26J-01B "
        "B2-3923-01B B2-3924-01B B2-5633-01B B2-5635-01B BK-A0CA-01B BK-A0CC-01B BK-A139-01C BK-A26L-01C BL-A0C8-01B "
        "BL-A13I-01B BL-A13J-01B"
    ).split()
)


def is_ffpe(name: str, specimen: str = "") -> bool:
    """True for a sample that the sheet calls FFPE, or whose vial is on GDAC's list."""
    code = parse_barcode(name)
    return specimen == "FFPE" or (code is not None and f"{code.case}-{code.sample}{code.vial}" in FFPE_VIALS)


def choose_aliquot(names: Sequence[str], modality: str, specimens: Sequence[str] = ()) -> int:
    """Position of the chosen aliquot among those of one sample; the first in a tie.

    names: barcodes, maybe truncated; modality: rna or dna; specimens: FFPE, frozen or '' of each, as the sheet says.
    """
    candidates = list(range(len(names)))
    codes = [parse_barcode(name) or Barcode("", "") for name in names]
    fixed = [is_ffpe(name, specimen) for name, specimen in zip(names, specimens or [""] * len(names), strict=True)]
    if modality == "rna":
        ranks = [RNA_ANALYTES.get(code.analyte, len(RNA_ANALYTES)) for code in codes]
    else:
        ranks = dna_ranks(codes)
    candidates = least(candidates, ranks)
    candidates = least(candidates, fixed)
    if modality == "rna":
        candidates = most(candidates, [code.plate for code in codes])
    return most(candidates, [name.upper() for name in names])[0]


def dna_ranks(codes: Sequence[Barcode]) -> list[int]:
    """0 for the preferred kind of DNA: native, unless an amplified aliquot is on a later plate."""
    amplified = [code.analyte in AMPLIFIED for code in codes]
    plates = {
        kind: max(
            (code.plate for code, is_amplified in zip(codes, amplified, strict=True) if is_amplified == kind),
            default="",
        )
        for kind in (False, True)
    }
    return [int(is_amplified != (plates[True] > plates[False])) for is_amplified in amplified]


def least(positions: Sequence[int], keys: Sequence) -> list[int]:
    """Those of the positions with the smallest key."""
    best = min(keys[i] for i in positions)
    return [i for i in positions if keys[i] == best]


def most(positions: Sequence[int], keys: Sequence) -> list[int]:
    """Those of the positions with the largest key."""
    best = max(keys[i] for i in positions)
    return [i for i in positions if keys[i] == best]
