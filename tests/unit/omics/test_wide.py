"""Tables with all modalities side by side, and of 0 and 1: each case has its own values, or the file is refused."""

import io
import zipfile

import anndata
import numpy as np
import pandas as pd
import pytest
from molpath.omics.expression import normalise_rna
from molpath.omics.flags import flag_dna
from molpath.omics.tables import BadProfile
from molpath.omics.wide import WideTable

TABLE = """,case_id,slide_id,age,site,train,TP53_rnaseq,KRAS_rnaseq,EGFR_rnaseq,TP53_cnv,EGFR_cnv,TP53_mut,KRAS_mut
0,TCGA-AA-0001,TCGA-AA-0001-01Z-00-DX1.svs,65,"Lung, left",1.0,-0.5,1.25,0.1,-2.0,2.0,1.0,0.0
1,TCGA-AA-0001,TCGA-AA-0001-01Z-00-DX2.svs,65,"Lung, left",1.0,-0.5,1.25,0.1,-2.0,2.0,1.0,0.0
2,TCGA-AA-0002,TCGA-AA-0002-01Z-00-DX1.svs,,"Lung, ""upper"" right",0.0,3.5,-0.25,-0.2,,1.0,0.0,1.0
3,TCGA-AA-0003,TCGA-AA-0003-01Z-00-DX1.svs,51,Lung,0.0,0.75,0.5,-1.3,0.0,-1.0,,0.0
"""
CASES = ["TCGA-AA-0003", "TCGA-AA-0001", "TCGA-AA-0002"]
EXPECTED = pd.DataFrame(
    {"EGFR": [-1.3, 0.1, -0.2], "KRAS": [0.5, 1.25, -0.25], "TP53": [0.75, -0.5, 3.5]}, CASES, dtype=np.float32
)


@pytest.fixture
def wide(tmp_path):
    """The table as it is published: CSV in a zip archive."""
    with zipfile.ZipFile(tmp_path / "tcga_all_clean.csv.zip", "w") as archive:
        archive.writestr("./tcga_all_clean.csv", TABLE)
    return tmp_path / "tcga_all_clean.csv.zip"


def rows_of(path, modality, cases=CASES, **values):
    blank = {"modality": modality, "cohort": "A", "sample_id": "", "panel": "", "column": "", "format": "wide"}
    blank |= {"path": str(path), "unit": {"rna": "zscore", "dna": "small_coding"}[modality]}
    return [blank | {"profile_id": f"{case}-{modality}", "case_id": case} | values for case in cases]


def rna(folder, rows):
    normalise_rna(rows=rows, output=str(folder / "rna.h5ad"), losses=str(folder / "genes.tsv"))
    return anndata.read_h5ad(folder / "rna.h5ad")


def dna(folder, rows, repository):
    consequences = str(repository / "resources/consequences/consequences.tsv")
    flag_dna(rows=rows, consequences=consequences, output=str(folder / "dna.h5ad"))
    data = anndata.read_h5ad(folder / "dna.h5ad")
    names = data.obs.case_id.to_numpy()
    return pd.DataFrame(data.X, names, data.var_names), pd.DataFrame(data.layers["observed"], names, data.var_names)


def test_expression_of_each_case(tmp_path, wide):
    data = rna(tmp_path, rows_of(wide, "rna"))
    assert list(data.var_names) == ["EGFR", "KRAS", "TP53"]
    pd.testing.assert_frame_equal(data.to_df().set_axis(data.obs.case_id.to_numpy()), EXPECTED, check_names=False)


def test_a_slide_names_a_row(tmp_path, wide):
    rows = rows_of(wide, "rna", CASES[:1], column="TCGA-AA-0002-01Z-00-DX1.svs")
    assert rna(tmp_path, rows).to_df().iloc[0].to_dict() == pytest.approx(EXPECTED.loc["TCGA-AA-0002"].to_dict())


def test_copy_numbers_and_mutations_of_each_case(tmp_path, wide, repository):
    flags, observed = dna(tmp_path, rows_of(wide, "dna"), repository)
    hot = {(case, flag) for case in CASES for flag in flags if flags.loc[case, flag]}
    first, second, third = sorted(CASES)
    assert hot == {
        *((first, flag) for flag in ("TP53:two_copy_deletion", "EGFR:amplification", "TP53:small_coding")),
        *((second, flag) for flag in ("EGFR:gain", "KRAS:small_coding")),
        (third, "EGFR:loss"),
    }
    assert observed["TP53:loss"].to_dict() == {first: 1, second: 0, third: 1}
    assert observed["TP53:small_coding"].to_dict() == {first: 1, second: 1, third: 0}
    assert observed["KRAS:small_coding"].to_dict() == {first: 1, second: 1, third: 1}
    for never in ("KRAS:loss", "TP53:large_coding", "KRAS:non_coding", "EGFR:small_coding"):
        assert not observed[never].any()


