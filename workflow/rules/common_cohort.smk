"""What tables and figures of cohorts, tasks and settings read, and which of them are made. Functions only."""

import json

# Settings of training that runs of one study of scale may differ in.
NO_STUDY_SETTINGS = ("seed", "batch_size", "micro_batch", "processes", "threads", "save_every")


def get_run_slides(wildcards):
    """Lists of the slides of the used runs, in the order of their names."""
    return [f"<results>/tables/runs/{run}.tsv" for run in get_used_runs()]


def get_run_fractions(wildcards):
    """The part of the data that each of them takes."""
    return {run: RUNS[run]["fraction"] for run in get_used_runs()}


def get_trained_cohorts(wildcards):
    """Cohorts that a used run trains on."""
    return sorted({cohort for run in get_used_runs() for cohort in RUNS[run]["cohorts"]})


def get_described_tasks(wildcards):
    """Used tasks, sorted by id."""
    return sorted(config["probe"]["use"])


def get_described_files(wildcards):
    """config.yaml and k=all.tsv of each of them, one after the other."""
    return [path for task in get_described_tasks(wildcards) for path in files_of_task(task)]


def get_task_resource(name):
    """A table of the paper's tasks and cohorts that ships."""
    return workflow.source_path(f"../../resources/tasks/{name}.tsv")


def get_published_table(name):
    """A table of the paper's numbers that ships."""
    return workflow.source_path(f"../../resources/published/{name}.tsv")


def get_run_settings(wildcards):
    """Each used run with its grid and with what is known of its patch encoder, which may be read from files."""
    found = {}
    for name in get_used_runs():
        run = RUNS[name]
        encoder = ENCODERS[run["encoder"]]
        given_by_name = encoder["adapter"] == "precomputed" and run["encoder"] in ENCODER_FACTS
        adapter = run["encoder"] if given_by_name else encoder["adapter"]
        named = {key: value for key, value in encoder.items() if value not in ("", None)}
        facts = ENCODER_FACTS.get(adapter, {}) | named | {"adapter": adapter}
        found[name] = run | {"encoder": facts, "grid": config["tiles"]["grids"][run["grid"]]}
    return found


def get_mapped_models():
    """Used models whose runs' slides are mapped."""
    return [name for name in config["embed"]["use"] if MODELS[name]["kind"] == "threads"]


def get_mapped_slides(wildcards):
    """The slides that the model's run trained on."""
    return f"<results>/tables/runs/{MODELS[wildcards.model]['run']}.tsv"


def get_mapped_blocks(wildcards):
    """Embeddings of them: blocks of all slides, or blocks of their own where the run's cohorts are not embedded."""
    cohorts = set(RUNS[MODELS[wildcards.model]["run"]]["cohorts"])
    folder = f"<results>/embed/{wildcards.model}"
    if not config["embed"]["cohorts"] or cohorts <= set(config["embed"]["cohorts"]):
        return [
            f"{folder}/slides/{block}.h5"
            for block, rows in SLIDE_BLOCKS.items()
            if any(row.get("cohort") in cohorts for row in rows)
        ]
    return [f"{folder}/pretraining/{shard}.h5" for shard in get_shards_of(cohorts)]


def get_scaling_studies(wildcards=None):
    """Used models by run whose runs differ in the part of the data, or in the slide encoder, and in nothing else."""
    runs = {MODELS[model]["run"]: model for model in reversed(get_mapped_models())}
    studies = []
    for study, free in (("data", "fraction"), ("size", "slide_encoder")):
        groups = {}
        for run in sorted(runs):
            same = {key: value for key, value in RUNS[run].items() if key != free}
            training = same["training"].items()
            same["training"] = {key: one for key, one in training if key not in NO_STUDY_SETTINGS}
            groups.setdefault(json.dumps(same, sort_keys=True), {})[run] = runs[run]
        for models in groups.values():
            if len({json.dumps(RUNS[run][free], sort_keys=True) for run in models}) > 1:
                studies.append({"study": study, "models": models})
    return studies


def get_scaling_runs(wildcards=None):
    """Runs of these studies, sorted."""
    return sorted({run for study in get_scaling_studies() for run in study["models"]})


def get_scaling_settings(wildcards):
    """Their entries."""
    return {run: RUNS[run] for run in get_scaling_runs()}


def get_scaling_weights(wildcards):
    """Their weights."""
    return [f"<results>/pretrain/runs/{run}/model.safetensors" for run in get_scaling_runs()]


def get_scaling_slides(wildcards):
    """The slides they trained on."""
    return [f"<results>/tables/runs/{run}.tsv" for run in get_scaling_runs()]


def get_cohort_targets():
    """Tables and figures of the cohort and its tasks."""
    names = ["tables/datasets.tsv"]
    if get_used_runs():
        names += ["tables/sites.tsv", "figures/sites.svg", "tables/settings.tsv"]
    names += [f"figures/maps/{model}.svg" for model in get_mapped_models()]
    if config["probe"]["use"]:
        names += ["tables/task_statistics.tsv", "tables/labels.tsv"]
        names += ["tables/scaling.tsv"] * bool(get_scaling_studies())
    return [f"<results>/{name}" for name in names]
