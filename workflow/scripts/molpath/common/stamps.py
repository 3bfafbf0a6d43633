"""Stamps: the record in a slide's file of its inputs and code.

A stamp is a small dictionary with at least `inputs` (digest of contents and parameters) and `code`
(digest of the sub-package); `row` may hold what the manifest says of the slide, so that a finished
file is reused without opening the slide again. It is stored in root attributes of an .h5, in the
member "molpath" of a .geojson, in a text chunk of a .png and in the comment of a .jpg.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .contained import NoSlidesFault
from .files import open_h5


class ForeignFile(NoSlidesFault):
    """A file without our stamp is in the place of ours; it is never replaced."""


def read_stamp(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """The stamp of `path`, or None if the file is not ours or can't be read as its kind."""
    try:
        text = _READERS[Path(path).suffix.lower()](path)
        stamp = json.loads(text) if isinstance(text, (str, bytes)) else text
    except (OSError, ValueError, KeyError, TypeError, SyntaxError):  # Pillow finds a SyntaxError in a broken PNG
        return None
    return stamp if isinstance(stamp, dict) and {"inputs", "code"} <= stamp.keys() else None


def is_readable(path: str | os.PathLike[str]) -> bool:
    """True if `path` is a complete file of the type given by its suffix, whoever made it.

    Raises OSError if it can't be read at all (permissions, the disk).
    """
    with open(path, "rb") as handle:
        handle.read(1)
    try:
        _WHOLE[Path(path).suffix.lower()](path)
    except (OSError, ValueError, SyntaxError):  # Pillow finds a SyntaxError in a broken PNG
        return False
    return True


def row_of_stamp(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The manifest row in the stamp of a reused file."""
    stamp = read_stamp(path)
    if stamp is None:
        raise ForeignFile(f"{path} has lost its stamp: another process replaced it")
    row: dict[str, Any] = stamp["row"]
    return row


def stamp_h5(handle: Any, stamp: dict[str, Any]) -> None:
    """Put `stamp` on an open HDF5 file: `inputs` and `code` as plain attributes, all of it as JSON."""
    handle.attrs["inputs"], handle.attrs["code"] = stamp["inputs"], stamp["code"]
    handle.attrs["molpath"] = json.dumps(stamp, sort_keys=True)


def save_png(image: Any, path: str | os.PathLike[str], stamp: dict[str, Any]) -> None:
    """Save a PIL image as PNG with the stamp in a text chunk (no time of writing inside)."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("molpath", json.dumps(stamp, sort_keys=True))
    image.save(path, format="PNG", pnginfo=info)


def save_jpeg(image: Any, path: str | os.PathLike[str], stamp: dict[str, Any], quality: int = 85) -> None:
    """Save a PIL image as JPEG with the stamp as its comment."""
    image.save(path, format="JPEG", quality=quality, comment=json.dumps(stamp, sort_keys=True).encode())


def _h5(path: str | os.PathLike[str]) -> Any:
    with open_h5(path) as handle:
        return handle.attrs["molpath"]


def _geojson(path: str | os.PathLike[str]) -> Any:
    return json.loads(Path(path).read_text(encoding="utf-8"))["molpath"]


def _image(key: str) -> Callable[[str | os.PathLike[str]], Any]:
    def read(path: str | os.PathLike[str]) -> Any:
        from PIL import Image

        with Image.open(path) as image:
            return image.info[key]

    return read


def _opened(path: str | os.PathLike[str]) -> None:
    open_h5(path).close()


def _decoded(path: str | os.PathLike[str]) -> None:
    from PIL import Image

    with Image.open(path) as image:
        image.load()


def _parsed(path: str | os.PathLike[str]) -> None:
    json.loads(Path(path).read_text(encoding="utf-8"))


_WHOLE: dict[str, Callable[[str | os.PathLike[str]], None]] = {
    ".h5": _opened, ".geojson": _parsed, ".png": _decoded, ".jpg": _decoded,
}  # fmt: skip
_READERS = {".h5": _h5, ".geojson": _geojson, ".png": _image("molpath"), ".jpg": _image("comment")}
