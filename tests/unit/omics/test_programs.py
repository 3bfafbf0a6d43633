"""Tables as programs and portals write them: whose value is whose, or a refusal in one sentence."""

import bz2
import gzip

import anndata
import pytest
from molpath.omics.cohort_reading import gathered, naming_of
from molpath.omics.expression_files import Reading, read_rows
from molpath.omics.flags import flag_dna
from molpath.omics.genes import GeneTable
from molpath.omics.tables import BadProfile

TP53, KRAS = "ENSG00000141510", "ENSG00000133703"


@pytest.fixture(scope="module")
def table(repository):
    return GeneTable(str(repository / "resources/genes/hgnc.tsv"))


def expression(path, data, table, form="matrix", unit="counts", column="S1", transcripts=""):
    """Values by kind and gene of one sample of a file."""
    path.write_text(data)
    row = {"format": form, "path": str(path), "unit": unit, "panel": "", "profile_id": "P", "column": column}
    reading = Reading(table=table, transcripts=transcripts)
    profile = read_rows([row], reading)[0]
    naming = naming_of(profile, str(path), reading)
    return {
        kind: dict(zip(naming.genes.tolist(), gathered(kind, values, naming, row).tolist(), strict=True))
        for kind, values in profile.values.items()
    }


def flags(folder, repository, data, cases="AB", form="maf", unit=""):
    """Flags that are set, by case."""
    path = folder / "calls.txt"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    blank = {"modality": "dna", "cohort": "X", "unit": unit, "sample_id": "", "panel": "", "column": ""}
    flag_dna(
        rows=[blank | {"profile_id": case, "case_id": case, "format": form, "path": str(path)} for case in cases],
        consequences=str(repository / "resources/consequences/consequences.tsv"),
        terms=str(repository / "resources/consequences/so_terms.tsv"),
        output=str(folder / "dna.h5ad"),
        gene_table=str(repository / "resources/genes/hgnc.tsv"),
    )
    frame = anndata.read_h5ad(folder / "dna.h5ad").to_df()
    return {name: sorted(frame.columns[frame.loc[name] == 1]) for name in frame.index}


@pytest.mark.parametrize("label", ["sample", "icgc_donor_id"])
def test_a_row_a_gene_and_sample_is_no_matrix(tmp_path, table, label):
    """The counts of all samples were summed (ICGC's exp_seq, melted tables)."""
    data = f"gene_id\t{label}\tcount\nTP53\tS1\t10\nKRAS\tS1\t30\nTP53\tS2\t20\nKRAS\tS2\t40\n"
    with pytest.raises(BadProfile, match="TP53 has 2 rows.*a row per gene and sample"):
        expression(tmp_path / "f.tsv", data, table, column="count")


@pytest.mark.parametrize("extra", ["Total\t4.0", "ERCC-00002\t4.0"])
def test_totals_and_spike_ins_take_nothing_of_the_million(tmp_path, table, extra):
    values = expression(tmp_path / "f.tsv", f"gene\tS1\nTP53\t1.5\nKRAS\t2.5\n{extra}\n", table, unit="fpkm")
    assert values == {"tpm": {"TP53": 375_000.0, "KRAS": 625_000.0}}


def test_transcripts_of_stringtie_keep_their_genes(tmp_path, table):
    """MSTRG.1.1 and MSTRG.2.1 both became MSTRG: one gene got the reads of the other."""
    names = tmp_path / "transcripts.tsv"
    names.write_text(f"transcript\tgene\nMSTRG.1.1\t{TP53}\nMSTRG.2.1\t{KRAS}\nENST00000269305.9\t{TP53}.18\n")
    data = (
        "Name\tLength\tEffectiveLength\tTPM\tNumReads\nMSTRG.1.1\t1\t1\t400000\t10\nMSTRG.2.1\t1\t1\t500000\t30\n"
        "ENST00000269305.4\t1\t1\t100000\t5\n"
    )
    values = expression(tmp_path / "quant.sf", data, table, "salmon", "", "", str(names))
    assert values == {"counts": {"TP53": 15, "KRAS": 30}, "tpm": {"TP53": 500_000.0, "KRAS": 500_000.0}}


