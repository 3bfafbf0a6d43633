"""The gallery of slides in a real browser: layers, order, filters, hostile texts, 2,000 slides, and QuPath's script."""

import base64
import io
import json
import re
import shutil
import time

import h5py
import numpy as np
import pytest
from few_slides import GRID, FewSlides
from made_up_gallery import HOSTILE, made_up, predicted, write_small_gallery
from molpath.common.files import read_tsv, write_tsv
from molpath.slides.cohort import collect_slides
from molpath.tables.gallery import COLOURS, TISSUE
from molpath.tables.ledger import write_ledger
from molpath.tissue.classes import CLASSES
from molpath.tissue.drawing import PALETTE
from PIL import Image

SHOWN = "return [...document.querySelectorAll('.gallery figure:not([hidden])')].map(card => card.dataset.slide)"
SIZES = """return [...document.querySelectorAll('.stack')].map(stack => ['.stack', '.over', '.ground'].map(name =>
[(stack.parentElement.querySelector(name)).offsetWidth, stack.parentElement.querySelector(name).offsetHeight]))"""
LOADED = "return [...document.querySelectorAll(arguments[0])].every(image => image.complete && image.naturalWidth > 0)"


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Three generated slides as far as tiles, a fourth that can't be read, a map of the first, and their gallery."""
    few = FewSlides(tmp_path_factory.mktemp("few"))
    few.draw()
    few.slides.append({"slide_id": "D", "path": str(few.results / "no_slide.svs"), "mpp": "", "keep": "auto"})
    (few.results / "no_slide.svs").write_text("no slide")
    sheet = few.results / "sheet.tsv"
    sheet.write_text("slide_id\tcase_id\tcohort\nA\tA\tX\nB\tB\tX\nC\tC\tY\nD\tD\tY\n")
    for stage in (few.inspect, few.assess, few.tile):
        stage()
    tables = few.results / "tables"
    tables.mkdir()
    stages = {"inspected": [few.path("slides")], "assessed": [few.path("tissue")]}
    collect_slides(sheet=str(sheet), **stages, table=str(tables / "slides.tsv"), max_failed_fraction=1)
    none = {"features": [], "pairs": [], "packed": [], "trained": {}, "embedded": [], "runs": {}, "sources": {}}
    files = {"slides": str(tables / "slides.tsv"), "tiles": [few.path("tiles")]}
    write_ledger(**files, **none, output=str(tables / "ledger.tsv"))
    picture = few.results / "figures/attention/threads/A.png"
    picture.parent.mkdir(parents=True)
    Image.fromarray(np.full((40, 60, 3), 128, np.uint8)).save(picture)
    picture.with_suffix(".geojson").write_text('{"type": "FeatureCollection", "features": []}')
    write_small_gallery(
        few.results,
        [few.path("slides")],
        [picture],
        {slide["slide_id"]: slide["path"] for slide in few.slides[:3]} | {"D": ""},
    )
    return few


def opened(browser, results):
    """Open the gallery."""
    browser.complaints()
    browser.open(results / "gallery.html")
    browser.wait("return document.body.dataset.ready == 'yes'")


def test_layers_are_switched_on(few, browser):
    opened(browser, few.results)
    assert browser.do("return document.title") == "Slides (synthetic)"
    browser.wait(LOADED, ".ground")
    assert len(browser.find(".ground")) == 3
    for layer, switch in ((".quality", "[data-layer=quality]"), (".patches", "[data-grid]")):
        assert not any(element.is_displayed() for element in browser.find(layer))
        browser.find(switch)[0].click()
        assert len([element for element in browser.find(layer) if element.is_displayed()]) == 3
        browser.wait(LOADED, layer)
    browser.find("[data-layer=attention]")[0].click()
    browser.wait(LOADED, ".map.attention")
    assert len(browser.find(".map.attention")) == 1
    # Pictures and layers end where the slide does: the legend below it is cut off, and stands above all slides.
    for slide, layer, picture in browser.do(SIZES):
        assert slide[0] / slide[1] == pytest.approx(1, abs=0.01)
        assert layer == slide
        assert picture[0] == slide[0]
        assert picture[1] > slide[1] + 5
    text = browser.do("return document.querySelector('.sentences p').textContent")
    assert "tissue" in text
    assert (PALETTE["tissue"], {name: PALETTE[name] for name in COLOURS}) == (TISSUE, COLOURS)
    browser.picture("gallery")
    assert browser.complaints() == []


