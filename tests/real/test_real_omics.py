"""Real TCGA tables through the omics readers to Cox probes; nothing about the data is generated."""

import csv
import gzip
from collections import defaultdict

import anndata
import numpy as np
import pandas as pd
import pytest
import yaml
from molpath.common.files import read_tsv
from molpath.common.h5ad import write_h5ad
from molpath.omics.checks import check_profiles
from molpath.omics.expression import normalise_rna
from molpath.omics.flags import flag_dna
from molpath.probe.jobs import run_probe

SETTINGS = {
    "C": 0.5,
    "max_iter": 10000,
    "cox": {"alpha": 0.07, "l1_ratio": 0.5, "max_iter": 100000, "times": []},
    "shots": [],
    "repeats": 1,
    "permutations": 3,
    "bootstraps": 100,
    "seed": 0,
}


def consequences_of(repository):
    """The table of kinds of variants that ships."""
    return repository / "resources/consequences/consequences.tsv"


@pytest.fixture(scope="module", params=["paad", "kirp"])
def published(request, shared_data):
    """Name and path of a TCGA project's table as PORPOISE published it: z-scores, copy numbers, mutations, survival."""
    return request.param, shared_data / f"omics/porpoise/tcga_{request.param}_all_clean.csv.zip"


@pytest.fixture(scope="module")
def tumour(published):
    """Name and table of a TCGA project, one row per case, read by pandas."""
    name, path = published
    return name, pd.read_csv(path, index_col=0).drop_duplicates("case_id").set_index("case_id")


def rows_of(cases, **values):
    """Rows of a profile sheet, one a case."""
    blank = {"sample_id": "", "panel": "", "column": "", "unit": "", "cohort": "TCGA"}
    return [blank | {"profile_id": f"{case}-{values['modality']}", "case_id": case} | values for case in cases]


def write_survival_task(folder, table, folds):
    """A survival task in Patho-Bench's form from columns days, event (index: case) and folds {case: [sides]}."""
    folder.mkdir()
    settings = {"task_col": "OS", "sample_col": "case_id", "task_type": "survival", "metrics": ["cindex"]}
    settings |= {"extra_cols": ["OS_event", "OS_days"], "label_dict": {0: "short", 1: "long"}}
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    out = pd.DataFrame({"case_id": table.index, "OS": 0, "OS_event": table.event, "OS_days": table.days})
    for number in range(len(next(iter(folds.values())))):
        out[f"fold_{number}"] = [folds[case][number] for case in table.index]
    out.to_csv(folder / "k=all.tsv", sep="\t", index=False)
    return {"task": "tcga--OS", "config": folder / "config.yaml", "table": folder / "k=all.tsv"}


def cox_metrics(tmp_path, task, cases, values):
    """Metrics of a Cox probe on values (cases x features)."""
    table = tmp_path / "cases.h5ad"
    write_h5ad(table, anndata.AnnData(values.astype(np.float32), obs=pd.DataFrame(index=list(cases))))
    outputs = {name: tmp_path / f"{name}.tsv" for name in ("metrics", "summary")}
    outputs["predictions"] = tmp_path / "predictions.parquet"
    run_probe(
        **{key: str(value) for key, value in (task | outputs).items()},
        slides=str(table),
        cases=str(table),
        model="omics",
        group="frozen",
        settings=SETTINGS,
    )
    return read_tsv(outputs["metrics"])


