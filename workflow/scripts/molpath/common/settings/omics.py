"""What functions receive of section omics of the config."""

from __future__ import annotations

from typing import TypedDict


class Vst(TypedDict):
    """omics/vst: how the variance-stabilising transformation is fitted."""

    design: str
    genes: int


class Selection(TypedDict, total=False):
    """omics/select/<cohort>: one of its keys, or none where the config selects nothing."""

    list: str
    top_sd: int


class GdcDownload(TypedDict):
    """omics/gdc/<cohort>: a folder of GDC files and its sample sheet."""

    folder: str
    sample_sheet: str


class Mutations(TypedDict):
    """omics/mutations: which calls of a MAF or VCF count.

    filters: allowed beside an empty FILTER; status: allowed beside an empty Mutation_Status; least_found: share of the
    profiles asked of a MAF that must be in it.
    """

    filters: list[str]
    status: list[str]
    least_found: float


class Rna(TypedDict):
    """How expression is read and normalised: these keys of section omics.

    The rules resolve `transcripts` to a path, and put the cohort's own entry in place of `select`.
    """

    value: str
    star_column: str
    transcripts: str
    size_factors: str
    dispersions: bool
    vst: Vst
    select: Selection
