"""Tumour or normal: the tissue of a sample from terms of the GDC, barcodes and our own sheets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from .barcodes import parse_barcode

#: What column sample_type of our own sheets may hold.
KINDS = ("", "tumour", "normal")
#: Words of the GDC (dictionary: sample_type, tissue_type), in lower case.
TUMOUR = frozenset(
    {
        "additional - new primary", "additional metastatic", "benign neoplasms",
        "blood derived cancer - bone marrow", "blood derived cancer - bone marrow, post-treatment",
        "blood derived cancer - peripheral blood", "blood derived cancer - peripheral blood, post-treatment",
        "ffpe recurrent", "human tumor original cells", "in situ neoplasms", "metastatic",
        "neoplasms of uncertain and unknown behavior", "post neo-adjuvant therapy",
        "primary blood derived cancer - bone marrow", "primary blood derived cancer - peripheral blood",
        "primary tumor", "recurrent blood derived cancer - bone marrow",
        "recurrent blood derived cancer - peripheral blood", "recurrent tumor", "tumor", "tumour",
    }
)  # fmt: skip
NORMAL = frozenset(
    {
        "blood derived normal", "bone marrow normal", "buccal cell normal", "ebv immortalized normal",
        "fibroblasts from bone marrow normal", "lymphoid normal", "mononuclear cells from bone marrow normal",
        "normal", "normal adjacent tissue", "solid tissue normal", "tumor adjacent normal - post neo-adjuvant therapy",
    }
)  # fmt: skip
#: Terms without information on the tissue.
NOTHING = frozenset(
    {
        "", "--", "'--", "na", "n/a", "nan", "none", "null", "not reported", "unknown", "not applicable",
        "dna", "ffpe scrolls", "rna", "slides", "total rna",
    }
)  # fmt: skip


def kind_of_words(text: str) -> str:
    """tumour, normal, '' for terms without information, other for neither (a cell line, a control, …)."""
    term = " ".join(text.split()).lower()
    if term in TUMOUR:
        return "tumour"
    if term in NORMAL:
        return "normal"
    return "" if term in NOTHING else "other"


def kind_of_sample(sample_id: str, sample_type: str) -> str:
    """What our sheets say of a sample: their sample_type, else what the barcode says (tumour, normal, control, '')."""
    code = parse_barcode(sample_id)
    return sample_type or (code.kind if code else "")


def kinds_of(obs: pd.DataFrame) -> list[str]:
    """tumour, normal or '' of each profile: what the sheet says, else its barcode."""
    columns = [obs[name].astype(str) if name in obs else [""] * len(obs) for name in ("sample_id", "sample_type")]
    names = [sample or profile for sample, profile in zip(columns[0], obs.index, strict=True)]
    return [kind_of_sample(name, kind) for name, kind in zip(names, columns[1], strict=True)]


def split_words(text: str, count: int) -> list[str]:
    """The words for `count` samples in a cell of the GDC's sheet, which separates them by commas; [] if they don't fit.

    Some words hold a comma themselves ("Blood Derived Cancer - Bone Marrow, Post-treatment"). One word for several
    samples holds for all.
    """
    fields = [field.strip() for field in text.split(",")]
    terms: list[str] = []
    for field in fields:
        if terms and f"{terms[-1]}, {field}".lower() in TUMOUR:
            terms[-1] = f"{terms[-1]}, {field}"
        else:
            terms.append(field)
    if len(terms) == count:
        return terms
    return terms * count if len(terms) == 1 else []


def check_kinds(table: pd.DataFrame, name: str, source: str) -> None:
    """Raise ValueError for a sample_type that is none of KINDS; `name`: the column that names a row."""
    is_unknown = ~table["sample_type"].isin(KINDS)
    if is_unknown.any():
        row = table[is_unknown].iloc[0]
        raise ValueError(
            f"{source}, {row[name]}: sample_type {row['sample_type']!r} is none of tumour, normal and empty; correct "
            "column sample_type of the sheet"
        )


def stands_for_its_case(cases: Sequence[str], kinds: Sequence[str]) -> np.ndarray:
    """bool per profile: False for normal tissue of a case that has other profiles too."""
    table = pd.DataFrame(
        {"case": np.asarray(cases, dtype=object), "normal": np.asarray(kinds, dtype=object) == "normal"}
    )
    only_normal = table.groupby("case", sort=False).normal.transform("all")
    return (~table.normal | only_normal).to_numpy(bool)
