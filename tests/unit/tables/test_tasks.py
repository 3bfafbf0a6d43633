"""What tasks are made of: counted by hand, next to the paper's, with one class, all censored, classes of odd names."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from molpath.common.files import read_tsv, write_tsv
from molpath.tables.tasks import describe_tasks, shares

TASKS = Path(__file__).resolve().parents[3] / "resources/tasks"
NAMES = ("table", "markdown", "latex", "labels", "labels_markdown", "labels_latex")


def write_task(folder: Path, rows: pd.DataFrame, column: str, sample: str, labels: dict, **further) -> tuple[str, str]:
    folder.mkdir(parents=True)
    config = {"task_col": column, "sample_col": sample, "label_dict": labels, "metrics": ["bacc"], "extra_cols": []}
    (folder / "config.yaml").write_text(yaml.safe_dump(config | further))
    write_tsv(folder / "k=all.tsv", rows)
    return str(folder / "config.yaml"), str(folder / "k=all.tsv")


def cases(number: int, slides: int) -> pd.DataFrame:
    """Cases C0, C1, … with so many slides each."""
    return pd.DataFrame([{"case_id": f"C{i}", "slide_id": f"C{i}-{k}"} for i in range(number) for k in range(slides)])


@pytest.fixture(scope="module")
def listed(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("tasks")
    mutation = cases(104, 2)
    numbers = mutation.case_id.str[1:].astype(int)
    mutation["TP53"] = np.where(numbers < 30, "1", "0")
    mutation.loc[numbers == 103, "TP53"] = ""  # no label: not counted
    for fold in range(50):
        mutation[f"fold_{fold}"] = np.where((numbers + fold) % 5 == 0, "test", "train")
    grades = cases(12, 1).assign(grade=[str(i % 2) for i in range(12)], fold_0=["train"] * 8 + ["test"] * 4)
    survival = cases(10, 1).assign(OS="0", OS_event="0", OS_days=[str(100 * (i + 1)) for i in range(10)])
    single = cases(6, 1).assign(y="a|b_", fold_0="train", fold_1="test")
    for fold in range(5):
        survival[f"fold_{fold}"] = np.where(np.arange(10) % 5 == fold, "test", "train")
    extra = {"extra_cols": ["OS_event", "OS_days"], "task_type": "survival"}
    tasks = {
        "cptac_brca--TP53_mutation": write_task(folder / "a", mutation, "TP53", "case_id", {"0": "wild", "1": "mut"}),
        "imp--grade": write_task(folder / "b", grades, "grade", "slide_id", {"0": "Low-grade", "1": "odd", "2": "no"}),
        "cptac_luad--OS": write_task(folder / "c", survival, "OS", "case_id", {"0": "0"}, **extra),
        "own--single": write_task(folder / "d", single, "y", "case_id", {"a|b_": "a|b_"}),
    }
    outputs = {name: folder / name for name in NAMES}
    families = dict.fromkeys(tasks, "mine")
    shipped = {"published": TASKS / "tasks.tsv", "classes": TASKS / "classes.tsv"}
    describe_tasks(tasks=tasks, families=families, note="synthetic", outputs=outputs, **shipped)
    return outputs


def test_counts_next_to_those_of_the_paper(listed):
    table = read_tsv(listed["table"]).set_index("task")
    mutation = table.loc["cptac_brca--TP53_mutation"]
    assert (mutation.cases, mutation.slides, mutation.classes) == ("103", "206", "wild 73; mut 30")
    assert (mutation.split, mutation.folds, mutation.family) == ("monte_carlo", "50", "mutation")
    assert (mutation.paper_cases, mutation.cases_difference, mutation.slides_difference) == ("103", "0", "")
    assert (mutation.metric, mutation.paper_metric, mutation.organ) == ("bacc", "macro-ovr-auc", "Breast")
    grade = table.loc["imp--grade"]
    assert (grade.slides, grade.paper_slides, grade.slides_difference) == ("12", "5333", "-5321")
    assert (grade.unit, grade.split, grade.family) == ("slide_id", "official", "grading")
    own = table.loc["own--single"]
    assert (own.family, own.cases, own.paper_cases, own.cases_difference, own.organ) == ("mine", "6", "", "", "")


def test_all_censored(listed):
    survival = read_tsv(listed["table"]).set_index("task").loc["cptac_luad--OS"]
    assert (survival.events, survival.censored, survival.median_days) == ("0", "1", "550")
    assert (survival.classes, survival.split, survival.folds) == ("", "cross_validation", "5")
    assert "cptac_luad--OS" not in set(read_tsv(listed["labels"]).task)


def test_classes_by_name(listed):
    labels = read_tsv(listed["labels"]).set_index(["task", "class"])
    grade = labels.loc["imp--grade"]
    assert grade.samples.to_dict() == {
        "Low-grade": "6",
        "odd": "6",
        "no": "0",
        "non-neoplastic": "",
        "high-grade, invasion included": "",
    }
    assert grade.source["Low-grade"] == "paper"
    assert float(labels.loc[("own--single", "a|b_")].share) == 1
    shares = pd.to_numeric(labels.share).groupby("task").sum()
    assert shares.to_dict() == pytest.approx(dict.fromkeys(shares.index, 1))


def test_readable_tables(listed):
    markdown = listed["markdown"].read_text()
    row = "| cptac_brca--TP53_mutation | Breast | 103 (same) | 206 | wild 73 (71 %); mut 30 (29 %) |"
    assert f"{row} bacc (macro-ovr-auc) | monte carlo, 50 (same) |" in markdown
    assert "| imp--grade | Colorectum | 12 | 12 (5,333) |" in markdown
    assert "| 0 | 100 % | 550 | cindex (same) | cross validation, 5 (same) |" in markdown
    titles = [f"## Tasks, {name}; in brackets: the paper (synthetic)" for name in ("mutation", "grading", "survival")]
    assert [line for line in markdown.splitlines() if line.startswith("## ")] == [*titles, "## Tasks, mine (synthetic)"]
    assert r"a\|b_ | 6 | 100 %" in listed["labels_markdown"].read_text()
    assert r"a|b\_ & 6 & 100 \% &  &  \\" in listed["labels_latex"].read_text()
    assert listed["latex"].read_text().count(r"\begin{table}") == 4


def test_survival_alone_has_no_labels(tmp_path):
    rows = cases(4, 1).assign(OS="0", OS_event="1", OS_months=["1", "2", "3", "4"], fold_0="test")
    files = write_task(tmp_path / "t", rows, "OS", "case_id", {"0": "0"}, task_type="survival")
    outputs = {name: tmp_path / name for name in NAMES}
    shipped = {"published": TASKS / "tasks.tsv", "classes": TASKS / "classes.tsv"}
    describe_tasks(tasks={"x--OS": files}, families={"x--OS": "f"}, note="", outputs=outputs, **shipped)
    assert read_tsv(outputs["labels"]).empty
    assert read_tsv(outputs["table"]).censored.tolist() == ["0"]
    assert outputs["labels_markdown"].read_text() == "\n"


def test_many_classes_are_not_named_in_the_table_of_tasks():
    assert shares("a b 1; c 3") == "a b 1 (25 %); c 3 (75 %)"
    assert shares("; ".join(f"c{i} {i}" for i in range(10))) == "10 classes (0 % to 20 %)"
