"""MAFs as people have them: which calls count, whose they are, and every way in which a file can be out of joint."""

import gzip

import anndata
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from molpath.common.files import read_tsv
from molpath.omics.calls import DEFAULTS, is_judged_out, judge_calls, passes
from molpath.omics.flags import flag_dna
from molpath.omics.maf import COLUMNS, only_sample, read_maf
from molpath.omics.mutation_files import belongs, read_vcf
from molpath.omics.tables import BadProfile

HEAD = "Hugo_Symbol\tVariant_Classification\tTumor_Sample_Barcode\tFILTER\tMutation_Status\tHGVSp\n"
ROWS = "TP53\tMissense_Mutation\tA\tPASS\tSomatic\tp.R175H\nKRAS\tNonsense_Mutation\tB\tPASS\tSomatic\t\n"


@pytest.fixture
def shared_cases(shared_data):
    """Files that went wrong on public reports."""
    folder = shared_data.parent / "cases"
    if not folder.is_dir():
        pytest.skip(f"the folder of cases is absent: {folder}")
    return folder


def row(case, path, form="maf", **values):
    blank = {"modality": "dna", "cohort": "A", "unit": "", "sample_id": "", "panel": "", "column": ""}
    return blank | {"profile_id": case, "case_id": case, "format": form, "path": str(path)} | values


def flags(folder, repository, rows, **options):
    """Flags that are set, by profile; the table; its losses by step."""
    flag_dna(
        rows=rows,
        consequences=str(repository / "resources/consequences/consequences.tsv"),
        output=str(folder / "dna.h5ad"),
        losses=str(folder / "losses.tsv"),
        **options,
    )
    data = anndata.read_h5ad(folder / "dna.h5ad")
    frame = data.to_df()
    on = {name: sorted(frame.columns[frame.loc[name] == 1]) for name in frame.index}
    return on, data, read_tsv(folder / "losses.tsv").set_index("step")["count"].astype(int).to_dict()


def observed(data, name, column):
    return data[name, column].layers["observed"].item()


@pytest.mark.parametrize("name", ["plain", "cat", "cat_nocomment", "ragged", "extratab"])
def test_joined_and_ragged_files_read_as_the_plain_one(shared_cases, name):
    of_maf, plain = (read_maf(str(shared_cases / f"10-cat-maf/{stem}.maf")) for stem in (name, "plain"))
    pd.testing.assert_frame_equal(of_maf, plain)
    assert of_maf[["gene", "kind", "sample"]].values.tolist()[2] == [
        "BRAF", "Missense_Mutation", "TCGA-AA-0002-01A-01D-0001-08",
    ]  # fmt: skip
    assert len(of_maf) == 5


def test_files_joined_with_other_columns_are_read_by_their_own_headers(tmp_path):
    other = "#version 2.4\nTumor_Sample_Barcode\tEntrez\tVariant_Classification\tHugo_Symbol\nC\t1\tSilent\tEGFR\n"
    (tmp_path / "m.maf").write_text(HEAD + ROWS + other)
    assert read_maf(str(tmp_path / "m.maf")).values.tolist()[2] == ["EGFR", "Silent", "C", "", ""]


