"""The report and its pages in a real browser: every figure is seen, every table sorts and filters, no network."""

import re
from pathlib import Path

import pandas as pd
import pytest
from molpath.common.files import read_tsv, write_tsv
from molpath.tables.pages import show_table
from molpath.tables.published import compare_published
from molpath.tables.scores import NUMBERS

from .chromium import Browser
from .small_cohort import run
from .test_layout import CHAPTERS as EVERY

#: The demo's own picture is no part of other studies, and the small cohort predicts no new slides.
CHAPTERS = [name for name in EVERY if name not in ("0 Demo", "9 Predictions")]


@pytest.fixture(scope="module")
def report(cohort, code) -> Path:
    """The report of the small cohort."""
    style = ["--report-stylesheet", str(code / "workflow/report/report.css")]
    done = run(cohort, code, "--report", "results/report.html", *style)
    assert done.returncode == 0, done.stdout[-3000:]
    return cohort / "results/report.html"


def stand_alone(report: Path) -> list[Path]:
    """Pages below results but the report."""
    return sorted(path for path in report.parent.rglob("*.html") if path != report)


def rows_of(browser: Browser) -> list[str]:
    """Rows of the first table as a reader sees them."""
    return browser.do("return [...document.querySelector('table.data').tBodies[0].rows].map(row => row.innerText)")


def column_of(browser: Browser, number: int) -> list[str]:
    """Cells of a column of the first table."""
    rows = "[...document.querySelector('table.data').tBodies[0].rows]"
    return browser.do(f"return {rows}.map(row => row.cells[arguments[0]].innerText)", number)


def sort_by(browser: Browser, number: int, direction: str) -> None:
    """Click on a column's name, which sorts in that direction (the first click: ascending)."""
    browser.find("table.data thead tr:first-child th")[number].click()
    browser.wait(f"return document.querySelector('table.data th[aria-sort={direction}]') != null")


def try_table(browser: Browser) -> None:
    """The first table sorts by a click, both ways, and its fields filter."""
    browser.wait("return document.body.dataset.ready == 'yes'")
    before = rows_of(browser)
    sort_by(browser, 0, "ascending")
    sort_by(browser, 0, "descending")
    if len(set(column_of(browser, 0))) > 1:
        assert rows_of(browser) != before
    for field in (".dt-search input", "table.data thead tr:nth-child(2) input"):
        box = browser.find(field)[0]
        box.send_keys("no row holds this")
        browser.wait("return document.querySelector('table.data .dt-empty') != null")
        box.clear()
        box.send_keys(" \b")
        browser.wait("return document.querySelector('table.data .dt-empty') == null")


def test_numbers_sort_as_numbers_and_fields_filter(tmp_path, browser):
    table = pd.DataFrame(
        {"name": ["<i>x</i>", "b", "c", "d"], "p": ["10", "9", "1e-05", ""], "of": ["1", "2", "2", "3"]}
    )
    table["ratio"] = ["10", "inf", "9", "-inf"]
    write_tsv(tmp_path / "t.tsv", table)
    page = tmp_path / "t.html"
    texts = {"name": "tables/t.tsv", "title": "A table", "sentences": "a <b> c", "note": "synthetic"}
    show_table(table=str(tmp_path / "t.tsv"), page=str(page), **texts)
    browser.open(page)
    browser.wait("return document.body.dataset.ready == 'yes'")
    assert column_of(browser, 0) == ["<i>x</i>", "b", "c", "d"]
    for direction, expected in (("ascending", ["1e-05", "9", "10"]), ("descending", ["10", "9", "1e-05"])):
        sort_by(browser, 1, direction)
        assert [cell for cell in column_of(browser, 1) if cell] == expected
    sort_by(browser, 3, "ascending")
    assert column_of(browser, 3) == ["-Infinity", "9", "10", "Infinity"]
    browser.find("table.data thead tr:nth-child(2) input")[2].send_keys("2")
    browser.wait("return document.querySelector('table.data').tBodies[0].rows.length == 2")
    assert set(column_of(browser, 0)) == {"b", "c"}
    browser.picture("table")
    assert browser.complaints() == []


def test_published_scores_are_shown_next_to_measured_ones(tmp_path, browser, repository):
    """Differences of the paper's models (measured numbers are made up) sort with their signs; tasks are all listed."""
    paper = read_tsv(repository / "resources/published/linear_probe.tsv")
    paper = paper[paper.task == "bcnb--er"].set_index("model").score.astype(float)
    moved = {"chief": 0.02, "prism": -0.003, "threads": -0.1}
    rows = [
        dict.fromkeys(NUMBERS, 0)
        | {"task": "bcnb--er", "family": "ihc", "group": "frozen", "protocol": "logistic", "metric": "macro-ovr-auc"}
        | {
            "model": model,
            "mean": (mean := paper[model] + by),
            "lower": mean - 0.01,
            "upper": mean + 0.01,
            "primary": 1,
        }
        for model, by in moved.items()
    ]
    write_tsv(tmp_path / "metrics.tsv", pd.DataFrame(rows))
    files = {name: str(tmp_path / f"{name}.tsv") for name in ("table", "averages", "markdown", "latex")}
    compare_published(
        metrics=str(tmp_path / "metrics.tsv"),
        published=[str(repository / "resources/published/linear_probe.tsv")],
        other_scores=str(repository / "resources/published/other_sources.tsv"),
        tasks=str(repository / "resources/tasks/tasks.tsv"),
        names={model: model for model in moved},
        note="synthetic",
        page=str(tmp_path / "published.html"),
        **files,
    )
    browser.open(tmp_path / "published.html")
    browser.wait("return document.body.dataset.ready == 'yes'")
    names = browser.do(
        "return [...document.querySelectorAll('table.data thead tr:first-child th')].map(x => x.innerText)"
    )
    difference = [name.strip() for name in names].index("difference")
    assert set(column_of(browser, names.index("mean over"))) == {"all tasks", "public tasks", "Immunohistochemistry"}
    sort_by(browser, difference, "ascending")
    assert column_of(browser, difference) == ["-0.100"] * 3 + ["-0.003"] * 3 + ["+0.020"] * 3
    assert "1 of 3 the 95 % interval" in browser.do("return document.body.innerText")
    browser.picture("published")
    assert browser.complaints() == []


