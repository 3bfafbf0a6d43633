"""Test sides that an encoder has seen: by programme, of the cases that folds test."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from molpath.common.files import read_tsv, write_tsv
from molpath.tables.encoder_cohorts import COHORTS, list_encoder_cohorts, programme_of

ROOT = Path(__file__).resolve().parents[3]
TABLE = ROOT / "resources/tasks/encoder_cohorts.tsv"


@pytest.mark.parametrize(
    ("case", "cohorts", "programme"),
    [
        ("TCGA-A1-A0SB", [], "TCGA"),
        ("TCGA-A1-A0SB-01Z", ["BRCA"], "TCGA"),
        ("tcga-a1-a0sb", [], "TCGA"),
        ("TCGA-A1-A0SBX", [], ""),
        ("P1", ["tcga_brca"], "TCGA"),
        ("P1", ["TCGA-BRCA", "BRCA"], "TCGA"),
        ("C3L-00104", ["CCRCC"], "CPTAC"),
        ("C3N-001041", [], ""),
        ("P1", ["CPTAC-CCRCC"], "CPTAC"),
        ("GTEX-1117F", [], "GTEx"),
        ("P1", ["our panda bears"], ""),
        ("P1", ["PANDA"], "PANDA"),
        ("P1", ["PANDAS"], ""),
        ("P1", ["PANDAS-2"], ""),
        ("P1", ["PANDA_radboud"], "PANDA"),
        ("P1", ["panda"], "PANDA"),
        ("P1", ["PAIP2019"], "PAIP"),
        ("P1", ["GTEx v8"], "GTEx"),
        ("P1", ["tcganese"], ""),
        ("P1", [""], ""),
    ],
)
def test_programmes_by_case_and_cohort(case, cohorts, programme):
    assert programme_of(case, cohorts) == programme


def test_rows_count_tested_cases_of_the_programme(tmp_path):
    cases = ["TCGA-A1-A0SB", "TCGA-A1-A0SC", "P1", "P2"]
    write_tsv(
        tmp_path / "slides.tsv", pd.DataFrame({"slide_id": cases, "case_id": cases, "cohort": ["a", "a", "b", "b"]})
    )
    folds = pd.DataFrame({"case_id": cases, "slide_id": cases, "label": 0, "fold_0": ["test", "test", "test", "train"]})
    write_tsv(tmp_path / "mixed.tsv", folds)
    write_tsv(tmp_path / "own.tsv", folds[folds.case_id.str.startswith("P")])
    list_encoder_cohorts(
        networks={"mean": ["kaiko_vits8"], "slide": ["chief", "ctranspath"], "other": ["uni_v1"]},
        tasks=["mixed", "own"],
        splits=[str(tmp_path / "mixed.tsv"), str(tmp_path / "own.tsv")],
        sheet=str(tmp_path / "slides.tsv"),
        encoder_cohorts=str(TABLE),
        output=str(tmp_path / "found.tsv"),
    )
    table = read_tsv(tmp_path / "found.tsv")
    assert [*zip(table.model, table.network, table.programme, table.task, strict=True)] == [
        ("mean", "kaiko_vits8", "TCGA", "mixed"),
        ("slide", "ctranspath", "TCGA", "mixed"),
        ("slide", "chief", "TCGA", "mixed"),
    ]
    assert set(table.test_cases) == {"3"}
    assert set(table.of_programme) == {"2"}


def test_every_built_in_encoder_and_slide_encoder_has_a_row():
    import yaml
    from molpath.common.kinds import FOREIGN

    table = read_tsv(TABLE)
    built_in = yaml.safe_load((ROOT / "workflow/scripts/molpath/features/encoders.yaml").read_text())["encoders"]
    assert set(table[table.kind == "patch"].encoder) == set(built_in)
    assert set(table[table.kind == "slide"].encoder) == set(FOREIGN)
    assert (table.source != "").all()
    assert not table.duplicated(["encoder", "kind"]).any()


def test_rows_name_known_programmes_and_the_day_on_which_a_source_was_read():
    table = read_tsv(TABLE)
    named = {programme for cell in table.trained_on for programme in cell.split(";") if programme}
    assert named <= set(COHORTS), "tables/encoder_cohorts.py recognises no other programme on a test side"
    for row in table[table.checked != "no"].itertuples():
        assert date.fromisoformat(row.checked)
        assert row.trained_on or row.others, f"{row.encoder}: what it learned from is missing"
