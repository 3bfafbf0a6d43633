"""Which files of the sheets are downloaded, and by which job. Functions only.

A row with a `url` is downloaded to its `path`, unless it is there. Slides go by shards, profiles by blocks of files.
"""

import functools
import sys

SHEETS = f"{RESOURCES}/sheets"
DOWNLOADS = f"{RESOURCES}/downloads"
# `snakemake sheets` writes the very sheets that are checked before every other target.
WRITES_SHEETS = "sheets" in sys.argv[1:]


def is_downloaded(row):
    """True if the row says where its file comes from."""
    return bool(row.get("url"))


def will_be_there(row):
    """True if the row's file is downloaded, to a path that is one."""
    return is_downloaded(row) and "://" not in row["path"]


def get_profile_downloads():
    """Rows of the profile sheet that are downloaded, one a file, in sheet order."""
    first = {}
    for row in PROFILES:
        if is_downloaded(row):
            first.setdefault(row.get("path"), row)
    return list(first.values())


PROFILE_DOWNLOADS = in_blocks(get_profile_downloads(), config["acquire"]["profiles_per_job"])
BLOCK_OF_PROFILE = {row["path"]: block for block, rows in PROFILE_DOWNLOADS.items() for row in rows}


def get_downloads(wildcards):
    """Files of a job: id, path, url, md5 and bytes ('' where nobody announced them)."""
    slides = wildcards.kind == "slides"
    sheet, key = (SLIDE_SHEET, "slide_id") if slides else (PROFILE_SHEET, "profile_id")
    rows = (SHARDS if slides else PROFILE_DOWNLOADS)[wildcards.block]
    return [
        {"id": row[key], "path": resolve_path(row["path"], sheet), "url": row["url"]}
        | {name: row.get(name) or "" for name in ("md5", "bytes")}
        for row in rows
        if is_downloaded(row) and row.get("keep") != "no"
    ]


def get_slide_downloads(wildcards):
    """Manifest of the shard's downloads, where it has any."""
    rows = SHARDS[wildcards.shard]
    wanted = any(is_downloaded(row) and row.get("keep") != "no" for row in rows)
    return [f"{DOWNLOADS}/manifests/slides/{wildcards.shard}.tsv"] if wanted else []


@functools.cache
def get_block_downloads(cohort, modality):
    """Manifests of the downloads with profiles of the cohort and modality."""
    paths = {
        row["path"]
        for row in PROFILES
        if row.get("cohort") == cohort and row.get("modality") == modality
    }
    blocks = sorted({BLOCK_OF_PROFILE[path] for path in paths if path in BLOCK_OF_PROFILE})
    return [f"{DOWNLOADS}/manifests/profiles/{block}.tsv" for block in blocks]


def get_rna_downloads(wildcards):
    """Manifests of the downloads with expression of the cohort."""
    return get_block_downloads(wildcards.cohort, "rna")


def get_dna_downloads(wildcards):
    """Manifests of the downloads with mutations and copy numbers of the cohort."""
    return get_block_downloads(wildcards.cohort, "dna")


def get_acquire_settings():
    """Section acquire with the files it names found."""
    settings = config["acquire"]
    for one in settings["gtex"].values():
        one["slide_list"] = find_file(one["slide_list"]) if one["slide_list"] else ""
    return settings
