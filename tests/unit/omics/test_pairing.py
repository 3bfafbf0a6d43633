"""Barcodes, which slide goes with which profile, and what leaks."""

import json
import re

import anndata
import numpy as np
import pandas as pd
import pytest
from molpath.common.digests import digest_of
from molpath.common.files import read_tsv
from molpath.common.h5ad import write_h5ad
from molpath.omics.barcodes import parse_barcode
from molpath.omics.leakage import Leakage, find_twins
from molpath.omics.pairs import REASONS, add_samples, find_pairs, pair_slides, read_profiles


@pytest.mark.parametrize(
    ("name", "case", "kind", "sample", "slide", "specimen"),
    [
        ("TCGA-PC-A5DK-01Z-00-DX1.C2D3BC09-411F-46CF-811B-FDBA7C2A295B", "TCGA-PC-A5DK", "tumour", "01", "DX1", "FFPE"),
        ("TCGA-02-0001-01C-01-TS1", "TCGA-02-0001", "tumour", "01", "TS1", "frozen"),
        ("TCGA-02-0001-11A-01-BS1.svs", "TCGA-02-0001", "normal", "11", "BS1", "frozen"),
        ("TCGA-AB-2935-03A-01W-0745-08", "TCGA-AB-2935", "tumour", "03", "", ""),
        ("TCGA-02-0001-20A", "TCGA-02-0001", "control", "20", "", ""),
        ("tcga-02-0001", "TCGA-02-0001", "", "", "", ""),
        ("GTEX-1117F-0226-SM-5GZZ7", "GTEX-1117F", "normal", "022", "", ""),
        ("GTEX-1117F-0225", "GTEX-1117F", "normal", "022", "", ""),
        ("C3L-00001-21", "C3L-00001", "", "", "21", ""),
        ("01OV007", "01OV007", "", "", "", ""),
        ("C3L-00004.N", "C3L-00004", "normal", "", "", ""),
        ("C3N-00314-N", "C3N-00314", "normal", "", "", ""),
        ("c3l-00004_Normal.tsv", "C3L-00004", "normal", "", "", ""),
        ("C3L-00004.NAT", "C3L-00004", "normal", "", "", ""),
        ("C3L-00004.N2", "C3L-00004", "normal", "", "", ""),
        ("C3L-00004_T", "C3L-00004", "tumour", "", "", ""),
        ("C3L-00004.tumor.counts", "C3L-00004", "tumour", "", "", ""),
        ("C3L-00004.notes", "C3L-00004", "", "", "", ""),
    ],
)
def test_barcodes(name, case, kind, sample, slide, specimen):
    code = parse_barcode(name)
    assert (code.case, code.kind, code.sample, code.slide, code.specimen) == (case, kind, sample, slide, specimen)


def test_what_is_no_barcode():
    assert [parse_barcode(name) for name in ("S1", "TCGA", "TCGA-2-1", "GTEXX-1", "")] == [None] * 5


def pair(slides, profiles):
    """(slide, profile) -> (status, reason or rule)."""
    slide_table = pd.DataFrame(
        [{"slide_id": s, "case_id": c, "sample_id": i, "sample_type": t} for s, c, i, t in slides]
    ).assign(cohort="A", status="ok", reason="", duplicate_of="")
    profile_table = pd.DataFrame(
        [
            {"profile_id": p, "case_id": c, "sample_id": i, "sample_type": t, "specimen": "".join(k)}
            for p, c, i, t, *k in profiles
        ]
    ).assign(cohort="A", modality="rna", value="log2_tpm_plus_1")
    pairs = find_pairs(slide_table, profile_table)
    assert set(pairs.reason) <= {"", *REASONS}
    return {
        (row.slide_id, row.profile_id): row.rule if row.status == "paired" else row.reason for row in pairs.itertuples()
    }


