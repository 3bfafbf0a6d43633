"""The list of public slides known to be bad: well formed, every entry with its thread, and a note in the manifest."""

import re

import numpy as np
from molpath.common.files import read_tsv
from molpath.slides.inspection import inspect_shard
from molpath.slides.known_bad import note_of, read_known_bad
from PIL import Image


def table(repository):
    return repository / "resources/known_slides/known_bad_slides.tsv"


def test_every_entry_says_what_and_where(repository):
    rows = read_known_bad(table(repository))
    assert list(rows[0]) == ["slide", "cohort", "problem", "source"]
    assert len(rows) == len({row["slide"] for row in rows}) >= 15
    for row in rows:
        assert all(row.values()), row
        assert re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+/issues/\d+", row["source"]), row
        assert re.fullmatch(r"[\w.-]{8,}\*?", row["slide"]), f"{row['slide']} would fit too many names"


def test_names_are_found_by_id_and_by_file(repository):
    listed = read_known_bad(table(repository))
    by_id = note_of({"slide_id": "C3L-03513-21", "path": "/data/1.svs"}, listed)
    assert by_id.startswith("known by this name in CPTAC-PDA: ")
    assert "https://github.com/mahmoodlab/Patho-Bench/issues/30" in by_id
    path = "/data/TCGA-4X-A9FA-01Z-00-DX5.304B3A94-B997-4FCE-A85D-B66AD238CDD1.svs"
    assert "level 0 is incomplete" in note_of({"slide_id": "S1", "path": path}, listed)
    assert note_of({"slide_id": "test_1144", "path": "/data/normal_0277.tif"}, listed) == ""


def test_the_note_reaches_the_manifest_whatever_becomes_of_the_slide(tmp_path, repository):
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(tmp_path / "test_114.png")
    (tmp_path / "broken.svs").write_text("no slide")
    slides = [
        {"slide_id": "A", "path": str(tmp_path / "test_114.png"), "mpp": "0.5", "keep": "auto"},
        {"slide_id": "C3L-03514-21", "path": str(tmp_path / "broken.svs"), "mpp": "", "keep": "auto"},
        {"slide_id": "B", "path": str(tmp_path / "broken.svs"), "mpp": "", "keep": "auto"},
    ]
    inspect_shard(slides=slides, manifest=str(tmp_path / "m.tsv"), known_bad=str(table(repository)))
    rows = read_tsv(tmp_path / "m.tsv")
    assert rows.reason.tolist() == ["", "unreadable", "unreadable"]
    assert "CAMELYON16" in rows.note[0]
    assert "Patho-Bench" in rows.note[1]
    assert rows.note[2] == ""
