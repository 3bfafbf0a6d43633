"""What provenance writes down: inputs of the user, environment files, digests. Functions only."""

PROVENANCE_FILES = ("provenance.json", "ro-crate-metadata.json", "job_times.tsv")


@functools.cache
def get_given_files():
    """Sheets, lists, tasks and weights that this run reads and doesn't make, by the config key that names them."""
    named = {
        "slides/sheet": SLIDE_SHEET,
        "slides/cases": next(iter(get_case_sheet()), ""),
        "omics/sheet": PROFILE_SHEET,
    }
    for name in ("consequences", "so_terms", "dna_genes", "gene_table", "transcripts"):
        named[f"omics/{name}"] = find_given(config["omics"][name])
    for task in get_tested_tasks() if get_needed_models() else ():
        for name in ("config.yaml", "k=all.tsv"):
            named[f"probe/tasks/{task}/{name}"] = f"{get_task_folder(task)}/{name}"
    for encoder in get_doctor_encoders():
        key = f"features/encoders/{encoder['name']}"
        named[key] = encoder["weights"] or encoder["fetched"]
        named[f"{key}/stain"] = find_given(ENCODERS[encoder["name"]]["stain"]["target"])
    for name in get_needed_models():
        if MODELS[name]["kind"] == "table":
            named[f"embed/models/{name}"] = find_file(MODELS[name]["path"])
    for run in get_used_runs():
        folder = RUNS[run]["rna_encoder"]["checkpoint"]
        for name in ("best_model.pt", "vocab.json") if folder else ():
            named[f"pretrain/runs/{run}/{name}"] = f"{find_file(folder)}/{name}"
    return {key: given(path) for key, path in (named | get_doctor_weights()).items() if path}


def get_environment_files():
    """The environment files that rules name."""
    names = {str(rule.conda_env) for rule in workflow.rules if rule.conda_env}
    return [workflow.source_path(name) for name in sorted(names) if name.startswith("../../envs/")]


def get_all_digests():
    """Code digest of every stage and of the report."""
    return {stage: digest(stage) for stage in (*STAGES, "report")}


def get_provenance():
    """What is written last."""
    return [f"<results>/{name}" for name in PROVENANCE_FILES]
