"""Score against the part of the data and the size of the slide encoder (the paper's Figure 5a, b and Tables 47, 48)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd

from ..common.files import read_tsv, write_tsv
from ..probe.permuting import FROZEN
from ..tables.formats import write_readable
from ..tables.scores import counted, read_metrics
from .style import COLOURS, save

COLUMNS = ["study", "number", "run", "model", "seed", "slides", "fraction", "encoder", "parameters", "batch_size"]
COLUMNS += ["scope", "tasks", "mean", "difference", "published_difference"]
#: The paper's name of the reference run of a study.
REFERENCES = {"data": "threads-100", "size": "threads-2heads"}
PROTOCOLS = {"data": "data_scaling", "size": "model_scaling"}
TITLES = {"data": "part of the pretraining data", "size": "parameters of the slide encoder, millions"}


def plot_scaling(
    *,
    metrics: str,
    studies: Sequence[Mapping[str, Any]],
    runs: Mapping[str, Mapping[str, Any]],
    weights: Mapping[str, str],
    slides: Mapping[str, str],
    published: str,
    note: str,
    outputs: Mapping[str, str],
) -> None:
    """Write table (TSV), markdown, latex and figure.

    studies: `study` (data or size) and `models`, the models by run, that differ in nothing else (but training, whose
    batch size is shown); runs: entries of the config; weights, slides: model.safetensors and list of slides by run;
    published: resources/published/comparisons.tsv.
    """
    scores = read_scores(metrics)
    paper = read_tsv(published)
    facts = {run: facts_of(runs[run], weights[run], slides[run]) for run in runs}
    parts = [score_study(number, study, facts, scores, paper) for number, study in enumerate(studies, 1)]
    table = pd.concat(parts, ignore_index=True).reindex(columns=COLUMNS)
    write_tsv(outputs["table"], table)
    readable = {
        f"Score against {TITLES[study]}{f', study {number}' if len(studies) > 1 else ''}": side_by_side(part)
        for (study, number), part in table.groupby(["study", "number"], sort=False)
    }
    write_readable(readable, outputs["markdown"], outputs["latex"], note)
    draw_studies(table, outputs["figure"], note)


def read_scores(metrics: str) -> pd.DataFrame:
    """Mean over folds of each task's first metric: frozen linear and Cox probes; of enough folds."""
    table = read_metrics(metrics)
    frozen = (table.group == "frozen") & table.protocol.isin(FROZEN) & (table.primary == 1)
    return table[frozen & counted(table).notna()]


def facts_of(run: Mapping[str, Any], weights: str, slides: str) -> dict[str, Any]:
    """What a run has: slides, part of the data, its slide encoder in the paper's words and its parameters."""
    encoder = run["slide_encoder"]
    heads = f"{encoder['heads']} head{'s' * (encoder['heads'] > 1)}"
    name = "transformer" if encoder["kind"] == "transformer" else heads
    size = {"slides": len(read_tsv(slides)), "fraction": run["fraction"], "encoder": name}
    training = {"seed": run["training"]["seed"], "batch_size": run["training"]["batch_size"]}
    return size | training | {"parameters": count_parameters(weights)}


def count_parameters(weights: str) -> int:
    """Parameters of the slide encoder in a run's model.safetensors, of which only the header is read."""
    from safetensors import safe_open

    with safe_open(weights, framework="np") as handle:
        names = [name for name in handle.keys() if name.startswith("slide.")]  # noqa: SIM118
        return sum(prod(handle.get_slice(name).get_shape()) for name in names)


