"""The job of calibration runs on given vectors: classes and survival, from the config to tables, page and figures."""

import re

import numpy as np
import yaml
from molpath.common.files import read_tsv
from projects import call_snakemake, write_table
from vector_study import write_study


def add_survival(folder, vectors):
    """A task of exponential times whose hazard follows the first number of the vector."""
    rng = np.random.default_rng(3)
    times = rng.exponential(900 / np.exp(vectors[:, 0])).clip(1, 3000).round()
    rows = [
        {"case_id": f"C{k:05d}", "OS": "0", "OS_event": str(int(time < 3000)), "OS_days": str(int(time))}
        | {f"fold_{fold}": "test" if k % 3 == fold else "train" for fold in range(3)}
        for k, time in enumerate(times)
    ]
    write_table(folder / "tasks/os/k=all.tsv", rows)
    settings = {"task_col": "OS", "sample_col": "case_id", "task_type": "survival", "metrics": ["cindex"]}
    settings["label_dict"] = {0: "early", 1: "late"}
    settings["extra_cols"] = ["OS_event", "OS_days"]
    (folder / "tasks/os/config.yaml").write_text(yaml.safe_dump(settings))
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["probe"]["tasks"]["mine--os"] = {"path": "tasks/os", "groups": ["frozen"]}
    config["probe"]["tasks"]["mine--t0"]["groups"] = ["frozen"]
    config["probe"] |= {"use": ["mine--t0", "mine--os"], "permutations": 1, "survival_permutations": 1}
    config["probe"]["cox"] = {"alpha": 0.01, "times": [365, 1095]}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def test_calibration_is_written_for_classes_and_survival(tmp_path, repository):
    add_survival(tmp_path, write_study(tmp_path, cases=120, width=4, tasks=1))
    snakefile, options = repository / "workflow/Snakefile", ("--configfile", "config.yaml")
    plan = call_snakemake(tmp_path, snakefile, "--dry-run", *options)
    assert re.search(r"calibrate_probes +1\n", plan.stdout), plan.stdout[-3000:]
    done = call_snakemake(tmp_path, snakefile, "results/tables/calibration.tsv", *options, "--cores", "2")
    assert done.returncode == 0, done.stdout[-3000:]
    results = tmp_path / "results"
    scores = read_tsv(results / "tables/calibration.tsv").set_index("protocol").loc["logistic"]
    assert (scores.task, scores.n_cases) == ("mine--t0", "120")
    assert 0 <= float(scores.ece_after) < 0.2
    survival = read_tsv(results / "tables/survival_calibration.tsv")
    assert survival[survival.protocol == "cox"].days.tolist() == ["365", "1095"]
    assert (survival.difference_lower.astype(float) < survival.difference_upper.astype(float)).all()
    assert (survival.brier.astype(float) < survival.brier_null.astype(float)).all()
    for name in ("reliability", "decisions", "survival_calibration"):
        for kind in ("svg", "png", "tsv"):
            assert (results / f"figures/{name}.{kind}").stat().st_size > 500
    assert "Survival" in (results / "tables/calibration.html").read_text()
