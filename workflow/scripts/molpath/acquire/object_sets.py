"""A set of objects of a bucket, as one slide: every object under s3://bucket/prefix/*, into one folder.

Buckets store DICOM series like this, one object per level of the slide. The list of the bucket (ListObjectsV2)
says size and ETag of each object; an ETag of 32 hexadecimal digits is its MD5, one with a dash is that of an upload in
parts and only distinguishes versions.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import xml.etree.ElementTree as xml
from collections.abc import Mapping
from pathlib import Path

from ..common.files import fsync
from .s3 import SCHEME
from .transfer import SetAside, Transfer, part_of
from .web import NotFound, Service, Unreachable

#: End of an address that names all objects below it.
ALL = "/*"


def is_set(url: str) -> bool:
    """True for the address of a set of objects."""
    return url.startswith(SCHEME) and url.endswith(ALL)


def list_objects(service: Service, url: str) -> list[dict[str, str]]:
    """Objects of a set, by name: id, url, md5 ('' where the list has none), bytes, etag.

    Raises NotFound if there are none, SetAside for names that are no file names, and what `Service.ask` raises.
    """
    bucket, _, prefix = url.removeprefix(SCHEME).removesuffix("*").partition("/")
    objects: list[dict[str, str]] = []
    query = {"list-type": "2", "prefix": prefix}
    while True:
        answer = service.ask("GET", f"{SCHEME}{bucket}/", params=query)
        try:
            tree = xml.fromstring(answer.content)
        except xml.ParseError:
            raise Unreachable(f"{SCHEME}{bucket}: the answer is not a bucket listing") from None
        space = tree.tag.rpartition("}")[0] + "}" if tree.tag.startswith("{") else ""
        for entry in tree.iter(f"{space}Contents"):
            key, size, etag = (entry.findtext(f"{space}{name}") or "" for name in ("Key", "Size", "ETag"))
            if not key.endswith("/"):  # a folder's own entry
                objects.append(_object_of(bucket, prefix, key, size, etag))
        if tree.tag != f"{space}ListBucketResult":
            raise Unreachable(f"{SCHEME}{bucket}: the answer is not a bucket listing")
        token = tree.findtext(f"{space}NextContinuationToken")
        if not token:
            break
        if token == query.get("continuation-token"):
            raise Unreachable(f"{SCHEME}{bucket}: the bucket repeats the same page of its listing")
        query["continuation-token"] = token
    if not objects:
        raise NotFound(f"{url}: the bucket lists no object under this name")
    return sorted({item["id"]: item for item in objects}.values(), key=lambda item: item["id"])


def _object_of(bucket: str, prefix: str, key: str, size: str, etag: str) -> dict[str, str]:
    name = key.removeprefix(prefix)
    if not key.startswith(prefix) or "/" in name or name in ("", ".", "..") or not size.isdigit():
        raise SetAside(
            "not_the_file", f"s3://{bucket}/{prefix}: the bucket lists {key!r}, which is not a file of one folder"
        )
    md5 = etag.strip('"').lower()
    md5 = md5 if re.fullmatch("[0-9a-f]{32}", md5) else ""
    return {"id": name, "url": f"{SCHEME}{bucket}/{key}", "md5": md5, "bytes": size, "etag": etag}


def fetch_set(transfer: Transfer, file: Mapping[str, str]) -> tuple[int, str]:
    """Bytes and digest of the folder at file["path"], which appears when every object of file["url"] is there.

    Until then objects are in `<path>.part`, finished ones under their names: a later call resumes with the rest. The
    digest is the MD5 of the lines "<MD5> <name>". Raises as `Transfer.fetch`.
    """
    path = Path(file["path"])
    if path.exists():
        return _present(transfer, file, path)
    part = path.with_name(f"{path.name}.part")
    objects = list_objects(transfer.service, file["url"])
    total = sum(int(item["bytes"]) for item in objects)
    if file["bytes"] and total != int(file["bytes"]):
        raise SetAside(
            "wrong_size",
            f"the bucket lists {total} bytes in {len(objects)} objects, announced were {file['bytes']}: another "
            "version of the series; `snakemake sheets` with a newer index lists it again",
        )
    part.mkdir(parents=True, exist_ok=True)
    targets = [item | {"id": f"{file['id']}/{item['id']}", "path": str(part / item["id"])} for item in objects]
    keep = {place for item in targets for place in (Path(item["path"]), part_of(Path(item["path"]), item))}
    for stray in [entry for entry in part.iterdir() if entry not in keep]:
        shutil.rmtree(stray) if stray.is_dir() else stray.unlink()
    for item in targets:
        object_path = Path(item["path"])
        if (
            object_path.exists() and transfer.checked(object_path, item)[0]
        ):  # of another version: only this function writes here
            object_path.unlink()
        transfer.fetch(item)
    os.replace(part, path)
    fsync(path.parent)
    for item in objects:
        transfer.notes.moved(part / item["id"], path / item["id"])
    return total, _digest(transfer, path)


def _present(transfer: Transfer, file: Mapping[str, str], path: Path) -> tuple[int, str]:
    """The same for a folder that exists; the bucket is asked only if no size was announced."""
    if not path.is_dir():
        raise SetAside("other_file", f"{path} is there, but it is a file and not the folder of a series; remove it")
    sizes = {entry.name: entry.stat().st_size for entry in sorted(path.iterdir())}
    if file["bytes"]:
        right = sum(sizes.values()) == int(file["bytes"])
    else:
        right = sizes == {item["id"]: int(item["bytes"]) for item in list_objects(transfer.service, file["url"])}
    if not right:
        raise SetAside(
            "other_file",
            f"{path} is there, but its {len(sizes)} files have {sum(sizes.values())} bytes and are not those "
            "announced; remove it to have it fetched again",
        )
    return sum(sizes.values()), _digest(transfer, path)


def _digest(transfer: Transfer, path: Path) -> str:
    lines = "".join(f"{transfer.notes.md5(entry)} {entry.name}\n" for entry in sorted(path.iterdir()))
    return hashlib.md5(lines.encode(), usedforsecurity=False).hexdigest()