def test_every_chapter_figure_and_table_opens(report, browser):
    browser.open(report)
    browser.wait("return document.querySelector('#app a') != null")
    names = browser.do("return Object.keys(categories)")
    assert sorted(names) == CHAPTERS
    menu = browser.do("return [...document.querySelectorAll('#app li span')].map(item => item.innerText)")
    assert [name for name in menu if name in names] == CHAPTERS, "not in the order in which they are read"
    browser.picture("report")
    places = "['.prose', '#rulegraph'].map(name => document.querySelector(name).getBoundingClientRect())"
    text, graph = browser.do(f"return {places}.map(place => [place.top, place.bottom])")
    assert text[1] <= graph[0], "the graph of the rules is before the text, or next to it"
    for name in ("Statistics", "About", "Workflow"):
        browser.do("app.setView({navbarMode: 'menu'})")
        browser.wait(
            "return [...document.querySelectorAll('#app li a')].find(x => x.innerText == arguments[0])", name
        ).click()
    assert browser.complaints() == []
    for chapter in CHAPTERS:
        browser.do("app.setView({navbarMode: 'menu'})")
        link = "return [...document.querySelectorAll('#app li a')].find(x => x.innerText == arguments[0])"
        browser.wait(link, chapter).click()
        eyes = browser.wait("return [...document.querySelectorAll('#app tbody tr td:last-child a:first-child')]")
        assert eyes
        for number, eye in enumerate(eyes, start=1):
            see_result(browser, eye)
            browser.picture(f"{chapter.replace(' ', '_')}_{number}")
            assert browser.complaints() == [], (chapter, number)


def choose(browser: Browser, name: str) -> None:
    """Click on a line of the menu."""
    browser.do("app.setView({navbarMode: 'menu'})")
    line = "return [...document.querySelectorAll('#app li a')].find(line => line.innerText == arguments[0])"
    browser.wait(line, name).click()


def see_result(browser: Browser, eye) -> None:
    """A click on the eye shows a picture that has a size, or a page whose tables work."""
    before = browser.do("return app.state.renderTrigger")
    eye.click()
    browser.wait("return app.state.renderTrigger != arguments[0]", before)
    shown = "[...document.querySelectorAll('#app .grow img, #app iframe')]"
    browser.wait(f"return {shown}.some(one => one.src == results[app.state.resultPath].data_uri)")
    if pages := browser.find("#app iframe"):
        browser.driver.switch_to.frame(pages[0])
        browser.wait("return document.readyState == 'complete' && document.querySelector('h1') != null")
        if browser.find("table.data"):
            try_table(browser)
        assert browser.do("return [...document.images].every(image => image.naturalWidth > 0)")
        browser.driver.switch_to.default_content()
    else:
        size = "const image = document.querySelector('#app .grow img'); return image.complete && image.naturalWidth"
        assert browser.wait(size) > 100
        assert browser.do("return document.querySelector('#app .grow img').getBoundingClientRect().top") >= 0


def test_pages_stand_alone(report, browser):
    pages = stand_alone(report)
    assert len(pages) >= 8
    for page in pages:
        browser.open(page)
        if browser.find("table.data"):
            browser.wait("return document.body.dataset.ready == 'yes'")
        browser.picture(f"page_{page.stem}")
        assert browser.complaints() == [], page


def test_pages_hold_no_address_of_the_network(report):
    for page in [report, *stand_alone(report)]:
        text = page.read_text()
        assert not re.search(r"""<(script|link|img|iframe)\b[^>]*\b(src|href)\s*=\s*["']?(https?:)?//""", text), page
        assert not re.search(r"""@import|url\(\s*["']?https?:""", text), page


def test_pages_say_that_data_is_synthetic_and_each_table_has_its_page(cohort, report):
    for page in stand_alone(report):
        assert "(synthetic)</title>" in page.read_text(), page
    expected = {"slides", "exclusions", "omics", "metrics", "leakage", "directions", "expression"}
    assert expected <= {page.stem for page in stand_alone(report)}


def test_what_the_run_took_is_reported_by_rule(cohort):
    table = read_tsv(cohort / "results/benchmarks/resources.tsv").set_index("rule")
    shards = len(list((cohort / "results/slides").glob("*.tsv")))
    for rule in ("inspect_slides", "assess_tissue", "tile_slides", "extract_features"):
        assert int(table.jobs[rule]) == shards
    jobs, gpu = table.jobs.astype(int), table.gpu_hours.astype(float)
    assert jobs["all"] == jobs.drop("all").sum() > 100
    assert set(gpu[gpu > 0].index) == {"finetune_task", "all"}, "features of a mean colour ask for no GPU"
    assert len(read_tsv(cohort / "results/benchmarks/slowest_shards.tsv")) == 5
