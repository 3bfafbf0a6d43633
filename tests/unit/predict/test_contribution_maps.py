"""Maps of contributions: colours about zero, sums in titles, numbers for QuPath, and the patches that add most."""

import json

import h5py
import matplotlib
import numpy as np
import pytest
from molpath.common.manifests import write_manifest
from molpath.interpret.patch_maps import Places, about_zero, paint
from molpath.interpret.top_patches import EDGE, GAP, LINE
from molpath.predict.contributing_patches import highest, show_contributing_patches
from molpath.predict.contribution_maps import draw_contributions, panels_of, read_contributions, sum_of
from PIL import Image

SIZE, STEP = (2048, 1536), 512


@pytest.fixture
def contributions(tmp_path):
    """Two slides of a case, one of another whose patches have no place; a slide file with a colour a patch."""
    rng = np.random.default_rng(0)
    coords = np.array([(x, y) for y in range(0, SIZE[1], STEP) for x in range(0, SIZE[0], STEP)])
    values = {"S1": rng.normal(0.1, 0.2, (12, 2)), "S2": rng.normal(0, 0.2, (5, 2)), "S3": rng.normal(size=(4, 2))}
    constant, cases = np.array([0.5, -1.25]), {"S1": "A", "S2": "A", "S3": "B"}
    with h5py.File(tmp_path / "contributions.h5", "w") as handle:
        handle.create_dataset("columns", data=["er $x$", "rest"], dtype=h5py.string_dtype())
        handle["constant"] = constant
        handle.attrs.update({"unit": "logit", "model": "m", "task": "t"})
        for slide, numbers in values.items():
            handle[f"slides/{slide}/contributions"] = numbers.astype(np.float32)
            handle[f"slides/{slide}"].attrs["case_id"] = cases[slide]
            if slide != "S3":
                handle[f"slides/{slide}/coords"] = coords[: len(numbers)]
                handle[f"slides/{slide}/coords"].attrs["patch_size_level0"] = STEP
        handle["cases/A/output"] = constant + values["S1"].sum(0) + values["S2"].sum(0)
        handle["cases/B/output"] = constant + values["S3"].sum(0)
    pixels = np.full((SIZE[1], SIZE[0], 3), 255, np.uint8)
    for i, (x, y) in enumerate(coords):
        pixels[y : y + STEP, x : x + STEP] = (15 * i, 200, 60)
    Image.fromarray(pixels).save(tmp_path / "S1.png")
    (tmp_path / "thumbnails").mkdir()
    Image.fromarray(pixels).resize((256, 192)).save(tmp_path / "thumbnails/S1.jpg")
    whole = {"status": "ok", "reason": "", "detail": "", "width": SIZE[0], "height": SIZE[1], "mpp": 0.5}
    rows = [{"slide_id": "S1", "bounds_x": 100, "bounds_y": 30} | whole, {"slide_id": "S3"} | whole]
    rows.append({"slide_id": "S4", "status": "set_aside", "reason": "blank", "detail": "almost no tissue"})
    write_manifest(tmp_path / "inspected.tsv", rows, ["width", "height", "mpp", "bounds_x", "bounds_y"])
    write_manifest(tmp_path / "assessed.tsv", rows, [])
    return tmp_path, coords, values, constant


def draw(folder, slide, name):
    draw_contributions(
        contributions=str(folder / "contributions.h5"), slide_id=slide, inspected=str(folder / "inspected.tsv"),
        assessed=str(folder / "assessed.tsv"), wsi=str(folder), note="synthetic",
        picture=str(folder / f"{name}.png"), patches=str(folder / f"{name}.geojson"),
    )  # fmt: skip
    return json.loads((folder / f"{name}.geojson").read_text())


def test_numbers_for_qupath_add_up_to_the_output(contributions):
    folder, coords, values, constant = contributions
    document = draw(folder, "S1", "map")
    features = document["features"]
    corners = [feature["geometry"]["coordinates"][0][0] for feature in features]
    assert corners == (coords - [100, 30]).tolist()
    added = [feature["properties"]["measurements"]["contribution to logit, rest"] for feature in features]
    np.testing.assert_allclose(added, values["S1"][:, 1], rtol=1e-4)
    assert document["constant"] == pytest.approx({"er $x$": 0.5, "rest": -1.25})
    output = document["constant"]["rest"] + sum(added) + values["S2"][:, 1].sum()
    assert document["output"]["rest"] == pytest.approx(output, rel=1e-4)


