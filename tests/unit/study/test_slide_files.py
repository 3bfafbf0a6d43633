"""Paths of the slide sheet that are no whole slide: refused before any work, each with what to do."""

import numpy as np
import pytest
from dicom_files import write_series
from molpath.study import Study
from molpath.study.problems import ProblemsFound

PIXELS = np.zeros((128, 128, 3), np.uint8)


def message_of(project, path, **more):
    """What planning says of a project whose first slide is there; '' for nothing."""
    project.slides[0] |= {"path": path} | more
    project.absent = set()
    write = [row for row in project.slides if row["path"] != path]
    for row in write:
        (project.folder / row["path"]).parent.mkdir(parents=True, exist_ok=True)
    project.write()
    try:
        Study.open("config.yaml").check()
    except ProblemsFound as found:
        return str(found)
    return ""


def test_a_folder_with_several_series_is_refused_with_their_number(project):
    for number in (1, 2, 3):
        write_series(project.folder / "flat", PIXELS, series=f"1.2.{number}")
    message = message_of(project, "flat")
    assert "slides.tsv, row 2, column path: flat is a folder with 3 DICOM series" in message
    assert "give each series a folder, or name one file of each in a row of its own" in message
    assert "1 problem" in message
    assert message_of(project, "flat", keep="no") == ""
    assert message_of(project, "flat/1.2.2_0.dcm", keep="") == ""


def test_a_folder_with_one_series_is_a_slide_and_an_empty_one_is_none(project):
    write_series(project.folder / "one", PIXELS)
    assert message_of(project, "one") == ""
    (project.folder / "none").mkdir()
    assert "none is a folder without a DICOM series" in message_of(project, "none")


def test_a_mrxs_without_its_folder_is_refused(project):
    (project.folder / "S.mrxs").touch()
    message = message_of(project, "S.mrxs")
    assert "slides.tsv, row 2, column path: S.mrxs has no folder S beside it, where its pixels are" in message
    assert "copy the folder, too" in message
    (project.folder / "S").mkdir()
    assert "where its pixels are" in message_of(project, "S.mrxs")
    (project.folder / "S/Slidedat.ini").touch()
    assert message_of(project, "S.mrxs") == ""


@pytest.mark.parametrize(("path", "message"), [
    ("list.ndpis", "a list of slides (.ndpis)"), ("S.zarr", "OME-Zarr, which is not read here"),
])  # fmt: skip
def test_lists_and_folders_that_no_reader_opens_are_refused(project, path, message):
    (project.folder / path).mkdir() if path.endswith("zarr") else (project.folder / path).touch()
    assert message in message_of(project, path)
