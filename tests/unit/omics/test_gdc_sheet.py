"""A GDC download becomes rows: tumour and normal from the sheet; pools and cell lines left out, with the reason."""

import gzip

import pytest
from molpath.common.files import read_tsv
from molpath.omics.gdc_sheet import list_gdc_profiles
from molpath.omics.sample_types import NORMAL, TUMOUR, kind_of_words, split_words, stands_for_its_case
from molpath.omics.tables import BadProfile

STAR, MAF, CNA = "a.rna_seq.augmented_star_gene_counts.tsv", "a.maf.gz", "a.gene_level_copy_number.v36.tsv"
TYPES = {
    STAR: "Gene Expression Quantification", MAF: "Masked Somatic Mutation", CNA: "Gene Level Copy Number",
    "x.svs": "Slide Image",
}  # fmt: skip
OLD = ("File ID", "File Name", "Data Category", "Data Type", "Project ID", "Case ID", "Sample ID", "Sample Type")
NEW = (*OLD[:-1], "Tissue Type", "Tumor Descriptor", "Specimen Type", "Preservation Method")


def listed(folder, files, head=OLD, put=True):
    """Rows by file, and reasons by file, of files (name, case, sample, further cells)."""
    lines = []
    for number, (name, case, sample, *more) in enumerate(files, 1):
        lines.append((f"f{number}", name, "", TYPES[name], "P", case, sample, *more))
        if put:
            (folder / f"files/f{number}").mkdir(parents=True, exist_ok=True)
            (folder / f"files/f{number}" / name).touch()
    (folder / "sheet.tsv").write_text("".join("\t".join(line) + "\n" for line in [head, *lines]))
    list_gdc_profiles(
        downloads={"A": {"folder": str(folder / "files"), "sample_sheet": str(folder / "sheet.tsv")}},
        output=str(folder / "profiles.tsv"),
        left_out=str(folder / "left.tsv"),
    )
    rows, left = read_tsv(folder / "profiles.tsv"), read_tsv(folder / "left.tsv")
    file_of = [path.split("/")[-2] for path in rows.path]
    return rows.set_axis(file_of), dict(zip(left.file_id, left.reason, strict=True))


def test_a_gdc_download_becomes_rows(tmp_path):
    case = "TCGA-02-0001"
    rows, left = listed(
        tmp_path,
        [
            (STAR, case, f"{case}-01A", "Primary Tumor"),
            (STAR, case, f"{case}-01A", "Primary Tumor"),
            (MAF, f"{case}, {case}", f"{case}-10A, {case}-01A", "Blood Derived Normal, Primary Tumor"),
            (CNA, f"{case}, {case}", f"{case}-01A, {case}-10A", "Primary Tumor, Blood Derived Normal"),
            (STAR, case, f"{case}-11A", "Solid Tissue Normal"),
            ("x.svs", case, f"{case}-01Z", "Primary Tumor"),
        ],
    )
    assert list(zip(rows.profile_id, rows.format, rows.sample_type, strict=True)) == [
        (f"{case}-01A-rna", "gdc_star", "tumour"),
        (f"{case}-01A-rna-2", "gdc_star", "tumour"),
        (f"{case}-01A-dna", "maf", "tumour"),
        (f"{case}-01A-dna", "gdc_copy_number", "tumour"),
        (f"{case}-11A-rna", "gdc_star", "normal"),
    ]
    assert set(rows.case_id) == {case}
    assert left == {"f6": "data type 'Slide Image' is not read"}


def test_files_that_are_not_there_are_left_out(tmp_path):
    with pytest.raises(BadProfile, match="no file of the GDC downloads .* the first of 1 files: not in the folder"):
        listed(tmp_path, [(STAR, "TCGA-02-0001", "TCGA-02-0001-01A", "")], put=False)


def test_cptac_normals_are_normals(tmp_path, shared_data):
    """Case 01: ids of CPTAC's samples don't say which is which; the sheet does."""
    folder = shared_data.parent / "cases/01-cptac-normal/gdc"
    if not folder.is_dir():
        pytest.skip(f"the folder of cases is absent: {folder}")
    list_gdc_profiles(
        downloads={"CPTAC": {"folder": str(folder), "sample_sheet": str(folder / "sheet.tsv")}},
        output=str(tmp_path / "profiles.tsv"),
        left_out=str(tmp_path / "left.tsv"),
    )
    rows = read_tsv(tmp_path / "profiles.tsv")
    assert rows[["sample_id", "sample_type"]].values.tolist() == [
        ["C3L-00004-06", "normal"],
        ["C3L-00004-01", "tumour"],
    ]


