"""Every link, picture and path that a page of the repository names leads somewhere, anchors included."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from page_commands import pages

REPOSITORY = Path(__file__).parents[2]
PAGES = pages(REPOSITORY)
LINK = re.compile(r"\]\(([^)\s]+)\)|<(https?://[^>\s]+)>|(?:href|src)=\"([^\"]+)\"")
#: A file of the repository in code: folders that no run writes to.
PATH = re.compile(r"`((?:workflow|tests|config|envs|resources/(?:tasks|published|genes))/[\w./-]+\.\w+)`")


def without_code(text: str, inline: bool = True) -> str:
    """A page without its fenced blocks, and without code in its lines."""
    text = re.sub(r"^\s*```.*?^\s*```$", "", text, flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", "", text) if inline else text


def anchors_of(text: str) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    counts: dict[str, int] = {}
    names = set()
    for heading in re.findall(r"^#{1,6} (.+?)\s*$", without_code(text, inline=False), re.M):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", heading).lower()
        name = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        names.add(f"{name}-{counts[name]}" if name in counts else name)
        counts[name] = counts.get(name, 0) + 1
    return names


def links_of(text: str) -> list[str]:
    """Targets of a page's links and pictures, outside of code (a link's own text may be code)."""
    return ["".join(target) for target in LINK.findall(without_code(text, inline=False))]


def lost(page: str, target: str) -> bool:
    """A target leads nowhere; of another host, no request is sent: it must be an address over TLS."""
    parts = urlsplit(target)
    if parts.scheme == "mailto":
        return False
    if parts.scheme or parts.netloc:
        return parts.scheme != "https" or "." not in parts.netloc
    file = (REPOSITORY / page).parent / parts.path if parts.path else REPOSITORY / page
    if not file.exists():
        return True
    return bool(parts.fragment) and parts.fragment not in anchors_of(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES)
def test_links_of_a_page_lead_somewhere(page):
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    assert [target for target in links_of(text) if lost(page, target)] == []
    # What a change was about may be gone since.
    named = [] if page == "CHANGELOG.md" else PATH.findall(without_code(text, inline=False))
    assert [
        path for path in named if not any((REPOSITORY / place / path).exists() for place in (".", "workflow"))
    ] == []


def test_pages_have_links_and_paths():
    texts = [(REPOSITORY / page).read_text(encoding="utf-8") for page in PAGES]
    assert len(PAGES) > 30
    assert sum(len(links_of(text)) for text in texts) > 150
    assert sum(len(PATH.findall(text)) for text in texts) > 40


def test_what_leads_nowhere_is_found():
    assert anchors_of("# A `b` c\n## A b c\n### With [x](y), too\n```\n# no\n```") == {"a-b-c", "a-b-c-1", "with-x-too"}
    assert lost("README.md", "workflow/docs/none.md")
    assert lost("README.md", "envs/README.md#none")
    assert lost("README.md", "http://a.example")
    assert not lost("README.md", "envs/README.md#locks")
    assert not lost("workflow/docs/data.md", "../../README.md")
    assert links_of("a [`b`](c.md#d), ![e](f.svg)\n```\n[g](h)\n```\n<https://i.example>") == [
        "c.md#d",
        "f.svg",
        "https://i.example",
    ]
