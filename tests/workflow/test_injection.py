"""Texts of strangers in pages and in Snakemake's report, in a real browser: no script runs and nothing is asked for."""

import json
from pathlib import Path

import pandas as pd
import pytest
from molpath.common.files import write_tsv
from molpath.common.ledger import Entry
from molpath.study.free_text import why_refused
from molpath.tables.cohort import show_worst_slides
from molpath.tables.formats import write_readable
from molpath.tables.pages import show_table

from .chromium import Browser, require_chromium
from .small_cohort import ODD_TEXTS

RUN = "document.title='ran'"
#: What planning refuses; from omics files and headers of slides it comes all the same.
REFUSED = (
    f'</script><img src="http://a.example/x.png" onerror="{RUN}">',
    f'<svg onload="{RUN}"><script>{RUN}</script>',
    f'"><iframe srcdoc="<script>parent.{RUN}</script>"></iframe>',
    f"<!--<script>{RUN}//",
)
#: What it takes, and a second reading of entities, templates or attributes would make something of.
ACCEPTED = (
    f'&lt;img src=x onerror="{RUN}"&gt;',
    f"' onmouseover='{RUN}' x='",
    f"javascript:{RUN}",
    f"{{{{ constructor.constructor(`{RUN}`)() }}}} ${{{RUN}}}",
    f"\\u003cimg src=x onerror={RUN}\\u003e",
    *ODD_TEXTS,
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Chromium."""
    require_chromium()
    window = Browser(tmp_path_factory.mktemp("chromium"), tmp_path_factory.mktemp("pictures"))
    yield window
    window.driver.quit()


def opened(browser: Browser, page: Path) -> list[str]:
    """What a page complains of or asks for, with 'ran' where a script of its texts did."""
    browser.complaints()
    browser.open(page)
    if browser.find("table.data"):
        browser.wait("return document.body.dataset.ready == 'yes'")
    complaints = browser.complaints()
    return [*complaints, *["ran"] * (browser.do("return document.title") == "ran")]


def test_refused_text_would_run_in_the_browser(tmp_path, browser):
    """Each refused text, put into a page unchanged, runs or requests something."""
    for number, text in enumerate(REFUSED[:2]):
        page = tmp_path / f"{number}.html"
        page.write_text(f"<!doctype html><title>x</title><script>const note = '{text}'</script>{text}")
        assert opened(browser, page), text


def test_tables_are_shown_as_they_are_written(tmp_path, browser):
    texts = [*REFUSED, *ACCEPTED]
    table = pd.DataFrame({"name": texts, "n": range(len(texts))} | {text: "x" for text in texts})
    write_tsv(tmp_path / "t.tsv", table)
    texts_of_page = {"name": texts[0], "title": " ".join(texts), "sentences": " ".join(texts), "note": " ".join(texts)}
    show_table(table=str(tmp_path / "t.tsv"), page=str(tmp_path / "t.html"), **texts_of_page)
    assert opened(browser, tmp_path / "t.html") == []
    cells = browser.do("return [...document.querySelectorAll('table.data tbody tr')].map(x => x.cells[0].textContent)")
    assert sorted(cells) == sorted(texts)
    browser.find("table.data thead tr:first-child th")[2].click()  # sorts, for which names are read again
    browser.find("table.data thead tr:nth-child(2) input")[0].send_keys("img")
    browser.wait("return document.querySelector('table.data').tBodies[0].rows.length < arguments[0]", len(texts))
    assert browser.complaints() == []
    assert browser.do("return document.title") != "ran"


def test_galleries_are_shown_as_they_are_written(tmp_path, browser):
    texts = [*REFUSED, *ACCEPTED]
    ids = [f"S{number}" for number in range(len(texts))]
    slides = pd.DataFrame({"slide_id": ids, "status": "set_aside", "area_mm2": "1", "in_focus_fraction": "1"})
    write_tsv(tmp_path / "slides.tsv", slides)
    rows = [
        dict.fromkeys(Entry._fields, "")
        | {
            "slide_id": name,
            "stage": "slides",
            "status": "set_aside",
            "lost_at": "slides",
            "reason": "unreadable",
            "detail": text,
        }
        for name, text in zip(ids, texts, strict=True)
    ]
    write_tsv(tmp_path / "ledger.tsv", pd.DataFrame(rows))
    page = tmp_path / "worst.html"
    files = {"slides": str(tmp_path / "slides.tsv"), "ledger": str(tmp_path / "ledger.tsv"), "wsi": str(tmp_path)}
    show_worst_slides(**files, note=texts[0], output=str(page))
    assert opened(browser, page) == []
    assert browser.do("return document.querySelectorAll('figcaption').length") == len(texts)


def test_markdown_has_no_tag_link_picture_or_code(tmp_path):
    texts = [*REFUSED, *ACCEPTED]
    table = pd.DataFrame({"name": texts, texts[0]: "x"})
    write_readable({texts[0]: table}, str(tmp_path / "t.md"), str(tmp_path / "t.tex"), texts[-1])
    text = (tmp_path / "t.md").read_text().replace("\\\\", "")
    for place, letter in enumerate(text):
        if letter in "<[]`":
            assert text[place - 1] == "\\", text[place - 20 : place + 20]
    assert len({line.replace("\\|", "").count("|") for line in text.splitlines() if line.startswith("|")}) == 1


SNAKEFILE = """
report: "{workflow}/report/workflow.rst"

rule one:
    output:
        report("one.tsv", caption="{workflow}/report/figure.rst", category="1 Slides", labels={{"result": "x"}}),
    params:
        note=lambda wildcards: config["report"]["note"],
        call={{"caption": config["report"]["note"], "labels": config["texts"]}},
    run:
        with open(output[0], "w") as handle:
            handle.write("\\t".join(config["texts"]))
"""


def test_params_captions_and_config_of_snakemakes_report_are_texts(tmp_path, browser, repository, snakemake_in):
    """What planning takes runs nowhere in the report, whose script holds params, captions and config."""
    assert [text for text in ACCEPTED if why_refused(text)] == []
    assert [text for text in REFUSED if not why_refused(text)] == []
    config = {
        "report": {"note": " ".join(ACCEPTED)},
        "texts": ACCEPTED,
        "tissue": {"method": "otsu"},
        "probe": {"C": 1},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "Snakefile").write_text(SNAKEFILE.format(workflow=repository / "workflow"))
    for arguments in (["--cores", "1"], ["--report", "report.html"]):
        done = snakemake_in(tmp_path, tmp_path / "Snakefile", *arguments, "--configfile", "config.json")
        assert done.returncode == 0, done.stdout
    assert opened(browser, tmp_path / "report.html") == []
    browser.wait("return document.querySelector('#app a') != null")
    for name in ("About", "Workflow", "Results"):
        browser.do("app.setView({navbarMode: 'menu'})")
        line = "return [...document.querySelectorAll('#app li a')].find(line => line.innerText == arguments[0])"
        browser.wait(line, name).click()
        assert browser.complaints() == []
    browser.wait("return document.querySelector('#app tbody tr td:last-child a') != null")
    for link in browser.find("#app tbody tr td:last-child a"):
        link.click()
        assert browser.complaints() == []
    assert browser.do("return document.title") != "ran"
