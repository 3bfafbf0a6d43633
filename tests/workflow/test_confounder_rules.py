"""Confounders of tasks by Snakemake, on given vectors: the site that explains a score is named, and no other."""

import numpy as np
import yaml
from molpath.common.files import read_tsv, write_tsv
from projects import call_snakemake, write_table
from vector_study import write_study

CASES = 240


def write_sites(folder, vectors):
    """Task t0 follows the site, which the vectors show; task t1 follows their first number, whatever the site."""
    rng = np.random.default_rng(3)
    site = rng.integers(4, size=CASES)
    shifted = vectors.astype(float)
    shifted[:, 1] = 2.5 * (site < 2) + rng.normal(size=CASES)
    labels = {
        "t0": rng.random(CASES) < np.where(site < 2, 0.85, 0.15),
        "t1": shifted[:, 0] + rng.normal(size=CASES) > 0,
    }
    for task, values in labels.items():
        rows = read_tsv(folder / f"tasks/{task}/k=all.tsv")
        write_tsv(folder / f"tasks/{task}/k=all.tsv", rows.assign(label=values.astype(int)))
    columns = [f"C{k:05d}" for k in range(CASES)]
    sites = [f"hospital {k}" for k in site]
    rows = [
        {"case_id": name, "site": s, "sex": "fm"[k % 2]} for k, (name, s) in enumerate(zip(columns, sites, strict=True))
    ]
    write_table(folder / "cases.tsv", rows)
    return shifted


def test_the_site_that_explains_a_score_is_named(tmp_path, repository):
    vectors = write_study(tmp_path, cases=CASES, width=6, tasks=2)
    shifted = write_sites(tmp_path, vectors)
    config = yaml.safe_load((tmp_path / "config.yaml").read_text())
    table = tmp_path / config["embed"]["models"]["mine"]["path"]
    write_table(
        table,
        [{"case_id": f"C{k:05d}"} | {f"v{j}": f"{v:.5f}" for j, v in enumerate(row)} for k, row in enumerate(shifted)],
    )
    config["slides"] = {"sheet": "", "cases": "cases.tsv"}
    config["probe"] |= {"confounders": ["site", "sex"], "site_folds": ["keep_sites"]}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    command = (tmp_path, repository / "workflow/Snakefile", "--configfile", "config.yaml")
    targets = ["results/tables/confounders.html", "results/tables/confounders/mine--t0.html"]
    done = call_snakemake(*command[:2], *targets, *command[2:], "--cores", "2")
    assert done.returncode == 0, done.stdout[-3000:]
    judged = read_tsv(tmp_path / "results/tables/confounders.tsv").set_index(["task", "column"])
    assert judged.verdict["mine--t0", "site"] == "explained", judged.reason["mine--t0", "site"]
    assert judged.verdict["mine--t1", "site"] == "independent", judged.reason["mine--t1", "site"]
    assert judged.verdict["mine--t0", "sex"] == judged.verdict["mine--t1", "sex"] == "independent"
    again = call_snakemake(*command[:2], *targets, *command[2:], "--cores", "2")
    assert "Nothing to be done" in again.stdout, again.stdout[-3000:]
