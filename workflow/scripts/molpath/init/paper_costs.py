"""What a study of the paper's will cost before any of its files is here, by the same plan as `snakemake plan`."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import yaml

from ..preflight.costs import read_costs
from ..preflight.plan import plan_run
from ..study import Study
from ..study.config import Config, shipped_in_checkout
from .draft import table


def costs_of(config: Config, slides: int, procedure: str = "") -> list[str]:
    """Lines on patches, hours and disk of a config's slides, features and embeddings, with so many slides.

    procedure: how their tissue was taken (column of the slide sheet).
    """
    own = {"procedure": procedure} if procedure else {}
    stand_in = [
        {"slide_id": f"S{i}", "case_id": f"S{i}", "path": f"S{i}.svs", "url": f"https://stand.in/S{i}.svs"} | own
        for i in range(slides)
    ]
    counted = {key: config[key] for key in ("tiles", "features", "embed")} | {"slides": {"sheet": "slides.tsv"}}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path("slides.tsv").write_text(table(stand_in), encoding="utf-8")
        Path("config.yaml").write_text(yaml.safe_dump(counted), encoding="utf-8")
        request = Study.open("config.yaml").forecast.request()
        plan = plan_run(request, read_costs(shipped_in_checkout("../resources/costs/costs.tsv")), "results")
    parts = plan[~plan.stage.isin(["acquire", "downloads", "total"])]
    patches = parts[parts.stage == "features"].patches.sum()
    return [
        f"about {patches:,.0f} patches of {slides:,} slides (the paper's mean of a slide: biopsies have fewer)",
        f"about {parts.gpu_hours.sum():,.1f} GPU-hours, {parts.cpu_hours.sum():,.1f} CPU-hours, "
        f"{parts.disk_gb.sum():,.1f} GB of disk beside the slides",
    ]
