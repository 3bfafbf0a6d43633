"""One job: a model, a task, and the columns of its cases as confounders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from ...common.files import write_tsv
from ...common.settings.probe import Probe
from ..jobs import cox_for
from ..samples import load_samples
from ..tasks import read_task
from .battery import Battery, assess
from .case_table import TECHNICAL, case_table

#: Protocol of the task's own probe, by its kind.
OWN = ("logistic", "cox", "ridge")
TABLES = ("confounders", "strata", "subgroups", "gaps", "left_out")


def assess_confounders(
    *,
    task: str,
    config: str,
    table: str,
    slides: str,
    cases: str,
    model: str,
    predictions: str,
    sheet: str,
    columns: Sequence[str],
    settings: Probe,
    outputs: Mapping[str, str],
    bags: str = "",
    cohort: str = "",
    case_sheet: str = "",
    inspected: str = "",
) -> Battery:
    """Write the tables of a Battery as TSV, each with the model in front.

    predictions: of group frozen, those of the task's own probe are taken; sheet, case_sheet, inspected, columns: see
    case_table; the rest as `run_probe` takes it.
    """
    full_task = read_task(task, config, table)
    missing = settings.get("missing", "set_aside")
    embedded, x = load_samples(full_task, slides, cases, bags=bags, cohort=cohort, missing=missing)
    settings = {**settings, "cox": cox_for(settings["cox"], embedded, model)}
    guesses = pd.read_parquet(predictions)
    guesses = guesses[guesses.protocol.isin(OWN)]
    listed = {slide for slides_of_sample in embedded.slides.values() for slide in slides_of_sample}
    case_columns = case_table(sheet=sheet, case_sheet=case_sheet, inspected=inspected, columns=columns, slides=listed)
    names = [*columns, *(name for name in TECHNICAL if name in case_columns and name not in columns)]
    battery = assess(embedded, guesses, case_columns, names, settings, x)
    for name in TABLES:
        part = getattr(battery, name)
        if "task" in part:
            part = part[["task", *(column for column in part if column != "task")]]
        else:
            part = part.assign(task=task)[["task", *part]]
        part.insert(0, "model", model)
        write_tsv(outputs[name], part)
    return battery
