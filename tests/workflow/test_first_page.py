"""The first page of the results in a real browser: it says what was run, shows the figure, and its links open."""

import json
import os
import urllib.parse

import pytest
from molpath.tables.first_page import write_first_page

HOSTILE = "</script><img src=http://a.example/x.png onerror=\"document.title='ran'\">'\""
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="200"><script>document.title="ran"</script></svg>'
FILES = (
    *("figures/label_curve.svg", "figures/tasks.svg", "tables/metrics.tsv", "tables/metrics.html"),
    *("tables/ledger/g.tsv", "slides/00000.tsv", "omics/leakage.tsv", "omics/A/rna.tsv", "gallery.html"),
    *("figures/attention/m/S 1#.png", "predict/cohort/tables/slides.tsv", "predict/m/t/predictions.html"),
    *("probe/m/t/genes/directions.html", "figures/embedding_maps/m.html", "predict/gallery.html"),
    "tables/embedding_maps/m.tsv",
)
#: Files of the same jobs that provenance does not list, and where each is linked.
BESIDE = ("figures/label_curve.png", "figures/label_curve.tsv", "probe/m/t/genes/directions.tsv")
LINKED = {*FILES, *BESIDE, "provenance.json", "benchmarks/resources.html"} - {
    *("tables/ledger/g.tsv", "slides/00000.tsv", "omics/A/rna.tsv", "predict/cohort/tables/slides.tsv"),
}
ABOUT = {
    "counts": {"slides": 1200, "tasks": 1},
    "stages": [["stage", "of", "done", "set aside", ""], ["slides", HOSTILE, "1,198", "2", ""]],
    "losses": ["Set aside: 2 of 1,200 slides", HOSTILE],
    "cautions": [f"leakage: {HOSTILE}"],
    "predictions": ["m/t: 5 predicted"],
    "methods": f"Slides were tiled. {HOSTILE}",
    "figures": ["none", "label_curve", "tasks"],
    "shown": {
        "label_curve": ["6 Protocols", "number of labels"],
        "metrics": ["5 Probes", "all metrics"],
        "tasks": ["5", "t-SNE"],
    },
}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A first page of files that are made up."""
    results = tmp_path_factory.mktemp("results")
    for name in (*FILES, *BESIDE, "benchmarks/resources.html"):
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        (results / name).write_text(SVG if name.endswith("svg") else "x")
    files = {name: {} for name in (*FILES, "figures/deleted.svg")}
    (results / "provenance.json").write_text(json.dumps({"files": files}))
    write(results)
    return results / "index.html"


def write(results):
    """The page of a results folder."""
    arguments = {"about": ABOUT, "note": "synthetic", "output": str(results / "index.html")}
    write_first_page(provenance=str(results / "provenance.json"), **arguments)


def links_of(browser):
    """Where the links of the page lead, as paths below the results folder."""
    return browser.do("return [...document.querySelectorAll('a')].map(link => link.getAttribute('href'))")


def test_what_was_run_is_reported(page, browser):
    browser.complaints()
    browser.open(page)
    assert browser.do("return document.title") == "Results (synthetic)"
    text = browser.do("return document.body.innerText")
    texts = ["SYNTHETIC DATA", "1,200 slides", "1 task", "Number of labels", "Look at these before the numbers"]
    texts += [*ABOUT["losses"], *ABOUT["cautions"], *ABOUT["predictions"], ABOUT["methods"], "1,198"]
    places = [text.find(sentence) for sentence in texts]
    assert min(places) >= 0, texts[places.index(-1)]
    assert places[:5] == sorted(places[:5])
    assert browser.do("return [...document.images].map(image => [image.naturalWidth, image.alt])") == [
        [300, "label_curve"]
    ]
    browser.picture("first_page")
    assert browser.complaints() == []


def test_every_link_leads_to_a_file_and_every_result_is_linked(page, browser):
    browser.open(page)
    links = [urllib.parse.unquote(link) for link in links_of(browser)]
    assert sorted(links) == sorted(LINKED)
    places = browser.do("return [...document.querySelectorAll('a')].map(link => link.href)")
    assert all(os.path.isfile(urllib.parse.unquote(urllib.parse.urlsplit(place).path)) for place in places)
    text = (page.parent / "index.html").read_text()
    assert "S%201%23.png" in text, "a name with a blank and a hash is quoted"
    assert "All metrics " in text
    assert "t-SNE " in text
    assert "Map of embeddings, with the neighbours of each slide: m" in text


def test_nothing_is_cut_off_in_a_small_window(page, browser):
    size = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.open(page)
    browser.picture("first_page_small")
    assert browser.do("return document.documentElement.scrollWidth <= innerWidth")
    browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_the_same_results_give_the_same_page(page):
    before = page.read_bytes()
    write(page.parent)
    assert page.read_bytes() == before


def test_the_table_of_a_map_is_linked_beside_it(page):
    (line,) = [line for line in page.read_text().split("<li>") if "embedding_maps/m" in line]
    assert line.index('href="figures/embedding_maps/m.html">page') < line.index(
        'href="tables/embedding_maps/m.tsv">TSV'
    )
    assert "Map of embeddings, with the neighbours of each slide: m" in line
