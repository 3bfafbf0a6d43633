"""The omics rules by Snakemake itself: a test cohort takes over what the training cohort taught; GDC downloads."""

import anndata
import numpy as np
from molpath.common.files import read_tsv

GENES = 40


def test_a_test_cohort_takes_over_and_a_gdc_download_is_listed(project, repository):
    """VST of cohort B by the parameters and genes of A, which a run trains on; flags of a panel; rows of a download."""
    folder, rng = project.folder, np.random.default_rng(0)
    table = (repository / "resources/genes/hgnc.tsv").read_text().splitlines()[2 : 2 + GENES]
    symbols = [line.split("\t")[0] for line in table]
    project.profiles = []
    for cohort, cases in (("A", range(0, 8, 2)), ("B", range(1, 8, 2))):
        counts = rng.negative_binomial(5, 0.02, (GENES, 4))
        head = "gene\t" + "\t".join(f"C{i}" for i in cases)
        lines = [f"{symbols[i]}\t" + "\t".join(map(str, counts[i])) for i in range(GENES)]
        (folder / f"{cohort}.tsv").write_text("\n".join([head, *lines]) + "\n")
        for case in cases:
            row = {"profile_id": f"P{case}", "case_id": f"C{case}", "modality": "rna", "cohort": cohort}
            row |= {"format": "matrix", "path": f"{cohort}.tsv", "column": f"C{case}", "unit": "counts", "panel": ""}
            project.profiles.append(row)
    dna = project.profiles[0] | {"profile_id": "D0", "modality": "dna", "format": "maf", "path": "m.maf", "unit": ""}
    project.profiles.append(dna | {"panel": "small"})
    star = "x.rna_seq.augmented_star_gene_counts.tsv"
    expression, other = "Gene Expression Quantification", "C3L-00004"
    files = [
        ("f1", expression, "TCGA-02-0001", "TCGA-02-0001-01A", "Primary Tumor"),
        ("f2", expression, other, f"{other}-06", "Solid Tissue Normal"),
        ("f3", expression, f"{other}, C3N-01200", f"{other}-01, C3N-01200-02", "Primary Tumor, Primary Tumor"),
    ]
    lines = ["File ID\tFile Name\tData Type\tCase ID\tSample ID\tSample Type"]
    for name, *cells in files:
        (folder / f"gdc/{name}").mkdir(parents=True)
        (folder / f"gdc/{name}/{star}").touch()
        lines.append("\t".join([name, star, *cells]))
    (folder / "gdc/sheet.tsv").write_text("\n".join(lines) + "\n")
    (folder / "panel.txt").write_text("TP53\nKRAS\n")
    project.config["omics"] |= {
        "value": "vst",
        "vst": {"genes": 0},
        "select": {"A": {"top_sd": 7}},
        "panels": {"small": "panel.txt"},
        "mutations": {"filters": ["PASS", "wga"]},
        "gdc": {"TCGA": {"folder": "gdc", "sample_sheet": "gdc/sheet.tsv"}},
    }
    project.config["pretrain"]["use"] = ["one"]
    project.write()
    (folder / "m.maf").write_text(
        "Hugo_Symbol\tVariant_Classification\tTumor_Sample_Barcode\tFILTER\n"
        "TP53\tMissense_Mutation\tC0\twga\nKRAS\tMissense_Mutation\tC0\toxog\n"
    )
    for cohort in "AB":  # write() touched them, as it does all files of the sheets
        assert (folder / f"{cohort}.tsv").stat().st_size
    outputs = ["omics/B/rna.h5ad", "omics/A/dna.h5ad", "omics/gdc_profiles.tsv"]
    done = project.snakemake("--cores", "1", *(f"results/{name}" for name in outputs))
    assert done.returncode == 0, done.stdout[-3000:]
    first, second = (anndata.read_h5ad(folder / f"results/omics/{cohort}/rna.h5ad") for cohort in "AB")
    assert second.uns["fitted_on"] == "A"
    assert first.uns["fitted_on"] == "this cohort"
    assert first.uns["value"] == second.uns["value"] == "vst"
    np.testing.assert_array_equal(first.uns["vst_coefficients"], second.uns["vst_coefficients"])
    chosen = first.var_names[first.var.selected]
    assert len(chosen) == 7
    assert list(second.var_names[second.var.selected]) == list(chosen)
    flags = anndata.read_h5ad(folder / "results/omics/A/dna.h5ad")
    assert list(flags.var_names[(flags.X == 1).ravel()]) == ["TP53:small_coding"]
    listed = read_tsv(folder / "results/omics/gdc_profiles.tsv")
    assert listed[["profile_id", "format", "sample_type"]].values.tolist() == [
        ["TCGA-02-0001-01A-rna", "gdc_star", "tumour"],
        [f"{other}-06-rna", "gdc_star", "normal"],
    ]
    left = read_tsv(folder / "results/omics/gdc_left_out.tsv")
    assert left[["file_id", "reason"]].values.tolist() == [
        ["f3", f"of 2 cases ({other}, C3N-01200): a pool's values belong to none of them"]
    ]
