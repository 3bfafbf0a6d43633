"""What a run will cost, before it starts: slides, patches, hours, disk and downloads by stage, from costs per unit.

Costs are resources/costs/costs.tsv; patches are counted where tiling is done, and estimated from the paper's mean
before. Nothing is opened but that table and the manifests of tiles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ..common.files import read_tsv, write_tsv
from .costs import Costs, read_costs
from .plan_probes import plan_finetuning, plan_probes

COLUMNS = (
    "stage",
    "what",
    "units",
    "patches",
    "cpu_hours",
    "gpu_hours",
    "disk_gb",
    "download_gb",
    "patches_are",
    "assumed",
)
#: Bytes of a number in feature files (fp16), in weights and in embeddings (fp32).
HALF, SINGLE = 2, 4
#: Packed patches and embeddings lie twice: as results, and as copies that a later run takes (common/finished.py). File
#: systems that share blocks store them once.
KEPT = 2
#: Work of training over that of one forward pass, and floating-point operations a multiplication with a weight.
FORWARD_AND_BACKWARD, PER_WEIGHT = 3, 2
#: A request that asks for nothing: what another one lacks is taken from here.
NOTHING: dict[str, Any] = {name: {} for name in ("shards", "downloads", "profiles")}
NOTHING |= {name: [] for name in ("grids", "features", "stores", "runs", "models", "tasks")}
NOTHING |= {name: [] for name in ("transfers", "clusters", "finetune")}
NOTHING |= {name: 0 for name in ("prompts", "permutations", "survival_permutations", "sweep", "few_shot_fits")}


class Patches:
    """Patches of a grid's shards: counted in their manifests where these exist, else estimated from their slides."""

    def __init__(self, costs: Costs, results: str | Path, slides: Mapping[str, int]):
        self.costs, self.results, self.slides = costs, Path(results), slides
        self.counted: dict[tuple[str, str], int | None] = {}

    def of(self, grid: Mapping[str, Any], shards: Iterable[str]) -> tuple[float, str]:
        """Patches of the shards on a grid, and how they are known: counted, estimated, or partly counted."""
        found = [self._count(grid["name"], shard) for shard in shards]
        mean = self.costs["patches_per_slide"] * grid["density"]
        guessed = [self.slides[shard] * mean for shard, count in zip(shards, found, strict=True) if count is None]
        known = [count for count in found if count is not None]
        words = "partly counted" if known and guessed else "counted" if known else "estimated"
        return sum(known) + sum(guessed), words

    def _count(self, grid: str, shard: str) -> int | None:
        if (grid, shard) not in self.counted:
            path = self.results / "tiles" / grid / f"{shard}.tsv"
            counts = pd.to_numeric(read_tsv(path).n_patches, errors="coerce") if path.is_file() else None
            self.counted[grid, shard] = None if counts is None else int(counts.sum())
        return self.counted[grid, shard]


def plan_run(request: Mapping[str, Any], costs: Costs, results: str | Path) -> pd.DataFrame:
    """One row a stage and thing it makes, then the total. `request`: what the config asks for, in numbers.

    Hours are of one core and of one GPU; GB are 10^9 bytes. Features and runs are planned for a GPU.
    """
    request = NOTHING | dict(request)
    patches = Patches(costs, results, request["shards"])
    rows: list[dict[str, Any]] = []

    def add(stage: str, what: str, units: float, **values: float | str) -> None:
        hours = {name: float(values.pop(name, 0)) / 3600 for name in ("cpu_hours", "gpu_hours")}
        sizes = {name: float(values.pop(name, 0)) / 1e9 for name in ("disk_gb", "download_gb")}
        rows.append({"stage": stage, "what": what, "units": units} | hours | sizes | values | {"assumed": costs.take()})

    plan_downloads(request, costs, add)
    slides = sum(request["shards"].values())
    add("slides", "slides", slides, cpu_hours=slides * costs["inspect_s"])
    add(
        "tissue",
        "slides",
        slides,
        cpu_hours=slides * costs["tissue_s"],
        disk_gb=slides * costs["slide_files_bytes"],
    )
    plan_patches(request, costs, patches, add)
    for modality, count in request["profiles"].items():
        if not count:
            continue
        add("omics", f"{modality} profiles", count, cpu_hours=count * costs[f"{modality}_profile_s"])
    plan_models(request, costs, patches, add)
    plan_probes(request, costs, add)
    plan_finetuning(request, costs, add)
    table = pd.DataFrame(rows).reindex(columns=COLUMNS)
    total = {"stage": "total", "what": "", "patches_are": "", "assumed": ""}
    total |= {name: table[name].sum() for name in COLUMNS if name.endswith(("_hours", "_gb"))}
    table = pd.concat([table, pd.DataFrame([total])], ignore_index=True).reindex(columns=COLUMNS)
    return table.fillna({"patches_are": "", "assumed": "", "what": ""})


