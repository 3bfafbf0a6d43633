"""Tables as programs write them: whose value is whose, decided by the whole file, or refused in one sentence."""

import bz2
import gzip
import io
import lzma
import zipfile

import anndata
import numpy as np
import pandas as pd
import pyarrow
import pytest
from molpath.omics.copy_numbers import read_copy_numbers
from molpath.omics.expression_files import Reading, read_rows
from molpath.omics.labels import is_label
from molpath.omics.maf import read_maf
from molpath.omics.tables import BadProfile, Delimited

PLAIN = pd.DataFrame(
    {"S1": [516, 545, 164], "S2": [172, 786, 160], "S3": [392, 531, 168]}, ["A1BG", "A1BG-AS1", "A1CF"]
)
LINES = ["gene\tS1\tS2\tS3", *("\t".join(map(str, row)) for row in PLAIN.itertuples())]


def rows_of(path, samples):
    """Rows of a profile sheet for samples of a matrix of counts."""
    common = {"format": "matrix", "path": str(path), "unit": "counts", "panel": ""}
    return [common | {"profile_id": f"P-{sample}", "case_id": "C", "column": sample} for sample in samples]


def matrix(path, data, samples=("S1", "S2", "S3")):
    """Values by sample and gene of a file written as given (lines, text or bytes)."""
    text = "\n".join(data) + "\n" if isinstance(data, list) else data
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    profiles = read_rows(rows_of(path, samples), Reading())
    return {
        sample: dict(
            zip(
                np.where(profile.genes.symbols == "", profile.genes.ids, profile.genes.symbols),
                profile.values["counts"],
                strict=True,
            )
        )
        for sample, profile in zip(samples, profiles, strict=True)
    }


RIGHT = PLAIN.astype(float).to_dict()


def behind(lines, *, mark="\t", head=False):
    """Lines with a delimiter behind every row, and behind the header if asked for."""
    return [line + mark * (head or place > 0) for place, line in enumerate(lines)]


def without_corner(lines):
    return [lines[0].split("\t", 1)[1], *lines[1:]]


READ = {
    "plain": LINES,
    "trailing tabs of rows": behind(LINES),
    "trailing tabs, empty corner": behind(["\tS1\tS2\tS3", *LINES[1:]]),
    "trailing tabs, corner gene_id": behind(["gene_id\tS1\tS2\tS3", *LINES[1:]]),
    "trailing commas of rows": [line.replace("\t", ",") for line in behind(LINES)],
    "trailing tabs of header and rows": behind(LINES, head=True),
    "short header of R": without_corner(LINES),
    "short header of R in quotes": ['"S1"\t"S2"\t"S3"', *(f'"{line}'.replace("\t", '"\t', 1) for line in LINES[1:])],
    "row names of R before column gene": ["gene\tS1\tS2\tS3", *(f"{i}\t{line}" for i, line in enumerate(LINES[1:], 1))],
    "index of pandas before column gene": ["\tgene\tS1\tS2\tS3", *(f"{i}\t{line}" for i, line in enumerate(LINES[1:]))],
    "index of a filtered table": [
        "Unnamed: 0\tsymbol\tS1\tS2\tS3",
        *(f"{i * i + 3}\t{x}" for i, x in enumerate(LINES[1:])),
    ],
    "comments and blank lines": ["# a", "", '# "b', *LINES[:2], "", *LINES[2:]],
    "semicolons with commas in a header": [
        LINES[0].replace("\t", ";"),
        *(line.replace("\t", ";") for line in LINES[1:]),
    ],
    "commas in a name": ["gene\tS1\tS2\tS3\tleft, upper, lobe", *(f"{line}\t7" for line in LINES[1:])],
    "quote inside a cell": ["gene\tS1\tS2\tS3\tnote", *(f"{line}\t5'-3\" end" for line in LINES[1:])],
    "quoted delimiter": ["gene,S1,S2,S3,note", *(line.replace("\t", ",") + ',"a, ""b"""' for line in LINES[1:])],
    "samples in rows": PLAIN.T.to_csv(sep="\t", index_label="sample_id"),
    "samples in rows, numbered": PLAIN.T.rename_axis("sample_id").reset_index().to_csv(sep="\t"),
    "samples in rows, short header": PLAIN.T.to_csv(sep="\t", index_label=False),
    "samples in rows, trailing tabs": behind(PLAIN.T.to_csv(sep="\t", index_label="sample").splitlines()),
    "line ends of old Macs": "\r".join(LINES),
    "line ends of Windows": "\r\n".join(LINES),
    "xz": lzma.compress("\n".join(LINES).encode()),
    "bzip2": bz2.compress("\n".join(LINES).encode()),
    "gzip": gzip.compress("\n".join(LINES).encode()),
    "zstd": pyarrow.compress("\n".join(LINES).encode(), codec="zstd", asbytes=True),
}


