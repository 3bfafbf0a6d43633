"""Tissue sites of a run's slides: counts recomputed by hand, next to the paper's, the same bytes twice."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from molpath.common.files import read_tsv, write_tsv
from molpath.figures.sites import plot_sites
from molpath.tables.cohort import list_run_slides
from molpath.tables.sites import count_sites

PUBLISHED = Path(__file__).resolve().parents[3] / "resources/tasks/pretraining_sites.tsv"
RUN = {"cohorts": ["TCGA", "GTEX"], "modalities": ["rna"], "fraction": 1.0}
NAMES = ["table", "markdown", "latex", "figure"]


@pytest.fixture
def sheets(tmp_path) -> Path:
    """Forty slides of three cohorts; some are not paired, not packed, or have DNA alone."""
    rows = [
        {
            "slide_id": f"S{i:02d}",
            "case_id": f"C{i // 2:02d}",
            "cohort": ("TCGA", "GTEX", "OWN")[i % 3],
            "organ": ("Brain", "Colon", "Stomach", "")[i % 4],
        }
        for i in range(40)
    ]
    slides = pd.DataFrame(rows)
    pairs = slides.drop(columns="organ").assign(status="paired", profile_id=slides.case_id, modality="rna")
    pairs.loc[3, "status"] = "no_profile"
    pairs.loc[6, "modality"] = "dna"
    write_tsv(tmp_path / "slides.tsv", slides)
    write_tsv(tmp_path / "pairs.tsv", pd.concat([pairs, pairs.iloc[:1].assign(profile_id="second")]))
    write_tsv(tmp_path / "index.tsv", slides[slides.slide_id != "S09"][["slide_id"]].assign(status="ok"))
    return tmp_path


def list_slides(folder: Path, run: dict, name: str = "run", sheet: str = "slides.tsv") -> Path:
    files = {"pairs": folder / "pairs.tsv", "indices": [folder / "index.tsv"], "sheet": folder / sheet}
    list_run_slides(run=run, output=folder / f"{name}.tsv", **files)
    return folder / f"{name}.tsv"


def counted(folder: Path, lists: dict[str, Path], note: str = "synthetic") -> tuple[pd.DataFrame, dict[str, Path]]:
    outputs = dict(zip(NAMES, (folder / f"sites.{kind}" for kind in ("tsv", "md", "tex", "svg")), strict=True))
    table = count_sites(
        runs={name: 0.5 if name == "half" else 1.0 for name in lists},
        slides=list(lists.values()),
        published=PUBLISHED,
        note=note,
        outputs=outputs,
    )
    plot_sites(table, outputs["figure"], note)
    return read_tsv(outputs["table"]), outputs


def test_slides_of_a_run_are_paired_packed_and_of_its_cohorts(sheets):
    listed = read_tsv(list_slides(sheets, RUN))
    expected = [f"S{i:02d}" for i in range(40) if i % 3 != 2 and i not in (3, 6, 9)]
    assert listed.slide_id.tolist() == expected
    both = read_tsv(list_slides(sheets, RUN | {"modalities": ["rna", "dna"]}))
    assert len(both) == len(expected) + 1
    half = read_tsv(list_slides(sheets, RUN | {"fraction": 0.5}))
    assert set(half.slide_id) < set(expected) | {"S06"}
    for cohort in RUN["cohorts"]:
        usable = sum(read_tsv(sheets / "slides.tsv").cohort == cohort) - (2 if cohort == "TCGA" else 0)
        chosen = (half.cohort == cohort).sum() + (cohort == "TCGA" and "S06" not in set(listed.slide_id))
        assert abs(chosen - usable / 2) <= 1


def test_counts_are_shown_next_to_those_of_the_paper(sheets):
    slides = list_slides(sheets, RUN)
    table, outputs = counted(sheets, {"a": slides, "b": slides})
    assert set(table.runs) == {"a, b"}
    listed = read_tsv(slides)
    rows = table.set_index(["cohort", "site"])
    for cohort, organ, site in (
        ("TCGA", "Brain", "CNS-Brain"),
        ("TCGA", "Stomach", "Stomach"),
        ("GTEX", "Stomach", "Esophagus-Stomach"),
        ("GTEX", "", "not given"),
    ):
        part = listed[(listed.cohort == cohort) & (listed.organ == organ)]
        assert int(rows.loc[(cohort, site)].slides) == len(part) > 0
        assert int(rows.loc[(cohort, site)].cases) == part.case_id.nunique()
        assert float(rows.loc[(cohort, site)].share) == pytest.approx(len(part) / (listed.cohort == cohort).sum())
    brain = rows.loc[("TCGA", "CNS-Brain")]
    assert int(brain.published) == 1080
    assert int(brain.difference) == int(brain.slides) - 1080
    assert rows.loc[("GTEX", "not given")].published == ""
    assert table.slides.astype(int).sum() == len(listed)
    published = pd.to_numeric(table.published).groupby(table.cohort).sum()
    assert published.to_dict() == {"TCGA": 10209, "GTEX": 9507}
    assert f"| CNS-Brain | {rows.loc[('GTEX', 'CNS-Brain')].slides} (646) |" in outputs["markdown"].read_text()
    assert r"\caption{Tissue sites of the pretraining slides of a, b (synthetic)}" in outputs["latex"].read_text()


def test_a_sheet_without_organs_and_a_cohort_of_ones_own(sheets):
    write_tsv(sheets / "bare.tsv", read_tsv(sheets / "slides.tsv").drop(columns="organ"))
    slides = list_slides(sheets, RUN | {"cohorts": ["OWN"]}, sheet="bare.tsv")
    table, outputs = counted(sheets, {"own": slides}, note="")
    assert table[["cohort", "site", "slides", "published"]].to_numpy().tolist() == [["OWN", "not given", "13", ""]]
    assert "| not given | 13 | 13 |\n| all | 13 | 13 |" in outputs["markdown"].read_text()


def test_runs_on_other_slides_are_other_data_sets_and_bytes_are_the_same(sheets):
    lists = {"all": list_slides(sheets, RUN), "half": list_slides(sheets, RUN | {"fraction": 0.5}, "half")}
    table, outputs = counted(sheets, lists)
    assert list(dict.fromkeys(table.runs)) == ["all", "half"]
    assert (table.published != "").groupby(table.runs).any().to_dict() == {"all": True, "half": False}
    files = [*outputs.values(), outputs["figure"].with_suffix(".png")]
    before = [path.read_bytes() for path in files]
    counted(sheets, lists)
    assert [path.read_bytes() for path in files] == before


def test_every_name_of_a_site_is_its_own():
    paper = read_tsv(PUBLISHED)
    names = [name for cell in paper.names for name in cell.split(";") if name]
    assert len(names) == len(set(names))
    assert all(name == name.lower() or name.startswith("GTEX:") for name in names)
    totals = paper[["BWH", "GTEX", "MGH", "TCGA"]].astype(int).sum()
    assert totals.to_dict() == {"BWH": 20556, "GTEX": 9507, "MGH": 6899, "TCGA": 10209}
    assert len(paper) == 40
    assert np.array_equal(paper.site, paper.site.drop_duplicates())
