"""Folders of slides: which files are slides, what each is called."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..common.slide_parts import INDEXES, REMEDIES, WHOLE
from .draft import Refusal
from .feature_files import check_folder, walk
from .names import stem_of

#: Pictures without a resolution of their own: slides only where nothing else is there.
PICTURES = {".png", ".jpg", ".jpeg"}


@dataclass
class Found:
    """Slides of a folder: path by name, sorted; formats by count; what was left, in words."""

    folder: Path
    paths: dict[str, Path] = field(default_factory=dict)
    formats: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)


def look_at(folder: Path) -> Found:
    """Slides in a folder and below, by their names alone: nothing is opened. Raises Refusal for two of one name."""
    check_folder(folder)
    slides, pictures, others = [], [], Counter[str]()
    for parent, folders, files in walk(folder):
        whole, images, rest = _sort(Path(parent), files)
        own = {path.stem for path in whole if path.suffix.lower() == ".mrxs"}  # the folders of their parts
        folders[:] = sorted(name for name in folders if name not in own and not name.startswith("."))
        slides += whole
        pictures += images
        others.update(rest)
    found = Found(folder)
    if pictures and slides:
        found.notes.append(f"{len(pictures):,} PNG and JPEG beside slides are not taken for slides")
    for ending, count in sorted(others.items()):
        if ending in REMEDIES:
            found.notes.append(f"{count:,} {ending} left out: {REMEDIES[ending]}")
    _take(found, sorted(slides or pictures))
    if not found.paths:
        seen = (
            ", ".join(f"{count:,} {ending or 'without ending'}" for ending, count in others.most_common(5)) or "nothing"
        )
        raise Refusal(
            f"{folder}: no slide in it or below ({seen}): {', '.join(sorted(WHOLE | {'.mrxs', '.vms', '.dcm'}))}"
        )
    return found


def _sort(parent: Path, files: Sequence[str]) -> tuple[list[Path], list[Path], list[str]]:
    """Slides, pictures, and endings of other files of one folder; a folder of DICOM files is one slide."""
    shown = sorted(name for name in files if not name.startswith("."))
    endings = {name: os.path.splitext(name)[1].lower() for name in shown}
    index = any(ending in INDEXES for ending in endings.values())
    slides = [name for name in shown if endings[name] in (WHOLE - PICTURES - {".czi"}) | {".mrxs", *INDEXES}]
    pictures = [] if index else [name for name in shown if endings[name] in PICTURES]
    series = [parent] if any(ending == ".dcm" for ending in endings.values()) else []
    known = {*slides, *pictures}
    rest = [endings[name] for name in shown if name not in known and endings[name] != ".dcm"]
    return [parent / name for name in slides] + series, [parent / name for name in pictures], rest


def _take(found: Found, paths: Sequence[Path]) -> None:
    for path in paths:
        name = path.name if path.is_dir() else stem_of(path.name)
        if name in found.paths:
            raise Refusal(f"two slides are called {name}: {found.paths[name]} and {path}: move or rename one")
        found.paths[name] = path
        found.formats["DICOM series" if path.is_dir() else path.suffix.lower()] += 1
