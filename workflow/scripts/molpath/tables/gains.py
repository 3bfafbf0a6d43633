"""What one model gains over another on the same tasks, and how the order of models moves with the probe's penalty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import t as student

from .scores import Models, by_task, counted, kind_of, shared_means, tasks_won

COLUMNS = ["scope", "family", "task", "model", "baseline", "score", "baseline_score", "gain", "lower", "upper", "tasks"]
SWEEP = "logistic_C="


def gains(scores: pd.DataFrame, pairs: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """One row per task and model, then one per family and over all, with Student's 95 % interval over tasks.

    baseline_score: mean of those of the model's baselines that have the task; a task without either is left out.
    """
    rows = []
    wide = by_task(scores, list(dict.fromkeys(scores.model)))
    family = scores.drop_duplicates("task").set_index("task").family
    for model, baselines in pairs.items():
        baselines = [name for name in baselines if name in wide]
        if model not in wide or not baselines:
            continue
        base = wide[baselines].mean(axis=1)
        gap = (wide[model] - base).dropna()
        head = {"model": model, "baseline": ", ".join(baselines)}
        for task in gap.index:
            row = {"scope": "task", "family": family[task], "task": task, "gain": gap[task], "tasks": 1}
            rows.append(head | row | {"score": wide[model][task], "baseline_score": base[task]})
        families = [("all", "", gap)] if len(gap) else []
        if family[gap.index].nunique() > 1:
            families += [("family", name, part) for name, part in gap.groupby(family[gap.index], sort=False)]
        for scope, name, part in families:
            row = {"scope": scope, "family": name, "task": "", "gain": part.mean(), "tasks": len(part)}
            row |= {"score": wide[model][part.index].mean(), "baseline_score": base[part.index].mean()}
            rows.append(head | row | dict(zip(("lower", "upper"), interval(part), strict=True)))
    return pd.DataFrame(rows, columns=COLUMNS)


def interval(values: pd.Series) -> tuple[float, float]:
    """Student's 95 % interval of a mean; nan of a single value."""
    if len(values) < 2:
        return np.nan, np.nan
    half = student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return values.mean() - half, values.mean() + half


def by_fit(swept: pd.DataFrame) -> list[str]:
    """Tasks with a score at every strength for every model with any score."""
    wide = swept.assign(mean=counted(swept)).pivot(index="task", columns=["protocol", "model"], values="mean")
    return list(wide.dropna(axis=1, how="all").dropna().index)


def sweep(metrics: pd.DataFrame, models: Models, c: float) -> pd.DataFrame:
    """One row per strength and kind of model: mean over the tasks that all of them have, tasks won, share."""
    default_protocol = SWEEP + (f"{c:g}" if c else "adaptive")
    table = metrics[(metrics.primary == 1) & (metrics.group == "frozen") & metrics.model.isin(models)]
    swept = table[table.protocol.str.startswith(SWEEP)]
    if default_protocol not in set(swept.protocol):
        probed = table[(table.protocol == "logistic") & table.task.isin(swept.task)]
        swept = pd.concat([swept, probed.assign(protocol=default_protocol)])
    strengths = sorted(set(swept.protocol), key=lambda name: float(name.removeprefix(SWEEP).replace("adaptive", "inf")))
    compared = by_fit(swept)
    rows = []
    for strength in strengths:
        wide = by_task(swept[(swept.protocol == strength) & swept.task.isin(compared)], models)
        n_won, kinds = tasks_won(wide, models), [kind_of(model, models) for model in wide]
        means, shared = shared_means(wide)
        for kind, mean in means.groupby(kinds, sort=False).mean().items():
            row = {"C": strength.removeprefix(SWEEP), "kind": kind, "tasks": shared, "mean": mean}
            rows.append(row | {"won": int(n_won[kind]), "share": n_won[kind] / max(1, len(wide))})
    return pd.DataFrame(rows, columns=["C", "kind", "tasks", "mean", "won", "share"])
