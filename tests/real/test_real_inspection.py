"""Every real slide opens with the facts that its row of MANIFEST.tsv states, or is set aside for the reason there."""

import re

import pytest
from molpath.common.files import read_tsv
from molpath.slides.inspection import inspect_slide

#: Of slides that open: size, levels, mpp and its source, magnification; then the reason if they are set aside, the
#: words of the manifest's facts that say the same, and words of our detail.
OPENED = {
    "boxes.tiff": (300, 250, 4, "", "", "", "no_resolution", "mpp 352.86 from the resolution tag", "gives 352.858"),
    "cmu-1-small-region.svs": (2220, 2967, 1, "0.499", "openslide.mpp-x", 20, "", "2220x2967; mpp 0.499", ""),
    "small.svs": (16, 16, 1, "0.499", "openslide.mpp-x", 20, "", "opens and reads; mpp 0.499", ""),
    "tcga-cr-7395-01a-01-ts1.svs": (4443, 3567, 2, "", "", "", "no_resolution", "4443x3567; two levels", "column mpp"),
}  # fmt: skip
DECLINED = {
    "broken.svs": ("does not open (unsupported or missing image file)", "Unsupported or missing image file"),
    "small_dicom.dcm": ("Couldn't get image flavor", "Reading small_dicom.dcm: Couldn't get image flavor"),
    "smalltif.tif": ("tifffile reads 480x640 uint16", "1 samples of uint16 per pixel"),
    "unopenable.tiff": ("Unsupported TIFF compression: 52479", "52479"),
    "unreadable.svs": ("Bogus marker length", "its last pixels can't be read"),
}


@pytest.fixture(scope="module")
def facts(shared_data):
    """Facts of the manifest by name of the slide file."""
    table = read_tsv(shared_data / "MANIFEST.tsv")
    table = table[table.path.str.startswith("slides/")]
    return dict(zip(table.path.str.removeprefix("slides/"), table.facts, strict=True))


def inspect(shared_data, name, mpp=""):
    """Manifest row of a real slide."""
    return inspect_slide({"slide_id": "S", "path": str(shared_data / "slides" / name), "mpp": mpp, "keep": "auto"})


def test_no_file_is_forgotten(shared_data, facts):
    files = {path.name for path in (shared_data / "slides").iterdir()}
    assert files == set(facts) == set(OPENED) | set(DECLINED)


@pytest.mark.parametrize("name", OPENED)
def test_slides_that_open(shared_data, facts, name):
    width, height, levels, mpp, source, magnification, reason, words, detail = OPENED[name]
    assert words in facts[name]
    row = inspect(shared_data, name)
    assert (row["width"], row["height"], row["levels"], row["reason"]) == (width, height, levels, reason)
    scale = tuple(row.get(column, "") for column in ("mpp", "mpp_source", "magnification"))
    assert scale == (mpp, source, magnification)
    assert detail in row["detail"]


@pytest.mark.parametrize("name", DECLINED)
def test_slides_that_do_not(shared_data, facts, name):
    stated, detail = DECLINED[name]
    assert stated in facts[name]
    row = inspect(shared_data, name)
    assert row["reason"] == "unreadable"
    assert detail in row["detail"]
    assert str(shared_data) not in row["detail"], "a path of this machine in a result"


def test_the_sheet_puts_a_missing_resolution_right(shared_data, facts):
    name = "tcga-cr-7395-01a-01-ts1.svs"
    mpp = re.search(r"unless the sheet gives mpp \(use ([\d.]+)\)", facts[name])[1]
    row = inspect(shared_data, name, mpp=mpp)
    assert (row["status"], row["mpp"], row["mpp_source"], row["magnification"]) == ("ok", "0.5", "sheet", 20)