def test_a_header_that_looks_like_a_comment_is_refused(tmp_path, table):
    """The first row was the header, and sample 1 the column in which TP53 has 1 read."""
    with pytest.raises(BadProfile, match="the header begins with #"):
        expression(tmp_path / "f.tsv", "#gene\t1\t2\nTP53\t2\t1\nKRAS\t30\t40\n", table, column="1")
    values = expression(tmp_path / "f.tsv", "# a\tb\tc\ngene\tS1\tS2\nTP53\t2\t1\nKRAS\t30\t40\n", table)
    assert values == {"counts": {"TP53": 2, "KRAS": 30}}
    values = expression(tmp_path / "f.tsv", "# a\tb\tc\ngene\t1\t2\nTP53\t2\t1\nKRAS\t30\t40\n", table, column="1")
    assert values == {"counts": {"TP53": 2, "KRAS": 30}}


def test_micro_rnas_are_no_genes(tmp_path, table):
    data = "miRNA\tS1\nhsa-miR-21-5p\t10\nhsa-let-7a-5p\t20\nhsa-miR-155-5p\t20\n"
    with pytest.raises(BadProfile, match="only 0 of 3 names are of human genes; unknown are hsa-miR-21-5p"):
        expression(tmp_path / "f.tsv", data, table)


def test_a_gct_of_genepattern(tmp_path, table):
    data = "#1.2\t\t\n2\t2\t\nNAME\tDescription\tS0\tS1\nTP53\tna\t20\t10\nKRAS\tna\t40\t30\n"
    assert expression(tmp_path / "f.gct", data, table, "gct") == {"counts": {"TP53": 10, "KRAS": 30}}


MAF = "Hugo_Symbol\tVariant_Classification\tTumor_Sample_Barcode\n"


@pytest.mark.parametrize(
    ("kind", "flag"),
    [
        ("Start_Codon_SNP", "large_coding"),
        ("Stop_Codon_Del", "large_coding"),
        ("lincRNA", "non_coding"),
        ("Frame_Shift_DEL", "large_coding"),
        ("missense_variant,splice_region_variant", "small_coding"),
    ],
)
def test_classifications_of_other_programs(tmp_path, repository, kind, flag):
    data = f"{MAF}TP53\t{kind}\tA\nKRAS\tMissense_Mutation\tB\n"
    assert flags(tmp_path, repository, data) == {"A": [f"TP53:{flag}"], "B": ["KRAS:small_coding"]}


def test_a_file_of_unknown_classifications_makes_no_wild_types(tmp_path, repository):
    data = f"{MAF}TP53\tnonsynonymous SNV\tA\nKRAS\tstopgain\tB\nEGFR\tMissense_Mutation\tA\n"
    with pytest.raises(BadProfile, match="2 of 3 variants have an unknown classification.*nonsynonymous SNV"):
        flags(tmp_path, repository, data)


@pytest.mark.parametrize(
    ("form", "data"),
    [
        ("maf", f"{MAF}TP53\tMissense_Mutation\tP01-2-T1\n"),
        ("cbioportal_cna", "Hugo_Symbol\tP01-2-T1\nTP53\t-2\nKRAS\t2\n"),
    ],
)
def test_a_sample_is_of_one_case(tmp_path, repository, form, data):
    """Case P01 got what was found in case P01-2."""
    with pytest.raises(BadProfile, match="sample P01-2-T1 fits case P01 and case P01-2"):
        flags(tmp_path, repository, data, ["P01", "P01-2"], form)


def test_normal_tissue_by_its_ending_is_no_tumour(tmp_path, repository):
    data = f"{MAF}TP53\tMissense_Mutation\tP1_N\nKRAS\tMissense_Mutation\tP2_T\n"
    assert flags(tmp_path, repository, data, ["P1", "P2"]) == {"P1": [], "P2": ["KRAS:small_coding"]}
    with pytest.raises(BadProfile, match="no column for profile P1"):
        flags(tmp_path, repository, "Hugo_Symbol\tP1-Normal\nTP53\t-2\n", ["P1"], "cbioportal_cna")


def test_the_id_behind_a_symbol_of_gistic_decides(tmp_path, repository):
    data = "Gene Symbol\tLocus ID\tCytoband\tA\tB\nSLC35E2|728661\t728661\t1p\t2\t0\nTP53|chr17\t7157\t17p\t0\t-2\n"
    raised = flags(tmp_path, repository, data, form="gistic")
    assert raised == {"A": ["SLC35E2B:amplification"], "B": ["TP53:two_copy_deletion"]}


