"""Figures and tables of scores: what they compare with, which of them the config can fill. Functions only."""


def get_reference_model(wildcards=None):
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


def get_pooling_pairs(wildcards=None):
    """Each slide encoder in use, with the mean pooling in use over the same grid and patch encoder."""
    used = config["embed"]["use"]
    means = [name for name in used if MODELS[name]["kind"] == "mean"]
    pairs = {
        name: [mean for mean in means if get_source(MODELS[mean]) == get_source(MODELS[name])]
        for name in used
        if MODELS[name]["kind"] not in ("mean", "table")
    }
    return {name: others for name, others in pairs.items() if others}


def get_random_pairs(wildcards=None):
    """Each trained model in use, with the untrained ones in use of the same grid, encoder and sizes."""

    def build(name):
        run = RUNS[MODELS[name]["run"]]
        return get_source(run), run["slide_encoder"]

    kinds = {name: MODELS[name]["kind"] for name in config["embed"]["use"]}
    untrained = [name for name, kind in kinds.items() if kind == "random"]
    pairs = {
        name: [other for other in untrained if build(other) == build(name)]
        for name, kind in kinds.items()
        if kind == "threads"
    }
    return {name: others for name, others in pairs.items() if others}


def get_score_figures():
    """Names of the figures of scores that the config's results fill."""
    if not (config["embed"]["use"] and config["probe"]["use"]):
        return []
    names = ["tasks", "averages", "heatmap", "small_cohorts"] * bool(get_tasks_of("frozen"))
    probe = config["probe"]
    names += ["slide_encoder_gain"] * bool(get_tasks_of("frozen") and get_pooling_pairs())
    names += ["c_sweep"] * bool(get_tasks_of("frozen") and probe["C_sweep"])
    names += ["fewshot"] * bool(get_tasks_of("fewshot"))
    names += ["retrieval"] * bool(get_tasks_of("retrieval"))
    names += ["prompting"] * bool(probe["prompt"]["use"])
    names += ["transfer"] * bool(probe["transfer"]["use"])
    names += ["finetuning", "finetuning_tasks"] * bool(get_finetune_metrics())
    names += ["finetuning_gain"] * bool(get_tuned_tasks() and get_random_pairs())
    return names


def get_score_tables():
    """Names of the tables of scores that the config's results fill."""
    probe = config["probe"]
    if not (config["embed"]["use"] and probe["use"]):
        return []
    others = any(get_tasks_of(group) for group in ("fewshot", "retrieval"))
    others = others or probe["prompt"]["use"] or probe["transfer"]["use"] or probe["C_sweep"]
    return ["cohorts"] + ["protocols"] * bool(others)


def get_score_targets():
    """Each figure as SVG, as PNG, and as the table of its numbers; each table as TSV, Markdown and LaTeX."""
    figures = [
        f"figures/{name}.{kind}" for name in get_score_figures() for kind in ("svg", "png", "tsv")
    ]
    return figures + [
        f"tables/{name}.{kind}" for name in get_score_tables() for kind in ("tsv", "md", "tex")
    ]


def check_reference():
    """The reference is one of the models that are compared."""
    if config["report"]["reference"]:
        known = get_compared_models(None)
        check_name(
            "config, key report/reference", "model in use", config["report"]["reference"], known
        )
