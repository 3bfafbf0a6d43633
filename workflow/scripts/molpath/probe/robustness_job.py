"""One job: the embeddings of a model, and pairs of a biological and a technical column of its slides and cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..common.files import read_tsv, write_tsv
from ..common.settings.probe import Pair, Probe
from .confounders.association import cramers_v
from .confounders.columns import column_of
from .embeddings import read_embeddings
from .ladder import COLUMNS as RUNGS
from .ladder import climb, count
from .probes import one_thread
from .robustness import robustness
from .tasks import read_task

#: Neighbours of RI and MaRI; samples at most, of whom each is compared with each.
NEIGHBOURS, MOST = 20, 4000
#: Value of a case whose slides differ: no sheet has such a cell.
DIFFER = "\0"
HEAD = ["model", "unit", "biological", "technical"]
COLUMNS = [
    *HEAD,
    *("n", "n_left_out", "left_out", "n_labels", "n_sites", "association"),
    *("k", "ri", "mari", "tau", "croma", "tail", "site_first", "n_margins"),
    *("apd", "n_train", "ari_label", "ari_site", "note"),
]


@dataclass(frozen=True)
class Sheets:
    """Slides (columns slide_id, case_id, …), cases (index case_id; no column where no sheet is given), and tasks, by
    id: a label for each slide or case (index of that name)."""

    slides: pd.DataFrame
    cases: pd.DataFrame
    tasks: Mapping[str, pd.Series]

    @classmethod
    def read(cls, sheet: str, case_sheet: str, tasks: Mapping[str, tuple[str, str]]) -> Sheets:
        """Read the study's files; tasks: config.yaml and k=all.tsv by id. Raises ValueError for a survival task."""
        cases = read_tsv(case_sheet).set_index("case_id") if case_sheet else pd.DataFrame()
        return cls(read_tsv(sheet), cases, {name: labels_of(name, *files) for name, files in tasks.items()})

    def values(self, name: str, unit: str, ids: Sequence[str]) -> np.ndarray:
        """Value of a column or task (object N; '': none; DIFFER) for each slide or case (unit: slides, cases).

        A column that both sheets have is that of cases. Raises ValueError for a name that nothing has.
        """
        of_slide = dict(zip(self.slides.slide_id, self.slides.case_id, strict=True))
        case_ids = [of_slide.get(slide_id, "") for slide_id in ids] if unit == "slides" else list(ids)
        labels = self.tasks.get(name)
        if labels is None and name in self.cases:
            labels = self.cases[name]
        if labels is None and name in self.slides:
            labels = self.slides.set_index("slide_id")[name]
        if labels is None:
            raise ValueError(f"no task or column {name}; correct probe/robustness of the config")
        if labels.index.name == "case_id":
            return np.array([labels.get(case, "") for case in case_ids], object)
        if unit == "slides":
            return np.array([labels.get(slide, "") for slide in ids], object)
        label_of_case = labels[labels != ""].groupby(of_slide).agg(lambda values: single(values))
        return np.array([label_of_case.get(case, "") for case in case_ids], object)


def labels_of(name: str, config: str, table: str) -> pd.Series:
    """Labels of a task as words, by slide or case. Raises ValueError for a survival task, which has none."""
    task = read_task(name, config, table, folds_needed=False)
    if task.is_survival:
        raise ValueError(f"{name} predicts survival; name a task with classes or numbers in probe/robustness")
    labels = (
        [f"{value:.10g}" for value in task.values] if task.is_regression else [task.classes[k] for k in task.labels]
    )
    return pd.Series(labels, pd.Index(task.samples, name=task.unit), object)


def single(values: pd.Series) -> str:
    """The value that all have, or DIFFER."""
    return str(values.iloc[0]) if values.nunique() == 1 else DIFFER


def measure_robustness(
    *,
    model: str,
    slides: str,
    cases: str,
    sheet: str,
    case_sheet: str,
    tasks: Mapping[str, tuple[str, str]],
    pairs: Sequence[Pair],
    settings: Probe,
    output: str,
    ladder: str,
) -> pd.DataFrame:
    """Write a row (COLUMNS) per pair and unit, and the ladder's steps of each; return the former.

    slides, cases: h5ad of embeddings; tasks: files by the id of those that a pair names.
    """
    sheets = Sheets.read(sheet, case_sheet, tasks)
    rows, rungs = [], []
    for unit, path in (("slides", slides), ("cases", cases)):
        ids, x = read_embeddings(path)
        for pair in pairs:
            head = {"model": model, "unit": unit, "biological": pair["biological"], "technical": pair["technical"]}
            row, steps = measure(x, ids, sheets, unit, pair, settings)
            rows.append(head | row)
            rungs.append(steps.assign(**head))
    measured = pd.DataFrame(rows, columns=COLUMNS)
    write_tsv(output, measured)
    write_tsv(ladder, pd.concat(rungs, ignore_index=True)[[*HEAD, *RUNGS]])
    return measured