def test_tumour_with_tumour_and_the_same_sample_first():
    case = "TCGA-02-0001"
    slides = [
        (f"{case}-01Z-00-DX1", case, "", ""),
        (f"{case}-01Z-00-DX2", case, "", ""),
        (f"{case}-06A-01-TS1", case, "", ""),
        (f"{case}-11A-01-TS1", case, "", ""),
    ]
    primary, met, normal = (f"{case}-{end}" for end in ("01A-01R-1-07", "06A-01R-0001-07", "11A-01R-0001-07"))
    primary = f"{case}-01A-01R-0001-07"
    reasons = pair(slides, [("M", case, met, ""), ("P", case, primary, ""), ("N", case, normal, "")])
    dx1, dx2, ts, ns = (slide[0] for slide in slides)
    assert reasons[dx1, "P"] == reasons[dx2, "P"] == "same_sample"  # many slides per profile
    assert reasons[dx1, "M"] == "other_sample"
    assert reasons[dx1, "N"] == "other_kind"
    assert reasons[ts, "M"] == "same_sample"
    assert reasons[ns, "N"] == "same_sample"
    assert reasons[ns, "P"] == "other_kind"
    assert pair(slides[:1], [("M", case, met, "")]) == {(dx1, "M"): "same_case"}


def test_a_normal_slide_never_gets_a_tumour_profile():
    case = "TCGA-02-0001"
    reasons = pair([(f"{case}-11A-01-TS1", case, "", "")], [("P", case, f"{case}-01A-01R-0001-07", "")])
    assert reasons == {(f"{case}-11A-01-TS1", "P"): "other_kind"}


def test_normal_tissue_of_cptac_is_never_paired_with_a_tumour():
    """Ids of the GDC's CPTAC samples say nothing: the sheets decide, and where they are silent, no normal is paired."""
    case = "C3L-00004"
    profiles = [("N", case, f"{case}-06", "normal"), ("T", case, f"{case}-01", "tumour")]
    slide = f"{case}-21"
    assert pair([(slide, case, "", "tumour")], profiles) == {(slide, "N"): "other_kind", (slide, "T"): "same_case"}
    assert pair([(slide, case, "", "normal")], profiles) == {(slide, "N"): "same_case", (slide, "T"): "other_kind"}
    assert pair([(slide, case, "", "")], profiles) == {(slide, "N"): "unknown_kind", (slide, "T"): "same_case"}
    assert pair([(slide, case, "", "")], profiles[:1]) == {(slide, "N"): "unknown_kind"}
    assert pair([(slide, case, "", "normal")], [("P", case, "", "")]) == {(slide, "P"): "unknown_kind"}
    suffixed = [(f"{case}.N", case, "", ""), (case, case, "", "")]
    assert pair([(slide, case, "", "")], suffixed) == {(slide, f"{case}.N"): "unknown_kind", (slide, case): "same_case"}


def test_a_control_is_paired_with_nothing():
    case = "TCGA-02-0001"
    slide = f"{case}-01Z-00-DX1"
    assert pair([(slide, case, "", "")], [("P", case, f"{case}-20A-01R-0001-07", "")]) == {(slide, "P"): "other_kind"}
    assert pair([("s1", case, "", "")], [("P", case, f"{case}-20A-01R-0001-07", "")]) == {("s1", "P"): "unknown_kind"}


def test_words_that_are_no_kind_are_refused(tmp_path):
    """`Primary Tumor` would differ from every slide's kind and leave out every pair."""
    slides = pd.DataFrame({"slide_id": ["s1"]})
    (tmp_path / "slides.tsv").write_text("slide_id\tsample_type\ns1\tPrimary Tumor\n")
    with pytest.raises(ValueError, match=r"slides\.tsv, s1: sample_type 'Primary Tumor' is none of tumour, normal"):
        add_samples(slides, str(tmp_path / "slides.tsv"))
    data = anndata.AnnData(
        np.zeros((1, 1), np.float32), obs=pd.DataFrame({"case_id": "c", "cohort": "A", "sample_type": "Tumor"}, ["P1"])
    )
    data.uns["value"] = "log2_tpm_plus_1"
    write_h5ad(tmp_path / "rna.h5ad", data)
    with pytest.raises(ValueError, match=r"rna\.h5ad, P1: sample_type 'Tumor' is none of"):
        read_profiles(str(tmp_path / "rna.h5ad"))


def test_ffpe_of_the_sheet_comes_after_frozen():
    case = "TCGA-02-0001"
    slide = f"{case}-01Z-00-DX1"
    profiles = [("F", case, f"{case}-01B", "", "FFPE"), ("Z", case, f"{case}-01A", "", "frozen")]
    reasons = pair([(slide, case, "", "")], profiles)
    assert reasons == {(slide, "F"): "duplicate_aliquot", (slide, "Z"): "same_sample"}
    assert pair([(slide, case, "", "")], profiles[:1]) == {(slide, "F"): "same_sample"}


