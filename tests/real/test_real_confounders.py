"""Confounders of real TCGA tasks: the site is that of the barcode, and what the page says makes sense."""

import numpy as np
import pandas as pd
import pytest
import yaml
from molpath.common.files import read_tsv, write_tsv
from projects import call_snakemake

pytestmark = pytest.mark.slow
CONFIG = {
    "slides": {"sheet": "", "cases": "cases.tsv"},
    "embed": {"models": {"expression": {"kind": "table", "path": "vectors.tsv"}}, "use": ["expression"]},
}


def write_study(folder, path) -> pd.DataFrame:
    """Principal components of expression as vectors; KRAS and sex as tasks; site, sex, age and type by case."""
    table = pd.read_csv(path, low_memory=False).drop_duplicates("case_id").set_index("case_id")
    table = table[table.KRAS_mut.notna()]
    assert (table.site == [case.split("-")[1] for case in table.index]).all()
    values = table.filter(like="_rnaseq").clip(-5, 5).fillna(0).to_numpy(float)
    u, s, _ = np.linalg.svd(values - values.mean(0), full_matrices=False)
    vectors = pd.DataFrame(u[:, :20] * s[:20], table.index, [f"pc_{k}" for k in range(20)])
    write_tsv(folder / "vectors.tsv", vectors.rename_axis("case_id").reset_index())
    about = table[["site", "age", "oncotree_code"]].assign(sex=np.where(table.is_female == 1, "f", "m"))
    write_tsv(folder / "cases.tsv", about.rename_axis("case_id").reset_index())
    rng = np.random.default_rng(0)
    fold = rng.permutation(len(table)) % 5
    for task, label in {"KRAS": table.KRAS_mut, "neuroendocrine": table.oncotree_code == "PANET"}.items():
        rows = pd.DataFrame({"case_id": table.index, "label": label.astype(int).to_numpy()})
        for k in range(5):
            rows[f"fold_{k}"] = np.where(fold == k, "test", "train")
        write_tsv(folder / f"tasks/{task}/k=all.tsv", rows)
        names = {0: "no", 1: "yes"}
        settings = {"task_col": "label", "sample_col": "case_id", "label_dict": names, "metrics": ["macro-ovr-auc"]}
        (folder / f"tasks/{task}/config.yaml").write_text(yaml.safe_dump(settings))
    tasks = {f"paad--{name}": {"path": f"tasks/{name}"} for name in ("KRAS", "neuroendocrine")}
    probe = {"tasks": tasks, "use": list(tasks), "confounders": ["site", "sex", "age", "oncotree_code"]}
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG | {"probe": probe}))
    return table


def test_tcga_paad(shared_data, tmp_path, repository):
    table = write_study(tmp_path, shared_data / "omics/porpoise/tcga_paad_all_clean.csv.zip")
    page = "results/tables/confounders/paad--KRAS.html"
    target = ["results/tables/confounders.tsv", page]
    done = call_snakemake(
        tmp_path, repository / "workflow/Snakefile", *target, "--configfile", "config.yaml", "--cores", "2"
    )
    assert done.returncode == 0, done.stdout[-3000:]
    tests = read_tsv(tmp_path / "results/tables/confounders.tsv").set_index(["task", "column"])
    kras = tests.loc["paad--KRAS"]
    # Expression predicts KRAS in the pancreas wherever the patient was treated; 24 sites alone predict little of it.
    assert kras.verdict[["site", "sex", "age"]].tolist() == ["independent"] * 3
    assert float(kras.within["site"]) > 0.8
    assert float(kras.alone["site"]) < 0.7
    assert kras.n_groups["site"] == str(table.site.nunique())
    assert kras.note["age"] == "4 bins of quantiles"
    # Eight neuroendocrine tumours have no KRAS mutation: they go with the label, and are too few to look within.
    assert float(kras.p_association["oncotree_code"]) < 0.01
    assert kras.reason["oncotree_code"] == "cannot tell: fewer than two groups of 10 cases"
    assert "holds among cases alike in <b>site</b>" in (tmp_path / page).read_text()
