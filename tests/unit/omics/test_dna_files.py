"""DNA files: VEP's VCF, GISTIC2's lesions, GDC's absolute copies, panels, and what was never looked for."""

import tracemalloc

import anndata
import numpy as np
import pandas as pd
import pytest
from molpath.common.files import read_tsv
from molpath.omics.copy_numbers import (
    CopyNames,
    call_copies,
    one_row_a_gene,
    read_absolute,
    read_copy_numbers,
    read_lesions,
)
from molpath.omics.dna_profiles import Collector, Profile
from molpath.omics.flags import FLAGS, flag_dna, table_of
from molpath.omics.genes import GeneTable
from molpath.omics.mutation_files import belongs, read_vcf
from molpath.omics.tables import BadProfile

VCF = """##fileformat=VCFv4.2
##FILTER=<ID=PASS,Description="All filters passed">
##FILTER=<ID=panel_of_normals,Description="x">
##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequence annotations from Ensembl VEP. Format: {fields}">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##contig=<ID=chr1,length=248956422>
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tNORMAL\tTUMOR
"""
FIELDS = "Allele|Consequence|IMPACT|SYMBOL|PICK"


def write_vcf(path, records, fields=FIELDS):
    lines = []
    for position, (ref, alt, state, csq, genotype) in enumerate(records, 100):
        lines.append(f"chr1\t{position}\t.\t{ref}\t{alt}\t.\t{state}\tCSQ={csq}\tGT\t0/0\t{genotype}")
    path.write_text(VCF.format(fields=fields) + "\n".join(lines) + "\n")
    return str(path)


def row(name, path, form, **values):
    blank = {"modality": "dna", "cohort": "A", "unit": "", "sample_id": "", "panel": "", "column": ""}
    return blank | {"profile_id": name, "case_id": name, "format": form, "path": str(path)} | values


def flags(tmp_path, repository, rows, **options):
    folder = repository / "resources/consequences"
    flag_dna(
        rows=rows,
        consequences=str(folder / "consequences.tsv"),
        terms=str(folder / "so_terms.tsv"),
        output=str(tmp_path / "dna.h5ad"),
        losses=str(tmp_path / "losses.tsv"),
        **options,
    )
    data = anndata.read_h5ad(tmp_path / "dna.h5ad")
    frame = data.to_df()
    on = {name: sorted(frame.columns[frame.loc[name] == 1]) for name in frame.index}
    looked = pd.DataFrame(data.layers["observed"], frame.index, frame.columns)
    return on, looked, data


def test_vcf_of_vep(tmp_path, repository):
    path = write_vcf(
        tmp_path / "v.vcf",
        [
            ("C", "T", "PASS", "T|missense_variant||TP53|1,T|stop_gained|HIGH|TP53|,T|intron_variant||WRAP53|", "0/1"),
            ("CAG", "C", "PASS", "-|frameshift_variant&splice_region_variant|HIGH|PTEN|1", "0/1"),
            ("A", "G,T", "PASS", "G|stop_gained|HIGH|KRAS|1,T|synonymous_variant|LOW|KRAS|1", "0/2"),
            ("A", "G", "panel_of_normals", "G|stop_gained|HIGH|BRAF|1", "0/1"),
            ("A", "G", "PASS", "G|stop_gained|HIGH|MYC|1", "0/0"),
            ("A", "G", ".", "G|5_prime_UTR_variant|MODIFIER|EGFR|1", "0|1"),
            ("A", "G", "PASS", "G|regulatory_region_variant|MODIFIER||", "0/1"),
        ],
    )  # fmt: skip
    variants = read_vcf(path, "TUMOR")
    filters = dict(zip(variants.gene, variants["filter"], strict=True))
    assert filters | {"BRAF": ""} == dict.fromkeys(variants.gene, "PASS") | {"EGFR": "", "BRAF": ""}
    assert variants[variants.gene == "BRAF"]["filter"].tolist() == ["panel_of_normals"]
    variants = variants[variants.gene != "BRAF"]
    assert set(zip(variants.gene, variants.kind, strict=True)) == {
        ("TP53", "missense_variant"),
        ("WRAP53", "intron_variant"),
        ("PTEN", "frameshift_variant&splice_region_variant"),
        ("KRAS", "synonymous_variant"),
        ("EGFR", "5_prime_UTR_variant"),
    }
    on, looked, _ = flags(tmp_path, repository, [row("P", path, "vcf", column="TUMOR")])
    assert on["P"] == ["EGFR:non_coding", "PTEN:large_coding", "TP53:small_coding", "WRAP53:non_coding"]
    assert looked.loc["P", "TP53:small_coding"] == 1
    assert looked.loc["P", "TP53:loss"] == 0  # nobody looked at copy numbers