def test_the_frozen_aliquot_of_22_sample_type_words_is_chosen():
    """LUAD's TCGA-44-2656: 01B-06R-A277 is FFPE (GDAC's list) and on the later plate."""
    case = "TCGA-44-2656"
    names = [f"{case}-01A-02R-0946-07", f"{case}-01B-06R-A277-07"]
    slide = f"{case}-01Z-00-DX1"
    reasons = pair([(slide, case, "", "")], [(name, case, name, "tumour") for name in names])
    assert reasons == {(slide, names[0]): "same_sample", (slide, names[1]): "duplicate_aliquot"}


def test_duplicated_aliquots_leave_one():
    case = "TCGA-02-0001"
    names = [
        (f"P{i}", case, f"{case}-01{end}", "") for i, end in enumerate(["B-01R-0001-07", "A-01R-0001-07", "A-01R-9-07"])
    ]
    names[2] = ("P2", case, f"{case}-01A-01R-0900-07", "")
    reasons = pair([(f"{case}-01Z-00-DX1", case, "", "")], names)
    assert [reasons[f"{case}-01Z-00-DX1", p] for p in ("P0", "P1", "P2")] == [
        "duplicate_aliquot", "duplicate_aliquot", "same_sample",
    ]  # fmt: skip


def test_a_donor_of_gtex_has_many_tissues():
    slides = [("GTEX-1117F-0225", "GTEX-1117F", "", ""), ("GTEX-1117F-0325", "GTEX-1117F", "", "")]
    reasons = pair(slides, [("P", "GTEX-1117F", "GTEX-1117F-0226-SM-5GZZ7", "")])
    assert reasons == {("GTEX-1117F-0225", "P"): "same_sample", ("GTEX-1117F-0325", "P"): "other_tissue"}


def test_ids_of_ones_own():
    slides = [("s1", "c1", "block1", ""), ("s2", "c1", "", "normal"), ("s3", "c2", "", "")]
    reasons = pair(slides, [("p1", "c1", "block2", "tumour"), ("p2", "c1", "block1", "tumour"), ("p3", "c3", "", "")])
    assert reasons[("s1", "p2")] == "same_sample"
    assert reasons[("s1", "p1")] == "other_sample"
    assert reasons[("s2", "p1")] == reasons[("s2", "p2")] == "other_kind"
    assert reasons[("s3", "")] == "no_profile"
    assert reasons[("", "p3")] == "no_slide"
    assert pair([("s", "c", "", "")], [("p", "c", "", ""), ("q", "c", "", "")])[("s", "q")] == "another_profile"


def write_expression(path, values, cases, cohort):
    obs = pd.DataFrame(
        {"case_id": cases, "cohort": cohort, "sample_id": "", "sample_type": ""}, [f"P-{case}" for case in cases]
    )
    data = anndata.AnnData(values.astype(np.float32), obs=obs)
    data.var_names = [f"G{i}" for i in range(values.shape[1])]
    data.uns["value"] = "log2_tpm_plus_1"
    write_h5ad(path, data)
    return str(path)


@pytest.fixture
def cohorts(tmp_path):
    """Two cohorts of synthetic expression around a common profile; B1 is A1 measured again."""
    rng = np.random.default_rng(0)
    mean = rng.gamma(2, 2, 300)
    a, b = (mean + rng.normal(0, 1, (12, 300)) for _ in range(2))
    b[1] = a[1] + rng.normal(0, 0.05, 300)
    first = write_expression(tmp_path / "A.h5ad", a, [f"A{i}" for i in range(12)], "A")
    second = write_expression(tmp_path / "B.h5ad", b + 0.3, [f"B{i}" for i in range(12)], "B")
    return first, second


def test_near_copies_of_a_profile_are_found_and_nothing_else(cohorts):
    twins = find_twins(cohorts, 0.9)
    assert [(twin.case, twin.other_case) for twin in twins] == [("B1", "A1")]
    assert 0.9 < twins[0].correlation < 1
    plain = [anndata.read_h5ad(path).X for path in cohorts]
    assert np.corrcoef(plain[0][0], plain[1][0])[0, 1] > 0.8  # as they are, any two would correlate


