"""Stamps: how a file of one slide says what it was made from and by which code.

A stamp is a small dictionary with at least `inputs` (digest of contents and parameters) and `code`
(digest of the sub-package); `row` may hold what the manifest says of the slide, so that a finished
file is taken as it is without opening the slide again. It lies in root attributes of an .h5, in the
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
    """A file without our stamp lies where ours would go; it is never replaced."""


def read_stamp(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """The stamp of `path`, or None if the file is not ours or can't be read as its kind."""
    try:
        text = _READERS[Path(path).suffix.lower()](path)
        stamp = json.loads(text) if isinstance(text, (str, bytes)) else text
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return stamp if isinstance(stamp, dict) and {"inputs", "code"} <= stamp.keys() else None


def is_current(path: str | os.PathLike[str], inputs: str, code: str, accept_other_code: bool = False) -> bool:
    """True if `path` exists and was made from these inputs by this code (or by any, if accepted).

    Raises ForeignFile where a file lies at `path` that is not ours.
    """
    if not Path(path).exists():
        return False
    stamp = read_stamp(path)
    if stamp is None:
        raise ForeignFile(
            f"{path} was not made by this workflow and is never replaced. Move it away, or, to use features "
            "of another tool, give their folder as `precomputed:` in the config."
        )
    return stamp["inputs"] == inputs and (accept_other_code or stamp["code"] == code)


def row_of_stamp(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The manifest row in the stamp of a file that `is_current`."""
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


_READERS = {".h5": _h5, ".geojson": _geojson, ".png": _image("molpath"), ".jpg": _image("comment")}
