"""What each criterion removed, and the page of the worst slides."""

import numpy as np
import pandas as pd
from molpath.common.files import read_tsv, write_tsv
from molpath.figures.slides import plot_quality
from molpath.tables.cohort import count_exclusions, show_worst_slides
from PIL import Image

SLIDES = pd.DataFrame(
    [
        ("A", "ok", "", "", "", "", "1.5", "0.9", "A.geojson"),
        ("B", "set_aside", "blank", "no <tissue> found", "tissue", "", "0", "", "B.geojson"),
        ("C", "set_aside", "truncated", "cut off", "slides", "", "", "", ""),
        ("D", "ok", "", "", "", "A", "2.5", "0.4", "D.geojson"),
    ],
    columns="slide_id status reason detail stage duplicate_of area_mm2 in_focus_fraction contours".split(),
)
TILES = pd.DataFrame(
    [
        ("A", "ok", "", "7", "10", "3", "2", "1"),
        ("B", "set_aside", "blank", "", "", "", "", ""),
        ("C", "set_aside", "truncated", "", "", "", "", ""),
        ("D", "set_aside", "no_patches", "0", "4", "4", "4", "0"),
    ],
    columns=[
        *"slide_id status reason n_patches n_tissue_patches n_dropped_quality".split(),
        *"n_dropped_pen n_dropped_fold".split(),
    ],
)


def write(tmp_path):
    write_tsv(tmp_path / "slides.tsv", SLIDES)
    manifest = tmp_path / "tiles" / "20x_512px_0px_overlap" / "00000.tsv"
    manifest.parent.mkdir(parents=True)
    write_tsv(manifest, TILES.assign(detail=""))
    return str(tmp_path / "slides.tsv"), [str(manifest)]


def test_counts_add_up(tmp_path):
    slides, tiles = write(tmp_path)
    count_exclusions(slides=slides, tiles=tiles, output=str(tmp_path / "out.tsv"))
    table = read_tsv(tmp_path / "out.tsv").set_index(["stage", "criterion"])
    counts = table.slides.replace("", "0").astype(int)
    assert counts["slides", "in the sheet"] + counts["slides", "truncated"] + counts["tissue", "blank"] == 2
    assert counts["tissue", "left"] == 2
    assert counts["tissue", "duplicates"] == 1
    patches = table.patches[table.patches != ""].astype(int)
    assert patches["tiles", "patches on tissue"] == 14
    assert (patches["tiles", "pen"], patches["tiles", "fold"]) == (-6, -1)
    assert patches["tiles", "left"] == 7
    assert counts["tiles", "no_patches"] == -1


def test_worst_slides_are_shown_escaped_and_without_files_beside(tmp_path):
    slides, _ = write(tmp_path)
    pictures = tmp_path / "wsi" / "thumbnails"
    pictures.mkdir(parents=True)
    Image.fromarray(np.full((900, 600, 3), 200, np.uint8)).save(pictures / "D.jpg")
    show_worst_slides(slides=slides, wsi=str(tmp_path / "wsi"), note="synthetic", output=str(tmp_path / "page.html"))
    page = (tmp_path / "page.html").read_text()
    assert "no &lt;tissue&gt; found" in page
    assert "<tissue>" not in page
    assert page.count("data:image/jpeg") == 1
    assert page.index("<b>D</b>") < page.index("<b>A</b>"), "least in focus comes first"
    assert "synthetic" in page
    assert "http" not in page


def test_histograms_show_the_thresholds(tmp_path):
    slides, _ = write(tmp_path)
    for name in ("a.svg", "b.svg"):
        plot_quality(slides, {"min_in_focus_fraction": 0.3}, str(tmp_path / name), "synthetic")
    text = (tmp_path / "a.svg").read_text()
    assert "in focus fraction" in text
    assert (tmp_path / "b.svg").read_text() == text
