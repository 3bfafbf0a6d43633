"""`molpath init` guesses right, says each guess, and refuses what could be two things."""

import os
import re

import numpy as np
import pytest
from dicom_files import write_series
from init_files import features_of, few, labels_of, set_up, slide_files

TCGA = [f"TCGA-{site}-000{k}-01Z-00-DX1.{k}F2C" for site in ("A1", "BH") for k in range(4)]


def labelled(names, words=("no", "yes")):
    return [f"{name},{words[k % len(words)]}" for k, name in enumerate(names)]


def test_cases_and_sites_of_tcga_come_from_barcodes(tmp_path, capsys):
    slides = slide_files(tmp_path / "raw", [f"{name}.svs" for name in TCGA])
    labels = labels_of(tmp_path / "labels.csv", "bcr_patient_barcode,braf", labelled([n[:12] for n in TCGA]))
    result = set_up(tmp_path / "study", capsys, "--slides", slides, "--labels", labels, "--encoder", "mean_colour")
    assert result.code == 0, result.err
    assert {row["case_id"] for row in result.sheet.values()} == {name[:12] for name in TCGA}
    assert [row["site"] for row in result.sheet.values()] == ["A1"] * 4 + ["BH"] * 4
    settings, rows = result.task("braf")
    assert settings["label_dict"] == {0: "no", 1: "yes"}
    assert [(row["slide_id"], row["braf"]) for row in rows[:2]] == [(TCGA[0], "0"), (TCGA[1], "1")]
    assert "bcr_patient_barcode" in result.out
    assert "--case-column" in result.out


def test_zeros_in_front_stay(tmp_path, capsys):
    names = [f"{k:04d}" for k in range(8)]
    features = features_of(tmp_path / "20x_512px_0px_overlap/features_uni_v1", few(names))
    labels = labels_of(tmp_path / "labels.csv", "slide_id,grade", labelled(names, "12"))
    result = set_up(tmp_path / "study", capsys, "--features", features, "--labels", labels)
    assert result.code == 0, result.err
    assert list(result.sheet) == names
    settings, rows = result.task("grade")
    assert settings["label_dict"] == {1: "1", 2: "2"}
    assert {row["case_id"]: row["grade"] for row in rows}["0003"] == "2"


def test_zeros_that_a_spreadsheet_took_are_reported(tmp_path, capsys):
    features = features_of(tmp_path / "f", few(f"{k:04d}" for k in range(8)))
    labels = labels_of(tmp_path / "labels.csv", "slide_id,grade", labelled(map(str, range(8))))
    result = set_up(tmp_path / "study", capsys, "--features", features, "--labels", labels)
    assert result.code == 1
    assert "slides: 0000, 0001, 0002, …" in result.err
    assert "labels.csv, column 'slide_id': 0, 1, 2, …" in result.err
    assert "leading zeros are missing on one side" in result.err
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize(("mark", "end", "bom"), [(";", "\r\n", True), ("\t", "\n", False), (",", "\r", False)])
def test_tables_of_spreadsheets_are_read(tmp_path, capsys, mark, end, bom):
    names = [f"S{k}" for k in range(8)]
    features = features_of(tmp_path / "f", few(names))
    rows = [mark.join((f'"{name}.svs"', f"C{k // 2}", "MSS" if k < 4 else "MSI")) for k, name in enumerate(names)]
    labels = labels_of(tmp_path / "labels.csv", mark.join(("Slide", "Patient", "msi")), rows, end=end, bom=bom)
    result = set_up(tmp_path / "study", capsys, "--features", features, "--labels", labels)
    assert result.code == 0, result.err
    assert result.sheet["S5"]["case_id"] == "C2"
    settings, rows = result.task("msi")
    assert settings["label_dict"] == {0: "MSS", 1: "MSI"}
    assert settings["sample_col"] == "case_id"
    assert settings["splits"] == {"method": "k_fold", "folds": 2, "seed": 0}
    assert "MSS 2, MSI 2 labelled cases, 2 folds" in result.out


def test_a_workbook_is_refused_with_a_remedy(tmp_path, capsys):
    features = features_of(tmp_path / "f", few(["S1", "S2"]))
    (tmp_path / "labels.xlsx").write_bytes(b"PK\x03\x04" + b"[Content_Types].xml xl/" + bytes(600))
    result = set_up(tmp_path / "study", capsys, "--features", features, "--labels", tmp_path / "labels.xlsx")
    assert result.code == 1
    assert "Excel workbook" in result.err
    assert "save its sheet as CSV UTF-8" in result.err


