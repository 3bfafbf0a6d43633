"""Pages of measurements have the text of the programs that write them: hours of work, which no test repeats.

The programs get made-up numbers, so numbers and the rows of tables are left out; headers of tables are compared.
"""

import re

import demo_seeds
import numpy as np
import pandas as pd
import planted_truth
import pytest
import scaling_truth


def text_of(page: str) -> list[str]:
    """Lines of a page: of tables the header only, and no numbers."""
    lines = page.splitlines()
    headers = {k for k, line in enumerate(lines[1:]) if re.fullmatch(r"(\|-+)+\|", line)}
    kept = [line for k, line in enumerate(lines) if not line.startswith("|") or k in headers]
    return [re.sub(r"\d[\d,.]*\d|\d", "#", line) for line in kept]


def planted_page(command: str) -> str:
    """Of made-up AUC of five seeds."""
    rng = np.random.default_rng(0)
    models = ("mean", "random", "shuffled pairs", "pretrained", "oracle")
    rows = [
        {"seed": seed, "task": task, "model": model, "labels": labels, "auc": rng.uniform(0.5, 1)}
        for seed in range(5)
        for task in range(2)
        for model in models
        for labels in planted_truth.LABELS
    ]
    ranks = {seed: {"pretrained": 0.5, "shuffled pairs": 0.0} for seed in range(5)}
    return planted_truth.as_markdown(pd.DataFrame(rows), ranks, command, planted_truth.FRESH)


def scaling_page(command: str) -> str:
    """Of made-up gaps of five seeds."""
    rows = [
        {"seed": seed, "part": "pairs", "value": pairs, "auc": 0.8, "gap": 1 / pairs + seed / 1e6, "mean_gap": 0.2}
        for seed in range(5)
        for pairs in scaling_truth.PAIRS
    ]
    table = pd.DataFrame(rows)
    return scaling_truth.page_of(table, scaling_truth.fitted(table, 10), command, "scaling_truth.svg")


def seeds_page(command: str) -> str:
    """Of one made-up point."""
    row = {"seed": 3, "shots": 32, "kind": "mean", "auc": 0.6, "lower": 0.5, "upper": 0.7, "gain": np.nan}
    return demo_seeds.page_of(pd.DataFrame([row | {"gain_lower": np.nan, "gain_upper": np.nan}]), command)


@pytest.mark.parametrize(
    ("name", "write"),
    [("planted_truth", planted_page), ("scaling_truth", scaling_page), ("demo_seeds", seeds_page)],
)
def test_a_page_has_the_text_of_its_program(repository, name, write):
    page = (repository / f"workflow/docs/{name}.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^    (\.venv/bin/python .*)$", page, re.M)
    assert f"tests/benchmarks/{name}.py" in command
    assert text_of(page) == text_of(write(command))


def test_the_text_of_a_page_has_headers_and_no_numbers():
    page = "# A 1,000.\n\n| a | b 2 |\n|---|---|\n| 3 | 4 |\n\nEnd: 0.5."
    assert text_of(page) == ["# A #.", "", "| a | b # |", "", "End: #."]
