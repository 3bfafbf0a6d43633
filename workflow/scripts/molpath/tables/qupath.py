"""A script for QuPath that puts slides with their contours and patches into a project."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..common.files import write_json, write_text

#: For QuPath 0.4 and newer. The slides are in a separate file: Groovy takes no text of more than 64 kB.
SCRIPT = """// Slides with contours of tissue and patches into a QuPath project (0.4 or newer).
// Open or create a project, open this file in Automate > Script editor, fill in the two lines below, and run it.
def results = ""  // the folder that holds this file, such as "/data/study/results"
def chosen = []   // slides, such as ["A", "B"]; none: all of open_in_qupath.json. gallery.html writes both lines

import groovy.json.JsonSlurper
import java.awt.geom.AffineTransform
import java.awt.image.BufferedImage
import qupath.lib.gui.commands.ProjectCommands
import qupath.lib.images.servers.ImageServerProvider
import qupath.lib.io.PathIO
import qupath.lib.objects.PathObjectTools

def project = getProject()
if (project == null)
    throw new IllegalStateException("Open or create a project first")
def list = new File(results, "open_in_qupath.json")
if (!list.isFile())
    throw new IllegalStateException("Fill in the line 'def results': there is no " + list)
def slides = new JsonSlurper().parse(list, "UTF-8")
def unknown = chosen - slides.collect { it.id }
if (unknown)
    throw new IllegalStateException("No such slides: " + unknown)
// Paths lead on from where the folder really lies, if it is a link.
def folder = new File(results).canonicalFile
def find = { path ->
    new File(path).isAbsolute() ? new File(path) : new File(folder, path).toPath().normalize().toFile()
}
for (slide in slides) {
    if (chosen && !(slide.id in chosen))
        continue
    def image = find(slide.path).path
    def support = ImageServerProvider.getPreferredUriImageSupport(BufferedImage, image)
    if (support == null || support.builders.isEmpty()) {
        println slide.id + ": QuPath can't open " + image
        continue
    }
    def entry = project.addImage(support.builders.get(0))
    def imageData = entry.readImageData()
    for (layer in slide.layers) {
        def file = find(layer.file)
        if (!file.isFile()) {
            println slide.id + ": there is no " + file
            continue
        }
        def move = AffineTransform.getTranslateInstance(-layer.origin[0], -layer.origin[1])
        def objects = PathIO.readObjects(file.toPath())
        imageData.hierarchy.addObjects(objects.collect { PathObjectTools.transformObject(it, move, true) })
    }
    entry.setImageName(slide.id)
    entry.setThumbnail(ProjectCommands.getThumbnailRGB(imageData.getServer()))
    entry.saveImageData(imageData)
    println slide.id + ": added"
}
project.syncChanges()
"""


def write_script(script: str, listed: str, slides: Iterable[Mapping[str, Any]]) -> None:
    """Write the script, and the list of slides that it reads, see `entry_of`."""
    write_text(script, SCRIPT)
    write_json(listed, list(slides))


def entry_of(
    slide_id: str, raw: str, folder: Path, contours: Path, maps: Sequence[Path], origin: tuple[int, int]
) -> dict[str, Any]:
    """What the script in `folder` reads of a slide: its file, and GeoJSON files with where their pixels begin.

    raw: path of the slide. Paths are written relative to `folder`, so that they name no folder of a machine. maps:
    GeoJSON of maps, whose pixels are QuPath's; origin: corner of what QuPath shows (contours are in pixels of the whole
    level).
    """
    layers = [(contours, origin), *((path, (0, 0)) for path in maps)]
    existing = [{"file": _from(folder, path), "origin": list(corner)} for path, corner in layers if path.is_file()]
    return {"id": slide_id, "path": _from(folder, raw), "layers": existing}


def _from(folder: Path, path: str | Path) -> str:
    # Folders that are links are followed, for ".." leads out of where they really lie; a file's own name is kept.
    place = Path(path).parent.resolve() / Path(path).name
    return Path(os.path.relpath(place, folder.resolve())).as_posix()