def test_slides_without_a_column_of_cases_are_cases_unless_a_pattern_says_more(tmp_path, capsys):
    names = [f"P{k // 2}_{'AB'[k % 2]}" for k in range(16)]
    features = features_of(tmp_path / "f", few(names))
    labels = labels_of(tmp_path / "labels.csv", "slide_id,y", labelled(names, ["no", "no", "yes", "yes"]))
    alone = set_up(tmp_path / "one", capsys, "--features", features, "--labels", labels)
    assert len({row["case_id"] for row in alone.sheet.values()}) == 16
    assert "every slide is its own case   [--case-pattern REGEX]" in alone.out
    assert "note: names share a prefix (P0_A, P0_B): if these are slides of one patient" in alone.out
    pattern = re.search("--case-pattern '(.+?)', or", alone.out)[1]
    both = set_up(tmp_path / "two", capsys, "--features", features, "--labels", labels, "--case-pattern", pattern)
    assert "share a prefix" not in both.out
    assert both.sheet["P3_B"]["case_id"] == "P3"
    assert "no 4, yes 4 labelled cases" in both.out


def test_slides_are_found_by_cases_whose_names_they_begin_with(tmp_path, capsys):
    features = features_of(tmp_path / "f", few(f"P{k}-{slide}" for k in range(6) for slide in "AB"))
    labels = labels_of(tmp_path / "labels.csv", "case_id,y", labelled([f"P{k}" for k in range(7)]))
    result = set_up(tmp_path / "study", capsys, "--features", features, "--labels", labels)
    assert result.code == 0, result.err
    assert result.sheet["P4-B"]["case_id"] == "P4"
    assert "12 slides of 6 cases" in result.out
    assert "6 of 7 cases in labels.csv have slides" in result.out
    assert "1 row of labels.csv without a slide (P6)" in result.out


def test_a_slide_of_two_cases_is_refused(tmp_path, capsys):
    features = features_of(tmp_path / "f", few(["P1-2-A", "P1-B"]))
    labels = labels_of(tmp_path / "labels.csv", "case_id,y", ["P1,no", "P1-2,yes"])
    result = set_up(tmp_path / "study", capsys, "--features", features, "--labels", labels)
    assert result.code == 1
    assert "slide P1-2-A could be of case P1 or P1-2" in result.err


def test_two_columns_that_could_be_the_slide_are_refused(tmp_path, capsys):
    names = [f"S{k}" for k in range(8)]
    features = features_of(tmp_path / "f", few(names))
    rows = [f"{name},{names[(k + 1) % 8]},{'ab'[k % 2]}" for k, name in enumerate(names)]
    labels = labels_of(tmp_path / "labels.csv", "wsi,image,y", rows)
    result = set_up(tmp_path / "study", capsys, "--features", features, "--labels", labels)
    assert result.code == 1
    assert "wsi and image could both name the slides (wsi: S0, S1, S2, …; image: S1, S2, S3, …)" in result.err
    assert "--slide-column" in result.err
    result = set_up(tmp_path / "study", capsys, "--features", features, "--labels", labels, "--slide-column", "image")
    assert result.code == 0, result.err
    assert {row["slide_id"]: row["y"] for row in result.task("y")[1]}["S1"] == "0"


def test_features_without_a_label_stay_in_the_sheet_and_out_of_the_task(tmp_path, capsys):
    names = [f"S{k}" for k in range(9)]
    features = features_of(tmp_path / "f", few(names))
    labels = labels_of(tmp_path / "labels.csv", "slide_id,y", [*labelled(names[:7]), "S7,NA", "T1,yes"])
    result = set_up(tmp_path / "study", capsys, "--features", features, "--labels", labels)
    assert result.code == 0, result.err
    assert len(result.sheet) == 9
    assert {row["slide_id"] for row in result.task("y")[1]} == set(names[:7])
    assert "1 slide without a row in labels.csv (S8)" in result.out
    assert "1 row of labels.csv without a slide (T1)" in result.out