@pytest.mark.parametrize("corner", ["Sample", "", "hugo_symbol"])
def test_copy_numbers_of_xena(tmp_path, repository, corner):
    raised = flags(tmp_path, repository, f"{corner}\tA\tB\nTP53\t-2\t0\nERBB2\t0\t2\n", form="gistic")
    assert raised == {"A": ["TP53:two_copy_deletion"], "B": ["ERBB2:amplification"]}


def test_ids_that_name_other_rows_in_another_column_are_refused(tmp_path, repository):
    """Case 1 got the row of slide 1, which is of case 2."""
    with pytest.raises(BadProfile, match="1 is in columns slide_id and case_id of different rows"):
        flags(tmp_path, repository, "case_id,slide_id,TP53_cnv\n1,2,-2\n2,1,2\n", "12", "wide")
    raised = flags(tmp_path, repository, ",case_id,TP53_cnv\n0,1,-2\n1,2,2\n", "12", "wide")
    assert raised == {"1": ["TP53:two_copy_deletion"], "2": ["TP53:amplification"]}


HEAD = """##fileformat=VCFv4.2
##FILTER=<ID=PASS,Description="passes">
##INFO=<ID=CSQ,Number=.,Type=String,Description="Format: Allele|Consequence|SYMBOL">
##FORMAT=<ID=GT,Number=1,Type=String,Description="genotype">
##contig=<ID=17>
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA
"""


def variant(alternatives, effect, genotype="0/1"):
    return f"17\t100\t.\tC\t{alternatives}\t.\tPASS\tCSQ={effect}\tGT\t{genotype}\n"


@pytest.mark.parametrize(("genotype", "expected"), [("0/2", ["KRAS:small_coding", "TP53:large_coding"]),
                                                 ("0/1", ["KRAS:small_coding"])])  # fmt: skip
def test_a_star_is_no_allele_of_its_own(tmp_path, repository, genotype, expected):
    """VEP cuts the shared base without looking at *; the insertion was given to whoever carried the star."""
    calls = variant("*,CT", "T|frameshift_variant|TP53", genotype) + variant("T", "T|missense_variant|KRAS")
    assert flags(tmp_path, repository, HEAD + calls, "A", "vcf") == {"A": expected}


@pytest.mark.parametrize("pack", [str.encode, lambda text: gzip.compress(text.encode()),
                                  lambda text: bz2.compress(text.encode())])  # fmt: skip
def test_breakends_and_packed_vcf(tmp_path, repository, pack):
    data = pack(HEAD + variant("C]17:198982]", "C]17:198982]|missense_variant|TP53"))
    assert flags(tmp_path, repository, data, "A", "vcf") == {"A": ["TP53:small_coding"]}


def test_a_vcf_in_latin_1_is_refused(tmp_path, repository):
    data = (HEAD + variant("T", "T|missense_variant|TP53")).replace("genotype", "génotype").encode("latin-1")
    with pytest.raises(BadProfile, match="a VCF that can't be read"):
        flags(tmp_path, repository, data, "A", "vcf")


def test_transcripts_whose_names_hold_no_gene_are_refused_by_the_table_that_was_used(tmp_path, table):
    """The message ended in "are not in ", without a name, where the genes come from the transcripts' own names."""
    head = "Name\tLength\tEffectiveLength\tTPM\tNumReads\n"
    data = f"{head}ENST1|{TP53}|\t1\t1\t400000\t10\n" + "".join(f"ENST{n}\t1\t1\t300000\t30\n" for n in (2, 3))
    with pytest.raises(BadProfile, match="2 of 3 transcripts have no gene in their names; set omics/transcripts"):
        expression(tmp_path / "quant.sf", data, table, "salmon", "", "")
    names = tmp_path / "transcripts.tsv"
    names.write_text(f"transcript\tgene\nENST9\t{TP53}\n")
    with pytest.raises(BadProfile, match=r"3 of 3 transcripts are not in .*transcripts\.tsv"):
        expression(tmp_path / "quant.sf", data, table, "salmon", "", "", str(names))