def test_vcf_that_says_too_little(tmp_path):
    path = write_vcf(tmp_path / "v.vcf", [])
    with pytest.raises(BadProfile, match="2 samples .NORMAL, TUMOR.; name the tumour"):
        read_vcf(path)
    with pytest.raises(BadProfile, match="no sample T1; the file has NORMAL, TUMOR"):
        read_vcf(path, "T1")
    with pytest.raises(BadProfile, match="CSQ lacks SYMBOL; run VEP with --symbol"):
        read_vcf(write_vcf(tmp_path / "w.vcf", [], "Allele|Consequence|Gene"), "TUMOR")
    (tmp_path / "x.vcf").write_text("no vcf at all\n")
    with pytest.raises(BadProfile, match=r"x\.vcf: a VCF that can't be read"):
        read_vcf(str(tmp_path / "x.vcf"), "TUMOR")


def test_a_gene_off_the_panel_is_missing_and_so_is_a_case_never_sequenced(tmp_path, repository):
    head = "Hugo_Symbol\tVariant_Classification\tTumor_Sample_Barcode\n"
    (tmp_path / "m.maf").write_text(head + "TP53\tMissense_Mutation\tA\nKRAS\tSilent\tB\n")
    (tmp_path / "panel.txt").write_text("TP53\nKRAS\n")
    (tmp_path / "genes.txt").write_text("TP53\nKRAS\nMYC\n")
    (tmp_path / "c.txt").write_text("Hugo_Symbol\tEntrez_Gene_Id\tA\tC\nTP53\t7157\t-2\t0\nMYC\t4609\tNA\t2\n")
    rows = [
        row("A", tmp_path / "m.maf", "maf", panel="small"),
        row("A", tmp_path / "c.txt", "cbioportal_cna"),
        row("B", tmp_path / "m.maf", "maf"),
        row("C", tmp_path / "c.txt", "cbioportal_cna"),
    ]
    options = {"panels": {"small": str(tmp_path / "panel.txt")}, "genes": str(tmp_path / "genes.txt")}
    on, looked, data = flags(tmp_path, repository, rows, **options)
    assert data.shape == (3, 21)
    assert on == {"A": ["TP53:small_coding", "TP53:two_copy_deletion"], "B": [], "C": ["MYC:amplification"]}
    mutated, copied = FLAGS[4:], FLAGS[:4]
    assert looked.loc["A", [f"MYC:{f}" for f in mutated]].eq(0).all()  # off the panel
    assert looked.loc["B", [f"MYC:{f}" for f in mutated]].eq(1).all()  # sequenced, no variant: wild type
    assert looked.loc["C", [f"TP53:{f}" for f in mutated]].eq(0).all()  # never sequenced
    assert looked.loc["A", [f"MYC:{f}" for f in copied]].eq(0).all()  # NA in the table
    assert looked.loc["C", [f"KRAS:{f}" for f in copied]].eq(0).all()  # not in the table
    assert data.obs.sequenced.tolist() == [True, True, False]
    assert data.obs.n_variants.tolist() == [1, 1, 0]
    with pytest.raises(BadProfile, match="panel 'large' has no genes; set omics/panels"):
        flags(tmp_path, repository, [row("A", tmp_path / "m.maf", "maf", panel="large")])