@pytest.mark.parametrize(("allow", "action"), [([], "error"), (["B1"], "allowed")])
def test_a_near_copy_of_a_training_profile_on_a_test_side(tmp_path, cohorts, allow, action):
    head = "slide_id\tcase_id\tcohort\tstatus\treason\tduplicate_of\n"
    (tmp_path / "slides.tsv").write_text(head + "s1\tA1\tA\tok\t\t\ns2\tB1\tB\tok\t\t\n")
    (tmp_path / "k=all.tsv").write_text("case_id\tslide_id\ty\tfold_0\tfold_1\nB1\ts2\t1\ttest\ttrain\n")
    options = {
        "slides": str(tmp_path / "slides.tsv"),
        "tables": list(cohorts),
        "splits": {"x--y": str(tmp_path / "k=all.tsv")},
        "runs": {"run": {"cohorts": ["A"], "modalities": ["rna"]}},
        "pairs": str(tmp_path / "pairs.tsv"),
        "leakage": str(tmp_path / "leakage.tsv"),
        "allow": allow,
        "correlation": 0.9,
    }
    if action == "error":
        with pytest.raises(
            Leakage, match="case B1, task x--y, fold_0: run run trains on A1, the same expression profile"
        ):
            pair_slides(**options)
    else:
        pair_slides(**options)
    table = read_tsv(tmp_path / "leakage.tsv")
    assert table[table.task == "x--y"].action.tolist() == [action, "listed"]
    assert "correlates 0.9" in table.detail.iloc[-1]


FINISHED = "theirs (model shared)"


@pytest.fixture
def elsewhere(tmp_path):
    """A study without profiles whose model, a finished run, trained on A1; s2 of case B1 is a copy of A1's slide."""
    head = "slide_id\tcase_id\tcohort\tstatus\treason\tduplicate_of\n"
    (tmp_path / "slides.tsv").write_text(head + "s1\tA1\tA\tok\t\t\ns2\tB1\tB\tok\t\ts1\ns3\tC1\tB\tok\t\t\n")
    rows = "A1\ts1\t1\ttrain\ttest\nB1\ts2\t1\ttest\t-1\nC1\ts3\t0\ttest\ttrain\n"
    (tmp_path / "k=all.tsv").write_text("case_id\tslide_id\ty\tfold_0\tfold_1\n" + rows)
    digests = sorted(map(digest_of, ("A1", "someone else")))
    (tmp_path / "config.json").write_text(json.dumps({"cases": digests}))
    return {
        "slides": str(tmp_path / "slides.tsv"),
        "tables": [],
        "splits": {"x--y": str(tmp_path / "k=all.tsv")},
        "runs": {},
        "finished": {FINISHED: str(tmp_path / "config.json")},
        "pairs": str(tmp_path / "pairs.tsv"),
        "leakage": str(tmp_path / "leakage.tsv"),
    }


def test_cases_of_a_finished_run_are_found_without_profiles_and_in_disguise(elsewhere):
    message = rf"2 leaks .*\n  case A1, .* fold_1: run {re.escape(FINISHED)} trains on it\n  case B1, .* fold_0"
    with pytest.raises(Leakage, match=message):
        pair_slides(**elsewhere)
    table = read_tsv(elsewhere["leakage"])
    assert table[["case_id", "run", "fold", "side", "action", "detail"]].to_numpy().tolist() == [
        ["A1", FINISHED, "fold_0", "train", "listed", f"run {FINISHED} trains on it"],
        ["A1", FINISHED, "fold_1", "test", "error", f"run {FINISHED} trains on it"],
        ["B1", FINISHED, "fold_0", "test", "error", f"run {FINISHED} trains on A1, the same slide"],
    ]
    assert set(read_tsv(elsewhere["pairs"]).status) == {"left_out"}


def test_allowed_cases_of_a_finished_run_are_listed(elsewhere):
    pair_slides(**elsewhere, allow=["A1", "B1"])
    table = read_tsv(elsewhere["leakage"])
    assert table.action.tolist() == ["listed", "allowed", "allowed"]


def test_whole_tasks_test_every_case_of_a_finished_run(elsewhere):
    with pytest.raises(Leakage, match="2 leaks"):
        pair_slides(**elsewhere, whole=["x--y"])
    table = read_tsv(elsewhere["leakage"])
    assert table[["case_id", "fold", "action"]].to_numpy().tolist() == [["A1", "all", "error"], ["B1", "all", "error"]]