def test_expression_and_survival_of_a_tcga_project(shared_data, published, tumour, tmp_path):
    """z-scores of the published file as it is, published splits, Cox: the numbers that pandas gives the probe."""
    (name, path), (_, table) = published, tumour
    genes = [column for column in table if column.endswith("_rnaseq")]
    rows = rows_of(table.index, modality="rna", format="wide", path=str(path), unit="zscore")
    normalise_rna(rows=rows, output=str(tmp_path / "rna.h5ad"), losses=str(tmp_path / "losses.tsv"))
    data = anndata.read_h5ad(tmp_path / "rna.h5ad")
    assert data.shape == (len(table), len(genes))
    assert data.uns["value"] == "zscore"
    assert list(data.obs.case_id) == list(table.index)
    expected = table[[f"{gene}_rnaseq" for gene in data.var_names]].to_numpy(np.float32)
    np.testing.assert_array_equal(data.X, expected)
    folds = {case: [] for case in table.index}
    for number in range(5):
        split = pd.read_csv(shared_data / f"omics/porpoise/splits/tcga_{name}/splits_{number}.csv")
        for case in folds:
            sides = [side for side in ("train", "val") if case in set(split[side].dropna())]
            folds[case].append({"train": "train", "val": "test"}[sides[0]] if sides else "-1")
    survival = pd.DataFrame({"days": table.survival_months * 30.44, "event": 1 - table.censorship.astype(int)})
    task = write_survival_task(tmp_path / "OS", survival[survival.days > 0], folds)
    computed = cox_metrics(tmp_path, task, data.obs.case_id, np.nan_to_num(data.X))
    (tmp_path / "pandas").mkdir()
    of_pandas = cox_metrics(tmp_path / "pandas", task, table.index, np.nan_to_num(expected))
    pd.testing.assert_frame_equal(computed, of_pandas)
    metrics, permuted = computed[computed.protocol == "cox"], computed[computed.protocol == "permuted"]
    assert len(metrics) == 5
    assert len(permuted) == 15
    if name == "kirp":  # z-scores up to 268: scikit-survival gives up on every fold, and the tables have to say so
        assert metrics.note.str.contains("CoxNet: Numerical error").all()
        assert read_tsv(tmp_path / "summary.tsv").n_failed[0] == "5"
    else:
        assert 0.55 < metrics.value.astype(float).mean() < 0.75
        assert abs(pd.to_numeric(permuted.value).mean() - 0.5) < 0.1  # empty where the solver gave up on one


def test_copy_numbers_and_mutations_of_a_tcga_project(published, tumour, tmp_path, repository):
    """Every -2 … 2 and 1 of the published file becomes the flag of that name, and nothing else."""
    (_, path), (_, table) = published, tumour
    rows = rows_of(table.index, modality="dna", format="wide", path=str(path), unit="small_coding")
    consequences = repository / "resources/consequences/consequences.tsv"
    flag_dna(rows=rows, consequences=str(consequences), output=str(tmp_path / "dna.h5ad"))
    data = anndata.read_h5ad(tmp_path / "dna.h5ad")
    flags = pd.DataFrame(data.X, index=data.obs.case_id.to_numpy(), columns=data.var_names)
    observed = pd.DataFrame(data.layers["observed"], index=flags.index, columns=data.var_names)
    names = {-2: "two_copy_deletion", -1: "loss", 1: "gain", 2: "amplification"}
    total = 0
    for column in table.columns[table.columns.str.endswith(("_cnv", "_mut"))]:
        gene, kind = column.rsplit("_", 1)
        values = table[column]
        for value, flag in names.items() if kind == "cnv" else [(1, "small_coding")]:
            column_values = flags.get(f"{gene}:{flag}", pd.Series(0, flags.index))
            assert (column_values == 1).to_list() == (values == value).to_list(), column
            if f"{gene}:{flag}" in observed:
                assert observed[f"{gene}:{flag}"].astype(bool).to_list() == values.notna().to_list()
            total += int((values == value).sum())
    assert total > 300
    assert flags.to_numpy().sum() == total


