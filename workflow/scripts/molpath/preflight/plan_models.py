"""What packing, pretraining and embedding cost, for the plan."""

from __future__ import annotations

from collections.abc import Mapping

from ..common.requests import ModelNumbers, PlanRequest, RunNumbers
from .plan_sum import Sum

#: Bytes per number in feature files (fp16) and in embeddings (fp32).
HALF, SINGLE = 2, 4
#: Packed patches and embeddings are stored twice: as results, and as copies that a later run takes
#: (common/finished.py). File systems that share blocks store them once.
KEPT = 2
#: Work of training over that of one forward pass, and floating-point operations per multiplication with a weight.
FORWARD_AND_BACKWARD, PER_WEIGHT = 3, 2
#: Weights that a patch goes through in foreign slide encoders, from their papers and model cards.
FOREIGN_WEIGHTS = {"titan": 49e6, "prism": 45e6, "gigapath": 86e6, "madeleine": 5e6, "chief": 1e6, "feather": 1e6}


def plan_models(request: PlanRequest, plan: Sum) -> None:
    """Packed stores, pretraining runs, and embeddings."""
    costs, shards = plan.costs, request["shards"]
    for item in request["stores"]:
        slides_left = item.get("left", {shard: shards[shard] for shard in item["shards"]})
        number, basis = plan.patches.of(item["grid"], slides_left)
        size = number * item["dim"] * HALF
        work = {"cpu_hours": size / costs["copy_bytes"], "disk_gb": KEPT * size}
        name = f"store {item['grid']['name']} {item['encoder']}"
        lacking = sum(1 for count in slides_left.values() if count)
        plan.add("pretrain", name, len(item["shards"]), lacking, patches=number, patches_are=basis, **work)
    for run in request["runs"]:
        plan_training(run, plan)
    for model in request["models"]:
        plan_embedding(model, shards, plan)


def plan_training(run: RunNumbers, plan: Sum) -> None:
    """A run: every step's forward and backward pass; its processes have a GPU each."""
    weights = run["patches"] * plan.costs["slide_encoder_parameters"] + run["genes"] * run["rna_parameters"]
    pairs = run["pairs"] if run.get("left", True) else 0
    work = PER_WEIGHT * weights * FORWARD_AND_BACKWARD * pairs * run["epochs"]
    reached = plan.machine.gpu.peak(run.get("precision", "bf16")) * plan.costs["train_share"]
    hours = {"gpu_hours": work / reached, "at_once": run.get("processes", 1)}
    plan.add("pretrain", f"run {run['name']}", run["pairs"], pairs, **hours)


def plan_embedding(model: ModelNumbers, shards: Mapping[str, int], plan: Sum) -> None:
    """A model's slides and cases: bags are read, and go through its network, on a GPU where it needs or uses one."""
    costs, share = plan.costs, model.get("left", 1)
    number, basis = (
        plan.patches.of(model["grid"], {shard: shards[shard] for shard in model["shards"]})
        if model["grid"]
        else (0.0, "")
    )
    number *= share
    foreign, gpu = model.get("foreign", ""), model.get("gpu", "")
    weights = FOREIGN_WEIGHTS[foreign] if foreign else costs["slide_encoder_parameters"]
    work = number * PER_WEIGHT * weights * bool(model["network"])
    seconds = number * model["dim"] * HALF / costs["copy_bytes"] + (
        0 if gpu or not work else work / costs["embed_flops"]
    )
    on_gpu = work / (plan.machine.gpu.half * costs["embed_share"]) if gpu else 0.0
    units = model["slides"] + model["cases"]
    plan.add(
        "embed",
        model["name"],
        units,
        round(units * share),
        patches=number or None,
        patches_are=basis,
        cpu_hours=2 * seconds,
        gpu_hours=2 * on_gpu,
        disk_gb=KEPT * units * share * model["width"] * SINGLE,
        note="needs a GPU" * (gpu == "needed"),
    )