@pytest.mark.parametrize(
    ("head", "tumour", "normal"),
    [
        (OLD, ["Primary Tumor"], ["Solid Tissue Normal"]),
        (NEW, ["Tumor", "Primary", "Solid Tissue", "OCT"], ["Normal", "Not Applicable", "Solid Tissue", "Unknown"]),
        ([name.replace(" ", ".") for name in OLD], ["Metastatic"], ["Blood Derived Normal"]),
        ([name.lower().replace(" ", "_") for name in NEW], ["tumor", "", "", ""], ["NORMAL", "", "", ""]),
    ],
)
def test_old_and_new_columns_in_any_spelling(tmp_path, head, tumour, normal):
    rows, left = listed(
        tmp_path,
        [(STAR, "C3L-00004", "C3L-00004-06", *normal), (STAR, "C3L-00004", "C3L-00004-01", *tumour)],
        head,
    )
    assert rows.sample_type.to_dict() == {"f1": "normal", "f2": "tumour"}
    assert left == {}


def test_the_sheet_of_today_says_what_is_ffpe(tmp_path):
    cells = [
        ("01A", "Unknown"),
        ("01B", "FFPE"),
        ("01C", "Snap Frozen"),
        ("01D", "Formalin Fixed-Buffered"),
        ("01E", "OCT"),
    ]
    case = "TCGA-44-2656"
    files = [(STAR, case, f"{case}-{vial}", "Tumor", "Primary", "Solid Tissue", how) for vial, how in cells]
    rows, _ = listed(tmp_path, files, NEW)
    assert rows.specimen.tolist() == ["", "FFPE", "frozen", "FFPE", "frozen"]


def test_pools_are_left_out(tmp_path):
    """Case 02: a file of two cases belongs to neither; one of tumour and normal RNA to neither kind."""
    two, case = "Primary Tumor, Primary Tumor", "C3L-00004"
    rows, left = listed(
        tmp_path,
        [
            (STAR, "C3N-01200, C3L-00010", "C3N-01200-02, C3L-00010-03", two),
            (STAR, case, f"{case}-01", "Primary Tumor"),
            (STAR, f"{case}, {case}", f"{case}-01, {case}-06", "Primary Tumor, Solid Tissue Normal"),
            (STAR, f"{case}, {case}", f"{case}-03, {case}-01", two),  # two pieces of one tumour
            (MAF, "C3N-01200, C3L-00010", "C3N-01200-02, C3L-00010-03", two),
            (STAR, "TCGA-EE-A2GJ, TCGA-EE-A2GJ", "TCGA-EE-A2GJ-01A, TCGA-EE-A2GJ-06A", "Primary Tumor, Metastatic"),
            (STAR, "TCGA-EE-A2GJ", "TCGA-EE-A2GK-06A", "Metastatic"),
        ],
    )
    assert rows.sample_id.to_dict() == {"f2": f"{case}-01", "f4": f"{case}-01"}
    assert left == {
        "f1": "of 2 cases (C3N-01200, C3L-00010): a pool's values belong to none of them",
        "f3": f"a mixture of tumour and normal ({case}-01, {case}-06)",
        "f5": "of 2 cases (C3N-01200, C3L-00010): write a row for each, if it is the MAF of a whole project",
        "f6": "a mixture of 2 samples (TCGA-EE-A2GJ-01A, TCGA-EE-A2GJ-06A)",
        "f7": "sample TCGA-EE-A2GK-06A is none of case TCGA-EE-A2GJ",
    }


def test_the_pool_of_case_02_is_left_out(tmp_path, shared_data):
    folder = shared_data.parent / "cases/02-gdc-pooled/gdc"
    if not folder.is_dir():
        pytest.skip(f"the folder of cases is absent: {folder}")
    list_gdc_profiles(
        downloads={"CPTAC": {"folder": str(folder), "sample_sheet": str(folder / "sheet.tsv")}},
        output=str(tmp_path / "profiles.tsv"),
        left_out=str(tmp_path / "left.tsv"),
    )
    assert read_tsv(tmp_path / "profiles.tsv").case_id.tolist() == ["C3L-00004"]
    assert read_tsv(tmp_path / "left.tsv").file_id.tolist() == ["0ddd"]


