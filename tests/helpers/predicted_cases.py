"""A predictor in a folder, and new cases with given embeddings as the stages leave them: what one job reads."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
from molpath.common.h5ad import write_h5ad
from molpath.predict.fitting import fit
from molpath.predict.reference import describe
from molpath.predict.table import predict_cases
from molpath.probe.tasks import Task
from projects import write_table

SETTINGS = {"C": 0.5, "max_iter": 1000, "scale": "none", "plain": False, "seed": 0, "ridge_alphas": [1.0]}
SETTINGS["cox"] = {"alpha": 0.01, "l1_ratio": 0.5, "max_iter": 1000, "times": [365]}
OPTIONS = {"coverage": 0.9, "by_class": False, "false_alarms": 0.05, "bootstraps": 20, "seed": 0, "note": "synthetic"}
DIGESTS = {"slide_encoder": "s", "patch_encoder": "w1", "grid": "g", "model": "m"}
LABELS = {
    "classes": {"label_dict": {"0": "low", "1": "high"}, "extra_cols": [], "metrics": ["bacc"]},
    "survival": {"label_dict": {}, "extra_cols": ["OS_event", "OS_days"], "metrics": ["cindex"]},
    "regression": {"label_dict": {}, "extra_cols": [], "task_type": "regression", "metrics": ["r2"]},
}


def write_predictor(
    folder: Path, kind: str = "classes", cases: int = 60, width: int = 8, seed: int = 0, unit: str = "case_id"
) -> np.ndarray:
    """Fit on cases T0, T1, … whose label follows the first number; returns the embeddings (float32 N x D)."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(cases, width)).astype(np.float32)
    names = [f"T{k}" for k in range(cases)]
    folds = np.array([["test" if k % 3 == fold else "train" for fold in range(3)] for k in range(cases)], object)
    task = Task("a--grade", "case_id", names, np.zeros(cases, int), [], folds, ["bacc"], cases={n: n for n in names})
    if kind == "classes":
        task = dataclasses.replace(task, labels=(x[:, 0] > 0).astype(int), classes=["low", "high"])
    elif kind == "survival":
        times = 1000 * np.exp(-x[:, 0]) + 1
        task = dataclasses.replace(task, times=times, events=rng.random(cases) < 0.8)
    else:
        task = dataclasses.replace(task, values=x[:, 0].astype(float))
    predictor = fit(task, x, SETTINGS)
    facts = {
        "model": "mean",
        "label": LABELS[kind] | {"task_col": "grade", "sample_col": unit},
        "training": {"cases": names, "slides": {f"{name}-S": f"id-{name}" for name in names}},
        "cross_validated": [{"metric": "bacc", "mean": 0.75, "lower": 0.6, "upper": 0.9}],
        "digests": DIGESTS,
    }
    folder.mkdir(parents=True)
    whole = dataclasses.replace(predictor, facts=predictor.facts | facts)
    whole.save(folder / "model.safetensors", folder / "predictor.json")
    slides = pd.DataFrame(
        {"slide_id": [f"{n}-S" for n in names], "case_id": names, "focus": rng.normal(0.6, 0.02, cases)}
    )
    describe(x, names, slides).save(str(folder / "reference.safetensors"), str(folder / "reference.json"))
    return x


class NewCases:
    """Cases K0, K1, …, a slide each, with embeddings; those in `lost` have none."""

    def __init__(self, folder: Path, x: np.ndarray, lost: dict[int, str] | None = None) -> None:
        self.folder, self.x, self.lost = folder, x, lost or {}
        self.rows = [{"slide_id": f"K{k}-S", "case_id": f"K{k}", "path": "x.svs"} for k in range(len(x))]
        self.cases: list[dict] = []
        self.identities = {f"K{k}-S": f"new-{k}" for k in range(len(x))}
        self.weights = "w1"

    def write(self) -> None:
        """Sheets, tables and embeddings."""
        kept = [k for k in range(len(self.x)) if k not in self.lost]
        fate = [
            {"status": "set_aside" if k in self.lost else "ok", "reason": self.lost.get(k, ""), "detail": ""}
            | {"n_patches": "" if k in self.lost else 7}
            for k in range(len(self.x))
        ]
        pairs = list(zip(self.rows, fate, strict=True))
        write_table(self.folder / "new.tsv", self.rows)
        if self.cases:
            write_table(self.folder / "cases.tsv", self.cases)
        quality = [
            {key: row[key] for key in ("slide_id", "case_id")}
            | {"status": "ok", "reason": "", "detail": "", "identity": self.identities[row["slide_id"]], "focus": 0.6}
            for row in self.rows
        ]
        write_table(self.folder / "tables.tsv", quality)
        write_table(self.folder / "features.tsv", [{"slide_id": "K0-S", "status": "ok", "weights": self.weights}])
        for unit, name in (("slide_id", "slides"), ("case_id", "cases")):
            write_table(self.folder / f"{name}_fates.tsv", [{unit: row[unit]} | its_fate for row, its_fate in pairs])
            obs = pd.DataFrame({"slides_used": [self.rows[k]["slide_id"] for k in kept]})
            obs.index = [self.rows[k][unit] for k in kept]
            write_h5ad(self.folder / f"{name}.h5ad", anndata.AnnData(self.x[kept], obs=obs))

    def predict(self, **options) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Run the job; predictions.tsv by case_id, and metrics.tsv by metric, all cells strings."""
        from molpath.common.files import read_tsv

        self.write()
        at = self.folder
        predict_cases(
            name="mean/a--grade",
            folder=str(at / "predictor"),
            embedded={"slide_id": str(at / "slides.h5ad"), "case_id": str(at / "cases.h5ad")},
            fates={"slide_id": str(at / "slides_fates.tsv"), "case_id": str(at / "cases_fates.tsv")},
            quality=str(at / "tables.tsv"),
            features=[],
            wsi=str(at),
            sources=[],
            origin={},
            sheets=[str(at / "new.tsv"), *[str(at / "cases.tsv")] * bool(self.cases)],
            options=OPTIONS | options,
            predictions=str(at / "predictions.tsv"),
            metrics=str(at / "metrics.tsv"),
            page=str(at / "predictions.html"),
        )
        table = read_tsv(at / "predictions.tsv").set_index("case_id", drop=False)
        return table, read_tsv(at / "metrics.tsv").set_index("metric")
