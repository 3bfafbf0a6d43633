"""Transfer, prompts, clusters and log-rank tests on real RNA (TCGA-KIRP, TCGA-PAAD), each with a shuffled control."""

import anndata
import numpy as np
import pandas as pd
import pytest
import yaml
from molpath.common.files import read_tsv
from molpath.common.h5ad import write_h5ad
from molpath.probe.clustering import run_clusters
from molpath.probe.cohorts import Embeddings, Side
from molpath.probe.jobs import run_probe
from molpath.probe.prompting import run_prompts
from molpath.probe.transfer import run_transfer
from molpath.tables.survival import compare_groups, risk_groups

SETTINGS = {
    "C": 0.5,
    "max_iter": 10000,
    "cox": {"alpha": 0.07, "l1_ratio": 0.5, "max_iter": 100000},
    "shots": [],
    "repeats": 1,
    "permutations": 20,
    "bootstraps": 100,
    "seed": 0,
    "seeds": 3,
}


@pytest.fixture(scope="module")
def tumours(shared_data, tmp_path_factory):
    """Clinical tables by project, and cases.h5ad of both: z-scores of the genes both have, cut at 3 deviations."""
    folder = tmp_path_factory.mktemp("tumours")
    tables = {}
    for name in ("kirp", "paad"):
        path = shared_data / f"omics/porpoise/tcga_{name}_all_clean.csv.zip"
        tables[name] = pd.read_csv(path, index_col=0).drop_duplicates("case_id").set_index("case_id")
    genes = sorted(column for column in set(tables["kirp"]) & set(tables["paad"]) if column.endswith("_rnaseq"))
    both = pd.concat([table[genes] for table in tables.values()])
    values = np.clip(np.nan_to_num(both.to_numpy(float)), -3, 3).astype(np.float32)
    obs = pd.DataFrame({"case_id": both.index, "modality": "rna"}, index=both.index.to_numpy())
    write_h5ad(folder / "cases.h5ad", anndata.AnnData(values, obs=obs))
    return tables, str(folder / "cases.h5ad")


def write_task(folder, table, words, folds=None, survival=False):
    """A task of a column `y` (index: case); folds: {fold: case -> side}."""
    folder.mkdir()
    settings = {"task_col": "y", "sample_col": "case_id", "label_dict": dict(enumerate(words)), "extra_cols": []}
    settings["metrics"] = ["cindex"] if survival else ["macro-ovr-auc"]
    if survival:
        settings |= {"task_type": "survival", "extra_cols": ["OS_event", "OS_days"]}
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    out = table.rename_axis("case_id").reset_index()
    for fold, sides in (folds or {0: {}}).items():
        out[f"fold_{fold}"] = [sides.get(case, "train") for case in out.case_id]
    out.to_csv(folder / "k=all.tsv", sep="\t", index=False)
    return Side(f"{folder.name}--y", str(folder / "config.yaml"), str(folder / "k=all.tsv"))


def outputs_of(folder, *more):
    folder.mkdir()
    return {name: str(folder / name) for name in ("predictions", "metrics", "summary", *more)}


def means_of(outputs):
    table = read_tsv(outputs["summary"])
    return table.astype({"mean": float}).set_index(["protocol", "metric"])["mean"]


def test_sex_of_kidney_cases_transfers_to_pancreas(tumours, tmp_path):
    """A probe and prompts of renal tumours know the sex of pancreatic ones; shuffled labels know nothing."""
    tables, cases = tumours
    sides = [
        write_task(tmp_path / name, tables[name].is_female.astype(int).rename("y").to_frame(), ["male", "female"])
        for name in ("kirp", "paad")
    ]
    files = {"files": Embeddings("none", cases), "model": "rna", "settings": SETTINGS}
    outputs = outputs_of(tmp_path / "transfer")
    run_transfer(name="kirp==paad--sex", train=sides[0], test=sides[1], outputs=outputs, **files)
    means = means_of(outputs)
    assert 0.6 < means["logistic", "macro-ovr-auc"] < 0.8
    assert abs(means["permuted", "macro-ovr-auc"] - 0.5) < 0.06
    outputs = outputs_of(tmp_path / "prompt")
    options = {"profiles": cases, "modalities": ["rna"], "normalise": False}
    run_prompts(name="kirp==paad--sex", support=sides[0], query=sides[1], outputs=outputs, **options, **files)
    means = means_of(outputs)
    assert means["prompt_rna", "macro-ovr-auc"] > 0.55
    assert abs(means["prompt_rna_permuted", "macro-ovr-auc"] - 0.5) < 0.08


