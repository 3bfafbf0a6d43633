"""A small project as a user would write it, and Snakemake as a user would call it."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from molpath.study import Study
from molpath.study.problems import ProblemsFound

SNAKEMAKE = Path(sys.executable).with_name("snakemake")


def write_table(path: Path, rows: list[dict]) -> None:
    """Write rows as a tab-separated sheet; a cell that a row lacks is empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = ["\t".join(columns), *("\t".join(str(row.get(name, "")) for name in columns) for row in rows)]
    path.write_text("\n".join(lines) + "\n")


class Project:
    """A folder with config and sheets; every part can be changed before it is written."""

    def __init__(self, folder: Path, repository: Path):
        self.folder, self.repository = folder, repository
        self.config = {
            "slides": {"sheet": "slides.tsv"},
            "tiles": {"grids": {"main": {"patch_size": 256}}},
            "features": {"encoders": {"tiny": {"adapter": "mean_colour"}}},
            "omics": {"sheet": "profiles.tsv"},
            "pretrain": {"runs": {"one": {"grid": "main", "encoder": "tiny", "cohorts": ["A"], "modalities": ["rna"]}}},
            "embed": {
                "models": {
                    "mean": {"kind": "mean", "grid": "main", "encoder": "tiny"},
                    "threads": {"kind": "threads", "run": "one"},
                },
                "use": ["mean", "threads"],
            },
            "probe": {"tasks": {"here--grade": {"path": "tasks/grade"}}, "use": ["here--grade"]},
        }
        self.slides = [
            {"slide_id": f"S{i}", "case_id": f"C{i}", "path": f"files/S{i}.svs", "cohort": "AB"[i % 2], "mpp": "0.5"}
            for i in range(8)
        ]
        self.profiles = [
            {
                "profile_id": f"P{i}",
                "case_id": f"C{i}",
                "modality": "rna",
                "cohort": "A",
                "format": "gdc_star",
                "path": f"files/P{i}.tsv",
                "unit": "counts",
            }
            for i in (0, 2, 4, 6)
        ]
        self.task = {
            "task_col": "grade",
            "sample_col": "case_id",
            "extra_cols": [],
            "label_dict": {0: "low", 1: "high"},
            "metrics": ["macro-ovr-auc"],
        }
        self.splits = [
            {"case_id": f"C{i}", "slide_id": f"S{i}", "grade": i // 2 % 2, "fold_0": "train" if i < 4 else "test"}
            for i in (1, 3, 5, 7)
        ]
        self.absent: set[str] = set()
        #: Files written as they stand here, last: what a user typed or a spreadsheet saved.
        self.texts: dict[str, str | bytes] = {}
        self.use_own_snakefile = False

    def write(self) -> None:
        """Write config, sheets, task and (empty) files."""
        for row in self.slides + self.profiles:
            path = self.folder / row.get("path", "none")
            if row.get("url") or self.folder not in path.resolve().parents:
                continue  # a download, or a path that leads out of the project
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        write_table(self.folder / "slides.tsv", self.slides)
        write_table(self.folder / "profiles.tsv", self.profiles)
        write_table(self.folder / "tasks/grade/k=all.tsv", self.splits)
        (self.folder / "tasks/grade/config.yaml").write_text(yaml.safe_dump(self.task))
        (self.folder / "config.yaml").write_text(yaml.safe_dump(self.config))
        for name, text in self.texts.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        for name in self.absent:
            (self.folder / name).unlink()

    def refusal(self) -> str:
        """What planning says of a project that can't be run, as `check` raises it before any job."""
        with contextlib.chdir(self.folder), pytest.raises(ProblemsFound) as caught:
            Study.open("config.yaml").check()
        return str(caught.value)

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess:
        """Call Snakemake in the project's folder."""
        snakefile = (self.folder if self.use_own_snakefile else self.repository / "workflow") / "Snakefile"
        return call_snakemake(self.folder, snakefile, *arguments, "--configfile", "config.yaml")


def call_snakemake(folder: Path, snakefile: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run a Snakefile in `folder`; stdout and stderr together."""
    command = [SNAKEMAKE, "--snakefile", snakefile, *arguments]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
