"""Files that the GDC replaced: each version has a UUID of its own, and an old one is no longer served.

Release 31 (2021) changed those of most TCGA slides, so older sheets hold UUIDs that give 404. The endpoint `history` of
the GDC's API lists the versions of a file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .web import AccessDenied, BadRequest, NotFound, Service, Unreachable

_FILE = re.compile(r"(https?://.+)/data/([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})")


def newer_version(service: Service, file: Mapping[str, str]) -> tuple[dict[str, str] | None, str]:
    """The newest version of a file of the GDC, as a row for the same path, and a sentence; else None and ''.

    None with a sentence if its name differs from that of `path`: it may be another slide.
    """
    match = _FILE.fullmatch(file["url"])
    if not match or not service.is_home(file["url"]):
        return None, ""
    api, old = match.groups()
    try:
        versions: list[dict[str, Any]] = service.ask("GET", f"{api}/history/{old}").json()
        released = [version for version in versions if version.get("file_change") == "released"]
        newest = max(released, key=lambda version: int(version["version"]))
        if newest["uuid"].lower() == old.lower():
            return None, ""
        query = {"fields": "file_name,file_size,md5sum"}
        entry = service.ask("GET", f"{api}/files/{newest['uuid']}", params=query).json()["data"]
        name, size, md5 = entry["file_name"], str(entry["file_size"] or ""), entry["md5sum"] or ""
    except (AccessDenied, BadRequest, NotFound, Unreachable, ValueError, KeyError, TypeError, AttributeError):
        return None, ""
    message = (
        f"the GDC replaced it by {newest['uuid']} (version {newest['version']}, release {newest.get('data_release')})"
    )
    if name != Path(file["path"]).name:
        return None, f"{message}, which is named {name}: `snakemake sheets` lists it again"
    return dict(file) | {"url": f"{api}/data/{newest['uuid']}", "md5": md5, "bytes": size}, message
