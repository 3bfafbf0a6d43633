"""What probing and the report gather. Functions only."""

STAGES = ("slides", "tissue", "tiles", "features", "omics", "pretrain", "embed", "probe")

# Keys of the section probe that the frozen probes don't read.
NO_PROBE_SETTINGS = (
    "tasks",
    "use",
    "benchmark",
    "benchmark_groups",
    "transfer",
    "prompt",
    "cluster",
    "finetune",
    "genes",
    "expression",
)


def get_probe_settings(wildcards):
    """Settings of the probes, without tasks."""
    return {key: value for key, value in config["probe"].items() if key not in NO_PROBE_SETTINGS}


def get_pathobench_jobs(wildcards):
    """Pairs of model and task whose frozen probes are written in Patho-Bench's layout."""
    return [
        [model, task]
        for model in config["embed"]["use"]
        for task in config["probe"]["use"]
        if "frozen" in TASKS[task]["groups"]
    ]


def get_pathobench_files(name):
    """A file of each of those jobs."""
    jobs = get_pathobench_jobs(None)
    return [f"<results>/probe/{model}/{task}/frozen/{name}" for model, task in jobs]


def get_pathobench_predictions(wildcards):
    """Predictions of each job."""
    return get_pathobench_files("predictions.parquet")


def get_pathobench_metrics(wildcards):
    """Metrics of each job."""
    return get_pathobench_files("metrics.tsv")


def get_pathobench_configs(wildcards):
    """config.yaml of each job's task."""
    return [
        given(f"{get_task_folder(task)}/config.yaml") for _, task in get_pathobench_jobs(wildcards)
    ]


def get_pathobench_tables(wildcards):
    """k=all.tsv of each job's task."""
    return [get_splits(task) for _, task in get_pathobench_jobs(wildcards)]


def get_probe_summaries(wildcards):
    """Summaries of every model, task and group."""
    return [path.replace("metrics.tsv", "summary.tsv") for path in get_probe_metrics(wildcards)]


def get_probe_predictions(wildcards):
    """Predictions of every model's frozen and fine-tuned probes, transfers and prompts: what single tests need."""
    paths = [
        path
        for path in get_probe_metrics(wildcards)
        if os.path.basename(os.path.dirname(path)) in ("frozen", "finetune", "transfer", "prompt")
    ]
    return [path.replace("metrics.tsv", "predictions.parquet") for path in paths]


def get_task_families(wildcards):
    """Family of each used task."""
    folds = {task: TASKS[task]["family"] for task in config["probe"]["use"]}
    return folds | get_protocol_families()


def get_benchmark_table():
    """The table of the paper's tasks."""
    return workflow.source_path("../../resources/tasks/tasks.tsv")


def get_published_scores():
    """Tables of the paper's scores."""
    names = ("linear_probe", "fine_tuning", "transfer", "retrieval", "clustering")
    names += ("few_shot", "prompting")
    return [workflow.source_path(f"../../resources/published/{name}.tsv") for name in names]


def get_published_names(wildcards=None):
    """The paper's name of each compared model that it has: as the config says, else the model's own."""
    named = config["report"]["published"]
    names = {model: named.get(model, model) for model in get_compared_models()}
    return {model: name for model, name in names.items() if name in PUBLISHED_MODELS}


def get_histories(wildcards):
    """Histories of the used runs."""
    return [f"<results>/pretrain/runs/{run}/history.tsv" for run in get_used_runs()]


def get_history_names(wildcards):
    """Names of the used runs, in the order of their histories."""
    return get_used_runs()


def get_case_embeddings(wildcards):
    """Case embeddings of the models in use."""
    return [f"<results>/embed/{model}/cases.h5ad" for model in config["embed"]["use"]]


def get_report_targets(wildcards):
    """Tables and figures of what the config has."""
    names = ["figures/slides.svg", "figures/quality.svg"]
    names += ["tables/slides.tsv", "tables/worst_slides.html"]
    if get_tiles_targets(wildcards):
        names.append("tables/exclusions.tsv")
    if PROFILES:
        names += ["tables/omics.tsv", "omics/leakage.tsv", "figures/omics.svg"]
    if get_used_runs():
        names.append("figures/pretraining.svg")
    if config["embed"]["use"]:
        names.append("figures/embeddings.svg")
    if config["embed"]["use"] and config["probe"]["use"]:
        names += [
            f"tables/{name}"
            for name in (
                "metrics.tsv",
                "comparison.tsv",
                "seeds.tsv",
                "comparison.html",
                "tests.tsv",
                "tests.html",
            )
        ]
        names += get_score_targets()
        names += ["figures/clusters.svg"] * bool(config["probe"]["cluster"]["use"])
        if get_published_names() and set(config["probe"]["use"]) & set(BENCHMARK_TASKS):
            kinds = ("published.tsv", "published.html", "published.md", "published.tex")
            names += [f"tables/{name}" for name in (*kinds, "published_averages.tsv")]
            names.append("figures/published.svg")
    tables = (
        [f"<results>/{name}" for name in names] + get_cohort_targets() + get_gene_tables(wildcards)
    )
    return tables + get_table_pages(tables) + get_attention_pages()


def get_result_targets(wildcards):
    """All results that the config asks for."""
    stages = (
        get_slides_targets,
        get_tissue_targets,
        get_tiles_targets,
        get_features_targets,
        get_omics_targets,
        get_pretrain_targets,
    )
    later = (get_embed_targets, get_probe_metrics, get_report_targets)
    return [path for targets in (*stages, *later) for path in targets(wildcards)]


def get_all_targets(wildcards):
    """The same, what made them, and what that took."""
    took = ["<results>/benchmarks/resources.html"]
    return get_result_targets(wildcards) + get_provenance() + took
