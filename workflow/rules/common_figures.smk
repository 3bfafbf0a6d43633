"""Figures and tables of scores: what they compare with, which of them the config can fill. Functions only."""


def get_reference(wildcards=None):
    """The model that others are compared with: the config's, else the first trained one in use, else the first."""
    used = config["embed"]["use"]
    trained = [name for name in used if MODELS.get(name, {}).get("kind") == "threads"]
    return config["report"]["reference"] or next(iter(trained + used), "")


def get_supervised_names(wildcards=None):
    """Names of supervised models that some task asks for."""
    return list(SUPERVISED) if get_tuned_tasks() else []


def get_tasks_of(group):
    """Used tasks that ask for a group of protocols."""
    return [task for task in config["probe"]["use"] if group in TASKS[task]["groups"]]


def get_group_metrics(group):
    """Folds of every model in use on the tasks of a group of frozen probes."""
    return [
        f"<results>/probe/{model}/{task}/{group}/metrics.tsv"
        for model in config["embed"]["use"]
        for task in get_tasks_of(group)
    ]


def get_frozen_metrics(wildcards):
    """Folds of all frozen probes."""
    return get_group_metrics("frozen")


def get_fewshot_metrics(wildcards):
    """Folds and draws of all few-shot probes."""
    return get_group_metrics("fewshot")


def get_frozen_tasks(wildcards):
    """Tasks with frozen probes, in the order of their folds' tables."""
    return get_tasks_of("frozen")


def get_frozen_splits(wildcards):
    """k=all.tsv of each of them."""
    return [get_splits(task) for task in get_tasks_of("frozen")]


def get_score_figures():
    """Names of the figures of scores that the config's results fill."""
    if not (config["embed"]["use"] and config["probe"]["use"]):
        return []
    names = ["tasks", "averages", "heatmap", "small_cohorts"] * bool(get_tasks_of("frozen"))
    names += ["fewshot"] * bool(get_tasks_of("fewshot"))
    return names


def get_score_targets():
    """Each of them as SVG, as PNG, and as the table of its numbers."""
    return [
        f"figures/{name}.{kind}" for name in get_score_figures() for kind in ("svg", "png", "tsv")
    ]


def check_reference():
    """The reference is one of the models that are compared."""
    if config["report"]["reference"]:
        known = get_compared_models(None)
        check_name(
            "config, key report/reference", "model in use", config["report"]["reference"], known
        )