def test_a_table_without_labels_for_these_slides_says_why(tmp_path, capsys):
    names = [f"S{k}" for k in range(30)]
    features = features_of(tmp_path / "f", few(names))
    rows = [f"{name},{20 + k},words {k}" for k, name in enumerate(names)]
    labels = labels_of(tmp_path / "labels.csv", "slide_id,age,note", rows)
    result = set_up(tmp_path / "study", capsys, "--features", features, "--labels", labels)
    assert result.code == 1
    assert "age: 30 different numbers (as a regression: --label age)" in result.err
    result = set_up(
        tmp_path / "study", capsys, "--features", features, "--labels", labels, "--label", "age", "--encoder", "x"
    )
    assert result.code == 0, result.err
    settings, rows = result.task("age")
    assert settings["task_type"] == "regression"
    tested = [[row["age"] for row in rows if row[f"fold_{fold}"] == "test"] for fold in range(5)]
    assert sorted(sum(tested, [])) == sorted(str(20 + k) for k in range(30))


@pytest.mark.parametrize(
    ("header", "cells", "unit"),
    [
        ("OS_event,OS_days", "{e},{t}", "days"),
        ("OS_STATUS,OS_MONTHS", "{e}:{w},{t}", "months"),
        ("OS,OS.time", "{e},{t}", "days"),
        ("status,time", "{w},{t}", "days"),
        ("OS,OS_event", "{t},{e}", "days"),
    ],
)
def test_survival_is_found(tmp_path, capsys, header, cells, unit):
    names = [f"S{k}" for k in range(8)]
    features = features_of(tmp_path / "f", few(names))
    rows = [f"{n}," + cells.format(e=k % 2, t=k + 1, w=("LIVING", "DECEASED")[k % 2]) for k, n in enumerate(names)]
    labels = labels_of(tmp_path / "labels.csv", f"slide_id,{header}", rows)
    result = set_up(tmp_path / "study", capsys, "--features", features, "--labels", labels)
    if "time" in header or header.startswith("OS,"):
        assert "are these days, months or years? Say --time-unit" in result.err
        arguments = ("--features", features, "--labels", labels, "--time-unit", "days")
        result = set_up(tmp_path / "study", capsys, *arguments)
    assert result.code == 0, result.err
    name = "survival" if "status,time" in header else "OS"
    settings, rows = result.task(name)
    assert settings["extra_cols"] == [f"{name}_event", f"{name}_{unit}"]
    assert [(row[f"{name}_event"], row[f"{name}_{unit}"]) for row in rows[:2]] == [("0", "1"), ("1", "2")]


def test_labels_that_contradict_each_other_are_refused(tmp_path, capsys):
    features = features_of(tmp_path / "f", few(["S1", "S2", "S3", "S4"]))
    rows = ["S1,no", "S1,yes", "S2,no", "S3,yes", "S4,yes"]
    labels = labels_of(tmp_path / "labels.csv", "slide_id,y", rows)
    result = set_up(tmp_path / "study", capsys, "--features", features, "--labels", labels)
    assert result.code == 1
    assert "y: rows of S1 contradict each other (no, yes)" in result.err


def test_labels_that_differ_within_a_case_make_a_task_of_slides(tmp_path, capsys):
    names = [f"S{k}" for k in range(8)]
    features = features_of(tmp_path / "f", few(names))
    rows = [f"{name},C{k // 2},{'ab'[k % 2]}" for k, name in enumerate(names)]
    labels = labels_of(tmp_path / "labels.csv", "slide_id,case_id,y", rows)
    result = set_up(tmp_path / "study", capsys, "--features", features, "--labels", labels)
    assert result.task("y")[0]["sample_col"] == "slide_id"
    assert "labels differ within a case" in result.out


def test_a_class_of_one_is_left_out_and_reported(tmp_path, capsys):
    names = [f"S{k}" for k in range(9)]
    features = features_of(tmp_path / "f", few(names))
    labels = labels_of(tmp_path / "labels.csv", "slide_id,y", [*labelled(names[:8]), "S8,maybe"])
    result = set_up(tmp_path / "study", capsys, "--features", features, "--labels", labels)
    assert result.code == 0, result.err
    assert len(result.task("y")[1]) == 8
    assert "left out for having only one: maybe" in result.out


def test_classes_have_the_order_given(tmp_path, capsys):
    names = [f"S{k}" for k in range(9)]
    features = features_of(tmp_path / "f", few(names))
    labels = labels_of(tmp_path / "labels.csv", "slide_id,y", labelled(names, ["low", "mid", "high"]))
    arguments = ("--features", features, "--labels", labels, "--label", "y", "--classes", "low,mid,high")
    result = set_up(tmp_path / "study", capsys, *arguments)
    assert result.task("y")[0]["label_dict"] == {0: "low", 1: "mid", 2: "high"}


