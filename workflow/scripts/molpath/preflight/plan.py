"""The remaining work of a run and its cost: slides, patches, hours, disk and downloads by stage, from costs per unit.

Costs are resources/costs/. Patches are counted where tiling is done, and estimated before. Nothing is opened but those
tables and the manifests of tissue and tiles.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import pandas as pd

from ..common.requests import FeatureNumbers, GridNumbers, PlanRequest
from .costs import Costs, read_costs
from .gpus import choose_gpu
from .networks import Network, read_networks
from .patches import Patches
from .plan_models import plan_models
from .plan_probes import plan_finetuning, plan_probes
from .plan_sum import HOURS, SIZES, Machine, Sum

#: Bytes per number in feature files (fp16) and in weights (fp32).
HALF, SINGLE = 2, 4
#: An empty request: defaults of others.
NOTHING: dict[str, Any] = {name: {} for name in ("shards", "kinds", "left", "downloads", "profiles")}
NOTHING |= {name: [] for name in ("grids", "features", "stores", "runs", "models", "tasks")}
NOTHING |= {name: [] for name in ("transfers", "clusters", "finetune")}
NOTHING |= {name: 0 for name in ("prompts", "permutations", "survival_permutations", "sweep", "few_shot_fits")}
NOTHING |= {"machine": {"gpu": "", "gpus": 0, "cores": 0}}


def plan_run(request: PlanRequest, tables: Mapping[str, str], results: str | Path) -> pd.DataFrame:
    """One row per stage and thing it makes, then the total. `request`: what the config asks for, in numbers.

    tables: paths of costs, encoders and gpus. Hours are those of one core and of one GPU, wall_hours
    those of all that share the work; GB are 10^9 bytes. Raises BadCosts and UnknownGpu.
    """
    machine = machine_of(request, tables)
    costs, networks = read_costs(tables["costs"]), read_networks(tables["encoders"])
    ends = {"": costs, "_least": costs.cheapest(), "_most": costs.dearest()}
    full_request = cast(PlanRequest, NOTHING | dict(request))
    sums = {end: _sum_up(full_request, end_costs, machine, networks, results) for end, end_costs in ends.items()}
    table = sums[""]
    for end in ("_least", "_most"):
        for name in (*HOURS, "wall_hours", *SIZES):
            table[name + end] = sums[end][name]
    return table


def machine_of(request: PlanRequest, tables: Mapping[str, str]) -> Machine:
    """The machine that a plan is for. Raises UnknownGpu."""
    options = request.get("machine") or NOTHING["machine"]
    return Machine(choose_gpu(tables["gpus"], options), options["cores"] or os.cpu_count() or 1)


def _sum_up(
    request: PlanRequest, costs: Costs, machine: Machine, networks: Mapping[str, Network], results: str | Path
) -> pd.DataFrame:
    patches = Patches(costs, results, request["shards"], request["kinds"])
    plan = Sum(costs, machine, networks, patches, [])
    plan_downloads(request, plan)
    plan_slides(request, plan)
    plan_features(request, plan)
    for modality, count in request["profiles"].items():
        if count:
            n_left = request.get("profiles_left", {}).get(modality, count)
            plan.add("omics", f"{modality} profiles", count, n_left, cpu_hours=n_left * costs[f"{modality}_profile_s"])
    plan_models(request, plan)
    plan_probes(request, plan)
    plan_finetuning(request, plan)
    return plan.table()


def plan_downloads(request: PlanRequest, plan: Sum) -> None:
    """Files that are missing: the size their sheet announces, and the paper's mean for slides without one."""
    for kind, absent in request["downloads"].items():
        if absent["files"]:
            size: float = absent["bytes"]
            if kind == "slides" and absent["unannounced"]:
                size += absent["unannounced"] * plan.costs["slide_bytes"]
            plan.add("acquire", kind, absent["files"], disk_gb=size, download_gb=size)


def plan_slides(request: PlanRequest, plan: Sum) -> None:
    """Inspection, tissue and tiles."""
    costs, shards = plan.costs, request["shards"]
    slides = sum(shards.values())
    n_left = sum(request["left"].get("slides", shards).values())
    plan.add("slides", "slides", slides, n_left, cpu_hours=n_left * costs["inspect_s"])
    n_left = sum(request["left"].get("tissue", shards).values())
    work = {"cpu_hours": n_left * costs["tissue_s"], "disk_gb": n_left * costs["slide_files_bytes"]}
    plan.add("tissue", "slides", slides, n_left, **work)
    for grid in request["grids"]:
        slides, slides_left = in_numbers(grid, shards)
        number, basis = plan.patches.of(grid, slides_left)
        n_left = sum(slides_left.values())
        work = {"cpu_hours": n_left * costs["tile_s"], "disk_gb": number * costs["coordinates_bytes"] / 2}
        plan.add("tiles", grid["name"], slides, n_left, patches=number, patches_are=basis, **work)


def in_numbers(item: GridNumbers | FeatureNumbers, shards: Mapping[str, int]) -> tuple[int, dict[str, int]]:
    """Slides of an item's shards, and how many of each shard are left: all where nothing says so."""
    slides_left = item.get("left")
    return sum(shards[shard] for shard in item["shards"]), (
        {shard: shards[shard] for shard in item["shards"]} if slides_left is None else dict(slides_left)
    )


def plan_features(request: PlanRequest, plan: Sum) -> None:
    """Features. A patch is read at a cost that grows with its area, and encoded by a network of known work."""
    costs = plan.costs
    for item in request["features"]:
        slides, slides_left = in_numbers(item, request["shards"])
        number, basis = plan.patches.of(item["grid"], slides_left)
        weights = item["parameters"] * SINGLE * item["fetch"]
        plan.add(
            "features",
            f"{item['grid']['name']} {item['encoder']}",
            slides,
            sum(slides_left.values()),
            patches=number,
            patches_are=basis,
            cpu_hours=number * costs["read_patch_s"] * item["grid"]["area"] * item.get("reads", True),
            gpu_hours=number * item["crops"] * seconds_a_patch(item, plan),
            disk_gb=number * (item["dim"] * HALF + costs["coordinates_bytes"] / 2) + weights,
            download_gb=weights,
            note="work of this encoder isn't known" * (item["network"] == "unknown"),
        )


def seconds_a_patch(item: FeatureNumbers, plan: Sum) -> float:
    """GPU-seconds of encoding a patch once: its operations over the GPU's rate in the encoder's precision."""
    if not item["network"]:
        return 0.0
    network, peak = plan.networks.get(item["network"]), plan.machine.gpu.peak(item["precision"])
    share = "encode_share" if peak == plan.machine.gpu.half else "encode_share_fp32"
    if network is None:
        return plan.costs["unknown_gflop"] * 1e9 / (peak * plan.costs[share])
    if network.transformer is None:
        share = "encode_share_conv"
    return network.flops(item["input_size"]) / (peak * plan.costs[share])


def written(table: pd.DataFrame) -> Iterable[tuple[str, float]]:
    """What a run still writes, and bytes of it."""
    rows = table[(table.stage != "total") & (table.disk_gb > 0)]
    return ((f"{row.stage} {row.what}", row.disk_gb * 1e9) for row in rows.itertuples())