def test_titles_say_how_patches_add_up(contributions):
    folder, _, values, constant = contributions
    read = read_contributions(str(folder / "contributions.h5"), "S1")
    own, rest = values["S1"][:, 1], values["S2"][:, 1].sum()
    words = sum_of(read, 1).split()
    numbers = [float(words[i]) for i in (2, 4, 6, 8, 10)]
    expected = [constant[1] + own.sum() + rest, constant[1], own[own > 0].sum(), own[own < 0].sum(), rest]
    np.testing.assert_allclose(numbers, expected, atol=0.006)
    assert sum_of(read, 1).startswith("rest: logit ")
    assert [words[i] for i in (5, 7, 9, 11)] == ["usual", "red", "blue", "other"]


def test_patches_that_raise_are_above_the_middle_of_the_scale(contributions):
    folder, _, values, _ = contributions
    for column, panel in enumerate(panels_of(read_contributions(str(folder / "contributions.h5"), "S1"), 0.5)):
        np.testing.assert_allclose(panel.levels, np.clip(0.5 + values["S1"][:, column], 0, 1), atol=1e-6)


def test_zero_is_white_red_raises_and_blue_lowers():
    values = np.array([-3.0, -1.0, 0.0, 1.0, 3.0])
    places = Places(np.stack([np.arange(5) * 10, np.zeros(5)], 1).astype(int), 10)
    canvas = paint(places, about_zero(values, 2.0), "RdBu_r", (10, 50), (50, 10))[5, 5::10, :3].astype(int)
    assert canvas[2].min() > 240
    assert canvas[0][2] > canvas[0][0]
    assert canvas[4][0] > canvas[4][2]
    ends = [tuple(int(255 * part) for part in matplotlib.colormaps["RdBu_r"](end)[:3]) for end in (0.0, 1.0)]
    assert [tuple(canvas[0]), tuple(canvas[4])] == ends
    assert canvas[1].sum() > canvas[0].sum()


def test_a_map_is_the_same_twice_and_says_where_there_is_none(contributions):
    folder = contributions[0]
    draw(folder, "S1", "one")
    draw(folder, "S1", "two")
    assert (folder / "one.png").read_bytes() == (folder / "two.png").read_bytes()
    with Image.open(folder / "one.png") as image:
        assert image.width > 1200
    for slide in ("S3", "S4"):
        assert draw(folder, slide, "none")["features"] == []
        with Image.open(folder / "none.png") as image:
            assert image.width < 800


def test_a_class_that_no_training_case_has_has_no_number(contributions):
    folder = contributions[0]
    with h5py.File(folder / "contributions.h5", "r+") as handle:
        constant, output = handle["constant"][:], handle["cases/A/output"][:]
        constant[1] = output[1] = -np.inf
        handle["constant"][...], handle["cases/A/output"][...] = constant, output
    document = draw(folder, "S1", "map")
    assert set(document["output"]) == {"er $x$"}
    assert "-inf usual" in sum_of(read_contributions(str(folder / "contributions.h5"), "S1"), 1)


def test_patches_that_raise_and_lower_most_are_side_by_side(contributions):
    folder, _, values, _ = contributions
    picture = folder / "top.png"
    about = {"contributions": str(folder / "contributions.h5"), "slide": str(folder / "S1.png"), "note": "synthetic"}
    show_contributing_patches(**about, slide_id="S1", count=2, picture=str(picture))
    pixels = np.asarray(Image.open(picture))
    for column in range(2):
        y = LINE + GAP + column * (EDGE + 3 * LINE) + LINE + EDGE // 2
        order = np.argsort(values["S1"][:, column])
        for left, indices in ((0, order[::-1][:2]), (pixels.shape[1] // 2, order[:2])):
            for place, index in enumerate(indices):
                x = left + GAP + place * (EDGE + GAP) + EDGE // 2
                assert pixels[y, x].tolist() == [15 * index, 200, 60]
    show_contributing_patches(**about | {"slide": "gone"}, slide_id="S4", count=2, picture=str(picture))
    assert Image.open(picture).width == 640
    with h5py.File(folder / "contributions.h5", "r+") as handle:
        handle["slides/S1/contributions"][...] = np.abs(values["S1"])
    show_contributing_patches(**about, slide_id="S1", count=2, picture=str(picture))
    patches = (np.asarray(Image.open(picture))[..., 1:] == [200, 60]).all(2)
    assert patches[:, :420].any()
    assert not patches[:, 420:].any()


def test_patches_that_add_nothing_are_not_among_those_that_raise():
    assert highest(np.array([1.0, 3, 3, 0, -2]), 9).tolist() == [1, 2, 0]
    assert highest(np.array([-1.0]), 3).tolist() == []
