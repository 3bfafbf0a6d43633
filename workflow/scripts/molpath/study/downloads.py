"""Which files of the sheets are downloaded, and by which job.

A row with a `url` is downloaded to its `path`, unless it is there. Slides go by shards, profiles by blocks of files.
"""

from __future__ import annotations

import functools
import os
import re

from .config import Config, Places, Row, Wildcards
from .profiles import Profiles
from .sheets import in_blocks, is_downloaded
from .slides import Slides

#: What Python, Snakemake, make or a shell run or read as settings where they find it: no slide or profile may have such
#: a name.
RUNS = re.compile(r"(\.(py|pyc|pyd|so|pth|smk|sh|ya?ml)|/Snakefile|/(GNU)?makefile)$", re.IGNORECASE)
#: A hidden file or folder: of git, Snakemake, a shell, or records of results.
HIDDEN = re.compile(r"(^|/)\.")


class Downloads:
    """Files to download, in blocks: one job each."""

    def __init__(self, config: Config, places: Places, slides: Slides, profiles: Profiles) -> None:
        self.places, self.slides, self.profiles = places, slides, profiles
        self._section: Config = config["acquire"]
        self.sheets = f"{places.resources}/sheets"
        self.folder = f"{places.resources}/downloads"
        self.profile_blocks = in_blocks(self.profile_rows(), self._section["profiles_per_job"])
        self.block_of = {row["path"]: block for block, rows in self.profile_blocks.items() for row in rows}

    def profile_rows(self) -> list[Row]:
        """Rows of the profile sheet that are downloaded, one per file, in sheet order."""
        first: dict[str | None, Row] = {}
        for row in self.profiles.rows:
            if is_downloaded(row):
                first.setdefault(row.get("path"), row)
        return list(first.values())

    def outside(self, row: Row, sheet: str) -> bool:
        """True for a row whose download would be written outside the folders for downloads, or where it would
        count as code, settings or results.

        A file that is there already is only read. Symbolic links are the user's own, and are not followed here.
        """
        path = self.places.resolve(row["path"], sheet)
        return not self._belongs(os.path.abspath(path), os.path.dirname(sheet)) and not os.path.exists(path)

    def _belongs(self, place: str, sheet_folder: str) -> bool:
        below = [place.removeprefix(root) for root in self._roots(sheet_folder) if place.startswith(root)]
        folders = (self.places.results, self.places.resources)
        results, resources = (os.path.join(os.path.abspath(folder), "") for folder in folders)
        has_own_results = results != os.path.join(os.getcwd(), "")  # a study may be in its results folder
        is_result = has_own_results and place.startswith(results) and not place.startswith(resources)
        return not (is_result or RUNS.search(place)) and any(not HIDDEN.search(subpath) for subpath in below)

    @functools.cache  # noqa: B019 - there is one object a study
    def _roots(self, sheet_folder: str) -> tuple[str, ...]:
        """Absolute folders below which downloads of a sheet in `sheet_folder` belong."""
        services = (self._section[service].values() for service in ("gdc", "gtex", "idc"))
        cohort_folders = [cohort["folder"] for cohorts in services for cohort in cohorts if cohort["folder"]]
        folders = [os.curdir, sheet_folder, self.places.resources, *self._section["folders"], *cohort_folders]
        return tuple(os.path.join(os.path.abspath(os.path.expanduser(folder)), "") for folder in folders)

    def files(self, wildcards: Wildcards) -> list[Row]:
        """Files of a job: id, path, url, md5 and bytes ('' where unknown)."""
        of_slides = wildcards.kind == "slides"
        sheet, key = (self.slides.path, "slide_id") if of_slides else (self.profiles.path, "profile_id")
        rows = (self.slides.shards if of_slides else self.profile_blocks)[wildcards.block]
        repeated = self._again(wildcards.kind, wildcards.block)
        return [
            {"id": row[key], "path": self.places.resolve(row["path"], sheet), "url": row["url"]}
            | {name: row.get(name) or "" for name in ("md5", "bytes")}
            | repeated
            for row in rows
            if is_downloaded(row) and row.get("keep") != "no"
        ]

    def _again(self, kind: str, block: str) -> Row:
        """What makes a block's job run again: the mark that `snakemake retry_refused` left, nothing without one."""
        mark = f"{self.folder}/retry/{kind}/{block}"
        if not os.path.isfile(mark):
            return {}
        with open(mark, encoding="utf-8") as handle:
            return {"again": handle.read().strip()}

    def shard_manifest(self, wildcards: Wildcards) -> list[str]:
        """Manifest of a shard's downloads, where it has any."""
        rows = self.slides.shards[wildcards.shard]
        is_needed = any(is_downloaded(row) and row.get("keep") != "no" for row in rows)
        return [f"{self.folder}/manifests/slides/{wildcards.shard}.tsv"] if is_needed else []

    def shard_replaced(self, wildcards: Wildcards) -> list[str]:
        """States of a shard's downloaded slides that are no longer the files whose MD5 was noted after the download."""
        rows = [row for row in self.slides.shards[wildcards.shard] if is_downloaded(row) and row.get("keep") != "no"]
        paths = (self.places.resolve(row["path"], self.slides.path) for row in rows)
        states = ((path, state_noted(path)) for path in paths if path in self._noted)
        return [f"{path}: {' '.join(state)}" for path, state in states if state and state != self._noted[path]]

    @functools.cached_property
    def _noted(self) -> dict[str, tuple[str, str]]:
        """Bytes and time (s) of downloaded files by path, as `acquire/digest_notes.py` noted them; the last line of a
        path counts."""
        notes = f"{self.folder}/digests.tsv"
        if not os.path.isfile(notes):
            return {}
        with open(notes, encoding="utf-8", errors="replace") as handle:
            lines = (line.rstrip("\n").split("\t") for line in handle)
            return {fields[3]: (fields[0], fields[1][:-9]) for fields in lines if len(fields) == 4}

    def rna_manifests(self, wildcards: Wildcards) -> list[str]:
        """Manifests of the downloads with expression of the cohort."""
        return self._manifests(wildcards.cohort, "rna")

    def dna_manifests(self, wildcards: Wildcards) -> list[str]:
        """Manifests of the downloads with mutations and copy numbers of the cohort."""
        return self._manifests(wildcards.cohort, "dna")

    def _manifests(self, cohort: str, modality: str) -> list[str]:
        paths = {row["path"] for row in self.profiles.group(cohort, modality)}
        blocks = sorted({self.block_of[path] for path in paths if path in self.block_of})
        return [f"{self.folder}/manifests/profiles/{block}.tsv" for block in blocks]

    def given_files(self, cohort: str, modality: str) -> list[str]:
        """Files of a cohort and modality that are not downloaded (those are in the manifests of downloads)."""
        rows = self.profiles.group(cohort, modality)
        paths = {
            self.places.resolve(row["path"], self.profiles.path) for row in rows if row["path"] not in self.block_of
        }
        return [self.places.given(path) for path in sorted(paths)]

    @property
    def settings(self) -> Config:
        """Section acquire with the files it names found."""
        for cohort in self._section["gtex"].values():
            cohort["slide_list"] = self.places.find_given(cohort["slide_list"])
        for name in ("idc_index", "idc_names"):
            if "://" not in self._section[name]:
                self._section[name] = self.places.find_given(self._section[name])
        return self._section


def state_noted(path: str) -> tuple[str, str] | None:
    """Bytes and time (s) of a file; None where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return str(status.st_size), str(status.st_mtime_ns)[:-9]
