"""Section acquire of the config."""

from __future__ import annotations

from typing import TypedDict


class GdcCohort(TypedDict):
    """acquire/gdc/<cohort>."""

    projects: list[str]
    programs: list[str]
    sample_types: list[str]
    access: list[str]
    strategy: str
    paired_only: bool
    folder: str


class GtexCohort(TypedDict):
    """acquire/gtex/<cohort>. `slide_list` arrives as the path where it was found."""

    api: str
    slide_list: str
    images: str
    samples: str
    tpm: str
    tpm_md5: str
    paired_only: bool
    folder: str


class IdcCohort(TypedDict):
    """acquire/idc/<cohort>."""

    collections: list[str]
    description: str
    folder: str


class Splits(TypedDict):
    """acquire/splits: where tasks are fetched from."""

    repository: str
    revision: str


class Acquire(TypedDict):
    """Section acquire."""

    gdc: dict[str, GdcCohort]
    gtex: dict[str, GtexCohort]
    idc: dict[str, IdcCohort]
    idc_index: str
    idc_names: str
    splits: Splits
    gdc_api: str
    folders: list[str]
    connections: int
    profiles_per_job: int
    attempts: int
    wait_s: float
    timeout_s: float