def score_study(
    number: int, study: Mapping[str, Any], facts: Mapping[str, Any], scores: pd.DataFrame, paper: pd.DataFrame
) -> pd.DataFrame:
    """A row per model and scope (all tasks, each family): plain mean over the tasks that every model of the study has.

    difference: from the mean of the reference (all the data; two heads, else the most parameters), in points;
    published_difference: the paper's, where it has one.
    """
    kind, models = study["study"], study["models"]
    study_scores = scores[scores.model.isin(models.values())]
    common = study_scores.groupby("task").model.nunique() == len(models)
    study_scores = study_scores[study_scores.task.isin(common.index[common])]
    rows = []
    for scope in ["all", *dict.fromkeys(study_scores.family)]:
        part = study_scores if scope == "all" else study_scores[study_scores.family == scope]
        means = part.groupby("model")["mean"].mean()
        for run, model in models.items():
            row = {"study": kind, "number": number, "run": run, "model": model, "scope": scope} | facts[run]
            rows.append(row | {"tasks": part.task.nunique(), "mean": means.get(model)})
    table = pd.DataFrame(rows).sort_values(["fraction", "parameters", "run"], kind="stable", ignore_index=True)
    table["paper_name"] = [name_of(kind, row) for row in table.to_dict("records")]
    is_reference = table.paper_name == REFERENCES[kind]
    if not is_reference.any():
        is_reference = (
            table.parameters == table.parameters.max() if kind == "size" else table.fraction == table.fraction.max()
        )
    reference = table[is_reference].groupby("scope")["mean"].mean()
    table["difference"] = 100 * (table["mean"] - table.scope.map(reference))
    published = paper[(paper.protocol == PROTOCOLS[kind]) & (paper.model == REFERENCES[kind])]
    published = {(row.scope, row.baseline): -float(row.difference) for row in published.itertuples()}
    keys = zip(table.scope, table.paper_name, strict=True)
    table["published_difference"] = [published.get(key) for key in keys]
    return table


def name_of(kind: str, row: Mapping[str, Any]) -> str:
    """The paper's name (resources/published/comparisons.tsv) of a run in a study."""
    return f"threads-{100 * row['fraction']:g}" if kind == "data" else f"threads-{row['encoder'].replace(' ', '')}"


def side_by_side(table: pd.DataFrame) -> pd.DataFrame:
    """A row per model, a column per scope, 'mean (difference)' in each cell."""
    rows = []
    for run, part in table.groupby("run", sort=False):
        first_row = part.iloc[0]
        row = {
            "run": run,
            "slides": f"{first_row.slides:,}",
            "data": f"{100 * first_row.fraction:g} %",
            "encoder": first_row.encoder,
        }
        row |= {"parameters": f"{first_row.parameters:,}", "batch": first_row.batch_size}
        for scope, mean, difference in zip(part.scope, part["mean"], part.difference, strict=True):
            row[scope] = "" if pd.isna(mean) else f"{mean:.3f} ({difference:+.1f})"
        rows.append(row)
    return pd.DataFrame(rows)


def draw_studies(table: pd.DataFrame, output: str, note: str) -> None:
    """A panel per study: all tasks in black, families in colour; lines go through the mean of seeds."""
    studies = list(table.groupby(["study", "number"], sort=False))
    figure, panels = plt.subplots(1, len(studies), figsize=(4.6 * len(studies), 3.8), squeeze=False)
    scopes = list(dict.fromkeys(table.scope))
    for axes, ((kind, number), part) in zip(panels[0], studies, strict=True):
        place = part.fraction if kind == "data" else part.parameters / 1e6
        for index, scope in enumerate(scopes):
            scope_rows = part[part.scope == scope]
            positions = place[scope_rows.index]
            style = {
                "color": "black" if scope == "all" else COLOURS[(index - 1) % 7],
                "lw": 2 if scope == "all" else 1.2,
            }
            # A transformer is another kind of network.
            joined = scope_rows[scope_rows.encoder != "transformer"] if kind == "size" else scope_rows
            line = joined["mean"].groupby(place[joined.index]).mean()
            axes.plot(line.index, line, **style, label=f"{scope} (tasks: {scope_rows.tasks.max():g})")
            axes.plot(positions, scope_rows["mean"], "o", ms=4, color=style["color"])
        label_places(axes, kind, part)
        axes.set(xlabel=TITLES[kind], ylabel="mean score" if axes is panels[0][0] else "")
        axes.set_title(f"study {number}, {part.slides.max():,} slides" if len(studies) > 1 else "", fontsize=10)
    panels[0][-1].legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=8)
    figure.tight_layout()
    save(figure, output, note)


def label_places(axes, kind: str, part: pd.DataFrame) -> None:
    """Ticks at the existing values: shares in percent, or encoders with their millions of parameters."""
    axes.set_xscale("log")
    axes.minorticks_off()
    if kind == "data":
        places = sorted(part.fraction.unique())
        axes.set_xticks(places, [f"{100 * share:g} %" for share in places], fontsize=8, rotation=45)
    else:
        encoders = part.drop_duplicates(["encoder", "parameters"]).sort_values("parameters")
        labels = [
            f"{count / 1e6:.3g}, {name}" for name, count in zip(encoders.encoder, encoders.parameters, strict=True)
        ]
        axes.set_xticks(encoders.parameters / 1e6, labels, fontsize=8, rotation=45, ha="right")
