"""What the script for QuPath reads: paths that lead to the files, wherever the folders really are."""

import os

from molpath.tables.qupath import entry_of


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
