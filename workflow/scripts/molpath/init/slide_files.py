"""Folders of slides: which files are slides, and their names."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..common.slide_parts import INDEXES, REMEDIES, WHOLE, container_of, series_in
from .draft import Refusal, some
from .feature_files import check_folder, walk
from .names import stem_of

#: Pictures without resolution: taken as slides only if there are no others.
PICTURES = {".png", ".jpg", ".jpeg"}


@dataclass
class Found:
    """Slides of a folder: path by name, sorted; formats by count; remarks on other files."""

    folder: Path
    paths: dict[str, Path] = field(default_factory=dict)
    formats: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)


def look_at(folder: Path) -> Found:
    """Slides in a folder and below, by file names and headers of DICOM. Raises Refusal for duplicate names."""
    check_folder(folder)
    slides, pictures, other_endings = [], [], Counter[str]()
    for parent, folders, files in walk(folder):
        whole_slides, images, leftover = _sort(Path(parent), files)
        mrxs_folders = {
            path.stem for path in whole_slides if path.suffix.lower() == ".mrxs"
        }  # the folders of their parts
        folders[:] = sorted(name for name in folders if name not in mrxs_folders and not name.startswith("."))
        slides += whole_slides
        pictures += images
        other_endings.update(leftover)
    folder_slides = Found(folder)
    if pictures and slides:
        folder_slides.notes.append(f"{len(pictures):,} PNG and JPEG files beside slides are ignored")
    for ending, count in sorted(other_endings.items()):
        if ending in REMEDIES:
            folder_slides.notes.append(f"{count:,} {ending} left out: {REMEDIES[ending]}")
    _take(folder_slides, sorted(slides or pictures))
    if not folder_slides.paths:
        endings = (
            ", ".join(f"{count:,} {ending or 'without ending'}" for ending, count in other_endings.most_common(5))
            or "nothing"
        )
        raise Refusal(
            f"{folder}: no slide in it or below ({endings}): {', '.join(sorted(WHOLE | {'.mrxs', '.vms', '.dcm'}))}"
        )
    return folder_slides


def _sort(parent: Path, files: Sequence[str]) -> tuple[list[Path], list[Path], list[str]]:
    """Slides, pictures, and suffixes of other files in a folder; a folder with DICOM files counts as one."""
    visible = sorted(name for name in files if not name.startswith("."))
    endings = {name: os.path.splitext(name)[1].lower() for name in visible}
    index = any(ending in INDEXES for ending in endings.values())
    slides = [name for name in visible if endings[name] in (WHOLE - PICTURES - {".czi"}) | {".mrxs", *INDEXES}]
    pictures = [] if index else [name for name in visible if endings[name] in PICTURES]
    series = [parent] if any(ending == ".dcm" for ending in endings.values()) else []
    accepted = {*slides, *pictures}
    leftover = [endings[name] for name in visible if name not in accepted and endings[name] != ".dcm"]
    return [parent / name for name in slides] + series, [parent / name for name in pictures], leftover


def _take(folder_slides: Found, paths: Sequence[Path]) -> None:
    for path in paths:
        series = named_series(path, folder_slides.notes) if path.is_dir() else {}
        for name, entry in (series or {path.name if path.is_dir() else stem_of(path.name): path}).items():
            if name in folder_slides.paths:
                other = folder_slides.paths[name]
                raise Refusal(f"two slides are called {name}: {other} and {entry}: move or rename one")
            folder_slides.paths[name] = entry
            folder_slides.formats["DICOM series" if path.is_dir() else path.suffix.lower()] += 1


def named_series(folder: Path, notes: list[str]) -> dict[str, Path]:
    """First file of each DICOM series by name, where a folder holds several: a slide each; a note says which name."""
    try:
        series = series_in(folder)
    except OSError as error:
        raise Refusal(f"{folder} can't be read: {error.strerror}") from None
    if len(series) < 2:
        return {}
    names = {
        "ContainerIdentifier": [container_of(files[0]) for files in series.values()],
        "the beginning that its files' names share": [_beginning(files) for files in series.values()],
        "SeriesInstanceUID": list(series),
    }
    source = next(source for source, texts in names.items() if all(texts) and len(set(texts)) == len(texts))
    notes.append(
        f"{folder} holds {len(series):,} DICOM series: one slide each, named by {source} ({some(names[source])})"
    )
    return {name: files[0] for name, files in zip(names[source], series.values(), strict=True)}


def _beginning(files: Sequence[Path]) -> str:
    """What the names of a series' files share, without separators at its end."""
    stems = [stem_of(file.name) for file in files]
    return stems[0] if len(stems) == 1 else os.path.commonprefix(stems).rstrip("._- ")