@pytest.mark.parametrize("kind", READ)
def test_every_sample_has_its_own_values(tmp_path, kind):
    assert matrix(tmp_path / "counts.txt", READ[kind]) == RIGHT


def test_numbered_samples_in_rows_are_samples(tmp_path):
    data = PLAIN.T.set_axis(["1", "2", "3"]).to_csv(sep="\t", index_label="sample")
    assert list(matrix(tmp_path / "x.tsv", data, ["3", "1"]).values()) == [RIGHT["S3"], RIGHT["S1"]]


@pytest.mark.parametrize("ending", ["parquet", "h5ad"])
def test_genes_without_names_are_refused_in_binary_files_too(tmp_path, ending):
    path = tmp_path / f"x.{ending}"
    frame = PLAIN.reset_index(drop=True)
    if ending == "parquet":
        frame.to_parquet(path)
    else:
        anndata.AnnData(frame.T.to_numpy(), obs=pd.DataFrame(index=frame.columns)).write_h5ad(path)
    with pytest.raises(BadProfile, match="the genes are numbered from 0 and have no names"):
        read_rows(rows_of(path, PLAIN), Reading())


def archive(**members):
    """Bytes of a zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as handle:
        for name, data in members.items():
            handle.writestr(name.replace("__", "/", 1), data)
    return out.getvalue()


def test_a_table_in_an_archive_is_read(tmp_path):
    data = archive(folder__counts="\n".join(LINES), MACOSX__x=b"").replace(b"MACOSX/x", b"MACOSX/x")
    with pytest.raises(BadProfile, match="2 files in the archive .folder/counts, MACOSX/x.: leave one in it"):
        matrix(tmp_path / "counts.zip", data)
    assert matrix(tmp_path / "counts.zip", archive(folder__counts="\n".join(LINES))) == RIGHT


REFUSED = {
    "trailing tabs, corner that says nothing": (
        behind(["ENS99\tS1\tS2\tS3", *LINES[1:]]),
        "4: either the row names",
    ),
    "trailing tabs of some rows": ([*LINES[:2], *behind(LINES)[2:]], "unequal length, . cells in line"),
    "trailing tabs from the second row on": (
        [*behind(LINES)[:2], *LINES[2:]],
        "unequal length, . cells in line",
    ),
    "short header, last column with gaps": (
        [LINES[0][5:], LINES[1], LINES[2][:-3], LINES[3]],
        "4 cells, and the header 3",
    ),
    "column gene and one value too many": (
        [LINES[0], *(f"{line}\t9" for line in LINES[1:])],
        "5 cells, and the header 4",
    ),
    "two cells too many": (
        [LINES[0], *(f"{line}\t9\t9" for line in LINES[1:])],
        "unequal length, . cells in line",
    ),
    "last column without a header": (
        [f"{LINES[0]}\t", *(f"{line}\t9" for line in LINES[1:])],
        "has values and no header",
    ),
    "numbers for names": (["\tS1\tS2\tS3", "0\t1\t2\t3", "1\t4\t5\t6"], "numbered from 0 and have no names"),
    "row names of R for names": (["S1\tS2\tS3", "1\t1\t2\t3", "2\t4\t5\t6"], "numbered from 1 and have no names"),
    "lone quotation mark": ([LINES[0], f'"{LINES[1]}', *LINES[2:]], "quotation mark without its partner|unequal"),
    "lone quotation marks in two rows": (
        [LINES[0], f'"{LINES[1]}', f'"{LINES[2]}', LINES[3]],
        "quotation mark|unequal",
    ),
    "swallowed rows": (["gene\tS1\tS2\tS3", '"A1BG\t5\t6\t7', 'A1CF"\t1\t2\t3', "A2M\t8\t9\t9"], "quotation mark"),
    "column twice": (["gene\tS1\tS2\tS3\tS1", *(f"{line}\t9" for line in LINES[1:])], "column S1 is there 2 times"),
    "samples in rows and columns": (
        ["gene\tS1\tS2\tS3", "S1\t1\t2\t3", "S2\t1\t2\t3", "S3\t1\t2\t3"],
        "rows and columns",
    ),
    "decimal commas": (
        ["gene;S1;S2;S3", "A1BG;5,5;6;7", "A1CF;1;2;3"],
        "line 2, column S1: '5,5' is not a number .a decimal",
    ),
    "a text among values": ([*LINES[:3], "", "A1CF\t164\tn.d.\t168"], "line 5, column S2: 'n.d.' is not a number"),
    "spaces": ([line.replace("\t", " ") for line in LINES], "neither tabs, commas nor semicolons"),
    "UTF-16": ("\n".join(LINES).encode("utf-16"), "UTF-16.*iconv"),
    "Latin-1 in the header": ("\n".join(LINES).replace("S3", "ö").encode("latin-1"), "byte 0xf6 is no UTF-8"),
    "Latin-1 in a name": (
        "\n".join(LINES).replace("A1CF", "ö").encode("latin-1"),
        "line 4: byte 0xf6 is no UTF-8.*iconv",
    ),
    "xlsx": (archive(**{"[Content_Types].xml": "x", "xl__workbook.xml": "y"}), "Excel workbook .xlsx.*tab-separated"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "Excel workbook of the old kind"),
    "web page": ("<!DOCTYPE html>\n<html>\n", "a page of a website"),
    "two files in an archive": (archive(a="x", b="y"), "2 files in the archive .a, b.: leave one"),
    "damaged archive": (archive(a="x" * 999)[:60], "a ZIP archive that can't be read"),
    "cut gzip": (gzip.compress("\n".join(LINES).encode())[:-12], "can't be unpacked|unequal"),
    "empty": ("", "empty, or no header"),
    "header alone": (LINES[:1], "a header and no row"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_could_be_read_wrong_is_refused(tmp_path, kind):
    data, words = REFUSED[kind]
    path = tmp_path / "counts.txt"
    with pytest.raises(BadProfile, match=words) as caught:
        matrix(path, data)
    assert str(caught.value).startswith(str(path))
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_unpacks_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("molpath.omics.packed.FREE", 2**20)
    table = "gene\tS1\n" + "A1BG\t0\n" * 400_000
    for packed in (gzip.compress(table.encode()), bz2.compress(table.encode()), archive(a=table)):
        with pytest.raises(BadProfile, match="unpacks to more than 1 MiB"):
            matrix(tmp_path / "bomb", packed, ["S1"])
    with pytest.raises(BadProfile, match="unpacks to more than 1 MiB"):
        matrix(tmp_path / "bomb", gzip.compress(b"gene\tS1\n" + b" " * 2**22), ["S1"])


def test_a_line_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("molpath.omics.tables.LONGEST_LINE", 2**10)
    with pytest.raises(BadProfile, match="a line of more than"):
        matrix(tmp_path / "x.txt", "gene\tS1" * 999)


VARIANTS = [("TP53", "S1"), ("KRAS", "S2"), ("TP53", "S2")]
HEAD = "Hugo_Symbol\tVariant_Classification\tTumor_Sample_Barcode\tHGVSp"
MAF = [HEAD, *(f"{gene}\tMissense_Mutation\t{sample}\tp.R1" for gene, sample in VARIANTS)]
OF_MAF = {
    "plain": MAF,
    "trailing tabs": behind(MAF),
    "trailing tabs of header and rows": behind(MAF, head=True),
    "index of pandas": [f"\t{HEAD}", *(f"{i}\t{line}" for i, line in enumerate(MAF[1:]))],
    "a lone quotation mark": [HEAD, *(f"{line}\"5'" for line in MAF[1:])],
    "a cell that begins with one": [HEAD, *(line.replace("p.R1", '"p.R1') for line in MAF[1:])],
}


@pytest.mark.parametrize("kind", OF_MAF)
def test_no_case_is_wild_type_for_the_dress_of_a_maf(tmp_path, kind):
    (tmp_path / "x.maf").write_text("\n".join(OF_MAF[kind]) + "\n")
    variants = read_maf(str(tmp_path / "x.maf"))
    assert list(zip(variants.gene, variants["sample"], strict=True)) == VARIANTS
    assert set(variants.kind) == {"Missense_Mutation"}


MAF_REFUSED = {
    "row names of R": [HEAD, *(f"{i}\t{line}" for i, line in enumerate(MAF[1:], 1))],
    "quotes of R": ['"' + line.replace("\t", '"\t"') + '"' for line in MAF],
    "a cell too many": [HEAD, *(f"{line}\tx" for line in MAF[1:3]), MAF[3]],
    "row numbers and trailing tabs": [HEAD, *(f"{i}\t{line[:-4]}" for i, line in enumerate(MAF[1:], 1))],
    "half a row": [*MAF[:2], MAF[2][:20], MAF[3]],
}


@pytest.mark.parametrize("kind", MAF_REFUSED)
def test_a_maf_that_could_be_read_wrong_is_refused(tmp_path, kind):
    (tmp_path / "x.maf").write_text("\n".join(MAF_REFUSED[kind]) + "\n")
    with pytest.raises(BadProfile, match="x.maf"):
        read_maf(str(tmp_path / "x.maf"))


def test_copy_numbers_keep_their_samples(tmp_path):
    """A trailing tab, which cBioPortal's exports have had, moves no sample."""
    lines = ["Hugo_Symbol\tS1\tS2", "ERBB2\t2\t0", "PTEN\t-2\t-1"]
    for text in (lines, behind(lines), behind(lines, head=True)):
        (tmp_path / "cna.txt").write_text("\n".join(text) + "\n")
        assert read_copy_numbers(str(tmp_path / "cna.txt")).values.to_dict() == {
            "S1": {"ERBB2": 2, "PTEN": -2},
            "S2": {"ERBB2": 0, "PTEN": -1},
        }


@pytest.mark.parametrize(
    "name", ["", "gene", "Gene Symbol", "gene_id", "Hugo_Symbol", "ENSEMBL", "sample_id", "Name", "ID"]
)
def test_headers_that_name_a_column_of_names(name):
    assert is_label(name)


@pytest.mark.parametrize("name", ["S1", "TP53", "GENE1", "sample1", "Patient_12", "TCGA-02-0001", "case7", "7", "X1"])
def test_headers_that_may_be_samples_or_genes(name):
    assert not is_label(name)


def test_columns_are_known_before_any_value_is_read(tmp_path):
    (tmp_path / "x.tsv").write_text("\n".join(behind(LINES)) + "\n")
    file = Delimited(str(tmp_path / "x.tsv"))
    assert file.columns == ["gene", "S1", "S2", "S3"]
    assert file.width == 5
