"""Tasks that only a transfer names are checked as strictly as those in use, before any job starts."""

import contextlib

import pytest
import yaml
from molpath.study import Study

HEADER = "case_id\tslide_id\tgrade"


def with_transfer(project, changes=None, lines=None):
    """A transfer from a task that is not in use (cases C0, C2, C4) to the one in use."""
    lines = lines or [HEADER, *(f"C{i}\tS{i}\t{i // 2 % 2}" for i in (0, 2, 4))]
    settings = {key: value for key, value in (project.task | (changes or {})).items() if value is not None}
    project.config["omics"]["allow_leakage"] = [f"C{i}" for i in range(8)]
    project.config["probe"]["tasks"]["there--grade"] = {"path": "tasks/there"}
    entry = {"train": "there--grade", "test": "here--grade"}
    project.config["probe"]["transfer"] = {"tasks": {"there==here--grade": entry}, "use": ["there==here--grade"]}
    project.texts |= {
        "tasks/there/config.yaml": yaml.safe_dump(settings),
        "tasks/there/k=all.tsv": "\n".join(lines) + "\n",
    }
    project.write()


def test_a_valid_side_passes(project):
    with_transfer(project)
    with contextlib.chdir(project.folder):
        Study.open("config.yaml").check()


@pytest.mark.parametrize(
    ("changes", "lines", "message"),
    [
        ({"task_col": None}, None, "tasks/there/config.yaml, key top level: 'task_col' is missing"),
        ({"metrics": "auc"}, None, "tasks/there/config.yaml, key metrics: "),
        ({"sample_col": "case"}, None, "tasks/there/config.yaml, key sample_col: "),
        (None, [HEADER], "tasks/there/k=all.tsv: no row below the header"),
        (None, ["case_id\tslide_id\tgarde", "C0\tS0\t0"], "tasks/there/k=all.tsv, header, column grade: "),
        (None, ["Case\tslide_id\tgrade", "C0\tS0\t0"], "tasks/there/k=all.tsv, header, column case_id: "),
        (None, [HEADER, "C0\tS0\t0", "C2\tS2\t2"], "k=all.tsv, row 3, column grade: label '2' is not in label_dict"),
        (None, [HEADER, "C0\tS0\t"], "tasks/there/k=all.tsv, column grade: empty in every row"),
    ],
)
def test_a_wrong_side_is_refused_once(project, changes, lines, message):
    with_transfer(project, changes, lines)
    refusal = project.refusal()
    assert message in refusal
    assert refusal.count(message) == 1
