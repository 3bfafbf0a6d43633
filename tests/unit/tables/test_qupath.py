"""What the script for QuPath reads: paths that lead to the files, wherever the folders really are."""

import json
import os
import shutil
import subprocess

import pytest
from molpath.tables.qupath import entry_of, write_script


def test_paths_lead_to_the_files_where_the_results_are_a_link(tmp_path):
    """A folder of results on a scratch disk, a slide that is a link to a file of another name."""
    raw, scratch, store = tmp_path / "study/raw", tmp_path / "scratch/deep/results", tmp_path / "store"
    for folder in (raw, scratch / "wsi", store):
        folder.mkdir(parents=True)
    (store / "0af3").write_text("slide")
    (raw / "A.svs").symlink_to(store / "0af3")
    (scratch / "wsi/A.geojson").write_text("{}")
    results = tmp_path / "study/results"
    results.symlink_to(scratch)
    entry = entry_of("A", str(raw / "A.svs"), results, results / "wsi/A.geojson", [], (3, 4))
    (layer,) = entry["layers"]
    for path, name in ((entry["path"], "A.svs"), (layer["file"], "A.geojson")):
        place = os.path.normpath(os.path.join(os.path.realpath(results), path))
        assert os.path.isfile(place), path
        assert os.path.basename(place) == name, "QuPath knows slides by the ends of their names"


#: What the script asks of QuPath: it prints what it was given.
DOUBLES = {
    "qupath.lib.gui.commands": "class ProjectCommands { static getThumbnailRGB(server) { server } }",
    "qupath.lib.images.servers": """class ImageServerProvider {
        static getPreferredUriImageSupport(Class kind, String path) {
            new File(path).isFile() ? [builders: [path]] : null } }""",
    "qupath.lib.io": "class PathIO { static readObjects(java.nio.file.Path path) { [path.toString()] } }",
    "qupath.lib.objects": """class PathObjectTools { static transformObject(object, move, copied) {
        object + " by " + move.translateX + " " + move.translateY } }""",
}
#: The project that is open in QuPath.
PROJECT = """
def getProject() { [addImage: { path -> println path; [
    readImageData: { [hierarchy: [addObjects: { println it[0] }], getServer: { "" }] },
    setImageName: { println it }, setThumbnail: {}, saveImageData: {}] }, syncChanges: { println "synced" }] }
"""


def run_groovy(folder, script):
    """Lines that a script prints."""
    for package, code in DOUBLES.items():
        path = folder / "doubles" / package.replace(".", "/") / f"{code.split()[1]}.groovy"
        path.parent.mkdir(parents=True)
        path.write_text(f"package {package}\n{code}\n")
    (folder / "run.groovy").write_text(script, encoding="utf-8")
    command = ["groovy", "-cp", str(folder / "doubles"), "-c", "UTF-8", str(folder / "run.groovy")]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()


def has_groovy():
    """True where groovy is installed, and finds its Java."""
    return shutil.which("groovy") and subprocess.run(["groovy", "--version"], capture_output=True).returncode == 0


@pytest.mark.skipif(not has_groovy(), reason="Groovy isn't installed")
def test_the_script_adds_the_chosen_slide_with_its_contours(tmp_path):
    """In Groovy, with doubles of QuPath: folders and slides with quotes, backslashes, dollars and other letters."""
    word = 'it\'s "a" $x ${1+1} b\\u0041 é 日本'
    results = tmp_path / word / "results"
    results.mkdir(parents=True)
    entries = []
    for name in ("other", word):
        (tmp_path / word / f"{name}.svs").touch()
        (results / f"{name}.geojson").write_text("{}")
        raw, contours = str(tmp_path / word / f"{name}.svs"), results / f"{name}.geojson"
        entries.append(entry_of(name, raw, results, contours, [], (3, 4)))
    write_script(str(tmp_path / "script.groovy"), str(results / "open_in_qupath.json"), entries)
    folder, chosen = (json.dumps(str(text), ensure_ascii=False).replace("$", "\\$") for text in (results, word))
    filled = {'def results = ""': f"def results = {folder}", "def chosen = []": f"def chosen = [{chosen}]"}
    script = (tmp_path / "script.groovy").read_text(encoding="utf-8")
    for line, filled_line in filled.items():
        assert script.count(line) == 1
        script = script.replace(line, filled_line)
    slide, contours = tmp_path / word / f"{word}.svs", results / f"{word}.geojson"
    expected = [str(slide), f"{contours} by -3.0 -4.0", word, f"{word}: added", "synced"]
    assert run_groovy(tmp_path, script + PROJECT) == expected
