"""Writes workflow/docs/fidelity.md from points.tsv and the defaults of the config's schema and presets.

    python workflow/docs/fidelity/make_page.py

points.tsv names values of the code as {section/key}, so that the page can't go out of date; a test compares the page
with what this writes. A point whose key the schema lacks is shown as `not yet`.
"""

import csv
import re
from collections import Counter
from pathlib import Path

import yaml

DOCS = Path(__file__).resolve().parents[1]
REPOSITORY = DOCS.parents[1]
PAGE = DOCS / "fidelity.md"
STATES = {
    "done": "as in the paper",
    "parameter": "the paper leaves it open, contradicts itself or can't be followed; a key sets it (default shown)",
    "unknown": "the paper doesn't say, or what it used can't be obtained; our choice is fixed in the code",
    "not yet": "not built",
}
HEAD = """# Fidelity to the paper

<!-- Made by workflow/docs/fidelity/make_page.py from fidelity/points.tsv and the config's schema: edit those. -->

Threads: Vaidya et al., *Molecular-driven Foundation Model for Oncologic Pathology*, arXiv 2501.16652. Its weights
and training code are not public. Each choice has one of these states:

"""
TAIL = """
The demo trains the same networks at a small size on a synthetic cohort. Its scores show that the stages work together
and that the method can find what was planted; they say nothing about the published scores.

[planted_truth.md](planted_truth.md) tests the same networks on larger synthetic cohorts with planted latents, and
compares them with controls.
"""


def read_points() -> list[dict[str, str]]:
    """Rows of points.tsv."""
    with open(DOCS / "fidelity" / "points.tsv", encoding="utf-8", newline="") as handle:
        lines = (line for line in handle if not line.startswith("#"))
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def find(schema: dict, key: str) -> dict | None:
    """The part of the schema a key `definition/name/name` leads to; None where there is none.

    `task/groups:retrieval` asks for a value that a list may hold.
    """
    key, _, word = key.partition(":")
    first, *names = key.split("/")
    part = schema["$defs"].get(first)
    for name in names:
        part = (part or {}).get("properties", {}).get(name)
        if part and "$ref" in part:
            part = schema["$defs"][part["$ref"].rsplit("/", 1)[-1]]
    return part if not word or word in (part or {}).get("items", {}).get("enum", ()) else None


def value_of(name: str, schema: dict) -> str:
    """What a {name} stands for: a default of the schema, or a value of the run in a preset. KeyError for neither."""
    if ":" in name:
        preset, _, keys = name.partition(":")
        (value,) = yaml.safe_load((REPOSITORY / f"config/presets/{preset}.yaml").read_text())["pretrain"][
            "runs"
        ].values()
        for key in keys.split("/"):
            value = value[key]
    else:
        value = (find(schema, name) or {})["default"]
    return show(value)


def show(value: object) -> str:
    """A value in words: yes and no, thousands apart, small numbers as powers of ten."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(show, value))
    if isinstance(value, float) and 0 < value < 0.001:
        return re.sub(r"e-0?", "e-", f"{value:g}")
    return f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else str(value)


def make_page() -> str:
    """The whole page."""
    schema = yaml.safe_load((REPOSITORY / "workflow/schemas/config.schema.yaml").read_text())
    rows, states = [], Counter()
    for point in read_points():
        missing = point["key"] and find(schema, point["key"]) is None
        state = "not yet" if missing else point["state"]
        states[state] += 1
        default = "–" if missing else re.sub(r"\{([^}]+)\}", lambda match: value_of(match[1], schema), point["here"])
        key = f"`{point['key'].replace(':', ': ')}`" if point["key"] else "–"
        rows.append(f"| {point['point']} | {point['paper']} | {default} | {state} | {key} |")
    shown = [f"- **{name}** ({states[name]}): {text}" for name, text in STATES.items() if states[name]]
    header = "\n\n| point | in the paper | here | state | key |\n|---|---|---|---|---|\n"
    return HEAD + "\n".join(shown) + header + "\n".join(rows) + "\n" + TAIL


if __name__ == "__main__":
    PAGE.write_text(make_page(), encoding="utf-8")
