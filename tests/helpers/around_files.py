"""Files of tasks and embeddings, written for tests of transfer, prompts and clusters."""

import json

import anndata
import numpy as np
import pandas as pd
from molpath.probe.cohorts import Side

SETTINGS = {
    "C": 0.5,
    "max_iter": 10000,
    "cox": {"alpha": 0.07, "l1_ratio": 0.5, "max_iter": 100000},
    "permutations": 0,
    "bootstraps": 100,
    "seed": 0,
    "seeds": 3,
}


def write_task(folder, cases, labels, *, words=("no", "yes"), folds=None, survival=None):
    """Write a task of one slide per case; returns (id, config.yaml, k=all.tsv). survival: (days, events)."""
    folder.mkdir(parents=True)
    settings = {"task_col": "y", "sample_col": "case_id", "extra_cols": [], "metrics": ["macro-ovr-auc"]}
    settings["label_dict"] = dict(enumerate(words))
    table = pd.DataFrame({"case_id": cases, "slide_id": [f"{case}-1" for case in cases], "y": labels})
    if survival is not None:
        settings |= {"task_type": "survival", "extra_cols": ["OS_event", "OS_days"], "metrics": ["cindex"]}
        table["OS_days"], table["OS_event"] = survival[0], np.asarray(survival[1], int)
    table["fold_0"] = "train" if folds is None else folds
    (folder / "config.yaml").write_text(json.dumps(settings))
    table.to_csv(folder / "k=all.tsv", sep="\t", index=False)
    return Side(f"{folder.name}--y", str(folder / "config.yaml"), str(folder / "k=all.tsv"))


def write_embeddings(path, names, x, **columns):
    """An h5ad of vectors with columns of obs."""
    obs = pd.DataFrame(columns, index=pd.Index(names)) if columns else pd.DataFrame(index=pd.Index(names))
    anndata.AnnData(np.asarray(x, np.float32), obs=obs).write_h5ad(path)
    return str(path)


def outputs_of(folder, *more):
    """Paths of the three files, and further ones."""
    folder.mkdir(parents=True, exist_ok=True)
    return {name: str(folder / name) for name in ("predictions", "metrics", "summary", *more)}
