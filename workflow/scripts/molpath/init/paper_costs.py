"""Costs of a study of the paper's tasks before its files are downloaded, by the same plan as `snakemake plan`."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import pandas as pd
import yaml

from ..preflight.plan import machine_of, plan_run
from ..study import Study
from ..study.config import Config, shipped_in_checkout
from .draft import table


def costs_of(config: Config, slides: int, procedure: str = "") -> list[str]:
    """Lines on patches, hours and disk of a config's slides, features and embeddings, with so many slides.

    procedure: how their tissue was taken (column of the slide sheet).
    """
    tables = {name: shipped_in_checkout(f"../resources/costs/{name}.tsv") for name in ("costs", "encoders", "gpus")}
    extra_columns = {"procedure": procedure} if procedure else {}
    stand_in = [
        {"slide_id": f"S{i}", "case_id": f"S{i}", "path": f"S{i}.svs", "url": f"https://stand.in/S{i}.svs"}
        | extra_columns
        for i in range(slides)
    ]
    counted = {key: config[key] for key in ("tiles", "features", "embed")} | {"slides": {"sheet": "slides.tsv"}}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path("slides.tsv").write_text(table(stand_in), encoding="utf-8")
        Path("config.yaml").write_text(yaml.safe_dump(counted), encoding="utf-8")
        request = Study.open("config.yaml").forecast.request()
        plan = plan_run(request, tables, "results")
    stages, machine = plan[~plan.stage.isin(["acquire", "total"])], machine_of(request, tables)
    return [
        f"about {stages[stages.stage == 'features'].patches.sum():,.0f} patches of {slides:,} slides",
        f"{range_of(stages, 'gpu_hours')} GPU-hours of an NVIDIA {machine.gpu.name}, {range_of(stages, 'cpu_hours')} "
        f"CPU-hours, {range_of(stages, 'disk_gb')} GB of disk beside the slides",
    ]


def range_of(stages: pd.DataFrame, column: str) -> str:
    """A sum with its least and most: 3.1 (1.2 to 8.0)."""
    middle, low, high = (stages[f"{column}{end}"].sum() for end in ("", "_least", "_most"))
    return f"{middle:,.1f} ({low:,.1f} to {high:,.1f})"