def test_a_delimiter_at_the_end_of_rows_moves_nothing(tmp_path, repository):
    """It was taken for R's row names: every case became wild type."""
    (tmp_path / "m.maf").write_text(HEAD + ROWS.replace("\n", "\t\n"))
    on, data, _ = flags(tmp_path, repository, [row("A", tmp_path / "m.maf"), row("B", tmp_path / "m.maf")])
    assert on == {"A": ["TP53:small_coding"], "B": ["KRAS:large_coding"]}
    assert data.obs.n_variants.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD + "1\tTP53\tMissense_Mutation\tA\tPASS\tSomatic\tp.X\n", r"line 2: 7 cells under a header of 6"),
        (HEAD + "1\tTP53\tMissense_Mutation\tA\tPASS\tSomatic\t\n", r"line 2: 7 cells .*row\.names = FALSE"),
        (HEAD + "TP53\tMissense_Mutation\tA\tPASS\tSomatic\tp\tmore\n", r"line 2: 7 cells"),
        (HEAD + ROWS + "TP53\tMissense_Mut", r"line 4: no Tumor_Sample_Barcode; is the row truncated"),
        (HEAD + "TP53\t\tA\n", r"line 2: no Variant_Classification"),
        (HEAD.replace("\t", ",") + ROWS.replace("\t", ","), r"separated by commas; save it with tabs"),
        ('"' + HEAD.replace("\t", '"\t"'), r"its header is quoted; write it without quotes"),
        ("Gene\tSample\nTP53\tA\n", r"no column Hugo_Symbol, .*this is not a MAF\. The header has Gene, Sample"),
        (HEAD.replace("HGVSp", "FILTER") + ROWS, r"column FILTER is there 2 times"),
        (HEAD.replace("HGVSp", "filter") + ROWS, r"column FILTER is there 2 times"),
        ("#version 2.4\n", r"empty, or no header"),
        ("", r"empty, or no header"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(tmp_path, text, words):
    (tmp_path / "m.maf").write_text(text)
    with pytest.raises(BadProfile, match=rf"m\.maf.*{words}"):
        read_maf(str(tmp_path / "m.maf"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252"])
def test_notes_in_any_encoding_do_not_matter(tmp_path, encoding):
    text = (HEAD + ROWS).replace("p.R175H", "Müller, geprüft").replace("\n", "\r\n")
    (tmp_path / "m.maf").write_bytes(text.encode(encoding))
    assert read_maf(str(tmp_path / "m.maf")).gene.tolist() == ["TP53", "KRAS"]


def test_encodings_that_could_change_a_name_are_refused(tmp_path):
    (tmp_path / "m.maf").write_bytes((HEAD + ROWS.replace("\tA\t", "\tMüller\t")).encode("latin-1"))
    with pytest.raises(BadProfile, match="line 2, column Tumor_Sample_Barcode: not UTF-8; save the MAF as UTF-8"):
        read_maf(str(tmp_path / "m.maf"))
    (tmp_path / "m.maf").write_bytes((HEAD + ROWS).encode("utf-16"))
    with pytest.raises(BadProfile, match="UTF-16"):
        read_maf(str(tmp_path / "m.maf"))
    (tmp_path / "m.maf.gz").write_bytes(gzip.compress((HEAD + ROWS * 5000).encode())[:-400])
    with pytest.raises(BadProfile, match="can.t be unpacked"):
        read_maf(str(tmp_path / "m.maf.gz"))


def test_filtered_and_germline_calls_are_no_somatic_mutations(tmp_path, repository):
    calls = [
        ("TP53", "A", "PASS", "Somatic"), ("KRAS", "A", "common_in_exac", "Somatic"),
        ("BRAF", "A", "PASS", "Germline"), ("EGFR", "A", ".", ""), ("MYC", "A", "", "SOMATIC"),
        ("APC", "A", "pass", "Unknown"), ("PTEN", "A", "PASS", "LOH"), ("RB1", "A", "oxog;PASS", "Somatic"),
        ("NF1", "A", "wga,native_wga_mix", "Somatic"), ("ATM", "B", "PASS", "Somatic"),
    ]  # fmt: skip
    text = "".join(f"{gene}\tMissense_Mutation\t{case}\t{state}\t{status}\t\n" for gene, case, state, status in calls)
    (tmp_path / "m.maf").write_text(HEAD + text)
    rows = [row("A", tmp_path / "m.maf"), row("B", tmp_path / "m.maf")]
    on, data, losses = flags(tmp_path, repository, rows)
    assert on["A"] == [f"{gene}:small_coding" for gene in ("APC", "EGFR", "MYC", "TP53")]
    assert data.obs.n_variants.tolist() == [4, 1]
    assert losses["variants of FILTER common_in_exac, left out"] == 1
    assert losses["variants of Mutation_Status Germline, left out"] == 1
    assert losses["variants of Mutation_Status LOH, left out"] == 1
    wider = {"filters": ["PASS", "wga", "native_wga_mix"], "status": ["Somatic", "Germline"], "least_found": 0.5}
    on, _, losses = flags(tmp_path, repository, rows, mutations=wider)
    assert on["A"] == [f"{gene}:small_coding" for gene in ("BRAF", "EGFR", "MYC", "NF1", "TP53")]
    assert losses["variants of Mutation_Status Unknown, left out"] == 1


def test_a_vcf_of_the_same_calls_gives_the_same_flags(tmp_path, repository):
    states = {"TP53": "PASS", "KRAS": "common_in_exac", "EGFR": "."}
    lines = [
        f"chr1\t{n}\t.\tC\tT\t.\t{state}\tCSQ=T|missense_variant|{gene}\n"
        for n, (gene, state) in enumerate(states.items(), 9)
    ]
    (tmp_path / "v.vcf").write_text(
        "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n"
        '##FILTER=<ID=common_in_exac,Description="x">\n##FILTER=<ID=PASS,Description="x">\n'
        '##INFO=<ID=CSQ,Number=.,Type=String,Description="Format: Allele|Consequence|SYMBOL">\n'
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n" + "".join(lines)
    )
    text = "".join(f"{gene}\tMissense_Mutation\tV\t{state}\tSomatic\t\n" for gene, state in states.items())
    (tmp_path / "m.maf").write_text(HEAD + text)
    terms = {"terms": str(repository / "resources/consequences/so_terms.tsv")}
    rows = [row("V", tmp_path / "m.maf"), row("W", tmp_path / "v.vcf", "vcf")]
    on, _, losses = flags(tmp_path, repository, rows, **terms)
    assert on["V"] == on["W"] == ["EGFR:small_coding", "TP53:small_coding"]
    assert losses["variants of FILTER common_in_exac, left out"] == 2
    wider = DEFAULTS | {"filters": ["PASS", "common_in_exac"]}
    on, _, _ = flags(tmp_path, repository, rows, mutations=wider, **terms)
    assert on["V"] == on["W"] == ["EGFR:small_coding", "KRAS:small_coding", "TP53:small_coding"]


@pytest.mark.parametrize("text", ["PASS", "", ".", "pass", "NA", "PASS;PASS"])
def test_what_passes(text):
    assert passes(text, ["PASS"])
    assert not passes(f"{text};oxog" if text else "oxog", ["PASS"])


def test_a_case_that_filters_leave_nothing_of_is_no_wild_type(tmp_path, repository):
    """All of LAML and OV is tagged wga in MC3; such a case was sequenced, but nobody can say with which result."""
    text = "TP53\tMissense_Mutation\tA\twga\tSomatic\t\nKRAS\tMissense_Mutation\tB\tPASS\tSomatic\t\n"
    text += "BRAF\tMissense_Mutation\tC\tPASS\tGermline\t\n"
    (tmp_path / "m.maf").write_text(HEAD + text)
    on, data, losses = flags(tmp_path, repository, [row(case, tmp_path / "m.maf") for case in "ABC"])
    assert on == {"A": [], "B": ["KRAS:small_coding"], "C": []}
    assert data.obs.sequenced.tolist() == [False, True, True]
    assert [observed(data, case, "KRAS:small_coding") for case in "ABC"] == [0, 1, 1]
    assert losses["profiles without a call that passes FILTER, taken as not sequenced"] == 1
    assert not is_judged_out(judge_calls(read_maf(str(tmp_path / "m.maf")).iloc[:0], DEFAULTS))


@pytest.mark.parametrize("extra", [{}, {"column": "no such sample"}])
def test_a_file_of_other_cases_stops_the_job(tmp_path, repository, extra):
    """Every case was wild type with observed = 1."""
    (tmp_path / "m.maf").write_text(HEAD + ROWS)
    rows = [row(f"CASE-{i}", tmp_path / "m.maf", **extra) for i in range(4)]
    with pytest.raises(
        BadProfile, match=r"m\.maf: only 0 of 4 profiles .*not CASE-0, .*the file has A, B.*least_found"
    ):
        flags(tmp_path, repository, rows)
    options = DEFAULTS | {"least_found": 0}
    (tmp_path / "genes.txt").write_text("TP53\n")
    on, _, _ = flags(tmp_path, repository, rows, mutations=options, genes=str(tmp_path / "genes.txt"))
    assert on == {f"CASE-{i}": [] for i in range(4)}


def test_each_file_is_asked_for_its_own_cases(tmp_path, repository):
    """A file per case, as the GDC gives them: one swapped file is noticed among many."""
    for case in "ABCD":
        (tmp_path / f"{case}.maf").write_text(HEAD + ROWS.splitlines()[0].replace("\tA\t", f"\t{case}\t") + "\n")
    (tmp_path / "E.maf").write_text(HEAD)  # sequenced, without a variant
    rows = [row(case, tmp_path / f"{case}.maf") for case in "ABCDE"]
    on, data, _ = flags(tmp_path, repository, rows)
    assert on == dict.fromkeys("ABCD", ["TP53:small_coding"]) | {"E": []}
    assert observed(data, "E", "TP53:small_coding") == 1
    rows[2] = row("C", tmp_path / "D.maf")
    with pytest.raises(BadProfile, match=r"D\.maf: only 0 of 1"):
        flags(tmp_path, repository, rows[:3])


def test_normal_tissue_and_other_samples_of_a_case_are_not_taken(tmp_path):
    case = "TCGA-02-0001"
    tumour, met, normal = (f"{case}-{end}-01D-0182-01" for end in ("01C", "06A", "11A"))
    plain = {"column": "", "case_id": case}
    assert belongs(tumour, plain)
    assert not belongs(normal, plain)
    assert not belongs(normal.replace("11A", "20A"), plain)
    assert belongs(normal, plain | {"sample_type": "normal"})
    assert not belongs(tumour, plain | {"sample_type": "normal"})
    assert not belongs(tumour, plain | {"sample_id": f"{case}-11A-01R-0001-07"})
    assert belongs(met, plain | {"sample_id": f"{case}-06A-11R-A18S-07"})
    assert not belongs(tumour, plain | {"sample_id": f"{case}-06A-11R-A18S-07"})
    cptac = {"column": "", "case_id": "C3L-00004"}
    assert belongs("C3L-00004", cptac)
    assert not belongs("C3L-00004.N", cptac)
    assert belongs("C3L-00004.N", cptac | {"sample_type": "normal"})
    assert not belongs("C3L-00004_T", cptac | {"sample_type": "normal"})
    own = {"column": "", "case_id": "C1", "sample_type": "normal"}
    assert not belongs("C1_T", own)
    assert belongs("C1_N", own | {"column": "C1_N"})


def test_a_vcf_of_another_case_is_refused(tmp_path):
    head = (
        '##fileformat=VCFv4.2\n##INFO=<ID=CSQ,Number=.,Type=String,Description="Format: Allele|Consequence|SYMBOL">\n'
    )
    head += '##FORMAT=<ID=GT,Number=1,Type=String,Description="x">\n'
    head += "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tTCGA-02-0002-01A-01D-0182-01\n"
    (tmp_path / "v.vcf").write_text(head)
    vcf_row = row("TCGA-02-0002", tmp_path / "v.vcf", "vcf")
    assert len(read_vcf(vcf_row["path"], "", vcf_row)) == 0
    other = row("TCGA-02-0001", tmp_path / "v.vcf", "vcf")
    with pytest.raises(BadProfile, match=r"sample TCGA-02-0002-01A-01D-0182-01 is none of profile TCGA-02-0001"):
        read_vcf(other["path"], "", other)
    normal = vcf_row | {"sample_type": "normal"}
    with pytest.raises(BadProfile, match=r"case TCGA-02-0002, normal"):
        read_vcf(normal["path"], "", normal)


def test_the_one_sample_of_a_file(tmp_path):
    (tmp_path / "m.maf").write_text(HEAD + ROWS)
    assert only_sample(str(tmp_path / "m.maf")) == ""
    (tmp_path / "m.maf").write_text(HEAD + ROWS.splitlines()[0] + "\n" * 3)
    assert only_sample(str(tmp_path / "m.maf")) == "A"
    for text in (HEAD, "", "no MAF\n"):
        (tmp_path / "m.maf").write_text(text)
        assert only_sample(str(tmp_path / "m.maf")) == ""


words = st.sampled_from(["TP53", "KRAS", "Silent", "PASS", "oxog", "Somatic", "p.R175H", '"', "Ärger", "1"])
variants = st.lists(st.tuples(words, words, words, st.one_of(st.just(""), words), st.just("")), min_size=1, max_size=6)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(st.tuples(variants, st.permutations([*COLUMNS.values(), "HGVSp", "Start"])), min_size=1, max_size=3),
    trailing=st.sampled_from(["", "\t", "\t\t "]),
    ragged=st.booleans(),
    comments=st.booleans(),
    end=st.sampled_from(["\n", "\r\n", "\n\n"]),
    compressed=st.booleans(),
)
def test_generated_files_read_as_what_was_written(tmp_path, parts, trailing, ragged, comments, end, compressed):
    """Joined parts in any order of columns, delimiters at the end, short rows: each cell in its place, or a refusal."""
    lines, expected, digits_first = [], [], False
    for rows, columns in parts:
        lines += ["#version 2.4"] * comments + ["\t".join(columns)]
        for row in rows:
            cells = dict(zip(COLUMNS.values(), row, strict=True)) | {"HGVSp": "", "Start": "7"}
            line = "\t".join(cells[name] for name in columns)
            lines.append(line.rstrip("\t") if ragged else line + trailing)
            digits_first |= not ragged and bool(trailing) and cells[columns[0]].strip('"').isdigit()
            expected.append(list(row))
    data = (end.join(lines) + end).encode()
    path = tmp_path / "m.maf"
    path.write_bytes(gzip.compress(data) if compressed else data)
    if digits_first:  # may be R's row names
        with pytest.raises(BadProfile, match="row.names = FALSE"):
            read_maf(str(path))
    else:
        assert read_maf(str(path)).values.tolist() == expected