def test_the_kind_of_mutation_is_the_sheets(tmp_path, wide, repository):
    flags, observed = dna(tmp_path, rows_of(wide, "dna", unit="large_coding"), repository)
    assert flags["TP53:large_coding"].to_dict() == {CASES[1]: 1, CASES[2]: 0, CASES[0]: 0}
    assert not observed["TP53:small_coding"].any()
    with pytest.raises(BadProfile, match="column unit is empty; 0 and 1 don't say which kind of mutation"):
        dna(tmp_path, rows_of(wide, "dna", unit=""), repository)


WRONG = {
    "slides that differ": (
        ('DX2.svs,65,"Lung, left",1.0,-0.5', 'DX2.svs,65,"Lung, left",1.0,-0.6'),
        "2 rows of TCGA-AA-0001 differ",
    ),
    "no such case": (("TCGA-AA-0003,", "TCGA-AA-0004,"), "no row TCGA-AA-0003; the table has case_id: TCGA-AA-0001"),
    "two endings": (("KRAS_rnaseq", "KRAS_rna"), "expression in columns that end in _rnaseq and _rna"),
    "no expression": (("_rnaseq", ""), "no column ends in _rnaseq, _rna, .*this table holds no expression"),
    "gene twice": (("KRAS_rnaseq", "TP53_rnaseq"), "column TP53_rnaseq is there 2 times"),
    "a text": (("3.5,", "high,"), "line 4, column TP53_rnaseq: 'high' is not a number"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_expression_that_could_be_wrong_is_refused(tmp_path, kind):
    (old, new), words = WRONG[kind]
    assert old in TABLE
    (tmp_path / "wide.csv").write_text(TABLE.replace(old, new))
    with pytest.raises(BadProfile, match=words) as caught:
        rna(tmp_path, rows_of(tmp_path / "wide.csv", "rna"))
    assert "wide.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (",-2.0,2.0,", ",-0.37,2.0,", "row 1 of values, column TP53_cnv: -0.37; copies are -2 to 2"),
        (",1.0,0.0,1.0", ",1.0,0.0,3.0", "row 3 of values, column KRAS_mut: 3; mutations are 0 or 1"),
    ],
)
def test_values_that_are_no_flags_are_refused(tmp_path, repository, old, new, words):
    assert old in TABLE
    (tmp_path / "wide.csv").write_text(TABLE.replace(old, new))
    with pytest.raises(BadProfile, match=words):
        dna(tmp_path, rows_of(tmp_path / "wide.csv", "dna"), repository)


MUTATED = pd.DataFrame({"S1": [1, 0, 0], "S2": [0, 0, 1], "S3": [np.nan, 1, 0]}, ["TP53", "KRAS", "EGFR"])


@pytest.mark.parametrize("across", [False, True])
def test_a_table_of_0_and_1_either_way(tmp_path, repository, across):
    table = MUTATED.T if across else MUTATED
    table.to_csv(tmp_path / "mut.tsv", sep="\t", index_label="sample" if across else "gene")
    rows = rows_of(tmp_path / "mut.tsv", "dna", ["S2", "S3", "S1"], format="mutation_table")
    flags, observed = dna(tmp_path, rows, repository)
    for gene in MUTATED.index:
        assert flags[f"{gene}:small_coding"].to_dict() == MUTATED.loc[gene].fillna(0).to_dict()
        assert observed[f"{gene}:small_coding"].to_dict() == MUTATED.loc[gene].notna().astype(int).to_dict()
    with pytest.raises(BadProfile, match="no row or column of sample S9"):
        dna(tmp_path, rows_of(tmp_path / "mut.tsv", "dna", ["S9"], format="mutation_table"), repository)
    (MUTATED * 2).to_csv(tmp_path / "mut.tsv", sep="\t")
    with pytest.raises(BadProfile, match="column S1: 2; mutations are 0 or 1"):
        dna(tmp_path, rows, repository)


def test_a_sample_that_is_there_twice_is_refused(tmp_path, repository):
    pd.concat([MUTATED, MUTATED[["S1"]] * 0], axis=1).to_csv(tmp_path / "mut.tsv", sep="\t")
    with pytest.raises(BadProfile, match="2 rows or columns of sample S1"):
        dna(tmp_path, rows_of(tmp_path / "mut.tsv", "dna", ["S1"], format="mutation_table"), repository)


def test_values_are_those_of_pandas(tmp_path):
    """Thousands of columns, in the order of the file."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(40, 3000)).round(4), columns=[f"G{i}_rnaseq" for i in range(3000)])
    table.insert(0, "case_id", [f"C{i}" for i in range(40)])
    text = io.StringIO()
    table.to_csv(text)
    (tmp_path / "wide.csv").write_text(text.getvalue())
    np.testing.assert_array_equal(WideTable(str(tmp_path / "wide.csv")).values("expression"), table.iloc[:, 1:])
