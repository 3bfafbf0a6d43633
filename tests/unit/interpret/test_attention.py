"""Maps of attention: squares on the grid, colours that rise with attention, pictures that are there."""

import json

import h5py
import matplotlib
import numpy as np
import pytest
from molpath.common.manifests import write_manifest
from molpath.embed.evenness import effective_number
from molpath.interpret.attention_maps import COLOURS, Attention, as_geojson, draw_attention, levels_of, titles_of
from molpath.interpret.patch_maps import Places, paint, scale_bar
from molpath.interpret.top_patches import EDGE, GAP, LINE, show_top_patches, top_of
from PIL import Image

SIZE, STEP = (4096, 3072), 512


@pytest.fixture
def attended(tmp_path):
    """A slide of 35 patches whose colours are known, its thumbnail with a legend below, attention of two heads."""
    rng = np.random.default_rng(0)
    coords = np.array([(x, y) for y in range(0, SIZE[1], STEP) for x in range(0, SIZE[0], STEP)])[5:40]
    shares = rng.dirichlet(np.ones(len(coords)), 2).astype(np.float32)
    pixels = np.full((SIZE[1], SIZE[0], 3), 255, np.uint8)
    for i, (x, y) in enumerate(coords):
        pixels[y : y + STEP, x : x + STEP] = (5 * i, 255 - 5 * i, 60)
    Image.fromarray(pixels).save(tmp_path / "S1.png")
    (tmp_path / "wsi/thumbnails").mkdir(parents=True)
    thumbnail = np.full((192 + 18, 256, 3), 255, np.uint8)
    thumbnail[:192] = np.asarray(Image.fromarray(pixels).resize((256, 192)))
    Image.fromarray(thumbnail).save(tmp_path / "wsi/thumbnails/S1.jpg")
    with h5py.File(tmp_path / "attention.h5", "w") as handle:
        group = handle.create_group("S1")
        group["attention"], group["coords"] = shares, coords
        group["coords"].attrs["patch_size_level0"] = STEP
    rows = [
        {"slide_id": "S1", "status": "ok", "reason": "", "detail": "", "width": SIZE[0], "height": SIZE[1], "mpp": 0.5},
        {"slide_id": "S2", "status": "set_aside", "reason": "blank", "detail": "almost no tissue"},
    ]
    write_manifest(tmp_path / "inspected.tsv", rows, ["width", "height", "mpp"])
    write_manifest(tmp_path / "assessed.tsv", rows, [])
    return tmp_path, coords, shares


def draw(folder, slide, name="map"):
    draw_attention(
        attention=str(folder / "attention.h5"), slide_id=slide, inspected=str(folder / "inspected.tsv"),
        assessed=str(folder / "assessed.tsv"), wsi=str(folder / "wsi"), note="synthetic",
        picture=str(folder / f"{name}.png"), patches=str(folder / f"{name}.geojson"),
    )  # fmt: skip


def test_geojson_has_a_closed_square_per_patch_at_its_place_on_the_slide(attended):
    folder, coords, shares = attended
    draw(folder, "S1")
    document = json.loads((folder / "map.geojson").read_text())
    assert document["type"] == "FeatureCollection"
    assert len(document["features"]) == len(coords)
    for feature, (x, y), patch_shares in zip(document["features"], coords.tolist(), shares.T, strict=True):
        assert feature["type"] == "Feature"
        assert feature["geometry"]["type"] == "Polygon"
        (ring,) = feature["geometry"]["coordinates"]
        assert ring[0] == ring[-1] == [x, y]
        assert {tuple(point) for point in ring} == {(x, y), (x + STEP, y), (x + STEP, y + STEP), (x, y + STEP)}
        measured = feature["properties"]["measurements"]
        for head in range(2):  # no ties here: as many percent as patches are at or below
            expected = 100 * (shares[head] <= patch_shares[head]).mean()
            assert measured[f"attention percentile, head {head + 1}"] == pytest.approx(expected, abs=1e-3)
            assert measured[f"attention weight, head {head + 1}"] == pytest.approx(patch_shares[head], rel=1e-5)
        assert feature["properties"]["objectType"] == "tile"
    entropies = [-sum(float(share) * np.log(float(share)) for share in head) for head in shares]
    assert document["effective_patches"] == pytest.approx(np.exp(entropies), rel=1e-5)


def test_geojson_begins_where_qupath_does(attended):
    """QuPath crops MRXS, SCN and BIF; patches missed the tissue there."""
    folder, coords, _ = attended
    rows = (folder / "inspected.tsv").read_text().splitlines()
    rows = [rows[0] + "\tbounds_x\tbounds_y", rows[1] + "\t100\t30", rows[2] + "\t\t"]
    (folder / "inspected.tsv").write_text("\n".join(rows) + "\n")
    draw(folder, "S1")
    document = json.loads((folder / "map.geojson").read_text())
    assert document["frame"] == "qupath"
    corners = [feature["geometry"]["coordinates"][0][0] for feature in document["features"]]
    assert corners == (coords - [100, 30]).tolist()


