"""A study with slides of its own and a sheet of new ones: generated cases, one patch encoder that takes no time."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import yaml
from molpath.common.files import read_tsv
from molpath.demo.cohort import make_cohort
from projects import write_table

ENCODER, GRID = "colour", "20x_256px_0px_overlap"
#: Cases that only the new sheet has. D002 has a file that is cut off, D004 two slides, D003 one slide that is blank.
NEW = ("D002", "D003", "D004", "D006", "D020")
#: A case of training in the new sheet, and a training slide there under another name.
KNOWN, RENAMED = "D019", "D018-DX1"


def write_study(folder: Path) -> None:
    """Write slides, sheets, a task with two classes and config.json into an empty folder."""
    drawn = folder / "made"
    make_cohort(drawn, n_cases=20, seed=1)
    shutil.move(drawn / "resources/demo/slides", folder / "slides")
    rows = read_tsv(drawn / "slides.tsv").assign(
        path=lambda table: table.path.str.rsplit("/", n=1).str[1].radd("slides/")
    )
    rows = rows[~rows.slide_id.isin(["D001-DX9", "D005-DX9"])]
    labels = {case: k // 2 % 2 for k, case in enumerate(sorted(set(rows.case_id)))}
    trained = rows[~rows.case_id.isin(NEW)][["slide_id", "case_id", "path", "site"]]
    write_table(folder / "slides.tsv", trained.to_dict("records"))
    write_task(folder / "tasks/grade", sorted(set(trained.case_id)), labels)
    new = rows[rows.case_id.isin(NEW) & (rows.slide_id != "D003-DX1") | (rows.case_id == KNOWN)]
    shutil.copy(folder / f"slides/{RENAMED}.tiff", folder / "slides/copy.tiff")
    copied = {"slide_id": "X1", "case_id": "X1", "path": "slides/copy.tiff"}
    new = [{key: row[key] for key in copied} | {"grade": labels[row["case_id"]]} for row in new.to_dict("records")]
    write_table(folder / "new.tsv", [*new, copied | {"grade": ""}])
    (folder / "config.json").write_text(json.dumps(config_of()))


def write_task(folder: Path, cases: list[str], labels: dict[str, int]) -> None:
    """config.yaml and k=all.tsv of a task of cases, in two folds."""
    rows = [
        {"case_id": case, "grade": labels[case]}
        | {f"fold_{fold}": "test" if k % 2 == fold else "train" for fold in (0, 1)}
        for k, case in enumerate(cases)
    ]
    write_table(folder / "k=all.tsv", rows)
    about = {"task_col": "grade", "sample_col": "case_id", "extra_cols": [], "label_dict": {0: "low", 1: "high"}}
    (folder / "config.yaml").write_text(yaml.safe_dump(about | {"metrics": ["macro-ovr-auc"]}))


def config_of() -> dict:
    """The config of the study before it knows of new slides."""
    model = {"kind": "mean", "grid": "main", "encoder": ENCODER}
    return {
        "slides": {"sheet": "slides.tsv", "slides_per_job": 16},
        "tiles": {"grids": {"main": {"patch_size": 256}}},
        "features": {"encoders": {ENCODER: {"adapter": "mean_colour"}}},
        "embed": {"models": {"mean": model}, "use": ["mean"]},
        "probe": {
            "tasks": {"here--grade": {"path": "tasks/grade"}},
            "use": ["here--grade"],
            "permutations": 0,
            "predictors": [{"model": "mean", "task": "here--grade"}],
        },
    }