def test_absolute_copies_are_judged_by_ploidy(tmp_path):
    head = "gene_id\tgene_name\tchromosome\tstart\tend\tcopy_number\tmin_copy_number\tmax_copy_number\n"
    copies = {"A": 2, "B": 0, "C": 1, "D": 3, "E": 5, "F": 2, "G": ""}
    lines = [f"ENSG1\t{gene}\tchr1\t1\t1000\t{n}\t{n}\t{n}\n" for gene, n in copies.items()]
    lines += ["ENSG2\tX1\tchrX\t1\t10\t1\t1\t1\n", "ENSG3\tX2\tchrX\t1\t10\t9\t9\t9\n"]
    (tmp_path / "c.tsv").write_text(head + "".join(lines))
    called = read_absolute(str(tmp_path / "c.tsv"), "P").values["P"]
    assert called[["A", "B", "C", "D", "E", "F", "X2"]].tolist() == [0, -2, -1, 1, 2, 0, 2]
    assert called[["G", "X1"]].isna().all()  # no segment; one copy of X is normal in a man
    np.testing.assert_array_equal(call_copies(np.array([0.0, 1, 3, 4, 5, 8, 9]), 4.0), [-2, -2, -1, 0, 1, 1, 2])
    (tmp_path / "bad.tsv").write_text(head + "ENSG1\tA\tchr1\t1\t1000\t-0.4\t0\t0\n")
    with pytest.raises(BadProfile, match="negative or not integers; these are not total copies"):
        read_absolute(str(tmp_path / "bad.tsv"), "P")


def test_log_ratios_are_no_thresholded_copies(tmp_path):
    (tmp_path / "g.txt").write_text("Hugo_Symbol\tA\nTP53\t-0.41\n")
    with pytest.raises(BadProfile, match=r"value -0.41 for TP53 in A; .* are -2 to 2 \(not log ratios\)"):
        read_copy_numbers(str(tmp_path / "g.txt"))


@pytest.mark.parametrize(
    ("name", "row_name", "belonging"),
    [
        ("TCGA-02-0001-01C-01D-0182-01", "TCGA-02-0001", True),
        ("TCGA-02-0001-01C-01D-0182-01", "TCGA-02-0001-01", True),
        ("TCGA-02-0001-01C-01D-0182-01", "TCGA-02-0001-01A", False),
        ("TCGA-02-0001-06A-01D-0182-01", "TCGA-02-0001-01", False),
        ("TCGA-02-0001-10A-01D-0182-01", "TCGA-02-0001", False),
        ("C1_T", "C1", True),
        ("C10_T", "C1", False),
    ],
)
def test_whose_a_sample_is(name, row_name, belonging):
    assert belongs(name, {"column": "", "case_id": row_name}) is belonging


def test_two_samples_of_a_case_must_be_named(tmp_path, repository):
    head = "Hugo_Symbol\tVariant_Classification\tTumor_Sample_Barcode\n"
    text = "".join(f"TP53\tMissense_Mutation\tTCGA-02-0001-0{n}A-01D-0182-01\n" for n in (1, 6))
    (tmp_path / "m.maf").write_text(head + text)
    with pytest.raises(BadProfile, match="2 samples for profile TCGA-02-0001"):
        flags(tmp_path, repository, [row("TCGA-02-0001", tmp_path / "m.maf", "maf")])


def test_lesions_of_laml_are_the_values_of_their_peaks(shared_data):
    """Every gene of a wide peak has the peak's thresholded value; KMT2A stands alone in 11q23.3."""
    path = shared_data / "omics/maftools/all_lesions.conf_99.txt"
    lesions = read_lesions(str(path)).values
    table = pd.read_csv(path, sep="\t").dropna(axis=1, how="all")
    peak = table[(table.Descriptor.str.strip() == "11q23.3") & ~table["Unique Name"].str.contains("CN values")]
    assert lesions.loc["KMT2A"].tolist() == peak.iloc[0][lesions.columns].astype(float).tolist()
    assert set(np.unique(lesions)) == {-1.0, 0.0, 1.0, 2.0}
    with pytest.raises(BadProfile, match="GISTIC2 writes it beside all_lesions"):
        read_lesions(str(shared_data / "omics/maftools/nowhere_all_lesions.txt"))