def test_colours_rise_with_attention_and_are_on_the_patches(attended):
    _, coords, shares = attended
    levels, scale = levels_of(Attention(shares, Places(coords, STEP)))
    canvas = paint(Places(coords, STEP), levels[1], scale.colours, (60, 80), SIZE)
    colours = [tuple(canvas[(y + STEP // 2) * 60 // SIZE[1], (x + STEP // 2) * 80 // SIZE[0]]) for x, y in coords]
    table = [tuple(int(255 * v) for v in c) for c in matplotlib.colormaps["viridis"].colors]
    places = [min(range(256), key=lambda i: sum(abs(a - int(b)) for a, b in zip(table[i], c[:3], strict=True)))
              for c in colours]  # fmt: skip
    ordered = np.array(places)[np.argsort(shares[1])]
    assert np.all(np.diff(ordered) >= 0)
    assert len(set(ordered.tolist())) > 24  # those below the scale are all darkest
    even = 1 / len(coords)
    assert all((place > 127) == (share > even) for place, share in zip(places, shares[1], strict=True))
    bare = np.ones((60, 80), bool)
    for x, y in coords:
        bare[y * 60 // SIZE[1] : (y + STEP) * 60 // SIZE[1], x * 80 // SIZE[0] : (x + STEP) * 80 // SIZE[0]] = False
    assert bare.any()
    assert (canvas[bare][:, 3] == 0).all()
    assert (canvas[~bare][:, 3] == 255).all()


@pytest.mark.parametrize("noise", [0, 1e-6, 1e-3])
def test_attention_that_is_even_up_to_noise_has_one_colour(attended, noise):
    _, coords, _ = attended
    shares = 1 + noise * np.random.default_rng(0).normal(size=(2, len(coords)))
    even = Attention((shares / shares.sum(1, keepdims=True)).astype(np.float32), Places(coords, STEP))
    levels, _ = levels_of(even)
    canvas = paint(even.places, levels[0], COLOURS, (60, 80), SIZE).reshape(-1, 4)
    assert len(np.unique(canvas[canvas[:, 3] > 0], axis=0)) == 1
    assert titles_of(even) == [f"head {i}\neffectively 35 of 35 patches" for i in (1, 2)]


def test_effective_number_of_patches():
    """Half of the attention on two of eight patches, half on the others: e to the entropy."""
    shares = np.array([[0.25, 0.25, *[1 / 12] * 6], [1, 0, 0, 0, 0, 0, 0, 0]])
    expected = np.exp(2 * 0.25 * np.log(4) + 6 / 12 * np.log(12))
    np.testing.assert_allclose(effective_number(shares), [expected, 1], rtol=1e-12)


def test_ties_share_their_percentile():
    ranks = Attention(np.array([[0.2, 0.2, 0.6]]), Places(np.zeros((3, 2), int), 1)).percentiles()
    np.testing.assert_allclose(ranks, [[50, 50, 100]])


@pytest.mark.parametrize(
    ("width", "mpp", "label"), [(4096, 0.5, "500 µm"), (100_000, 0.25, "5 mm"), (1200, 0.25, "50 µm")]
)
def test_scale_bar_is_a_round_length(width, mpp, label):
    length, words = scale_bar(width, mpp)
    assert words == label
    number, unit = label.split()
    assert length * mpp == pytest.approx(float(number) * (1000 if unit == "mm" else 1))


def test_map_is_the_same_twice_and_a_slide_set_aside_says_why(attended):
    folder, *_ = attended
    draw(folder, "S1", "one")
    draw(folder, "S1", "two")
    assert (folder / "one.png").read_bytes() == (folder / "two.png").read_bytes()
    with Image.open(folder / "one.png") as image:
        assert image.width > 1200
        assert len(image.convert("RGB").getcolors(1 << 20)) > 100
    draw(folder, "S2", "aside")
    assert json.loads((folder / "aside.geojson").read_text()) == {"type": "FeatureCollection", "features": []}
    assert (folder / "aside.png").stat().st_size > 0
    assert as_geojson(Attention(np.zeros((1, 0)), Places(np.zeros((0, 2), int), 1)))["features"] == []


def test_highest_patches_are_read_from_the_slide(attended):
    folder, coords, shares = attended
    show_top_patches(
        attention=str(folder / "attention.h5"), slide_id="S1", slide=str(folder / "S1.png"), count=3, note="synthetic",
        picture=str(folder / "top.png"),
    )  # fmt: skip
    picture = np.asarray(Image.open(folder / "top.png"))
    for head in range(2):
        order = sorted(range(len(coords)), key=lambda i: -shares[head, i])[:3]
        for place, index in enumerate(order):
            y = LINE + GAP + head * (EDGE + 3 * LINE) + LINE + EDGE // 2
            x = GAP + place * (EDGE + GAP) + EDGE // 2
            assert picture[y, x].tolist() == [5 * index, 255 - 5 * index, 60]
    assert top_of(np.array([[1.0, 3, 3, 2]]), 9).tolist() == [[1, 2, 3, 0]]
    show_top_patches(
        attention=str(folder / "attention.h5"), slide_id="S2", slide=str(folder / "gone.svs"), count=3, note="",
        picture=str(folder / "aside.png"),
    )  # fmt: skip
    assert (folder / "aside.png").is_file()
