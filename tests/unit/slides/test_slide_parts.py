"""Slides that consist of several files: all of them are inputs, in the identity, in copies, and looked at for gaps."""

import os
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from dicom_files import write_instance, write_series
from molpath.common.slide_parts import parts_of, state_of
from molpath.features.staging import stage
from molpath.slides.identity import identity_of
from molpath.slides.inspection import inspect_slide
from molpath.slides.readers import open_slide
from molpath.study.config import Places
from molpath.study.slides import Slides
from PIL import Image
from slide_files import picture

PIXELS = picture(256, 384)


def look(path, keep="auto"):
    return inspect_slide({"slide_id": "S", "path": str(path), "mpp": "", "keep": keep})


def declared(tmp_path, *paths):
    """Inputs and states that planning gives Snakemake for slides in one shard."""
    sheet = tmp_path / "slides.tsv"
    rows = "".join(f"S{i}\tC{i}\t{path}\n" for i, path in enumerate(paths))
    sheet.write_text(f"slide_id\tcase_id\tpath\n{rows}", encoding="utf-8")
    slides = Slides({"slides": {"sheet": str(sheet), "slides_per_job": 10, "cases": ""}}, Places())
    wildcards = SimpleNamespace(shard="00000")
    return slides.shard_files(wildcards), slides.shard_states(wildcards)


def write_vms(folder, seed=0):
    """A Hamamatsu slide: an index that says nothing of the pixels, and JPEGs with a restart marker per row."""
    folder.mkdir()
    for name, pixels in (("Scan(0,0).jpg", picture(256, 256, seed)), ("macro.jpg", picture(64, 64, 5))):
        Image.fromarray(pixels).save(folder / name, quality=90, subsampling=0, restart_marker_rows=1)
    Image.fromarray(picture(64, 64, seed)).save(folder / "map.jpg", quality=90, subsampling=0, restart_marker_rows=1)
    (folder / "s.vms").write_text(
        "[Virtual Microscope Specimen]\nNoLayers=1\nNoJpegColumns=1\nNoJpegRows=1\nImageFile=Scan(0,0).jpg\n"
        "MapFile=map.jpg\nOptimisationFile=\nMacroImage=macro.jpg\nPhysicalWidth=128000\nPhysicalHeight=128000\n"
        "SourceLens=20\n"
    )
    return folder / "s.vms"


def test_a_dicom_series_as_folder_or_as_any_of_its_files_is_one_slide(tmp_path):
    folder = write_series(tmp_path / "s", PIXELS)
    write_series(folder.parent / "both", PIXELS)
    rows = [look(path) for path in (folder, *sorted(folder.iterdir()))]
    for row in rows:
        assert (row["status"], row["width"], row["height"], row["levels"], row["mpp"]) == ("ok", 384, 256, 3, "0.5")
    assert len({row["identity"] for row in rows}) == 1
    assert len({row["bytes"] for row in rows}) == 1
    first = open_slide(folder).region(0, 0, 0, 384, 256)
    assert np.abs(first.astype(int) - PIXELS).mean() < 6
    np.testing.assert_array_equal(first, open_slide(folder / "1.2.3.4_2.dcm").region(0, 0, 0, 384, 256))


def test_the_published_case_of_a_folder(tmp_path):
    """Files of other kinds, and of another series, next to the slide's."""
    folder = write_series(tmp_path / "s", PIXELS)
    (folder / "notes.txt").write_text("read me")
    assert look(folder)["status"] == "ok"
    write_series(folder, picture(256, 384, 3), series="1.2.3.40")
    assert (
        look(folder)["detail"]
        == "a folder with 2 DICOM series: give each series a folder, or name one file of each in a row of its own "
        "(molpath init does)"
    )
    assert look(folder / "1.2.3.4_1.dcm")["status"] == "ok"
    assert len(parts_of(folder / "1.2.3.40_0.dcm")) == 3
    (tmp_path / "empty").mkdir()
    assert look(tmp_path / "empty")["detail"] == "a folder without a DICOM series: name one file of the slide"


def test_a_series_without_its_finest_image_is_set_aside(tmp_path):
    """It was accepted as a slide of half the resolution."""
    folder = write_series(tmp_path / "s", PIXELS)
    (folder / "1.2.3.4_0.dcm").unlink()
    for path in (folder, folder / "1.2.3.4_2.dcm"):
        row = look(path)
        assert (row["status"], row["reason"]) == ("set_aside", "truncated")
        assert "a smaller copy (RESAMPLED) of one that is missing: fetch the whole series" in row["detail"]
        kept = look(path, keep="yes")
        assert (kept["status"], kept["mpp"]) == ("ok", "1")
        assert "RESAMPLED" in kept["note"]
    whole = write_series(tmp_path / "t", PIXELS)
    (whole / "1.2.3.4_1.dcm").unlink()  # a lower level is no loss
    assert look(whole)["status"] == "ok"


def test_a_replaced_instance_is_another_slide(tmp_path):
    folder = write_series(tmp_path / "s", PIXELS)
    before, (inputs, states) = identity_of(folder), declared(tmp_path, folder)
    assert [os.path.basename(path) for path in inputs] == [f"1.2.3.4_{i}.dcm" for i in range(3)]
    write_instance(folder / "1.2.3.4_1.dcm", picture(128, 192, 8), 1.0, "1.2.3.4", 1, "RESAMPLED")
    os.utime(folder / "1.2.3.4_1.dcm", (1e9, 1e9))  # as rsync -a brings it: older than all results
    assert identity_of(folder) != before
    assert declared(tmp_path, folder)[1] != states