def test_losses_are_counted_by_kind(tmp_path, repository):
    head = "Hugo_Symbol\tVariant_Classification\tTumor_Sample_Barcode\n"
    (tmp_path / "m.maf").write_text(head + "TP53\tMissense_Mutation\tA\nUnknown\tIGR\tA\nKRAS\tSilent\tA\nX\tOdd\tA\n")
    flags(tmp_path, repository, [row("A", tmp_path / "m.maf", "maf")])
    counts = read_tsv(tmp_path / "losses.tsv").set_index("step")["count"].to_dict()
    assert counts["variants: Missense_Mutation -> small_coding"] == "1"
    assert counts["variants: Silent -> ignored"] == "1"
    assert counts["variants without a gene, left out"] == "1"
    assert counts["variants of unknown classification 'Odd', left out"] == "1"


def write_absolute(path, genes, copies):
    head = "gene_id\tgene_name\tchromosome\tstart\tend\tcopy_number\n"
    rows = [f"ENSG{i:011d}\t{gene}\tchr1\t1\t1000\t{copies}\n" for i, gene in enumerate(genes)]
    path.write_text(head + "".join(rows) + f"ENSG9\tREST\tchr2\t1\t{10**7}\t2\n")


def test_genes_outside_the_list_are_counted_and_kept_of_no_profile(tmp_path, repository, monkeypatch):
    """33 GB for 10,000 profiles and 239 genes: every other gene of every profile stayed in memory."""
    genes = [f"GENE{i}" for i in range(3000)]
    write_absolute(tmp_path / "c.tsv", ["TP53", *genes], 1)
    head = "Hugo_Symbol\tVariant_Classification\tTumor_Sample_Barcode\n"
    (tmp_path / "m.maf").write_text(
        head + "TP53\tMissense_Mutation\tA0\nKRAS\tSilent\tA1\nMYC\tMissense_Mutation\tA0\n"
    )
    (tmp_path / "t.tsv").write_text("sample\tTP53\tMYC\nA1\t1\t1\n")
    (tmp_path / "d.txt").write_text("Hugo_Symbol\tA1\nTP53\t-1\nMYC\t2\nKRAS\t0\n")
    (tmp_path / "genes.txt").write_text("TP53\n")
    rows = [row("A0", tmp_path / "c.tsv", "gdc_copy_number"), row("A0", tmp_path / "m.maf", "maf")]
    rows += [row("A1", tmp_path / "m.maf", "maf"), row("A1", tmp_path / "d.txt", "cbioportal_cna")]
    rows += [row("A1", tmp_path / "t.tsv", "mutation_table", unit="large_coding")]
    collected = []
    collect = Collector.collect
    monkeypatch.setattr(Collector, "collect", lambda self, rows: collected.append(collect(self, rows)) or collected[-1])
    on, looked, data = flags(tmp_path, repository, rows, genes=str(tmp_path / "genes.txt"))
    assert on == {"A0": ["TP53:loss", "TP53:small_coding"], "A1": ["TP53:large_coding", "TP53:loss"]}
    assert looked.to_numpy().all()
    assert data.obs.n_variants.tolist() == [2, 3]
    for profile in collected[0].values():
        assert list(profile.copies.index) == ["TP53"]
        assert {gene for gene, _ in profile.events} == {"TP53"}
    counts = read_tsv(tmp_path / "losses.tsv").set_index("step")["count"].to_dict()
    # MYC has a call, copies and a 1 in the table: one gene. KRAS has two copies and a silent call that sets no flag.
    assert counts["genes outside the gene list that have an event"] == str(3000 + 1)


