"""What each criterion removed, and the page of the worst slides."""

import numpy as np
import pandas as pd
from molpath.common.files import read_tsv, write_tsv
from molpath.figures.slides import plot_quality, plot_slides
from molpath.tables.cohort import count_exclusions, show_worst_slides
from molpath.tables.ledger import write_ledger
from PIL import Image

GRID = "20x_512px_0px_overlap"

SLIDES = pd.DataFrame(
    [
        ("A", "1", "X", "ok", "", "", "", "", "1.5", "0.9", "A.geojson"),
        ("B", "2", "X", "set_aside", "blank", "no <tissue> found", "tissue", "", "0", "", "B.geojson"),
        ("C", "3", "X", "set_aside", "truncated", "cut off", "slides", "", "", "", ""),
        ("D", "4", "X", "ok", "", "", "", "A", "2.5", "0.4", "D.geojson"),
        ("E", "5", "X", "ok", "", "", "", "", "2.5", "0.6", "E.geojson"),
    ],
    columns=[
        *"slide_id case_id cohort status reason detail stage duplicate_of".split(),
        *"area_mm2 in_focus_fraction contours".split(),
    ],
)
TILES = pd.DataFrame(
    [
        ("A", "ok", "", "7", "10", "3", "2", "1"),
        ("B", "set_aside", "blank", "", "", "", "", ""),
        ("C", "set_aside", "truncated", "", "", "", "", ""),
        ("D", "set_aside", "no_patches", "0", "4", "4", "4", "0"),
        ("E", "ok", "", "5", "5", "0", "0", "0"),
    ],
    columns=[
        *"slide_id status reason n_patches n_tissue_patches n_dropped_quality".split(),
        *"n_dropped_pen n_dropped_fold".split(),
    ],
)


def write(tmp_path):
    write_tsv(tmp_path / "slides.tsv", SLIDES)
    tiles = tmp_path / "tiles" / GRID / "00000.tsv"
    tiles.parent.mkdir(parents=True)
    write_tsv(tiles, TILES.assign(detail=""))
    features = tmp_path / "features" / GRID / "tiny" / "00000.tsv"
    features.parent.mkdir(parents=True)
    encoded = TILES[["slide_id", "status", "reason", "n_patches"]].set_index("slide_id", drop=False)
    encoded.loc["E", ["status", "reason"]] = ["set_aside", "unreadable"]
    write_tsv(features, encoded.assign(detail=""))
    parts = {"pairs": [], "packed": [], "trained": {}, "embedded": [], "runs": {}, "sources": {}}
    files = {"slides": str(tmp_path / "slides.tsv"), "tiles": [str(tiles)], "features": [str(features)]}
    write_ledger(**files, **parts, output=str(tmp_path / "ledger.tsv"))
    return {"slides": files["slides"], "ledger": str(tmp_path / "ledger.tsv")}, files["tiles"]


def test_counts_add_up(tmp_path):
    files, tiles = write(tmp_path)
    count_exclusions(**files, tiles=tiles, output=str(tmp_path / "out.tsv"))
    table = read_tsv(tmp_path / "out.tsv")
    counts = table.set_index(["stage", "criterion"]).slides.replace("", "0").astype(int)
    assert (counts["slides", "in the sheet"], counts["slides", "truncated"], counts["slides", "left"]) == (5, -1, 4)
    assert (counts["tissue", "came"], counts["tissue", "blank"], counts["tissue", "left"]) == (4, -1, 3)
    assert counts["tissue", "duplicates"] == 1
    assert (counts["tiles", "came"], counts["tiles", "no_patches"], counts["tiles", "left"]) == (3, -1, 2)
    assert (counts["features", "came"], counts["features", "unreadable"], counts["features", "left"]) == (2, -1, 1)
    patches = table.set_index(["stage", "criterion"]).patches.replace("", "0").astype(int)
    assert patches["tiles", "patches on tissue"] == 19
    assert (patches["tiles", "pen"], patches["tiles", "fold"]) == (-6, -1)
    assert (patches["tiles", "left"], patches["features", "left"]) == (12, 7)
    assert table[table.stage == "features"][["grid", "encoder"]].drop_duplicates().to_numpy().tolist() == [
        [GRID, "tiny"]
    ]


def test_each_slide_is_one_bar_of_the_figure(tmp_path):
    files, _ = write(tmp_path)
    write_tsv(tmp_path / "slides.tsv", SLIDES.assign(focus="0.5", area_mm2="1"))
    plot_slides(files["slides"], files["ledger"], str(tmp_path / "a.svg"), "synthetic")
    text = (tmp_path / "a.svg").read_text()
    for label in ("kept", "truncated", "blank", "no patches (tiles)", "unreadable (features)"):
        assert f">{label}<" in text, label


def test_worst_slides_are_shown_escaped_and_without_other_files(tmp_path):
    files, _ = write(tmp_path)
    pictures = tmp_path / "wsi" / "thumbnails"
    pictures.mkdir(parents=True)
    Image.fromarray(np.full((900, 600, 3), 200, np.uint8)).save(pictures / "D.jpg")
    show_worst_slides(**files, wsi=str(tmp_path / "wsi"), note="synthetic", output=str(tmp_path / "page.html"))
    page = (tmp_path / "page.html").read_text()
    assert "no &lt;tissue&gt; found" in page
    assert "<tissue>" not in page
    assert page.count("data:image/jpeg") == 1
    aside, kept = page.split("Kept, with the least in focus")
    assert f"features, {GRID}, tiny: unreadable" in aside
    assert "<b>A</b>" in kept
    assert "<b>E</b>" not in kept
    assert "synthetic" in page
    assert "http" not in page


def test_histograms_show_the_thresholds(tmp_path):
    files, _ = write(tmp_path)
    for name in ("a.svg", "b.svg"):
        plot_quality(files["slides"], {"min_in_focus_fraction": 0.3}, str(tmp_path / name), "synthetic")
    text = (tmp_path / "a.svg").read_text()
    assert "in focus fraction" in text
    assert (tmp_path / "b.svg").read_text() == text