def test_names_with_spaces_and_accents_get_ids(tmp_path, capsys):
    slides = slide_files(tmp_path / "my slides", ["Prüfung 1.svs", "Prüfung 2.svs"])
    result = set_up(tmp_path / "my study", capsys, "--slides", slides)
    assert result.code == 0, result.err
    assert result.sheet["Prufung_2"]["path"] == str(slides / "Prüfung 2.svs")
    assert "2 slides renamed, such as 'Prüfung 1': Prufung_1" in result.out
    assert f"cd '{tmp_path / 'my study'}'" in result.out


def test_slides_of_one_name_are_refused(tmp_path, capsys):
    slides = slide_files(tmp_path / "raw", ["a/S1.svs", "b/S1.ndpi", "b/S2.svs"])
    result = set_up(tmp_path / "study", capsys, "--slides", slides)
    assert result.code == 1
    assert f"two slides are called S1: {slides}/a/S1.svs and {slides}/b/S1.ndpi" in result.err


def test_parts_of_slides_are_no_slides(tmp_path, capsys):
    names = ["M.mrxs", "M/Data0001.dat", "M/Index.dat", "M/Slidedat.ini", "V/v.vms", "V/v-1.jpg", "thumb.png"]
    slides = slide_files(tmp_path / "raw", [*names, "list.ndpis", "._M.mrxs"])
    write_series(slides / "D", np.zeros((128, 128, 3), np.uint8))
    result = set_up(tmp_path / "study", capsys, "--slides", slides, "--encoder", "mean_colour")
    assert result.code == 0, result.err
    assert sorted(result.sheet) == ["D", "M", "v"]
    assert result.sheet["D"]["path"] == str(slides / "D")
    assert "1 PNG and JPEG files beside slides are ignored" in result.out
    assert "1 .ndpis left out" in result.out


@pytest.mark.parametrize(
    ("containers", "names"),
    [
        ([b"TCGA-A1", b"TCGA-B23"], ["TCGA-A1", "TCGA-B23"]),
        ([b"TCGA-A1", b"TCGA-A1"], ["1.2.7", "1.2.8"]),  # one glass scanned twice: the files' own names tell them apart
        ([b"", b"TCGA-A1"], ["1.2.7", "1.2.8"]),
    ],
)
def test_a_flat_folder_of_dicom_series_is_a_slide_per_series(tmp_path, capsys, containers, names):
    pixels = np.zeros((128, 128, 3), np.uint8)
    for uid, container in zip(("1.2.7", "1.2.8"), containers, strict=True):
        write_series(tmp_path / "raw/flat", pixels, series=uid, container=container)
    write_series(tmp_path / "raw/alone", pixels, series="1.2.9")
    result = set_up(tmp_path / "study", capsys, "--slides", tmp_path / "raw", "--encoder", "mean_colour")
    assert result.code == 0, result.err
    paths = {name: row["path"] for name, row in result.sheet.items()}
    flat = {name: str(tmp_path / f"raw/flat/{uid}_0.dcm") for name, uid in zip(names, ("1.2.7", "1.2.8"), strict=True)}
    assert paths == flat | {"alone": str(tmp_path / "raw/alone")}
    assert "3 DICOM series" in result.out
    assert "flat holds 2 DICOM series: one slide each, named by" in result.out
    assert f"({', '.join(names)})" in result.out


def test_empty_absent_and_unreadable_folders_are_reported(tmp_path, capsys, monkeypatch):
    (tmp_path / "empty").mkdir()
    for option in ("--slides", "--features"):
        assert "no slide in it" in (err := set_up(tmp_path / "s", capsys, option, tmp_path / "empty").err) or (
            "no feature file" in err
        )
        assert "no such folder" in set_up(tmp_path / "s", capsys, option, tmp_path / "absent").err

    def refuse(path="."):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", refuse)
    result = set_up(tmp_path / "s", capsys, "--slides", tmp_path / "empty")
    assert result.code == 1
    assert "permission denied: ask for permission to read it" in result.err


def test_vectors_of_slides_are_no_features_of_patches(tmp_path, capsys):
    folder = features_of(tmp_path / "slide_features_titan", {"S1": np.ones(8, np.float32)})
    result = set_up(tmp_path / "study", capsys, "--features", folder)
    assert result.code == 1
    assert "give the folder as --embeddings" in result.err
