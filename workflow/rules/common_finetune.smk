"""Fine-tuning and interpretability: which models, and what their jobs read. Functions only."""

# Kinds of models in embed/models whose slide encoder can be trained further (molpath/probe/trainable.py).
TUNABLE_KINDS = ("threads", "random", "chief")
SUPERVISED = config["probe"]["finetune"]["models"]


def get_tuned_tasks():
    """Used tasks that ask for fine-tuning."""
    tasks = config["probe"]["use"]
    return [task for task in tasks if task in TASKS and "finetune" in TASKS[task]["groups"]]


def get_supervised_models():
    """Supervised models that some task asks for."""
    return list(SUPERVISED.values()) if get_tuned_tasks() else []


def get_tuned_models():
    """Models of embed/models that are fine-tuned: those the config names, else those in use that can be."""
    if not get_tuned_tasks():
        return []
    used = [name for name in config["embed"]["use"] if name in MODELS]
    used = [name for name in used if MODELS[name]["kind"] in TUNABLE_KINDS]
    return config["probe"]["finetune"]["use"] or used


def get_finetune_models():
    """Names of all models that are fine-tuned, the supervised ones last."""
    return [*get_tuned_models(), *SUPERVISED]


def get_compared_models(wildcards=None):
    """Models whose scores stand side by side: those in use, then those that are only fine-tuned."""
    return get_needed_models() + (list(SUPERVISED) if get_tuned_tasks() else [])


def get_finetune_metrics():
    """Metrics of every model and task of the group finetune."""
    return [
        f"<results>/probe/{model}/{task}/finetune/metrics.tsv"
        for model in get_finetune_models()
        for task in get_tuned_tasks()
    ]


def get_finetune_model(wildcards):
    """The model with its name; kind, weights and sizes as for embedding."""
    if wildcards.model in SUPERVISED:
        return SUPERVISED[wildcards.model] | {"name": wildcards.model}
    return get_model(wildcards)


def get_finetune_manifests(wildcards):
    """Feature manifests of the shards with slides of the task."""
    grid, encoder = get_source(SUPERVISED.get(wildcards.model) or MODELS[wildcards.model])
    shards = get_task_shards(wildcards.task) or get_source_shards(grid, encoder)
    return [f"<results>/features/{grid}/{encoder}/{shard}.tsv" for shard in shards]


@functools.cache
def get_task_shards(task):
    """Shards with slides that a task lists, or of cases for which it lists none; none where its table is made later."""
    rows = read_sheet(f"{get_task_folder(task)}/k=all.tsv")
    slides = {row.get("slide_id") for row in rows}
    cases = {row.get("case_id") for row in rows if not row.get("slide_id")}
    return sorted(
        {SHARD_OF_SLIDE[slide] for slide in slides if slide in SHARD_OF_SLIDE}
        | {SHARD_OF_SLIDE[row["slide_id"]] for row in SLIDES if row["case_id"] in cases}
    )


def get_finetune_sources(wildcards):
    """Files of the model's weights; none for a supervised one."""
    return [] if wildcards.model in SUPERVISED else get_model_sources(wildcards)


def get_finetune_settings(wildcards):
    """What fine-tuning and the summaries read of the config."""
    keys = ("bootstraps", "seed", "missing")
    finetune = config["probe"]["finetune"]
    own = {key: value for key, value in finetune.items() if key not in ("models", "use")}
    return {key: config["probe"][key] for key in keys} | {"finetune": own}


def get_attended_models():
    """Models in use whose attention over patches can be shown."""
    return [name for name in config["embed"]["use"] if MODELS[name]["kind"] == "threads"]


def get_attention_pages(wildcards=None):
    """Maps of attention over each named slide, and its highest patches, by every trained model."""
    return [
        f"<results>/figures/{kind}/{model}/{slide}.png"
        for model in get_attended_models()
        for slide in config["embed"]["attention"]
        for kind in ("attention", "top_patches")
    ]


def get_slide_values(wildcards):
    """What the slide sheet says of a slide: slide_id, path, mpp, …"""
    rows = values_of_shard(SHARD_OF_SLIDE[wildcards.slide])
    return next(row for row in rows if row["slide_id"] == wildcards.slide)


