"""The list of checksums of a bundle: every file of a folder, and no other. It is read as untrusted input."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from .digests import sha256_of
from .recorded import FOLDER as RECORDS

CONTENTS, CONFIG, PAGE, SUMS = "bundle.json", "config.yaml", "README.md", "checksums.tsv"
#: Version of the layout that this version of the workflow writes and reads.
LAYOUT = 1
HEAD = "# SHA-256 of the lines below: "
COLUMNS = "file\tbytes\tsha256"
#: No bundle lists more files, and none of its texts is longer, in bytes.
MOST_FILES, LONGEST = 100_000, 1 << 26
AGAIN = "copy the whole bundle again"


class BadBundle(ValueError):
    """A bundle can't be used: where, what is wrong, what to do."""

    def __init__(self, location: str, problem: str, remedy: str) -> None:
        super().__init__(f"{location}: {problem}: {remedy}")
        self.where, self.wrong, self.remedy = location, problem, remedy


def verify_files(folder: str) -> None:
    """Raise BadBundle unless the folder holds the files of its list, byte for byte, and no other."""
    listed = read_sums(folder)
    sizes = dict(files_of(folder))
    for name in sorted(sizes.keys() - listed.keys()):
        raise BadBundle(f"{folder}/{name}", f"{SUMS} doesn't list it", "take it out of the bundle's folder")
    for name, (size, digest) in sorted(listed.items()):
        path = f"{folder}/{name}"
        if name not in sizes:
            raise BadBundle(path, f"no such file, and {SUMS} lists it", AGAIN)
        if sizes[name] != size:
            raise BadBundle(path, f"{sizes[name]} bytes, and {SUMS} says {size}", AGAIN)
        if sha256_of(path) != digest:
            raise BadBundle(path, f"another SHA-256 than in {SUMS}", AGAIN)


def files_of(folder: str) -> Iterator[tuple[str, int]]:
    """Name and size in bytes of each file below a folder; BadBundle for anything but files and folders."""
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(parent, name)
            plain = os.path.isdir(path) if name in folders else os.path.isfile(path)
            if os.path.islink(path) or not plain:
                raise BadBundle(path, "is a link, or no regular file", "copy its target, not the link (cp -rL)")
        for name in files:
            path = os.path.join(parent, name)
            relative = Path(os.path.relpath(path, folder))
            # Records of the job that wrote a bundle are stored beside its list and are of no use elsewhere.
            if relative.as_posix() != SUMS and relative.parts[0] != RECORDS:
                yield relative.as_posix(), os.path.getsize(path)


def read_sums(folder: str) -> dict[str, tuple[int, str]]:
    """Bytes and SHA-256 of each file, as listed in checksums.tsv; BadBundle if the list is invalid or changed."""
    path = Path(folder, SUMS)
    if not path.is_file() or path.is_symlink():
        problem = "no such folder" if not os.path.isdir(folder) else f"no bundle: there is no {SUMS} in it"
        raise BadBundle(str(folder), problem, "name a folder that `snakemake bundle` wrote")
    if path.stat().st_size > LONGEST:
        raise BadBundle(str(path), f"larger than {LONGEST >> 20} MiB", AGAIN)
    head, _, body = path.read_bytes().partition(b"\n")
    if head != f"{HEAD}{hashlib.sha256(body).hexdigest()}".encode():
        raise BadBundle(str(path), "its lines differ from the SHA-256 in its first", AGAIN)
    columns, *lines = body.decode("utf-8", errors="replace").splitlines() or [""]
    listed: dict[str, tuple[int, str]] = {}
    for line in lines:
        cells = line.split("\t")
        if columns != COLUMNS or len(cells) != 3 or not cells[1].isdecimal() or len(listed) == MOST_FILES:
            raise BadBundle(str(path), f"not a list of files: {line[:60]!r}", AGAIN)
        if not is_inside(cells[0]) or cells[0] in listed:
            raise BadBundle(str(path), f"{cells[0]!r} is no file of the bundle's own", AGAIN)
        listed[cells[0]] = int(cells[1]), cells[2]
    return listed


def sums_of(folder: str) -> str:
    """The text of checksums.tsv for the files in a folder."""
    rows = [f"{name}\t{size}\t{sha256_of(f'{folder}/{name}')}\n" for name, size in sorted(files_of(folder))]
    body = "".join([f"{COLUMNS}\n", *rows])
    return f"{HEAD}{hashlib.sha256(body.encode()).hexdigest()}\n{body}"


def is_inside(name: str) -> bool:
    """True for a normalised relative name that stays below the bundle's folder."""
    path = PurePosixPath(name)
    plain = name.isprintable() and "\\" not in name and str(path) == name
    return plain and not path.is_absolute() and ".." not in path.parts and name not in ("", ".", SUMS)


def sums_of_needed(path: str) -> dict[str, str]:
    """SHA-256 of a file, whose name is '', or of each file below a folder of weights by its name there."""
    if os.path.isfile(path):
        return {"": sha256_of(path)}
    return {
        Path(parent, name).relative_to(path).as_posix(): sha256_of(Path(parent, name))
        for parent, folders, files in os.walk(path)
        for name in files
        if not name.startswith(".") and "/." not in parent.removeprefix(path)
    }
