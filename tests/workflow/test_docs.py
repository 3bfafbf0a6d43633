"""README, the picture of the stages, and the documentation site: links, pages, and nothing asked of other hosts."""

import importlib.util
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from described import read_schema, undescribed
from molpath.common.reasons import REASONS

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "workflow/docs"
STAGES = ["slides", "tissue", "tiles", "features", "omics", "pretrain", "embed", "probe"]
#: Attributes by which a page loads something without a click.
LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "object": "data"}


@pytest.fixture(scope="module")
def hooks():
    """The hooks of mkdocs.yml, imported as mkdocs does it."""
    spec = importlib.util.spec_from_file_location("hooks_of_the_site", DOCS / "site/hooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def links_of(page: Path) -> list[str]:
    """Targets of a Markdown page's links, outside of code."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.S)
    return re.findall(r"\]\(([^)\s]+)\)", text)


def test_every_file_that_the_readme_links_is_there():
    targets = [target for target in links_of(REPOSITORY / "README.md") if "://" not in target]
    assert len(targets) > 20
    assert [target for target in targets if not (REPOSITORY / target.partition("#")[0]).exists()] == []


def test_the_readme_is_short_and_says_what_is_synthetic():
    lines = (REPOSITORY / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 115
    picture = next(number for number, line in enumerate(lines) if "demo.svg" in line)
    assert "ynthetic" in "".join(lines[picture : picture + 4])
    code = "\n".join(lines).split("```bash\n")[1:]
    shown = [line for block in code for line in block.split("```")[0].splitlines()]
    assert max(map(len, shown)) <= 98  # what fits in 838 pixels


def test_targets_and_options_that_the_readme_types_exist():
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"^snakemake (\w+)", text, re.M)) | set(re.findall(r"^make (\w+)", text, re.M))
    rules = "".join(path.read_text() for path in (REPOSITORY / "workflow").rglob("*.smk"))
    rules += (REPOSITORY / "workflow/Snakefile").read_text() + (REPOSITORY / "Makefile").read_text()
    assert {"features", "bundle", "demo"} <= targets
    assert [name for name in sorted(targets) if not re.search(rf"^(rule )?{name}:", rules, re.M)] == []
    code = [path.read_text() for path in (REPOSITORY / "workflow/scripts/molpath/init").rglob("*.py")]
    options = set(re.findall(r"(?<= )--\w+", "\n".join(re.findall(r"^molpath init.*", text, re.M))))
    assert len(options) >= 7
    assert [option for option in sorted(options) if not any(f'"{option}"' in source for source in code)] == []


def test_the_picture_names_the_eight_stages_in_order():
    texts = ET.parse(DOCS / "stages.svg").getroot().iter("{http://www.w3.org/2000/svg}text")
    assert [text.text for text in texts if text.get("class") == "name"] == STAGES
    assert all((REPOSITORY / f"workflow/scripts/molpath/{stage}").is_dir() for stage in STAGES)


def test_reasons_and_keys_that_troubleshooting_names_exist():
    text = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    slides = text.split("## Slides")[1].split("\n## ")[0]
    named = [name for row in re.findall(r"^\| (`.*?) \|", slides, re.M) for name in re.findall(r"`(\w+)`", row)]
    assert len(named) >= 6
    assert set(named) <= set(REASONS)
    schema = yaml.safe_load((REPOSITORY / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8"))["$defs"]
    keys = re.findall(rf"`((?:{'|'.join([*STAGES, 'report'])})/[a-z_/]+)[`:]", text)
    assert len(keys) >= 6
    for key in keys:
        section, *rest = key.split("/")
        entry = schema[section]
        for name in rest:
            assert name in entry["properties"], key
            entry = entry["properties"][name]
            entry = schema[entry["$ref"].rsplit("/", 1)[-1]] if "$ref" in entry else entry


def test_messages_that_the_pages_quote_are_those_of_the_code():
    """What the terminal says, in the columns that begin with it; '…' and numbers match anything."""
    code = [*(REPOSITORY / "workflow/scripts/molpath").rglob("*.py"), *(REPOSITORY / "workflow/rules").glob("*.smk")]
    strings = re.sub(r'"\s*\n\s*f?"', "", "\n".join(path.read_text(encoding="utf-8") for path in code))
    quoted = []
    for page, column in (("troubleshooting", 1), ("stopped_runs", 2)):
        rows = [line.split(" | ") for line in (DOCS / f"{page}.md").read_text(encoding="utf-8").splitlines()]
        cells = [row[column - 1] for row in rows if len(row) == 3]
        quoted += [text for cell in cells for text in re.findall(r"`([^`]+)`", cell) if " " in text]
    messages = [text for text in quoted if text not in ("No space left on device", "Disk quota exceeded")]
    assert len(messages) > 9
    parts = {part.strip() for text in messages for part in re.split(r"…|slides\.tsv|results:|0700", text)} - {""}
    assert sorted(part for part in parts if part not in strings) == []


@pytest.mark.parametrize(
    ("text", "source", "page", "rewritten"),
    [
        ("[a](workflow/docs/data.md#idc)", "README.md", "index.md", "[a](data.md#idc)"),
        ("![a](workflow/docs/demo.svg)", "README.md", "index.md", "![a](demo.svg)"),
        ("[a](../../config/README.md)", "workflow/docs/gene_sets.md", "gene_sets.md", "[a](reference/guide.md)"),
        ("[a](../README.md)", "config/README.md", "reference/guide.md", "[a](../index.md)"),
        ("[a](LICENSE)", "README.md", "index.md", "a (`LICENSE`)"),
        ("[`LICENSE`](LICENSE)", "README.md", "index.md", "`LICENSE`"),
        ("[a](https://a.example/b)", "README.md", "index.md", "[a](https://a.example/b)"),
        ("[a](#limits)", "README.md", "index.md", "[a](#limits)"),
    ],
)
def test_a_link_of_a_file_is_rewritten_for_its_page(hooks, text, source, page, rewritten):
    assert hooks.LINK.sub(lambda match: hooks.link_of(match, source, page), text) == rewritten


def test_a_link_to_nothing_is_refused_by_name(hooks):
    match = hooks.LINK.search("[a](workflow/docs/no_such.md)")
    with pytest.raises(ValueError, match=r"README\.md: the link to workflow/docs/no_such\.md leads nowhere"):
        hooks.link_of(match, "README.md", "index.md")


def test_the_page_of_results_has_every_table_and_no_empty_cell(hooks):
    page = hooks.page_of_results()
    schema = yaml.safe_load((REPOSITORY / "workflow/schemas/results.yaml").read_text(encoding="utf-8"))
    assert re.findall(r"^## `(.*)`$", page, re.M) == [table["path"] for table in schema["tables"]]
    cells = re.findall(r"^\| `(.*)` \| (.*) \|$", page, re.M)
    assert ("slide_id", "Slide, as in the slide sheet.") in cells
    assert {(name, f"{meaning}.") for name, meaning in REASONS.items()} <= set(cells)
    assert all(len(text) > 3 and text.endswith(".") for _, text in cells), [c for c in cells if not c[1].endswith(".")]
    assert set(schema["columns"]) - {name for table in read_schema()["tables"] for name in table["shared"]} == set()


class Page(HTMLParser):
    """What a page of the site loads, what it links, and its anchors."""

    def __init__(self, path: Path):
        super().__init__()
        self.loads, self.links, self.anchors = [], [], {""}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.anchors |= {attributes[name] for name in ("id", "name") if attributes.get(name)}
        if LOADED.get(tag) in attributes:
            self.loads.append(attributes[LOADED[tag]])
        elif attributes.get("href"):
            self.links.append(attributes["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site as `make docs` builds it; where its environment isn't made yet, PyPI is asked."""
    python = f"PYTHON={sys.executable}"
    installed = subprocess.run(["make", ".venv-docs/ready", python], cwd=REPOSITORY, capture_output=True, text=True)
    if installed.returncode and re.search(r"Could not find a version|Connection|resolve", installed.stderr):
        pytest.skip("no .venv-docs, and PyPI can't be reached")
    folder = tmp_path_factory.mktemp("docs") / "site"
    # A make that another one called says where it is, unless asked not to.
    command = ["make", "--no-print-directory", "docs", python, f"ARGS=--site-dir {folder}"]
    done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert (done.returncode, done.stdout) == (0, "")
    return folder


def entries_of(nav) -> list[str]:
    """Pages of a navigation, nested as it is."""
    if isinstance(nav, str):
        return [nav]
    return [page for part in (nav.values() if isinstance(nav, dict) else nav) for page in entries_of(part)]


@pytest.mark.slow
def test_the_site_has_every_page_of_its_navigation_and_every_page_of_the_folder(site):
    text = (REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8")
    pages = entries_of(yaml.safe_load(text)["nav"])
    assert [page for page in pages if not (site / page).with_suffix(".html").is_file()] == []
    assert {path.name for path in DOCS.glob("*.md")} <= set(pages)


@pytest.mark.slow
def test_the_site_asks_no_other_host_and_every_link_of_it_resolves(site):
    pages = {path: Page(path) for path in site.rglob("*.html") if path.name != "404.html"}
    assert len(pages) > 40
    elsewhere, broken = [], []
    for path, page in pages.items():
        elsewhere += [(path.name, target) for target in page.loads if urlsplit(target).netloc]
        for target in page.loads + page.links:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchors = pages[file].anchors if file in pages else {parts.fragment}
            if not file.is_file() or unquote(parts.fragment) not in anchors:
                broken.append((path.relative_to(site).as_posix(), target))
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert elsewhere == []
    assert re.findall(r"@import[^;]*//[^;]*|url\([\"']?(?:https?:)?//[^)]*\)", styles) == []
    assert broken == []


CUT = """return [...document.querySelectorAll('pre > code, .md-typeset__scrollwrap, .md-content img')]
    .filter(box => box.scrollWidth > box.clientWidth + 1).map(box => (box.alt || box.innerText).slice(0, 60))"""


@pytest.mark.slow
@pytest.mark.parametrize(("width", "only"), [(1500, ""), (886, "index")])
def test_no_code_table_or_picture_of_a_page_is_cut_off(site, browser, width, only):
    """On a screen every page; the first, which is README, also where its text is 838 pixels wide, as on GitHub."""
    browser.driver.set_window_size(width, 1000)
    cut = {}
    for path in sorted(site.rglob("*.html")):
        if path.name != "404.html" and path.stem.startswith(only):
            browser.open(path)
            assert not only or abs(browser.do("return document.querySelector('article p').clientWidth") - 838) < 25
            if cut_off := browser.do(CUT):
                cut[path.relative_to(site).as_posix()] = cut_off
    browser.picture(f"site_{width}")
    assert cut == {}


def test_a_column_or_table_that_nobody_describes_is_named():
    schema = read_schema()
    names = ["slide_id", "n_dropped_fold", "n_folded"]
    assert undescribed("tiles/20x/00000.tsv", names, schema, {"n_folded"}) == ["tiles/20x/00000.tsv: n_folded"]
    assert undescribed("predict/cohort/tiles/20x/00000.tsv", names[:2], schema, set()) == []
    assert undescribed("tables/maps/mean.tsv", ["x", "site", "sex"], schema, {"site"}) == ["tables/maps/mean.tsv: sex"]
    assert undescribed("tables/new.tsv", [], schema, set()) == ["tables/new.tsv: no entry"]