def test_what_is_neither_tumour_nor_normal_or_not_known_is_left_out(tmp_path):
    case = "C3L-00004"
    words = [
        "Cell Lines", "Control Analyte", "Next Generation Cancer Model", "Not Reported", "", "--", "Saliva",
        "Primary Tumor",
    ]  # fmt: skip
    rows, left = listed(tmp_path, [(STAR, case, f"{case}-0{i}", word) for i, word in enumerate(words)])
    assert list(rows.index) == ["f8"]
    unknown = "nothing says whether sample C3L-00004-0{} is tumour or normal; write its row yourself"
    assert left == {
        "f1": "'Cell Lines' is not tissue of the patient",
        "f2": "sample type 'Control Analyte' is neither tumour nor normal",
        "f3": "'Next Generation Cancer Model' is not tissue of the patient",
        "f4": unknown.format(3), "f5": unknown.format(4), "f6": unknown.format(5),
        "f7": "sample type 'Saliva' is neither tumour nor normal",
    }  # fmt: skip


def test_sheet_and_barcode_may_not_contradict_each_other(tmp_path):
    case = "TCGA-02-0001"
    rows, left = listed(
        tmp_path,
        [
            (STAR, case, f"{case}-11A", "Primary Tumor"),
            (STAR, case, f"{case}-11A", ""),
            (STAR, case, f"{case}-20A", ""),
            (STAR, case, f"{case}-01A", "Primary Tumor, Metastatic"),
        ],
    )
    assert rows.sample_type.to_dict() == {"f2": "normal"}
    assert left == {
        "f1": "'Primary Tumor' and 'TCGA-02-0001-11A' contradict each other: tumour or normal?",
        "f3": "sample type 'TCGA-02-0001-20A' is neither tumour nor normal",
        "f4": "sample_type 'Primary Tumor, Metastatic' doesn't fit sample TCGA-02-0001-01A",
    }
    grown = ("Tumor", "Primary", "Derived Cell Line", "Unknown")
    again, left = listed(
        tmp_path, [(STAR, case, f"{case}-01A", *grown), (STAR, case, f"{case}-11A", "", "", "", "")], NEW
    )
    assert list(again.index) == ["f2"]
    assert left == {"f1": "'Derived Cell Line' is not tissue of the patient"}


def test_a_maf_of_one_sample_is_known_by_its_name(tmp_path):
    """CPTAC's barcodes inside MAFs (CPT…) are others than those of the sheet; the sheet says whose file it is."""
    case = "C3L-00004"
    files = [(MAF, f"{case}, {case}", f"{case}-31, {case}-01", "Blood Derived Normal, Primary Tumor")] * 2
    (tmp_path / "files/f1").mkdir(parents=True)
    head = "#version\nHugo_Symbol\tVariant_Classification\tTumor_Sample_Barcode\n"
    with gzip.open(tmp_path / "files/f1" / MAF, "wt") as handle:
        handle.write(head + "TP53\tMissense_Mutation\tCPT0001230009\n" * 2)
    (tmp_path / "files/f1" / MAF).touch()
    rows, _ = listed(tmp_path, files)
    assert rows.column.to_dict() == {"f1": "CPT0001230009", "f2": ""}
    assert rows.sample_id.tolist() == [f"{case}-01"] * 2


def test_a_sheet_of_something_else_is_refused(tmp_path):
    (tmp_path / "sheet.tsv").write_text("id\tname\nx\ty\n")
    with pytest.raises(BadProfile, match=r"no column File ID, File Name, .*this is not a GDC sample sheet"):
        list_gdc_profiles(
            downloads={"A": {"folder": str(tmp_path), "sample_sheet": str(tmp_path / "sheet.tsv")}},
            output="o",
            left_out="l",
        )


@pytest.mark.parametrize("word", sorted(TUMOUR))
def test_words_for_tumours(word):
    assert kind_of_words(f" {word.title()} ") == "tumour"


@pytest.mark.parametrize("word", sorted(NORMAL))
def test_words_for_normal_tissue(word):
    assert kind_of_words(word.upper()) == "normal"


def test_cells_of_several_samples():
    marrow = "Blood Derived Cancer - Bone Marrow, Post-treatment"
    assert split_words(f"{marrow}, Blood Derived Normal", 2) == [marrow, "Blood Derived Normal"]
    assert split_words(marrow, 1) == [marrow]
    assert split_words("Primary Tumor", 3) == ["Primary Tumor"] * 3
    assert split_words("a, b", 3) == []


def test_normal_profiles_are_used_for_cases_that_have_no_others():
    cases, kinds = ["a", "a", "b", "c", "c"], ["normal", "tumour", "normal", "", "normal"]
    assert stands_for_its_case(cases, kinds).tolist() == [False, True, True, True, False]