def test_neuroendocrine_tumours_are_a_cluster_of_their_own(tumours, tmp_path):
    tables, cases = tumours
    labels = (tables["paad"].oncotree_code == "PANET").astype(int).rename("y").to_frame()
    task = write_task(tmp_path / "paad", labels, ["other", "neuroendocrine"])
    outputs = outputs_of(tmp_path / "out", "tsne")
    settings = SETTINGS | {"permutations": 100}
    run_clusters(task=task, files=Embeddings("none", cases), model="rna", settings=settings, k=4, outputs=outputs)
    summary = read_tsv(outputs["summary"]).set_index(["protocol", "metric"])
    shuffled = summary.loc[("kmeans_permuted", "ami")]
    assert float(summary.loc[("kmeans", "ami"), "mean"]) > 3 * float(shuffled.upper)
    assert abs(float(shuffled["mean"])) < 0.02
    clusters = pd.read_parquet(outputs["predictions"]).query("repeat == 0")
    rare = clusters[clusters.label == 1].cluster.mode()[0]
    assert (clusters[clusters.cluster == rare].label == 1).mean() > 0.8
    assert len(read_tsv(outputs["tsne"])) == len(labels)


def test_risk_groups_of_pancreatic_cancer_differ_in_survival(tumours, shared_data, tmp_path):
    """Published 5-fold splits, Cox on RNA: groups cut at the training median differ; shuffled groups do not."""
    tables, cases = tumours
    table = tables["paad"][tables["paad"].survival_months > 0]
    folds = {}
    for number in range(5):
        split = pd.read_csv(shared_data / f"omics/porpoise/splits/tcga_paad/splits_{number}.csv")
        sides = dict.fromkeys(table.index, "-1") | dict.fromkeys(split.train.dropna(), "train")
        folds[number] = sides | dict.fromkeys(split.val.dropna(), "test")
    target = pd.DataFrame({"y": 0, "OS_event": 1 - table.censorship, "OS_days": table.survival_months * 30.44})
    task = write_task(tmp_path / "paad", target, ["all"], folds, survival=True)
    outputs = outputs_of(tmp_path / "out")
    files = {"slides": "none", "cases": cases, "model": "rna", "settings": SETTINGS}
    run_probe(task=task.name, config=task.config, table=task.table, group="frozen", **outputs, **files)
    samples, cut = risk_groups(pd.read_parquet(outputs["predictions"]).query("protocol == 'cox'"))
    assert cut.endswith("training side")
    low, high = compare_groups(samples, {})
    assert high["p_logrank"] < 0.05
    assert high["hazard_ratio"] > 1
    assert high["median_days"] < low["median_days"]
    rng = np.random.default_rng(0)
    shuffled = [
        compare_groups(samples.assign(high=rng.permutation(samples.high)), {})[0]["p_logrank"] for _ in range(60)
    ]
    assert np.mean(np.array(shuffled) < 0.05) < 0.15
    assert 0.35 < np.mean(shuffled) < 0.65
    prompted = outputs_of(tmp_path / "prompt")
    options = {"profiles": cases, "modalities": ["rna"], "normalise": False, "files": Embeddings("none", cases)}
    run_prompts(name="paad--y", support=task, query=task, outputs=prompted, model="rna", settings=SETTINGS, **options)
    assert 0.5 < means_of(prompted)["prompt_rna", "cindex"] < 0.75