def get_slide_file(wildcards):
    """The slide file."""
    return given(get_slide_values(wildcards)["path"])


def get_slide_inspected(wildcards):
    """Inspection manifest of the slide's shard."""
    return f"<results>/slides/{SHARD_OF_SLIDE[wildcards.slide]}.tsv"


def get_slide_assessed(wildcards):
    """Tissue manifest of the slide's shard; its thumbnail is there by then."""
    return f"<results>/tissue/{SHARD_OF_SLIDE[wildcards.slide]}.tsv"


def get_gene_tables(wildcards):
    """Tables of direction and expression that the config names."""
    directions = [
        f"<results>/probe/{item['model']}/{item['task']}/genes/directions.tsv"
        for item in config["probe"]["genes"]
    ]
    expression = [
        f"<results>/probe/{item['model']}/{item['task']}/{item['group']}/expression.tsv"
        for item in config["probe"]["expression"]
    ]
    return directions + expression


def get_rna_tables(wildcards=None):
    """Expression tables of all cohorts."""
    return [f"<results>/omics/{cohort}/rna.h5ad" for cohort in get_cohorts("rna")]


def get_direction_settings(wildcards):
    """Settings of the frozen probe whose direction is taken."""
    return {key: config["probe"][key] for key in ("C", "max_iter", "cox", "plain")}


def get_expression_settings(wildcards):
    """How the groups of a model, task and group are made."""
    for item in config["probe"]["expression"]:
        if all(item[key] == wildcards[key] for key in ("model", "task", "group")):
            return {
                "split": item["split"],
                "class": item["class"],
                "min_counts": item["min_counts"],
            }
    return {}


def check_finetune():
    """Named models can be fine-tuned; supervised ones have a grid, an encoder and a name of their own."""
    for name in config["probe"]["finetune"]["use"]:
        kind = MODELS[name]["kind"]
        if kind not in TUNABLE_KINDS:
            add_problem(
                "config, key probe/finetune/use",
                f"{name} is of kind {kind}, which can't be fine-tuned",
                f"name models of kind {', '.join(TUNABLE_KINDS)}",
            )
    for name, model in SUPERVISED.items():
        where = f"config, key probe/finetune/models/{name}"
        check_name(f"{where}/grid", "grid", model["grid"], GRID_NAMES)
        check_name(f"{where}/encoder", "encoder", model["encoder"], ENCODERS)
        if name in MODELS:
            add_problem(where, "a model of embed/models has this name", "give it another one")
    if any("finetune" in task["groups"] for task in TASKS.values()) and not get_finetune_models():
        add_problem(
            "config, key probe/tasks",
            "a task has group finetune, and no model in use can be fine-tuned",
            f"use a model of kind {', '.join(TUNABLE_KINDS)}, or name one under probe/finetune/models",
        )


def check_genes():
    """Tables of genes name models and tasks in use, each once, and there is expression to look at."""
    seen = set()
    for item in config["probe"]["expression"]:
        names = item["model"], item["task"], item["group"]
        if names in seen:
            add_problem(
                "config, key probe/expression",
                f"{', '.join(names)} is there twice",
                "keep one: the table has one place",
            )
        seen.add(names)
    for key in ("genes", "expression"):
        for item in config["probe"][key]:
            where = f"config, key probe/{key}"
            known = get_compared_models() if key == "expression" else config["embed"]["use"]
            right = check_name(where, "model in use", item["model"], known)
            right &= check_name(where, "task in use", item["task"], config["probe"]["use"])
            if not get_cohorts("rna"):
                add_problem(where, "there are no rna profiles", "give omics/sheet, or leave it out")
            if not right:
                continue
            model = MODELS.get(item["model"], {})
            trained_on_rna = model.get("kind") == "threads" and (
                "rna" in RUNS[model["run"]]["modalities"]
            )
            if key == "genes" and not trained_on_rna:
                add_problem(
                    where,
                    f"{item['model']} has no expression branch",
                    "name a model of kind threads whose run trains on rna",
                )
            if key == "expression" and item["group"] not in TASKS[item["task"]]["groups"]:
                add_problem(
                    where,
                    f"{item['task']} has no group {item['group']}",
                    "add it to the task's groups, or name another",
                )
