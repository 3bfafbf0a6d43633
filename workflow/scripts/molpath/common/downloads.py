"""Results of downloads, for the stages that read the files: manifests of rule download_files."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

from .files import read_tsv

log = logging.getLogger(__name__)


def failed_downloads(manifests: Iterable[str]) -> dict[str, str]:
    """Why a file was set aside (reason and detail), by its path."""
    failed: dict[str, str] = {}
    for manifest in manifests:
        table = read_tsv(manifest)
        failed_rows = table[table.status == "set_aside"]
        failed |= {
            path: f"{reason}: {detail}" for path, reason, detail in failed_rows[["path", "reason", "detail"]].values
        }
    return failed


def downloaded_only(rows: Sequence[Mapping[str, str]], manifests: Iterable[str]) -> list[Mapping[str, str]]:
    """Rows of the profile sheet without those whose file was set aside; each of these is logged.

    Raises ValueError if none is left, or most files are lost.
    """
    failed = failed_downloads(manifests)
    for row in rows:
        if row["path"] in failed:
            log.warning(
                "profile %s is left out: its file was not downloaded (%s)", row["profile_id"], failed[row["path"]]
            )
    downloaded = [row for row in rows if row["path"] not in failed]
    if rows and not downloaded:
        first = rows[0]
        raise ValueError(f"no file of cohort {first['cohort']} could be downloaded; first {failed[first['path']]}")
    files, failed_files = {row["path"] for row in rows}, {row["path"] for row in rows} & set(failed)
    if len(failed_files) > len(files) / 2:
        first = next(row for row in rows if row["path"] in failed_files)
        raise ValueError(
            f"{len(failed_files)} of {len(files)} files of cohort {first['cohort']} could not be downloaded; first "
            f"{first['path']}: {failed[first['path']]}. `snakemake refused` lists them, `snakemake retry_refused` lets "
            "the next run ask again; rows that can't be obtained are left out of the sheet"
        )
    return downloaded
