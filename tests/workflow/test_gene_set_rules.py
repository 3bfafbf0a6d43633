"""Gene sets from a .gmt file to verdicts and scores by Snakemake, on given vectors: no slide can be opened."""

import numpy as np
import pandas as pd
import yaml
from molpath.common.files import read_tsv
from projects import call_snakemake, write_table
from scipy.stats import spearmanr
from vector_study import write_study

CASES, UP = 60, 8


def write_expression(folder, vectors, repository):
    """A matrix of 120 genes whose first eight follow the vectors' first number, in two cohorts; a sheet, a config."""
    table = pd.read_csv(repository / "resources/genes/hgnc.tsv", sep="\t", comment="#", dtype=str)
    genes = table.symbol[table.ensembl_id.notna()].iloc[:120]
    rng = np.random.default_rng(1)
    values = 5 + rng.normal(size=(len(genes), CASES)) + rng.normal(0, 2, size=(len(genes), 1))
    values[:UP] += 1.5 * vectors[:, 0]
    columns = [f"C{k:05d}" for k in range(CASES)]
    pd.DataFrame(values.clip(0), genes, columns).to_csv(folder / "rna.tsv", sep="\t", index_label="gene")
    rows = [
        {"profile_id": f"P{k}", "case_id": name, "modality": "rna", "cohort": "A" if k < 40 else "B"}
        | {"format": "matrix", "path": "rna.tsv", "column": name, "unit": "log2_tpm_plus_1", "unit_check": "off"}
        for k, name in enumerate(columns)
    ]
    write_table(folder / "profiles.tsv", rows)
    ids = table.set_index("symbol").ensembl_id[genes[:UP]]
    lines = [["UP", "x", *ids], ["REST", "x", *genes[20:30]], ["FEW", "x", "NOTAGENE"]]
    (folder / "sets.gmt").write_text("\r\n".join("\t".join(line) for line in lines))
    config = yaml.safe_load((folder / "config.yaml").read_text())
    # Slides are named, for profiles need some, and none can be opened.
    write_table(folder / "slides.tsv", [{"slide_id": f"{n}-S", "case_id": n, "path": "none.svs"} for n in columns])
    (folder / "none.svs").touch()
    config["slides"] = {"sheet": "slides.tsv", "max_failed_fraction": 1}
    config["omics"] = {"sheet": "profiles.tsv"}
    config["probe"]["gene_sets"] = {"files": ["sets.gmt"], "models": ["mine"], "support": ["A"], "random": 40}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def test_sets_are_read_from_given_vectors(tmp_path, repository):
    vectors = write_study(tmp_path, cases=CASES, width=6, tasks=1)
    write_expression(tmp_path, vectors, repository)
    command = (tmp_path, repository / "workflow/Snakefile", "--configfile", "config.yaml")
    done = call_snakemake(*command, "--dry-run")
    assert done.returncode == 0, done.stdout[-3000:]
    target = "results/probe/mine/gene_sets/sets.tsv"
    assert target in done.stdout
    done = call_snakemake(*command, "--cores", "2", target)
    assert done.returncode == 0, done.stdout[-3000:]
    sets = read_tsv(tmp_path / target).set_index(["set", "way"])
    assert sets.verdict["UP", "regression"] == "read"
    assert sets.verdict["REST", "regression"] != "read"
    assert set(sets.verdict["FEW"]) == set(sets.verdict.xs("prompt", level="way")) == {"not asked"}
    assert (sets.n_support["UP", "regression"], sets.n_query["UP", "regression"]) == ("40", "20")
    assert float(sets.query_spearman["UP", "regression"]) > 0.5
    scores = read_tsv(tmp_path / "results/probe/mine/gene_sets/scores.tsv")
    of_cases = scores[(scores.set == "UP") & (scores.unit == "case")].set_index("id")
    assert list(of_cases.side.value_counts()) == [40, 20]
    values = dict(zip((f"C{k:05d}" for k in range(CASES)), vectors[:, 0], strict=True))
    assert spearmanr(of_cases.score.astype(float), of_cases.index.map(values)).statistic > 0.6
    again = call_snakemake(*command, "--cores", "2", target)
    assert "Nothing to be done" in again.stdout, again.stdout[-3000:]
