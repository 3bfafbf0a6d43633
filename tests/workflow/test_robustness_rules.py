"""Robustness of embeddings by Snakemake, on given vectors of which one model shows the site and one the label."""

import numpy as np
import pytest
import yaml
from molpath.common.files import read_tsv
from molpath.probe.robustness import robustness
from projects import call_snakemake, write_table
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from vector_study import write_study

CASES = 240
NAMES = [f"C{k:05d}" for k in range(CASES)]


def write_models(folder):
    """Vectors of two models: mine shows the site and little of the label, other the label and little of the site."""
    rng = np.random.default_rng(4)
    label, site = rng.integers(2, size=CASES), rng.integers(3, size=CASES)
    axes, models = np.eye(6), {}
    for name, biology, stain in (("mine", 0.7, 4.0), ("other", 4.0, 0.7)):
        models[name] = rng.normal(size=(CASES, 6)) + np.outer(label, biology * axes[0]) + stain * axes[1 + site]
        rows = zip(NAMES, models[name], strict=True)
        write_table(
            folder / f"{name}.tsv",
            [{"case_id": case} | {f"v{j}": f"{v:.6f}" for j, v in enumerate(row)} for case, row in rows],
        )
    rows = read_tsv(folder / "tasks/t0/k=all.tsv")
    rows.assign(label=label).to_csv(folder / "tasks/t0/k=all.tsv", sep="\t", index=False)
    sites = [f"hospital {k}" for k in site]
    sites[3] = ""
    write_table(folder / "cases.tsv", [{"case_id": case, "site": s} for case, s in zip(NAMES, sites, strict=True)])
    return models, np.array([f"class {k}" for k in label]), np.array(sites)


@pytest.fixture(scope="module")
def study(tmp_path_factory, repository):
    folder = tmp_path_factory.mktemp("robustness")
    write_study(folder, cases=CASES, width=6, tasks=1)
    models = write_models(folder)
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["embed"] = {
        "models": {name: {"kind": "table", "path": f"{name}.tsv"} for name in models[0]},
        "use": [*models[0]],
    }
    config["slides"] = {"sheet": "", "cases": "cases.tsv"}
    config["probe"]["robustness"] = [{"biological": "mine--t0", "technical": "site"}]
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    command = (repository / "workflow/Snakefile", "results/tables/robustness.html", "--configfile", "config.yaml")
    done = call_snakemake(folder, *command, "--cores", "2")
    assert done.returncode == 0, done.stdout[-3000:]
    again = call_snakemake(folder, *command, "--cores", "2")
    assert "Nothing to be done" in again.stdout, again.stdout[-3000:]
    return folder, *models


def test_the_model_that_shows_the_site_is_the_less_robust(study):
    table = read_tsv(study[0] / "results/tables/robustness.tsv").query("unit == 'cases'").set_index("model")
    own, other = (table.loc[name] for name in ("mine", "other"))
    for name in ("ri", "mari", "croma", "tail", "apd", "ari_label"):
        assert float(own[name]) < float(other[name]), name
    assert float(own.ari_site) > 0.5 > float(other.ari_site)
    assert float(own.croma) < 0 < float(other.croma)
    assert own.left_out == "1 without site"
    assert (own.n, own.n_left_out, own.n_labels, own.n_sites) == ("239", "1", "2", "3")


def test_every_number_is_that_of_the_tables(study):
    folder, models, labels, sites = study
    kept = sites != ""
    for name, x in models.items():
        row = read_tsv(folder / f"results/probe/{name}/robustness.tsv").set_index("unit").loc["cases"]
        x = np.round(x, 6).astype(np.float32).astype(float)[kept]
        expected = robustness(x, labels[kept], sites[kept], np.array(NAMES)[kept], 20)
        for column in ("ri", "mari", "tau", "croma", "tail", "site_first"):
            assert float(row[column]) == pytest.approx(getattr(expected, column), abs=1e-6), column
        unit = x / np.linalg.norm(x, axis=1, keepdims=True)
        for column, groups in (("ari_label", labels[kept]), ("ari_site", sites[kept])):
            clusters = KMeans(len(set(groups)), n_init=10, random_state=0).fit_predict(unit)
            assert float(row[column]) == pytest.approx(adjusted_rand_score(groups, clusters), abs=1e-9)
        ladder = read_tsv(folder / f"results/probe/{name}/robustness_ladder.tsv").query("unit == 'cases'")
        accuracy = ladder.accuracy.astype(float).to_numpy()
        assert ladder.v.astype(float).tolist() == pytest.approx([0, 0.25, 0.5, 0.75, 1])
        assert float(row.apd) == pytest.approx((accuracy[1:] / accuracy[0]).mean() - 1, abs=0.02)


def test_a_name_that_nothing_has_stops_the_run_before_it_starts(study, repository):
    folder = study[0]
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["probe"]["robustness"] = [
        {"biological": "mine--t9", "technical": "sitte"},
        {"biological": "site", "technical": "site"},
    ]
    (folder / "wrong.yaml").write_text(yaml.safe_dump(config))
    command = (repository / "workflow/Snakefile", "results/tables/robustness.html", "--configfile", "wrong.yaml")
    done = call_snakemake(folder, *command, "--cores", "1")
    assert done.returncode != 0
    assert "probe/robustness/0/technical: no column 'sitte'" in done.stdout
    assert "probe/robustness/0/biological: no task or column 'mine--t9'" in done.stdout
    assert "did you mean site" in done.stdout or "site" in done.stdout
    assert "probe/robustness/1: 'site' is both" in done.stdout