def test_mutations_and_survival_of_laml(shared_data, tmp_path, repository):
    """A real MAF to flags to a Cox probe: FLT3 and DNMT3A lead, as in the published cohort."""
    clinical = read_tsv(shared_data / "omics/maftools/tcga_laml_annot.tsv").set_index("Tumor_Sample_Barcode")
    rows = rows_of(
        clinical.index, modality="dna", format="maf", path=str(shared_data / "omics/maftools/tcga_laml.maf.gz")
    )
    consequences = repository / "resources/consequences/consequences.tsv"
    flag_dna(rows=rows, consequences=str(consequences), output=str(tmp_path / "dna.h5ad"))
    data = anndata.read_h5ad(tmp_path / "dna.h5ad")
    flags = pd.DataFrame(data.X, index=data.obs.case_id.to_numpy(), columns=data.var_names)
    by_gene = flags.T.groupby(data.var.gene.to_numpy()).max().sum(axis=1).sort_values(ascending=False)
    assert list(by_gene.index[:2]) == ["FLT3", "DNMT3A"]
    survival = pd.DataFrame(
        {
            "days": pd.to_numeric(clinical.days_to_last_followup, errors="coerce"),
            "event": pd.to_numeric(clinical.Overall_Survival_Status, errors="coerce"),
        }
    ).dropna()
    survival = survival[survival.days > 0]
    order = np.random.default_rng(0).permutation(len(survival))
    folds = {
        case: ["test" if order[i] % 5 == k else "train" for k in range(5)] for i, case in enumerate(survival.index)
    }
    task = write_survival_task(tmp_path / "OS", survival, folds)
    common = flags.loc[:, flags.sum() >= 5]
    metrics = cox_metrics(tmp_path, task, common.index, common.to_numpy())
    values = metrics[metrics.protocol == "cox"].value.astype(float)
    assert len(values) == 5
    assert 0.5 < values.mean() < 0.75
    assert abs(pd.to_numeric(metrics[metrics.protocol == "permuted"].value).mean() - 0.5) < 0.1


def test_mutations_and_lesions_of_laml_counted_another_way(shared_data, tmp_path, repository):
    """MAF + GISTIC2 of TCGA-LAML to one multi-hot table; every count is made again here from the files' own lines."""
    folder = shared_data / "omics/maftools"
    flag_of = {row.classification: row.flag for row in read_tsv(consequences_of(repository)).itertuples()}
    with gzip.open(folder / "tcga_laml.maf.gz", "rt") as handle:
        lines = list(csv.DictReader(handle, delimiter="\t"))
    sequenced = sorted({line["Tumor_Sample_Barcode"] for line in lines})
    expected = {
        (line["Tumor_Sample_Barcode"], line["Hugo_Symbol"], flag_of[line["Variant_Classification"]])
        for line in lines
        if flag_of[line["Variant_Classification"]] != "ignored"
    }
    copies, copied, in_peaks = copy_events(folder)
    cases = sorted(set(sequenced) | copied)
    rows = rows_of(sequenced, modality="dna", format="maf", path=str(folder / "tcga_laml.maf.gz"))
    lesions = str(folder / "all_lesions.conf_99.txt")
    rows += rows_of(sorted(copied), modality="dna", format="gistic", path=lesions)
    flag_dna(rows=rows, consequences=str(consequences_of(repository)), output=str(tmp_path / "dna.h5ad"))
    data = anndata.read_h5ad(tmp_path / "dna.h5ad")
    assert sorted(data.obs.case_id) == cases
    assert len(sequenced) == 193
    hot = np.argwhere(data.X == 1)
    names = [name.rsplit(":", 1) for name in data.var_names]
    hot_places = {(data.obs.case_id.iloc[i], *names[j]) for i, j in hot}
    assert hot_places == expected | copies
    assert data.X.sum() == len(expected | copies)
    looked = pd.DataFrame(data.layers["observed"], data.obs.case_id.to_numpy(), data.var_names)
    for case in cases:
        assert looked.loc[case, "TP53:small_coding"] == (case in sequenced)
        assert looked.loc[case, "KMT2A:amplification"] == (case in copied)
    assert ("FLT3" in in_peaks) == bool(looked["FLT3:gain"].any())