def plan_downloads(request: Mapping[str, Any], costs: Costs, add) -> None:
    """Files that are not there: the size their sheet announces, and the paper's mean for slides without one."""
    for kind, absent in request["downloads"].items():
        if absent["files"]:
            size = absent["bytes"]
            if kind == "slides" and absent["unannounced"]:
                size += absent["unannounced"] * costs["slide_bytes"]
            add("acquire", kind, absent["files"], disk_gb=size, download_gb=size)


def plan_patches(request: Mapping[str, Any], costs: Costs, patches: Patches, add) -> None:
    """Tiles and features. A patch is read at a cost that grows with its area; encoding is 2 x weights x tokens."""
    for grid in request["grids"]:
        number, known = patches.of(grid, grid["shards"])
        slides = sum(request["shards"][shard] for shard in grid["shards"])
        size = number * costs["coordinates_bytes"] / 2
        add(
            "tiles",
            grid["name"],
            slides,
            patches=number,
            patches_are=known,
            cpu_hours=slides * costs["tile_s"],
            disk_gb=size,
        )
    for item in request["features"]:
        number, known = patches.of(item["grid"], item["shards"])
        slides = sum(request["shards"][shard] for shard in item["shards"])
        work = number * item["crops"] * encoding_flops(item, costs)
        weights = item["parameters"] * SINGLE * item["fetch"]
        add(
            "features",
            f"{item['grid']['name']} {item['encoder']}",
            slides,
            patches=number,
            patches_are=known,
            cpu_hours=number * costs["read_patch_s"] * item["grid"]["area"] * bool(item["parameters"]),
            gpu_hours=work / costs["encode_flops"],
            disk_gb=number * (item["dim"] * HALF + costs["coordinates_bytes"] / 2) + weights,
            download_gb=weights,
        )


def encoding_flops(item: Mapping[str, Any], costs: Costs) -> float:
    """Floating-point operations of a patch: every weight once for each token."""
    if not item["parameters"]:
        return 0.0
    tokens = (item["input_size"] / costs["token_px"]) ** 2
    return PER_WEIGHT * item["parameters"] * tokens


def plan_models(request: Mapping[str, Any], costs: Costs, patches: Patches, add) -> None:
    """Packed stores, pretraining runs, and embeddings."""
    for item in request["stores"]:
        number, known = patches.of(item["grid"], item["shards"])
        size = number * item["dim"] * HALF
        what = f"store {item['grid']['name']} {item['encoder']}"
        add(
            "pretrain",
            what,
            len(item["shards"]),
            patches=number,
            patches_are=known,
            cpu_hours=size / costs["copy_bytes"],
            disk_gb=KEPT * size,
        )
    for run in request["runs"]:
        forward = PER_WEIGHT * (
            run["patches"] * costs["slide_encoder_parameters"] + run["genes"] * run["rna_parameters"]
        )
        work = forward * FORWARD_AND_BACKWARD * run["pairs"] * run["epochs"]
        add("pretrain", f"run {run['name']}", run["pairs"], gpu_hours=work / costs["train_flops"])
    for model in request["models"]:
        number, known = patches.of(model["grid"], model["shards"]) if model["grid"] else (0, "")
        seconds = number * model["dim"] * HALF / costs["copy_bytes"] if number else 0
        if model["network"]:
            seconds += number * PER_WEIGHT * costs["slide_encoder_parameters"] / costs["embed_flops"]
        units = model["slides"] + model["cases"]
        add(
            "embed",
            model["name"],
            units,
            patches=number or None,
            patches_are=known,
            cpu_hours=2 * seconds,
            disk_gb=KEPT * units * model["width"] * SINGLE,
        )


def as_text(table: pd.DataFrame, costs: Costs) -> str:
    """The plan in columns for a terminal, and what in it was assumed."""
    shown = table.drop(columns="assumed").copy()
    for name in shown.columns[2:8]:
        digits = 0 if name in ("units", "patches") else 1
        shown[name] = ["" if pd.isna(x) or (x == 0 and digits) else f"{x:,.{digits}f}" for x in shown[name]]
    cells = [list(shown.columns), *shown.to_numpy().tolist()]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    sides = ["<", "<", ">", ">", ">", ">", ">", ">", "<"]
    lines = [
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)).rstrip()
        for row in cells
    ]
    names = sorted({name for cell in table.assumed if cell for name in cell.split(", ")})
    lines += [
        "",
        "hours of one core and of one GPU; GB = 10^9 bytes; units are slides, profiles, files, shards, pairs, jobs",
    ]
    if names:
        values = ", ".join(f"{name} = {costs.values[name]:g}" for name in names)
        lines.append(f"assumed, not measured (resources/costs/costs.tsv): {values}")
    return "\n".join(lines)


def print_plan(*, request: Mapping[str, Any], costs: str, results: str) -> None:
    """Print the plan of a run."""
    known = read_costs(costs)
    print(as_text(plan_run(request, known, results), known), flush=True)


def write_plan(*, request: Mapping[str, Any], costs: str, results: str, output: str) -> None:
    """Write the plan of a run as TSV."""
    write_tsv(output, plan_run(request, read_costs(costs), results))