@pytest.mark.parametrize(("width", "height", "stays"), [(1400, 900, True), (400, 800, False), (1400, 400, False)])
def test_switches_leave_room_for_slides(few, browser, width, height, stays):
    """They stay in sight where there is room; no card touches them or is cut off at the right."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    opened(browser, few.results)
    place = "const box = document.querySelector(arguments[0]).getBoundingClientRect(); return [box.top, box.bottom]"
    assert browser.do(place, ".gallery figure")[0] >= browser.do(place, ".controls")[1] + 8
    browser.do("document.querySelector('.gallery').style.minHeight = '3000px'; scrollTo(0, 1500)")
    assert (browser.do(place, ".controls")[0] == 0) == stays
    assert browser.do("return document.documentElement.scrollWidth <= innerWidth")
    browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_patches_are_where_they_were_cut(few):
    page = (few.results / "gallery.html").read_text()
    code, *_ = re.findall(r'class="patches grid0"[^>]*src="data:image/png;base64,([^"]+)"', page)
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(code))).convert("RGBA"))[::8, ::8, 3] > 0
    with h5py.File(few.wsi / GRID["name"] / "patches/A_patches.h5") as handle:
        coords, edge = handle["coords"][:], handle["coords"].attrs["patch_size_level0"]
    expected = {(int(x // edge), int(y // edge)) for x, y in coords}
    assert {(int(x), int(y)) for y, x in zip(*np.nonzero(shown), strict=True)} == expected


def test_slides_sort_and_filter(few, browser):
    opened(browser, few.results)
    assert browser.do(SHOWN) == ["A", "B", "C", "D"]
    table = read_tsv(few.results / "tables/slides.tsv").set_index("slide_id")
    area = table.area_mm2[list("ABC")].astype(float)
    choose(browser, "sort", "area mm2")
    assert browser.do(SHOWN) == [*area.sort_values(kind="stable").index, "D"], "a slide without the number comes last"
    browser.find("#down")[0].click()
    assert browser.do(SHOWN) == [*(-area).sort_values(kind="stable").index, "D"]
    choose(browser, "cohort", "Y (2)")
    assert sorted(browser.do(SHOWN)) == ["C", "D"]
    choose(browser, "reason", f"{table.reason['D']} (1)")
    assert browser.do(SHOWN) == ["D"]
    assert table.detail["D"] in browser.do("return document.querySelector('[data-slide=D]').textContent")
    assert browser.do("return document.querySelector('#count').textContent") == "1 of 4 slides"
    for name in ("cohort", "reason"):
        choose(browser, name, "all")
    browser.find("#find")[0].send_keys("no such word")
    assert browser.do(SHOWN) == []


def choose(browser, name, text):
    """Choose an entry by what it says."""
    from selenium.webdriver.support.ui import Select

    Select(browser.find(f"#{name}")[0]).select_by_visible_text(text)


def test_chosen_slides_open_in_qupath(few, browser):
    """The lines for the script name folder and slides; its list has files and GeoJSON that are there."""
    opened(browser, few.results)
    for slide in "AC":
        browser.find(f"[data-slide={slide}] input")[0].click()
    browser.do("scrollTo(0, 1e6)")
    assert browser.find("#chosen")[0].text == "2 chosen for QuPath"
    browser.find("#chosen")[0].click()
    top = "return document.querySelector('#lines').getBoundingClientRect().top"
    assert 0 < browser.do(top) < browser.do("return innerHeight")
    lines = browser.do("return document.querySelector('#lines').value")
    assert lines == f'def results = "{few.results}"\ndef chosen = ["A", "C"]'
    script = (few.results / "open_in_qupath.groovy").read_text()
    assert re.findall(r"^def (?:results|chosen) = \S+", script, re.M) == ['def results = ""', "def chosen = []"]
    assert 'new File(results, "open_in_qupath.json")' in script
    assert (script.count("{"), script.count("(")) == (script.count("}"), script.count(")"))
    entries = {entry["id"]: entry for entry in json.loads((few.results / "open_in_qupath.json").read_text())}
    assert list(entries) == ["A", "B", "C"], "D has no file"
    assert [layer["file"] for layer in entries["A"]["layers"]] == [
        "wsi/contours_geojson/A.geojson",
        "figures/attention/threads/A.geojson",
    ]
    for slide in few.slides[:3]:
        assert (few.results / entries[slide["slide_id"]]["path"]).samefile(slide["path"])
        assert all((few.results / layer["file"]).is_file() for layer in entries[slide["slide_id"]]["layers"])


def test_texts_of_others_are_texts(tmp_path, browser):
    made_up(tmp_path, 10, HOSTILE)
    opened(browser, tmp_path)
    assert browser.do("return document.querySelectorAll('.gallery img:not(.ground):not(.quality)').length") == 0
    choose(browser, "cohort", f"{HOSTILE} (10)")
    choose(browser, "sort", "reason")
    assert len(browser.do(SHOWN)) == 10
    size = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    assert browser.do("return document.documentElement.scrollWidth <= innerWidth"), "a long name widens the page"
    browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert HOSTILE in browser.do("return document.querySelector('[data-slide=S0000]').textContent")
    assert browser.complaints() == []
    assert browser.do("return document.title") == "Slides (synthetic)"


def test_a_class_has_its_colour(tmp_path, browser):
    """The browser's filter gives each code of a quality map its colour, and leaves tissue and background clear."""
    made_up(tmp_path, 7, "x")
    opened(browser, tmp_path)
    browser.find("[data-layer=quality]")[0].click()
    browser.wait(LOADED, ".quality")
    browser.do("document.querySelectorAll('.quality').forEach(x => x.style.opacity = 1)")
    browser.do("document.querySelectorAll('.ground').forEach(x => x.style.visibility = 'hidden')")
    for code, name in enumerate(CLASSES):
        assert CLASSES[name] == code
        place = browser.find(f"[data-slide=S{code:04d}] .over")[0]
        pixels = np.asarray(Image.open(io.BytesIO(place.screenshot_as_png)).convert("RGB"))
        middle = pixels[pixels.shape[0] // 2, pixels.shape[1] // 2].astype(int)
        assert np.abs(middle - np.array(COLOURS.get(name, (246, 246, 246)))).max() <= 1, name


def test_new_slides_are_shown_with_what_is_predicted_of_them(tmp_path, browser):
    folder = predicted(tmp_path)
    opened(browser, folder)
    assert browser.do("return document.title") == "New slides (synthetic)"
    browser.wait(LOADED, ".ground")
    words = "return document.querySelector(`[data-slide=${arguments[0]}] .said`).textContent"
    prediction = "predicted: high; probability of low: 0.100; probability of high: 0.900; doubt: no; doubt score: 0.200"
    assert browser.do(words, "S0001") == f"m/t {prediction}"
    assert f"doubt: yes; doubt score: 11.500; reason for doubt: patches {HOSTILE}" in browser.do(words, "S0002")
    assert [element.text[:4] for element in browser.find(".said.doubt")] == ["m/t "] * 2
    assert "S0001 case C0000, x" in browser.do("return document.querySelector('[data-slide=S0001]').innerText")
    browser.find("#find")[0].send_keys("c0001")
    assert browser.do(SHOWN) == ["S0002", "S0003"], "a case is found by its name"
    browser.find("#find")[0].send_keys("\b" * 5)
    assert "no medical device" in browser.do("return document.body.innerText")
    for key, order in (
        ("m/t: probability of high", "230145"),
        ("m/t: predicted", "012345"),
        ("m/t: doubt", "012345"),
        ("m/t: reason for doubt", "230145"),
        ("m/t: not predicted", "450123"),
    ):
        choose(browser, "sort", key)
        assert browser.do(SHOWN) == [f"S000{k}" for k in order], key
    choose(browser, "sort", "m/t: doubt")
    browser.find("#down")[0].click()
    assert browser.do(SHOWN) == [f"S000{k}" for k in "230145"], "doubt first, nothing last"
    choose(browser, "doubt", "yes (2)")
    assert browser.do(SHOWN) == ["S0002", "S0003"]
    choose(browser, "doubt", "all")
    for kind in ("contributions", "contributing_patches"):
        assert not browser.find(f".map.{kind}")[0].is_displayed()
        browser.find(f"[data-layer={kind}]")[0].click()
        browser.wait(LOADED, f".map.{kind}")
        assert browser.find(f".map.{kind}")[0].is_displayed()
    browser.picture("gallery_of_new_slides")
    browser.find("[data-slide=S0001] input")[0].click()
    assert f'def results = "{folder}"' in browser.do("return document.querySelector('#lines').value")
    (entry,) = json.loads((folder / "open_in_qupath.json").read_text())
    assert (folder / entry["path"]).resolve() == (tmp_path / "new.svs").resolve()
    assert [layer["file"] for layer in entry["layers"]] == ["../figures/contributions/m/t/S0001.geojson"]
    assert browser.complaints() == []


def test_two_thousand_slides_open_in_three_seconds(tmp_path, browser):
    made_up(tmp_path, 2000, "x")
    began = time.monotonic()
    opened(browser, tmp_path)
    browser.wait("return [...document.querySelectorAll('.ground')].slice(0, 5).every(image => image.naturalWidth)")
    took = time.monotonic() - began
    assert browser.do("return document.querySelector('#count').textContent") == "2,000 of 2,000 slides"
    loaded = browser.do("return [...document.querySelectorAll('.ground')].filter(image => image.naturalWidth).length")
    assert loaded < 2000, "pictures out of sight are loaded too"
    assert browser.complaints() == []
    assert took < 3, took


def test_lines_for_qupath_are_groovy_whatever_the_folder_is_called(tmp_path, browser):
    """Quotes, backslashes, dollars and other letters, as a text of Groovy has them."""
    results = tmp_path / 'it\'s "a" $x ${1} b\\u0041 é 100%25 #?'
    made_up(results, 2, "x")
    opened(browser, results)
    browser.find("[data-slide=S0001] input")[0].click()
    name = 'it\'s \\"a\\" \\$x \\${1} b\\\\u0041 é 100%25 #?'
    lines = browser.do("return document.querySelector('#lines').value")
    assert lines == f'def results = "{tmp_path}/{name}"\ndef chosen = ["S0001"]'
    browser.wait(LOADED, ".ground")
    assert browser.complaints() == []


def test_the_keyboard_passes_over_what_is_not_shown(few, browser):
    """No stop at a link whose layer is switched off; one with a name where it is on."""
    opened(browser, few.results)
    focusable = """const link = document.querySelector(".map-link");
    link.focus();
    return document.activeElement === link"""
    assert not browser.do(focusable)
    browser.find("[data-layer=attention]")[0].click()
    assert browser.do(focusable)
    assert browser.find(".map")[0].get_attribute("alt") == "attention: threads"


def test_sorting_by_reason_brings_set_aside_slides_together(tmp_path, browser):
    made_up(tmp_path, 10, "x")
    ledger = read_tsv(tmp_path / "tables/ledger.tsv")
    ledger.loc[5, "reason"] = "blank"
    write_tsv(tmp_path / "tables/ledger.tsv", ledger)
    write_small_gallery(tmp_path, [], [], {})
    opened(browser, tmp_path)
    choose(browser, "sort", "reason")
    kept = [f"S{k:04d}" for k in range(10) if k % 5]
    assert browser.do(SHOWN) == ["S0005", "S0000", *kept]
    browser.find("#down")[0].click()
    assert browser.do(SHOWN) == ["S0000", "S0005", *kept]


def test_a_reader_who_comes_back_finds_what_was_chosen(tmp_path, browser):
    """Fields, layers and order agree, and a tick stays with its slide."""
    made_up(tmp_path, 10, "x")
    opened(browser, tmp_path)
    choose(browser, "sort", "area mm2")
    for selector in ("#down", "[data-layer=quality]", "[data-slide=S0008] input"):
        browser.find(selector)[0].click()
    browser.find("#find")[0].send_keys("S000")
    state = """return [...document.querySelectorAll("input:checked")].map(box => box.name || box.id)
    .concat(document.body.className, ...["#lines", "#sort"].map(name => document.querySelector(name).value))
    .concat(document.querySelector("#count").textContent)
    .concat([...document.querySelectorAll(".gallery figure:not([hidden])")].map(card => card.dataset.slide))"""
    before = browser.do(state)
    assert before[-10:] == [f"S{k:04d}" for k in range(9, -1, -1)]
    browser.driver.get("about:blank")
    browser.driver.back()
    browser.wait("return document.body.dataset.ready == 'yes'")
    assert browser.do(state) == before
    assert browser.complaints() == []


def test_only_slides_with_a_file_can_be_chosen_for_qupath(few, browser):
    opened(browser, few.results)
    with_box = "return [...document.querySelectorAll('.gallery input')].map(box => box.closest('figure').dataset.slide)"
    assert browser.do(with_box) == ["A", "B", "C"], "D has no file"


def test_a_gallery_without_pictures_offers_no_layers(tmp_path, browser):
    """Features from elsewhere: no slides, no pictures, no patches."""
    made_up(tmp_path, 3, "x")
    shutil.rmtree(tmp_path / "wsi")
    write_small_gallery(tmp_path, [str(tmp_path / "slides/00000.tsv")], [], {})
    opened(browser, tmp_path)
    assert browser.do("return document.querySelector('.sentences p').textContent.trim()") == "No slide has a picture."
    assert not browser.find("[data-layer], [data-grid], .gallery input")
    assert "layers" not in browser.do("return document.body.innerText")


def test_lines_for_qupath_name_the_folder_on_windows(few, browser):
    opened(browser, few.results)
    folder = "return folderOf({ protocol: 'file:', host: arguments[0], pathname: arguments[1] })"
    assert browser.do(folder, "", "/C:/a%20b/results/gallery.html") == "C:/a b/results"
    assert browser.do(folder, "wsl.localhost", "/Ubuntu/results/gallery.html") == "//wsl.localhost/Ubuntu/results"


def test_a_telephone_shows_the_page_at_its_own_width(few, browser):
    size = {"width": 360, "height": 800, "deviceScaleFactor": 2, "mobile": True}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    opened(browser, few.results)
    browser.picture("gallery_telephone")
    assert browser.do("return [innerWidth, document.documentElement.scrollWidth]") == [360, 360]
    browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