def copy_events(folder):
    """(case, gene, flag) by GISTIC2's lesions, cases with copy numbers, and genes in any peak, read line by line.

    A gene that is gained by one peak and lost by another has no flag in that case.
    """
    with open(folder / "all_lesions.conf_99.txt") as handle:
        lesions = [row for row in csv.DictReader(handle, delimiter="\t") if "CN values" not in row["Unique Name"]]
    samples = [name for name in lesions[0] if name and name.startswith("TCGA-")]
    calls: dict[tuple[str, str], set[int]] = defaultdict(set)
    in_peaks = set()
    for word, sign in (("amp", 1), ("del", -1)):
        with open(folder / f"{word}_genes.conf_99.txt") as handle:
            columns = list(zip(*(line.rstrip("\n").split("\t") for line in handle), strict=False))[1:]
        for column in columns:
            values = next((r for r in lesions if column[3] and r["Wide Peak Limits"].startswith(f"{column[3]}(")), None)
            genes = {cell.split("|")[0] for cell in column[4:] if cell and not cell.startswith("[")}
            in_peaks |= genes if values else set()
            for sample in samples if values else ():
                for gene in genes:
                    value = sign * int(float(values[sample]))
                    calls[sample[:12], gene].add(value)
    names = {-2: "two_copy_deletion", -1: "loss", 1: "gain", 2: "amplification"}
    agreeing = {key: values for key, values in calls.items() if max(values) <= 0 or min(values) >= 0}
    strongest = {key: max(values, key=abs) for key, values in agreeing.items()}
    events = {(case, gene, names[value]) for (case, gene), value in strongest.items() if value}
    return events, {sample[:12] for sample in samples}, in_peaks


@pytest.mark.parametrize(("mixed_up", "verdict"), [(False, "ok"), (True, "look")])
def test_copies_and_expression_of_a_tcga_project_are_combined(tumour, tmp_path, repository, mixed_up, verdict):
    """In a real cohort more copies give more transcripts; with the profiles of other patients they don't."""
    _, table = tumour
    copies = table[[column for column in table if column.endswith("_cnv")]].dropna()
    if copies.empty:
        pytest.skip("this project's table has no copy numbers")
    genes = [column for column in table if column.endswith("_rnaseq")]
    expression = table.loc[copies.index, genes].rename(columns=lambda column: column.removesuffix("_rnaseq"))
    if mixed_up:
        expression = expression.iloc[np.random.default_rng(0).permutation(len(expression))].set_axis(expression.index)
    expression.T.to_csv(tmp_path / "expression.tsv", sep="\t")
    copies = copies.rename(columns=lambda column: column.removesuffix("_cnv")).astype(int)
    copies.T.rename_axis("Gene Symbol").reset_index().to_csv(tmp_path / "cna.tsv", sep="\t", index=False)
    rows = rows_of(copies.index, modality="rna", format="matrix", path=str(tmp_path / "expression.tsv"))
    rows = [row | {"column": row["case_id"], "unit": "zscore"} for row in rows]
    normalise_rna(rows=rows, output=str(tmp_path / "rna.h5ad"), losses=str(tmp_path / "losses.tsv"))
    rows = rows_of(copies.index, modality="dna", format="gistic", path=str(tmp_path / "cna.tsv"))
    consequences = str(consequences_of(repository))
    flag_dna(rows=rows, consequences=consequences, output=str(tmp_path / "dna.h5ad"))
    (tmp_path / "slides.tsv").write_text("slide_id\tcase_id\n")
    check_profiles(
        tables=[str(tmp_path / "rna.h5ad"), str(tmp_path / "dna.h5ad")],
        slides=str(tmp_path / "slides.tsv"),
        cases="",
        checks=str(tmp_path / "checks.tsv"),
        profiles=str(tmp_path / "profiles.tsv"),
    )
    checks = read_tsv(tmp_path / "checks.tsv").set_index("check")
    assert checks.verdict["expression against copy number"] == verdict
    assert checks.verdict["expression against truncating changes"] == "not known"
    assert checks.n["variance between sites"] != "0"  # tissue source sites are in TCGA's barcodes