def test_memory_does_not_grow_with_genes_outside_the_list(tmp_path, repository):
    (tmp_path / "genes.txt").write_text("TP53\n")
    write_absolute(tmp_path / "c.tsv", ["TP53", *(f"GENE{i}" for i in range(5000))], 1)

    def peak(profiles):
        rows = [row(f"A{i}", tmp_path / "c.tsv", "gdc_copy_number") for i in range(profiles)]
        tracemalloc.start()
        flags(tmp_path, repository, rows, genes=str(tmp_path / "genes.txt"))
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(2)  # what is imported and kept once
    assert peak(22) - peak(2) < 500_000  # a profile of 5,000 genes holds 60 kB and more


def test_flags_of_all_genes_take_a_byte_each():
    """As float32 they took 5 GB for 10,000 profiles and 18,000 genes."""
    genes = [f"G{i:05d}" for i in range(4000)]
    profiles = {f"P{i}": Profile(f"C{i}", "A", events={(genes[i], "large_coding")}) for i in range(400)}
    tracemalloc.start()
    try:
        data = table_of(profiles, genes)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert data.X.dtype == data.layers["observed"].dtype == np.uint8
    assert data.X.sum() == 400
    assert data["P7", "G00007:large_coding"].X.item() == 1
    per_flag = peak / data.X.size
    assert per_flag < 3, f"{per_flag:.1f} bytes per flag"


def test_an_allele_that_vep_spells_in_its_own_way(tmp_path):
    """VEP calls <DEL> "deletion": of the only other allele that is clear, of one among several it is not."""
    call = "deletion|transcript_ablation|HIGH|TP53|1"
    mutations = read_vcf(write_vcf(tmp_path / "one.vcf", [("A", "<DEL>", "PASS", call, "0/1")]), "TUMOR")
    assert mutations.gene.tolist() == ["TP53"]
    path = write_vcf(tmp_path / "two.vcf", [("A", "<DEL>,<DUP>", "PASS", call, "0/1")])
    with pytest.raises(BadProfile, match=r"chr1:100: .*allele 'deletion'.*VEP with --allele_number"):
        read_vcf(path, "TUMOR")
    numbered = f"{FIELDS}|ALLELE_NUM"
    path = write_vcf(tmp_path / "three.vcf", [("A", "<DEL>,<DUP>", "PASS", f"{call}|2", "0/1")], numbered)
    assert read_vcf(path, "TUMOR").gene.tolist() == []


def test_a_gene_in_peaks_that_contradict_each_other_has_no_copy_number(tmp_path):
    """It counted as amplified, because amplifications are read first."""
    (tmp_path / "all_lesions.conf_99.txt").write_text(
        "Unique Name\tDescriptor\tWide Peak Limits\tAmplitude Threshold\tA\tB\tC\n"
        "Amplification Peak  1\t1p\tchr1:1-9(x)\tt\t1\t2\t0\n"
        "Deletion Peak  1\t1p\tchr1:5-20(x)\tt\t1\t0\t2\n"
    )
    for name, peak, gene in (("amp", "chr1:1-9", "MYC"), ("del", "chr1:5-20", "KRAS")):
        (tmp_path / f"{name}_genes.conf_99.txt").write_text(
            f"cytoband\t1p\nq value\t0\nwide peak boundaries\t{peak}\ngenes in wide peak\tTP53\n\t{gene}\n"
        )
    table = read_lesions(str(tmp_path / "all_lesions.conf_99.txt"))
    copies = one_row_a_gene("lesions", table, CopyNames(GeneTable()))
    assert copies.values.loc["MYC"].tolist() == [1, 2, 0]
    assert copies.values.loc["KRAS"].tolist() == [-1, 0, -2]
    assert copies.values.loc["TP53"].isna().tolist() == [True, False, False]
    assert copies.values.loc["TP53", ["B", "C"]].tolist() == [2, -2]
    assert copies.doubted.loc["TP53"].tolist() == [True, False, False]
