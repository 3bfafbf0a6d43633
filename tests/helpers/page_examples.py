"""Lines of Python that a page of the documentation shows, by the heading above them."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "workflow/docs"


def examples_of(page: str) -> dict[str, str]:
    """The block of Python below each heading of a page that has one."""
    parts = re.split(r"(?m)^## (.+)$", (DOCS / page).read_text(encoding="utf-8"))[1:]
    blocks = {
        head: re.findall(r"(?s)```python\n(.*?)```", text) for head, text in zip(parts[::2], parts[1::2], strict=True)
    }
    return {head: matches[0] for head, matches in blocks.items() if matches}
