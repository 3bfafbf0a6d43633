"""Cohorts of the sheet with what is known of their source."""

from pathlib import Path

import pandas as pd
from molpath.common.files import read_tsv, write_tsv
from molpath.tables.datasets import list_datasets

TASKS = Path(__file__).resolve().parents[3] / "resources/tasks"


def listed(folder: Path, slides: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    write_tsv(folder / "slides.tsv", slides)
    outputs = {name: folder / name for name in ("table", "markdown", "latex")}
    list_datasets(
        sheet=folder / "slides.tsv",
        cohorts=TASKS / "cohorts.tsv",
        pretraining=TASKS / "pretraining_cohorts.tsv",
        trained=["TCGA"],
        note="synthetic",
        outputs=outputs,
    )
    return read_tsv(outputs["table"]).set_index("cohort"), outputs["markdown"].read_text()


def test_cohorts_of_the_sheet(tmp_path):
    table, markdown = listed(
        tmp_path, pd.DataFrame({"slide_id": list("abcd"), "cohort": ["bcnb", "TCGA", "TCGA", "x"]})
    )
    assert table.slides.to_dict() == {"bcnb": "1", "TCGA": "2", "x": "1"}
    assert table.use.to_dict() == {"bcnb": "evaluation", "TCGA": "pretraining", "x": "evaluation"}
    assert (table.paper["bcnb"], table.paper["TCGA"], table.paper["x"]) == ("1058", "10209", "")
    assert table.slides_from["bcnb"] == "https://bcnb.grand-challenge.org/"
    assert "| x | not of the paper | evaluation | 1 |" in markdown


def test_a_sheet_without_cohorts(tmp_path):
    table, markdown = listed(tmp_path, pd.DataFrame({"slide_id": list("ab")}))
    assert table.slides.tolist() == ["2"]
    assert "## Data sets (synthetic)" in markdown
