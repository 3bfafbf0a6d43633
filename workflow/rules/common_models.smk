"""Runs, models and tasks: what the config names, and which files they need. Functions only."""

RUNS = config["pretrain"]["runs"]
MODELS = config["embed"]["models"]
TASKS = config["probe"]["tasks"]
# Slide encoders of others (molpath/embed/foreign.py), and those whose cases the paper or their nature takes as the mean
# of their slides; all others take the union of the patches.
FOREIGN_KINDS = ("titan", "prism", "gigapath", "chief", "madeleine", "feather")
MEAN_OF_SLIDES = ("gigapath", "titan")


def get_encoder_gpus(wildcards):
    """GPUs that extraction with the encoder pays for: none where no network runs."""
    return get_encoder_gpus_of(wildcards.encoder)


def get_encoder_gpus_of(name):
    """The same by name."""
    return int(ENCODERS[name]["adapter"] not in ("precomputed", "mean_colour"))


def get_run(wildcards):
    """The pretraining run whose name is the wildcard, with its name."""
    return RUNS[wildcards.run] | {"name": wildcards.run}


def get_model(wildcards):
    """The model whose name is the wildcard, with its name; a random one with the sizes of its run's slide encoder."""
    model = MODELS[wildcards.model] | {"name": wildcards.model}
    sizes = (
        {"slide_encoder": RUNS[model["run"]]["slide_encoder"]} if model["kind"] == "random" else {}
    )
    usual = "mean" if model["kind"] in MEAN_OF_SLIDES else "union"
    return model | sizes | {"cases": model["cases"] or usual}


def get_source(entry):
    """Grid folder and encoder that a run or a mean model reads; None for a model of given vectors."""
    if entry.get("kind") == "table":
        return None
    if entry.get("run"):
        entry = RUNS[entry["run"]]
    return GRID_NAMES[entry["grid"]], entry["encoder"]


def get_used_runs():
    """Names of the runs that are trained: those asked for and those of used `threads` models."""
    models = [MODELS[name] for name in config["embed"]["use"]]
    return sorted(
        {*config["pretrain"]["use"], *(m["run"] for m in models if m["kind"] == "threads")}
    )


def get_used_sources():
    """Pairs of grid folder and encoder that must be extracted."""
    entries = [RUNS[name] for name in get_used_runs()] + [
        MODELS[name] for name in config["embed"]["use"]
    ]
    asked = [(GRID_NAMES[item["grid"]], item["encoder"]) for item in config["features"]["use"]]
    return sorted(
        {*asked, *(get_source(entry) for entry in entries if entry.get("kind") != "table")}
    )


def get_feature_manifests(grid, encoder):
    """Manifests of all shards for a grid folder and an encoder."""
    return [f"<results>/features/{grid}/{encoder}/{shard}.tsv" for shard in SHARDS]


def get_task_folder(task):
    """Folder of a task's config.yaml and k=all.tsv."""
    return find_file(TASKS[task]["path"])


def get_task_files(wildcards):
    """config.yaml and k=all.tsv of the task."""
    folder = get_task_folder(wildcards.task)
    return [given(f"{folder}/config.yaml"), given(f"{folder}/k=all.tsv")]


def get_split_files(wildcards=None):
    """k=all.tsv of every used task, sorted by task id."""
    return [given(f"{get_task_folder(task)}/k=all.tsv") for task in sorted(config["probe"]["use"])]


def get_run_cohorts(wildcards=None):
    """The cohorts that each used run trains on."""
    return {name: list(RUNS[name]["cohorts"]) for name in get_used_runs()}
