"""Runs, models and tasks: what the config names, which files they need, rows of tasks. Functions only."""

import functools

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


def get_needed_models():
    """Names of the models of embed/models that are embedded with or fine-tuned."""
    return list(dict.fromkeys([*config["embed"]["use"], *get_tuned_models()]))


def get_used_runs():
    """Names of the runs that are trained: those asked for and those of needed `threads` models."""
    models = [MODELS[name] for name in get_needed_models()]
    return sorted(
        {*config["pretrain"]["use"], *(m["run"] for m in models if m["kind"] == "threads")}
    )


def get_used_sources():
    """Pairs of grid folder and encoder that must be extracted."""
    entries = [RUNS[name] for name in get_used_runs()] + get_patch_readers()
    asked = [(GRID_NAMES[item["grid"]], item["encoder"]) for item in config["features"]["use"]]
    return sorted(
        {*asked, *(get_source(entry) for entry in entries if entry.get("kind") != "table")}
    )


def get_patch_readers():
    """Models that read patches of the slides of embed/cohorts: embedded with, fine-tuned, trained from scratch."""
    return [MODELS[name] for name in get_needed_models()] + get_supervised_models()


@functools.cache
def get_source_shards(grid, encoder):
    """Shards whose features on a grid by an encoder are needed: of the cohorts that runs train on and that models embed."""
    asked = [(GRID_NAMES[item["grid"]], item["encoder"]) for item in config["features"]["use"]]
    runs = [RUNS[run] for run in get_used_runs() if get_source(RUNS[run]) == (grid, encoder)]
    parts = [get_shards_of(run["cohorts"]) for run in runs]
    parts += [list(SHARDS)] * ((grid, encoder) in asked)
    parts += [EMBEDDED_SHARDS] * ((grid, encoder) in map(get_source, get_patch_readers()))
    return sorted({shard for part in parts for shard in part})


def get_feature_manifests(grid, encoder):
    """Manifests of the shards that are needed for a grid folder and an encoder."""
    shards = get_source_shards(grid, encoder)
    return [f"<results>/features/{grid}/{encoder}/{shard}.tsv" for shard in shards]


def get_task_folder(task):
    """Folder of a task's config.yaml and k=all.tsv."""
    return find_file(TASKS[task]["path"])


@functools.cache
def get_recipe(task):
    """The recipe `splits` of the task's config.yaml: its folds are made, not given. Empty for most."""
    path = f"{get_task_folder(task)}/config.yaml"
    settings = load_yaml(path) if os.path.isfile(path) else None
    return (settings.get("splits") if isinstance(settings, dict) else None) or {}


def get_splits(task):
    """k=all.tsv with the folds of a task: the user's, or the one that rule split_task writes by the recipe."""
    if get_recipe(task):
        return f"<results>/probe/splits/{task}/k=all.tsv"
    return given(f"{get_task_folder(task)}/k=all.tsv")


def get_given_task_files(wildcards):
    """config.yaml and k=all.tsv as the user gives them."""
    folder = get_task_folder(wildcards.task)
    return [given(f"{folder}/config.yaml"), given(f"{folder}/k=all.tsv")]


def get_task_files(wildcards):
    """config.yaml and k=all.tsv of the task, with its folds."""
    return [given(f"{get_task_folder(wildcards.task)}/config.yaml"), get_splits(wildcards.task)]


def get_split_files(wildcards=None):
    """k=all.tsv of every task that something is tested on, sorted by task id."""
    return [get_splits(task) for task in get_tested_tasks()]


def get_run_cohorts(wildcards=None):
    """The cohorts that each used run trains on."""
    return {name: list(RUNS[name]["cohorts"]) for name in get_used_runs()}


@functools.cache
def check_checkpoint(name):
    """The expression branch's public weights that a used run starts from are there."""
    folder = RUNS[name]["rna_encoder"]["checkpoint"]
    if folder and not os.path.exists(f"{find_file(folder)}/vocab.json"):
        add_problem(
            f"config, key pretrain/runs/{name}/rna_encoder/checkpoint",
            f"no such file: {find_file(folder)}/vocab.json",
            "put scGPT's best_model.pt and vocab.json there (github.com/bowang-lab/scGPT links to them)",
        )


def may_be_tested(row, recipe):
    """True if a recipe may put the row on a test side: all but the train side of an official split."""
    column = recipe.get("column") or "split"
    return recipe.get("method") != "official" or (row.get(column) or "").lower() == "test"


def check_sample(where, row, settings):
    """A labelled row: case and slide are in the sheet; of a survival task times over 0, events 0 or 1."""
    slide = row.get("slide_id")
    if row["case_id"] not in SLIDES_BY_CASE and config["probe"]["missing"] != "skip":
        add_problem(
            f"{where}, column case_id",
            f"case {row['case_id']!r} is not in {SLIDE_SHEET}",
            "add its slides to the sheet, take the row out, or set probe/missing: skip",
        )
    if slide and slide not in SHARD_OF_SLIDE and config["probe"]["missing"] != "skip":
        add_problem(
            f"{where}, column slide_id",
            f"slide {slide!r} is not in {SLIDE_SHEET}",
            "add it to the sheet, take the row out, or set probe/missing: skip",
        )
    if settings.get("task_type") != "survival":
        return
    for column in settings.get("extra_cols") or []:
        value = row.get(column) or ""
        if column.endswith(("_days", "_months")) and not is_number(value, lambda x: x > 0):
            add_problem(
                f"{where}, column {column}",
                f"{value!r} is no time over 0",
                "write the time from the start, or empty the label to leave the row out",
            )
        if column.endswith("_event") and not is_number(value, lambda x: x in (0, 1)):
            add_problem(
                f"{where}, column {column}",
                f"{value!r} is neither 1 (event) nor 0 (censored)",
                "correct it, or empty the label to leave the row out",
            )


def check_embedded(sheet, rows):
    """Slides that labelled rows list are of the cohorts that models embed; told once a table."""
    if config["probe"]["missing"] == "skip":
        return
    left = [row for row in rows if row.get("slide_id") in SHARD_OF_SLIDE]
    left = [row for row in left if row["slide_id"] not in EMBEDDED_SLIDES]
    if left:
        add_problem(
            f"{sheet}, row {left[0]['#']}, column slide_id",
            f"{left[0]['slide_id']} and {len(left) - 1} more slides are of no cohort or project in embed/cohorts",
            "name it there, take the task out, or set probe/missing: skip",
        )


def is_number(text, fits):
    """True if a cell is a finite number that fits."""
    try:
        return float(text) < float("inf") and fits(float(text))
    except ValueError:
        return False


def check_leak(task, where, row, fold, trained):
    """No case that a run trains on stands on a test side."""
    if row["case_id"] in trained and row["case_id"] not in config["omics"]["allow_leakage"]:
        add_problem(
            f"{where}, column {fold}",
            f"case {row['case_id']} is on the test side of {task}, and run {trained[row['case_id']]} trains on it",
            "take its cohort out of the run, or the case out of the test side (or name it in omics/allow_leakage)",
        )