@pytest.mark.parametrize("number", [0, 2])
def test_an_instance_that_is_cut_off_is_named(tmp_path, number):
    folder = write_series(tmp_path / "s", PIXELS)
    file = folder / f"1.2.3.4_{number}.dcm"
    os.truncate(file, file.stat().st_size - 100)
    row = look(folder / "1.2.3.4_1.dcm")
    assert (row["reason"], row["detail"]) == (
        "truncated",
        f"files of the slide are cut off: {file.name}; copy the whole slide again",
    )


def test_slides_of_equal_index_files_are_two(tmp_path):
    paths = [write_vms(tmp_path / name, seed) for name, seed in (("a", 0), ("b", 1), ("c", 0))]
    assert len({path.read_bytes() for path in paths}) == 1
    rows = [look(path) for path in paths]
    assert [row["status"] for row in rows] == ["ok"] * 3
    assert rows[0]["identity"] != rows[1]["identity"]
    assert rows[0]["identity"] == rows[2]["identity"]  # a copy stays a copy
    inputs, states = declared(tmp_path, *paths)
    assert len(inputs) == 12
    shutil.copy(paths[1].with_name("Scan(0,0).jpg"), paths[2].with_name("Scan(0,0).jpg"))
    assert look(paths[2])["identity"] != rows[2]["identity"]
    assert declared(tmp_path, *paths)[1][2] != states[2]


def test_the_published_case_of_two_slides_with_one_index(shared_data):
    folder = shared_data.parent / "cases/14-vms-identity"
    if not folder.exists():
        pytest.skip(f"the folder of cases is absent: {folder}")
    assert (folder / "A/slide.vms").read_bytes() == (folder / "B/slide.vms").read_bytes()
    assert look(folder / "A/slide.vms")["identity"] != look(folder / "B/slide.vms")["identity"]


def test_parts_of_a_hamamatsu_slide_that_are_missing_or_cut_off_are_named(tmp_path):
    path = write_vms(tmp_path / "a")
    pixels = path.with_name("Scan(0,0).jpg")
    os.truncate(pixels, pixels.stat().st_size // 2)
    assert look(path)["detail"] == "files of the slide are cut off: Scan(0,0).jpg; copy the whole slide again"
    pixels.unlink()
    assert look(path)["detail"] == "files of the slide are missing or empty: Scan(0,0).jpg; copy the whole slide again"
    (tmp_path / "set.ndpis").write_text("[NanoZoomer Digital Pathology Image Set]\nNoImages=1\nImage0=a.ndpi\n")
    assert "write one row per .ndpi file that it names" in look(tmp_path / "set.ndpis")["detail"]


def test_parts_of_a_mirax_slide(tmp_path):
    for name in ("m", "n"):
        (tmp_path / name).mkdir()
        (tmp_path / f"{name}.mrxs").write_bytes(b"one thumbnail")
        (tmp_path / name / "Slidedat.ini").write_text(
            "[HIERARCHICAL]\r\nINDEXFILE = Index.dat\r\n[DATAFILE]\r\nFILE_COUNT = 2\r\nFILE_0 = Data0.dat\r\n"
            "FILE_1 = Data1.dat\r\n"
        )
        for part in ("Index.dat", "Data0.dat", "Data1.dat"):
            (tmp_path / name / part).write_bytes(f"{part} of {name}".encode())
    assert identity_of(tmp_path / "m.mrxs") != identity_of(tmp_path / "n.mrxs")
    assert len(declared(tmp_path, tmp_path / "m.mrxs")[0]) == 5
    before = identity_of(tmp_path / "m.mrxs"), state_of(tmp_path / "m.mrxs")
    (tmp_path / "m/Data1.dat").write_bytes(b"another")
    assert identity_of(tmp_path / "m.mrxs") != before[0]
    assert state_of(tmp_path / "m.mrxs") != before[1]
    (tmp_path / "m/Data1.dat").write_bytes(b"")
    (tmp_path / "m/Data0.dat").unlink()
    assert "missing or empty: Data0.dat, Data1.dat" in look(tmp_path / "m.mrxs")["detail"]
    shutil.rmtree(tmp_path / "m")
    assert "missing or empty: m/Slidedat.ini" in look(tmp_path / "m.mrxs")["detail"]


def test_a_file_replaced_by_an_older_one_is_seen(tmp_path):
    path = tmp_path / "s.svs"
    path.write_bytes(b"new")
    states = declared(tmp_path, path)[1]
    path.write_bytes(b"old")
    os.utime(path, (1e9, 1e9))
    assert declared(tmp_path, path)[1] != states


def test_a_folder_is_copied_to_local_disk_whole(tmp_path):
    folder = write_series(tmp_path / "s", PIXELS)
    with stage([str(folder), str(write_vms(tmp_path / "v"))], str(tmp_path / "scratch"), 1.0) as staging:
        staging.thread.join()
        places = [staging.path_of(slide) for slide in (0, 1)]
        assert all(place.startswith(str(tmp_path / "scratch")) for place in places)
        np.testing.assert_array_equal(
            open_slide(places[0]).region(0, 0, 0, 99, 99), open_slide(folder).region(0, 0, 0, 99, 99)
        )
        assert look(places[1])["status"] == "ok"


@pytest.mark.parametrize("name", ["s.czi", "s.vsi", "s.isyntax", "s.lif", "s.sdpc", "s.kfb", "s.ome.zarr"])
def test_formats_that_no_reader_opens_come_with_advice(tmp_path, name):
    path = tmp_path / name
    if name.endswith("zarr"):
        path.mkdir()
        (path / ".zattrs").write_text("{}")
    else:
        path.write_bytes(b"ZISRAWFILE" + bytes(500))
    row = look(path)
    assert (row["status"], row["reason"]) == ("set_aside", "unreadable")
    assert "convert it" in row["detail"]
