"""Inspection: resolution with its source, reasons in order, crashes and hangs contained."""

import os
import time

import numpy as np
import pandas as pd
import pytest
import tifffile
from molpath.common.contained import Lost, map_contained
from molpath.common.files import read_tsv
from molpath.common.ledger import TooManySetAside
from molpath.slides.cohort import collect_slides, duplicates
from molpath.slides.identity import identity_of
from molpath.slides.inspection import inspect_shard, inspect_slide
from molpath.slides.readers import open_slide
from molpath.slides.resolution import find_mpp, magnification_of
from PIL import Image


def row(path, mpp="", keep="auto"):
    return {"slide_id": "S1", "path": str(path), "mpp": mpp, "keep": keep}


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 255, (300, 400, 3), dtype=np.uint8)


@pytest.fixture
def tiff(tmp_path, picture):
    path = tmp_path / "a.tiff"
    tifffile.imwrite(
        path,
        picture,
        tile=(128, 128),
        photometric="rgb",
        resolution=(20000, 20000),
        resolutionunit="CENTIMETER",
        metadata=None,
    )
    return path


@pytest.mark.parametrize(
    ("mpp", "magnification"),
    [(0.1, 80), (0.16, 60), (0.19, 60), (0.2, 40), (0.25, 40), (0.3, 20), (0.5, 20), (0.6, 10), (1.2, 5), (2.4, None)],
)
def test_magnification_buckets(mpp, magnification):
    assert magnification_of(mpp) == magnification


def test_sheet_takes_precedence_with_a_note_and_72_dpi_is_no_resolution():
    assert find_mpp({"openslide.mpp-x": "0.25"}, "0.5") == (
        0.5,
        "sheet",
        "the sheet says mpp 0.5, the file 0.25 (openslide.mpp-x); the sheet's is used",
    )
    assert find_mpp({"openslide.mpp-x": "0.25"}, "0.251")[2] == ""
    assert find_mpp({"openslide.mpp-x": "352.8"})[0] is None
    assert find_mpp({"tiff.XResolution": "20000", "tiff.ResolutionUnit": "centimeter"})[:2] == (0.5, "tiff.XResolution")


def test_good_slide(tiff):
    inspected = inspect_slide(row(tiff))
    assert inspected["status"] == "ok"
    assert (inspected["mpp"], inspected["magnification"], inspected["width"], inspected["height"]) == (
        "0.5",
        20,
        400,
        300,
    )


def test_truncated_slide_is_distinguished_from_a_missing_resolution(tiff):
    os.truncate(tiff, os.path.getsize(tiff) // 2)
    assert inspect_slide(row(tiff))["reason"] == "truncated"


def test_text_is_unreadable(tmp_path):
    path = tmp_path / "x.svs"
    path.write_text("not a slide")
    assert inspect_slide(row(path))["reason"] == "unreadable"


def test_image_needs_mpp_from_the_sheet(tmp_path, picture):
    path = tmp_path / "x.png"
    Image.fromarray(picture).save(path)
    assert inspect_slide(row(path))["reason"] == "no_resolution"
    assert inspect_slide(row(path, mpp="0.5"))["magnification"] == 20
    region = open_slide(path).region(390, 290, 0, 20, 20)
    np.testing.assert_array_equal(region[:10, :10], picture[290:, 390:])
    assert (region[10:] == 255).all()


def test_excluded_slide_is_not_opened():
    assert inspect_slide(row("/nowhere", keep="no"))["reason"] == "excluded"


def act(name):
    if name == "crash":
        os.kill(os.getpid(), 9)
    if name == "hang":
        time.sleep(60)
    if name == "error":
        raise OSError("disk")
    return name.upper()


def test_crash_and_hang_cost_one_item():
    names = ["a", "crash", "b", "hang", "error", "c"]
    answers = dict(map_contained(act, names, deadline_s=1.0))
    assert [answers[n] for n in "abc"] == ["A", "B", "C"]
    assert isinstance(answers["crash"], Lost)
    assert answers["crash"].reason == "crashed"
    assert answers["hang"].reason == "timeout"
    assert isinstance(answers["error"], OSError)


def test_identity_follows_contents(tiff, tmp_path):
    copy = tmp_path / "copy.tiff"
    copy.write_bytes(tiff.read_bytes())
    assert identity_of(copy) == identity_of(tiff)
    with open(copy, "r+b") as handle:
        handle.seek(os.path.getsize(copy) // 2)
        handle.write(b"changed")
    assert identity_of(copy) != identity_of(tiff)


def collect(tmp_path, tiff, count, bad, limit):
    slides = [row(tiff) | {"slide_id": f"S{i}", "keep": "auto"} for i in range(count)]
    for slide in slides[:bad]:
        slide["path"] = str(tmp_path / "none.svs")
    (tmp_path / "none.svs").write_text("x")
    sheet = tmp_path / "slides.tsv"
    sheet.write_text("slide_id\tcase_id\tcohort\n" + "".join(f"S{i}\tC{i}\tA\n" for i in range(count)))
    inspect_shard(slides=slides, manifest=str(tmp_path / "m.tsv"))
    table = tmp_path / "table.tsv"
    collect_slides(
        sheet=str(sheet),
        inspected=[tmp_path / "m.tsv"],
        assessed=[tmp_path / "m.tsv"],
        table=str(table),
        max_failed_fraction=limit,
    )
    return read_tsv(table)


def test_duplicates_are_found_and_named(tmp_path, tiff):
    table = collect(tmp_path, tiff, 3, 0, 0.1)
    assert table.duplicate_of.tolist() == ["", "S0", "S0"]


def test_the_same_pixels_with_another_header_are_a_duplicate():
    columns = ["slide_id", "status", "identity", "pixels"]
    rows = [("A", "ok", "1", "x"), ("B", "ok", "2", "x"), ("C", "ok", "3", "y"), ("D", "set_aside", "1", "x")]
    rows += [("E", "ok", "2", "z"), ("F", "ok", "4", "")]
    assert duplicates(pd.DataFrame(rows, columns=columns)) == ["", "A", "", "", "A", ""]


def test_too_many_set_aside_stops_with_counts(tmp_path, tiff):
    with pytest.raises(TooManySetAside, match=r"2 of 4 slides were set aside(.|\n)*2 unreadable"):
        collect(tmp_path, tiff, 4, 2, 0.3)
    assert (tmp_path / "table.tsv.refused").exists()
    assert len(collect(tmp_path, tiff, 4, 1, 0.3)) == 4
    assert not (tmp_path / "table.tsv.refused").exists(), "the limit holds again"


def test_manifests_of_other_slides_are_not_joined(tmp_path, tiff):
    """By position, the verdict of one slide would stand beside the name of another."""
    collect(tmp_path, tiff, 2, 0, 1)
    lines = (tmp_path / "m.tsv").read_text().splitlines(keepends=True)
    (tmp_path / "other.tsv").write_text(lines[0] + lines[2] + lines[1])
    stages = {"inspected": [tmp_path / "m.tsv"], "assessed": [tmp_path / "other.tsv"]}
    with pytest.raises(ValueError, match=r"other\.tsv, row 1: slide S1, and S0 in .*m\.tsv"):
        collect_slides(sheet=tmp_path / "slides.tsv", **stages, table=tmp_path / "t.tsv", max_failed_fraction=1)
