"""Sheets of the synthetic cohort, and the whole cohort at any size for tests."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ..common.files import write_tsv
from .molecular import make_omics, sample_of
from .slide_files import SIZE, SPECIAL, make_slides
from .tasks import make_tasks

PRETRAINED, PROBED = "SYNTH-A", "SYNTH-B"
ROOT = "resources/demo"


def slide_rows(pretrained: int, probed: int) -> list[dict[str, str]]:
    """Rows of the slide sheet: one slide per case, a second of some; every eighth at 40x, every fifth a plain TIFF.

    The five special ones are further slides of the first cases of the pretraining cohort.
    """
    rows = []
    for index in range(pretrained + probed):
        case = f"D{index + 1:03d}"
        cohort = PRETRAINED if index < pretrained else PROBED
        objective, suffix = ("40" if index % 8 == 3 else "20"), ("tiff" if index % 5 == 2 else "svs")
        rows.append(_row(case, "DX1", cohort, index, objective, "", suffix))
        if index % 27 == 5:
            rows.append(_row(case, "DX2", cohort, index, "20", "", "svs"))
        if index < len(SPECIAL):
            rows.append(_row(case, "DX9", cohort, index, "20", SPECIAL[index], "svs"))
    return rows


def _row(case: str, name: str, cohort: str, index: int, objective: str, special: str, suffix: str) -> dict[str, str]:
    return {
        "slide_id": f"{case}-{name}",
        "case_id": case,
        "path": f"{ROOT}/slides/{case}-{name}.{suffix}",
        "cohort": cohort,
        "site": f"site{index % 4 + 1}",
        "objective": objective,
        "special": special,
    }


def profile_rows(slides: list[dict[str, str]]) -> list[dict[str, str]]:
    """Rows of the profile sheet: counts, a MAF row and a copy-number row for each case."""
    rows = []
    for case, cohort in {row["case_id"]: row["cohort"] for row in slides}.items():
        counts = f"{ROOT}/omics/star_counts/{case}.rna_seq.augmented_star_gene_counts.tsv"
        files = (
            ("RNA", "rna", "gdc_star", counts, "", "counts"),
            ("DNA", "dna", "maf", f"{ROOT}/omics/cohort.maf", sample_of(case), ""),
            ("DNA", "dna", "gistic", f"{ROOT}/omics/all_thresholded.by_genes.txt", sample_of(case), ""),
        )
        for name, modality, reader, path, column, unit in files:
            row = {"profile_id": f"{case}-{name}", "case_id": case, "modality": modality, "cohort": cohort}
            rows.append(row | {"format": reader, "path": path, "column": column, "unit": unit})
    return rows


def write_sheets(folder: str | Path, pretrained: int = 32, probed: int = 24) -> None:
    """Write slides.tsv and profiles.tsv of the demo (`python -m molpath.demo.cohort <folder>`)."""
    slides = slide_rows(pretrained, probed)
    write_tsv(Path(folder) / "slides.tsv", pd.DataFrame(slides))
    write_tsv(Path(folder) / "profiles.tsv", pd.DataFrame(profile_rows(slides)))


def make_cohort(folder: str | Path, n_cases: int, seed: int, size: tuple[int, int] = (1280, 1280)) -> None:
    """Write a whole small cohort below `folder`: sheets, and resources/demo with slides, omics, truth and tasks.

    Every row is made as the rules make it; `size` is level 0 at 20x in pixels. Slides are small: for tests.
    """
    folder = Path(folder)
    probed = n_cases * 3 // 5
    write_sheets(folder, n_cases - probed, probed)
    slides = slide_rows(n_cases - probed, probed)
    make_slides([row | {"path": str(folder / row["path"])} for row in slides], seed, size=size)
    make_omics(sorted({row["case_id"] for row in slides}), folder / ROOT, seed)
    make_tasks(sound_slides(slides, PROBED), folder / ROOT / "tasks" / "synthetic", seed, folds=3)
    make_tasks(sound_slides(slides, PRETRAINED), folder / ROOT / "tasks" / "synthetic_a", seed, folds=3)


def sound_slides(slides: list[dict[str, str]], cohort: str) -> list[dict[str, str]]:
    """Slides that tasks are made of: those of a cohort without faults."""
    return [row for row in slides if row["cohort"] == cohort and row["special"] in ("", "pen")]


if __name__ == "__main__":
    import sys

    write_sheets(sys.argv[1])
    print(f"wrote slides.tsv and profiles.tsv to {sys.argv[1]}; slides are {SIZE[0]} x {SIZE[1]} pixels at 20x")
