"""What probing costs, for the plan: probes of frozen embeddings, transfers, prompts, clusters, and fine-tuning."""

from __future__ import annotations

from ..common.requests import ModelNumbers, PlanRequest, TaskNumbers
from .costs import Costs
from .plan_sum import Sum

#: Share of a task's samples on the training side of a fold: the paper's 80:20.
TRAINED = 0.8
#: Bytes per number in feature files (fp16); bags in memory are float32.
HALF, SINGLE = 2, 4

#: Folds that a permutation is tried on, at most (probe.permuting.PERMUTED_FOLDS, which needs pandas).
PERMUTED_FOLDS = 10
#: Bytes of a task's bags that fine-tuning keeps in memory (the default of probe.finetune.TaskBags, which needs torch).
BAGS_IN_MEMORY = 4 << 30


def plan_probes(request: PlanRequest, plan: Sum) -> None:
    """Probing jobs: the start-up of jobs, and every fit of every fold, with labels permuted and few samples too.

    A row per model, then one for the transfers, the prompts and the clusters of all models together.
    """
    costs = plan.costs
    for model in request["models"] if request["tasks"] else ():
        seconds, jobs, done = 0.0, 0, 0
        probed = {(task, group) for task, group in model.get("probed", ())}
        for task in request["tasks"]:
            groups = [name for name in task["groups"] if name != "finetune"]
            jobs += len(groups)
            groups_left = [name for name in groups if (task.get("name"), name) not in probed]
            done += len(groups) - len(groups_left)
            fits = frozen_fits(task, request) if "frozen" in groups_left else 0
            fits += task["folds"] * request["few_shot_fits"] * ("fewshot" in groups_left)
            seconds += fits * fit_seconds(task, TRAINED * task["samples"], model, costs)
        left_jobs = jobs - done
        plan.add("probe", model["name"], jobs, left_jobs, cpu_hours=seconds + left_jobs * costs["probe_job_s"])
    models = request["models"]
    seconds = sum(
        fit_seconds(task, task["samples"], model, costs) * frozen_fits(task | {"folds": 1}, request)
        for task in request["transfers"]
        for model in models
    )
    cluster = sum(request["clusters"]) * len(models) * costs["cluster_sample_s"] if request["clusters"] else 0.0
    protocols: tuple[tuple[str, int, float, int | None], ...] = (
        ("transfers", len(request["transfers"]), seconds, request.get("transfers_left")),
        ("prompts", request["prompts"], 0.0, request.get("prompts_left")),
        ("clusters", len(request["clusters"]), cluster, request.get("clusters_left")),
    )
    for name, count, work, left_of_all in protocols:
        jobs = count * len(models)
        if jobs:
            lacking = jobs if left_of_all is None else left_of_all
            work = work * lacking / jobs + lacking * costs["probe_job_s"]
            plan.add("probe", name, jobs, lacking, cpu_hours=work)


def frozen_fits(task: TaskNumbers, request: PlanRequest) -> int:
    """Fits of a task's frozen probes: every fold at every strength, and at most PERMUTED_FOLDS per permutation."""
    permuted = min(task["folds"], PERMUTED_FOLDS)
    if task["survival"]:
        return task["folds"] + permuted * request["survival_permutations"]
    return task["folds"] * (1 + request["sweep"]) + permuted * request["permutations"]


def fit_seconds(task: TaskNumbers, samples: float, model: ModelNumbers, costs: Costs) -> float:
    """CPU seconds of one fit on so many training samples."""
    size = samples * model["width"] / 1e6
    return size * costs["cox_s"] if task["survival"] else size * task["classes"] * costs["logistic_s"]


def plan_finetuning(request: PlanRequest, plan: Sum) -> None:
    """A row per fine-tuned model: training steps of all folds on a GPU, which waits for bags that memory can't keep."""
    costs = plan.costs
    tasks = [task for task in request["tasks"] if "finetune" in task["groups"]]
    for model in request["finetune"] if tasks else ():
        seconds = 0.0
        tasks_left = [task for task in tasks if task.get("name") not in model.get("tuned", ())]
        for task in tasks_left:
            passes = model["epochs"] * task["folds"]
            size = task["slides"] * costs["patches_per_slide"] * model["density"] * model["dim"]
            share_kept = min(1.0, BAGS_IN_MEMORY / (size * SINGLE)) if size else 1.0
            reads = share_kept + (1 - share_kept) * passes
            seconds += TRAINED * task["samples"] * passes * costs["finetune_step_s"]
            seconds += size * HALF * reads / costs["copy_bytes"]
        plan.add("probe", f"fine-tuned {model['name']}", len(tasks), len(tasks_left), gpu_hours=seconds)
