"""Which files each target asks for. Functions only."""


def get_slides_targets(wildcards):
    """Inspected slides."""
    return [f"<results>/slides/{shard}.tsv" for shard in SHARDS]


def get_tissue_targets(wildcards):
    """Segmented slides and the table of what was set aside."""
    return [f"<results>/tissue/{shard}.tsv" for shard in SHARDS] + ["<results>/tables/slides.tsv"]


def get_tiles_targets(wildcards):
    """Patch coordinates of every grid that is used."""
    shards = {GRID_NAMES[key]: set(SHARDS) for key in config["tiles"]["use"]}
    for grid, encoder in get_used_sources():
        shards[grid] = shards.get(grid, set()) | set(get_source_shards(grid, encoder))
    return [
        f"<results>/tiles/{grid}/{shard}.tsv"
        for grid in sorted(shards)
        for shard in sorted(shards[grid])
    ]


def get_features_targets(wildcards):
    """Patch features of every grid and encoder that is used."""
    return [path for source in get_used_sources() for path in get_feature_manifests(*source)]


def get_omics_targets(wildcards):
    """Normalised profiles, and what is paired with what."""
    if not PROFILES:
        return []
    return [*get_profile_tables(wildcards), "<results>/omics/pairs.tsv"]


def get_profile_tables(wildcards=None):
    """One table a cohort and modality."""
    return [
        f"<results>/omics/{cohort}/{modality}.h5ad"
        for modality in ("rna", "dna")
        for cohort in get_cohorts(modality)
    ]


def get_pretrain_targets(wildcards):
    """Weights of every run that is used."""
    return [f"<results>/pretrain/runs/{run}/model.safetensors" for run in get_used_runs()]


def get_embed_targets(wildcards):
    """Embeddings of slides and cases by every model in use, and what trained ones give beside."""
    models = config["embed"]["use"]
    units = [
        f"<results>/embed/{model}/{unit}.h5ad" for model in models for unit in ("slides", "cases")
    ]
    trained = [model for model in models if MODELS[model]["kind"] == "threads"]
    further = ["profiles.h5ad"] + ["attention.h5"] * bool(config["embed"]["attention"])
    return units + [f"<results>/embed/{model}/{name}" for model in trained for name in further]


def get_probe_metrics(wildcards):
    """Metrics of every model, task and protocol group."""
    folds = [
        f"<results>/probe/{model}/{task}/{group}/metrics.tsv"
        for model in config["embed"]["use"]
        for task in config["probe"]["use"]
        for group in TASKS[task]["groups"]
        if group != "finetune"
    ]
    return folds + get_finetune_metrics() + get_protocol_metrics(wildcards)