def measure(
    x: np.ndarray, ids: Sequence[str], sheets: Sheets, unit: str, pair: Pair, settings: Probe
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Numbers of one pair, and its ladder. x: float N x D of slides or cases `ids`."""
    names = [pair["biological"], pair["technical"]]
    raw = [sheets.values(name, unit, ids) for name in names]
    rows, left_out = usable(x, names, raw)
    columns = [column_of(name, pd.Series(values[rows], dtype=object)) for name, values in zip(names, raw, strict=True)]
    has_values = np.all([column.has_value for column in columns], axis=0)
    rows, left_out = (
        rows[has_values],
        left_out + [f"{(~has_values).sum()} with a value that counts as missing"] * bool((~has_values).any()),
    )
    row: dict[str, Any] = {"n": len(rows), "n_left_out": len(ids) - len(rows), "left_out": "; ".join(left_out)}
    notes = [f"{column.name}: {column.note}" for column in columns if column.note]
    label, site = (column.groups[has_values].astype(str) for column in columns)
    row |= {"n_labels": len(set(label)), "n_sites": len(set(site))}
    if unusable := [f"{column.name}: {column.unusable}" for column in columns if column.unusable]:
        return row | {
            "note": "; ".join([f"cannot: {unusable_reason}" for unusable_reason in unusable] + notes)
        }, pd.DataFrame(columns=RUNGS)
    row["association"] = cramers_v(count(label, site))[0]
    if len(rows) > MOST:
        notes.append(f"{MOST} of {len(rows)}, drawn")
        drawn = np.sort(np.random.default_rng([settings["seed"], 27]).permutation(len(rows))[:MOST])
        rows, label, site = rows[drawn], label[drawn], site[drawn]
    of_slide = dict(zip(sheets.slides.slide_id, sheets.slides.case_id, strict=True))
    cases = [of_slide.get(ids[place], ids[place]) if unit == "slides" else ids[place] for place in rows]
    row |= indices(x[rows].astype(np.float64), label, site, cases, settings["seed"])
    row["apd"], reason, steps = climb(x[rows], label.tolist(), site.tolist(), cases, settings)
    row["n_train"] = int(steps.n_train.iloc[0]) if len(steps) else 0
    return row | {"note": "; ".join([f"apd {reason}"] * bool(reason) + notes)}, steps


def usable(x: np.ndarray, names: Sequence[str], raw: Sequence[np.ndarray]) -> tuple[np.ndarray, list[str]]:
    """Positions (int) with both values and an embedding that has a direction, and how many lack what."""
    lengths = np.linalg.norm(x.astype(np.float64), axis=1) if x.size else np.zeros(len(x))
    reasons = {"whose embedding is 0 or not finite": ~(np.isfinite(lengths) & (lengths > 0))}
    for name, values in zip(names, raw, strict=True):
        reasons |= {f"without {name}": values == "", f"whose slides differ in {name}": values == DIFFER}
    is_left_out, left_out = np.zeros(len(x), bool), []
    for reason, hit in reasons.items():
        new = np.asarray(hit, bool) & ~is_left_out
        left_out += [f"{new.sum()} {reason}"] * bool(new.any())
        is_left_out |= new
    return np.flatnonzero(~is_left_out), left_out


def indices(x: np.ndarray, label: np.ndarray, site: np.ndarray, cases: Sequence[str], seed: int) -> dict[str, Any]:
    """Robustness indices of embeddings (float64 N x D), and how k-means clusters agree with labels and with sites."""
    robustness_values = robustness(x, label.tolist(), site.tolist(), cases, min(NEIGHBOURS, len(x) - 1))
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    names = ("k", "ri", "mari", "tau", "croma", "tail", "site_first", "n_margins")
    row = {name: getattr(robustness_values, name) for name in names}
    return row | {"ari_label": clustered(unit, label, seed), "ari_site": clustered(unit, site, seed)}


def clustered(x: np.ndarray, groups: np.ndarray, seed: int) -> float:
    """Adjusted Rand index of groups (str N) and as many k-means clusters (10 starts) of x (float64 N x D)."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score

    with one_thread():
        clusters = KMeans(len(set(groups)), n_init=10, random_state=seed).fit_predict(x)
    return float(adjusted_rand_score(groups, clusters))
