"""The profile sheet and what the omics rules read of it. Functions only."""

import functools

PROFILE_SHEET = find_file(config["omics"]["sheet"]) if config["omics"]["sheet"] else ""
PROFILES = read_sheet(PROFILE_SHEET)
PROFILE_COLUMNS = (
    "profile_id",
    "case_id",
    "modality",
    "cohort",
    "format",
    "path",
    "column",
    "unit",
    "sample_id",
    "panel",
)


@functools.cache
def get_cohorts(modality):
    """Cohorts of the profile sheet with profiles of a modality, in sheet order."""
    return list(dict.fromkeys(row["cohort"] for row in PROFILES if row.get("modality") == modality))


@functools.cache
def get_profile_rows(cohort, modality):
    """Rows of the profile sheet for a cohort and modality, paths resolved."""
    return [
        {column: row.get(column) or "" for column in PROFILE_COLUMNS}
        | {"path": resolve_path(row["path"], PROFILE_SHEET)}
        for row in PROFILES
        if row.get("cohort") == cohort and row.get("modality") == modality
    ]


def get_rna_rows(wildcards):
    """RNA rows of the profile sheet for the cohort."""
    return get_profile_rows(wildcards.cohort, "rna")


def get_dna_rows(wildcards):
    """DNA rows of the profile sheet for the cohort."""
    return get_profile_rows(wildcards.cohort, "dna")


def get_rna_files(wildcards):
    """Every file that holds RNA of the cohort."""
    return [given(path) for path in sorted({row["path"] for row in get_rna_rows(wildcards)})]


def get_dna_files(wildcards):
    """Every file that holds DNA of the cohort."""
    return [given(path) for path in sorted({row["path"] for row in get_dna_rows(wildcards)})]


def get_consequences():
    """The table of variant classifications: the config's, else the one that ships."""
    named = config["omics"]["consequences"]
    return (
        given(find_file(named))
        if named
        else workflow.source_path("../../resources/consequences/consequences.tsv")
    )
