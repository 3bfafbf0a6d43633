"""Users' tables as they are through the rules of stage omics, by Snakemake itself."""

import zipfile

import anndata
import numpy as np
import pandas as pd

WIDE = """,case_id,slide_id,age,site,TP53_rnaseq,KRAS_rnaseq,EGFR_rnaseq,TP53_cnv,EGFR_cnv,TP53_mut,KRAS_mut
0,C0,C0-DX1.svs,65,"Lung, left",-0.5,1.25,0.1,-2.0,2.0,1.0,0.0
1,C0,C0-DX2.svs,65,"Lung, left",-0.5,1.25,0.1,-2.0,2.0,1.0,0.0
2,C1,C1-DX1.svs,,Lung,3.5,-0.25,-0.2,,1.0,0.0,1.0
3,C2,C2-DX1.svs,51,Lung,0.75,0.5,-1.3,0.0,-1.0,,0.0
"""


def test_tables_go_in_unchanged_and_keep_their_values(project):
    """A matrix whose rows end in a tab, and a CSV in a zip archive with all modalities side by side."""
    folder, cases = project.folder, [f"C{i}" for i in range(4)]
    genes = ["TP53", "KRAS", "EGFR", "PTEN", "MYC", "BRAF"]
    counts = pd.DataFrame(np.random.default_rng(0).integers(0, 900, (6, 4)), genes, cases)
    row = {"cohort": "X", "modality": "rna", "format": "matrix", "path": "counts.tsv", "unit": "counts"}
    project.profiles = [row | {"profile_id": f"R{case}", "case_id": case, "column": case} for case in cases]
    row = {"cohort": "W", "modality": "rna", "format": "wide", "path": "tcga_all_clean.csv.zip", "unit": "zscore"}
    project.profiles += [row | {"profile_id": f"W{case}", "case_id": case} for case in cases[:3]]
    row |= {"modality": "dna", "unit": "small_coding"}
    project.profiles += [row | {"profile_id": f"D{case}", "case_id": case} for case in cases[:3]]
    project.config = {"slides": {"sheet": "slides.tsv"}, "omics": {"sheet": "profiles.tsv"}}
    project.write()
    text = counts.to_csv(sep="\t", index_label="gene")
    (folder / "counts.tsv").write_text(text.replace("\n", "\t\n").replace("\t\n", "\n", 1))
    with zipfile.ZipFile(folder / "tcga_all_clean.csv.zip", "w") as archive:
        archive.writestr("./tcga_all_clean.csv", WIDE)
    outputs = ["X/rna", "W/rna", "W/dna"]
    done = project.snakemake("--cores", "1", *(f"results/omics/{name}.h5ad" for name in outputs))
    assert done.returncode == 0, done.stdout[-3000:]
    matrix, wide, flags = (anndata.read_h5ad(folder / f"results/omics/{name}.h5ad") for name in outputs)
    read = pd.DataFrame(matrix.layers["counts"].T, matrix.var_names, matrix.obs.case_id.to_numpy())
    pd.testing.assert_frame_equal(read.loc[genes, cases], counts, check_dtype=False, check_names=False)
    scores = wide.to_df().set_axis(wide.obs.case_id.to_numpy())
    assert scores["TP53"].to_dict() == {"C0": -0.5, "C1": 3.5, "C2": 0.75}
    assert scores["KRAS"].to_dict() == {"C0": 1.25, "C1": -0.25, "C2": 0.5}
    hot = {(flags.obs.case_id.iloc[i], flags.var_names[j]) for i, j in np.argwhere(flags.X == 1)}
    assert hot == {
        *(("C0", name) for name in ("TP53:two_copy_deletion", "EGFR:amplification", "TP53:small_coding")),
        *(("C1", name) for name in ("EGFR:gain", "KRAS:small_coding")),
        ("C2", "EGFR:loss"),
    }
