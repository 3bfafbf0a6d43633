"""What `snakemake plan` and `plan_table` need to know of the config, in numbers. Functions only."""


def get_cost_table():
    """What things cost, for the plan."""
    return workflow.source_path("../../resources/costs/costs.tsv")


def get_plan_grid(name):
    """A grid as the plan sees it: patches a slide and pixels a patch over those of 512 px at 20x without overlap."""
    grid = GRIDS[name]
    magnification = 10 / grid["mpp"] if grid["mpp"] else grid["magnification"]
    step = (grid["patch_size"] - grid["overlap"]) / 512 * 20 / magnification
    # Pixels that are read: as many of the slide's as the patch covers.
    edge = grid["patch_size"] / 512 * 20 / magnification
    return {"name": name, "density": step**-2, "area": edge**2}


def get_plan_features(wildcards=None):
    """Features to extract: width, size of the network, shards, and whether its weights are still to be fetched."""
    found = []
    for grid, name in get_used_sources():
        encoder = ENCODERS[name]
        facts = ENCODER_FACTS.get(encoder["adapter"], {})
        fetched = [] if encoder["weights"] else get_fetched_weights(encoder["adapter"])
        found.append(
            {
                "grid": get_plan_grid(grid),
                "encoder": name,
                "dim": facts.get("dim") or 1024,
                "parameters": (facts.get("parameters") or 0) * 1e6,
                "input_size": facts.get("input_size") or GRIDS[grid]["patch_size"],
                "crops": encoder["crops"],
                "fetch": int(any(not os.path.exists(path) for path in fetched)),
                "shards": get_source_shards(grid, name),
            }
        )
    return found


def get_plan_run(name):
    """A run: pairs, epochs, what a step sees, parameters of the expression branch without its output layers."""
    run, rna = RUNS[name], RUNS[name]["rna_encoder"]
    profiled = {
        (row["case_id"], row["cohort"]) for row in PROFILES if row["modality"] in run["modalities"]
    }
    slides = [row for row in SLIDES if row.get("cohort") in run["cohorts"]]
    pairs = sum((row["case_id"], row["cohort"]) in profiled for row in slides)
    layer = 4 * rna["width"] ** 2 + 2 * rna["width"] * rna["feedforward"]
    return {
        "name": name,
        "pairs": round(pairs * run["fraction"]),
        "epochs": run["training"]["epochs"],
        "patches": run["training"]["patches"],
        "genes": run["training"]["genes"] * ("rna" in run["modalities"]),
        "rna_parameters": rna["layers"] * layer if rna["kind"] == "scgpt" else 0,
    }


def get_plan_model(name, widths):
    """A model: what it reads, how wide its embedding is (1,024 where only its weights know), how much it embeds."""
    model = MODELS[name]
    source = get_source(model)
    run = RUNS[model["run"]] if model["run"] else None
    width = run["slide_encoder"]["output"] if run else widths.get(source, 1024)
    shards = {SHARD_OF_SLIDE[row["slide_id"]] for row in EMBEDDED} if source else set()
    return {
        "name": name,
        "grid": get_plan_grid(source[0]) if source else None,
        "dim": widths.get(source, 0),
        "width": width if model["kind"] in ("mean", "threads", "random") else 1024,
        "network": model["kind"] not in ("mean", "table"),
        "shards": sorted(shards),
        "slides": len(EMBEDDED),
        "cases": len({row["case_id"] for row in EMBEDDED}),
    }


def get_plan_task(task):
    """A task: samples, folds, classes, groups of protocols. Files that a rule makes later are counted once they are there."""
    folder = get_task_folder(task)
    rows = read_sheet(f"{folder}/k=all.tsv")
    settings = load_yaml(f"{folder}/config.yaml") if rows else {"sample_col": "case_id"}
    rows = [row for row in rows if row.get(settings["task_col"])]
    survival = settings.get("task_type") == "survival"
    return {
        "samples": len({row[settings["sample_col"]] for row in rows}),
        "slides": len({row.get("slide_id") or row["case_id"] for row in rows}),
        "folds": sum("fold_" in name for name in rows[0]) if rows else 1,
        "classes": 1 if survival else len(settings.get("label_dict", ())),
        "survival": survival,
        "groups": TASKS[task]["groups"],
    }


def get_plan_finetuning(widths):
    """Fine-tuned models: patches a slide over those of 512 px at 20x, width of a patch, epochs."""
    found = []
    for name in get_finetune_models() if get_tuned_tasks() else ():
        model = SUPERVISED.get(name) or MODELS[name]
        recipe = "threads" if model["kind"] == "random" else model["kind"]
        source = get_source(model)
        found.append(
            {
                "name": name,
                "density": get_plan_grid(source[0])["density"],
                "dim": widths[source],
                "epochs": config["probe"]["finetune"]["recipes"][recipe]["epochs"],
            }
        )
    return found


def get_plan_downloads():
    """Files still to come, by sheet: how many, bytes that their rows announce, and how many announce none."""
    slides = [
        (values["path"], row)
        for shard, rows in SHARDS.items()
        for values, row in zip(values_of_shard(shard), rows)
        if values["keep"] != "no"
    ]
    profiles = [(resolve_path(row["path"], PROFILE_SHEET), row) for row in get_profile_downloads()]
    found = {}
    for kind, rows in (("slides", slides), ("profiles", profiles)):
        sizes = [row.get("bytes") or "" for path, row in rows if not os.path.exists(path)]
        found[kind] = {
            "files": len(sizes),
            "bytes": sum(map(int, filter(None, sizes))),
            "unannounced": sizes.count(""),
        }
    return found


def get_plan_request(wildcards=None):
    """What the config asks for, in numbers, for molpath/report/plan.py."""
    kept = {shard: sum(row["keep"] != "no" for row in values_of_shard(shard)) for shard in SHARDS}
    features = get_plan_features()
    widths = {(item["grid"]["name"], item["encoder"]): item["dim"] for item in features}
    tiles = [path.split("/")[-2:] for path in get_tiles_targets(None)]
    names = sorted({grid for grid, _ in tiles})
    probe = config["probe"]
    runs = get_used_runs()
    return {
        "shards": kept,
        "downloads": get_plan_downloads(),
        "grids": [
            get_plan_grid(name) | {"shards": [file[:5] for grid, file in tiles if grid == name]}
            for name in names
        ],
        "features": features,
        "profiles": {
            modality: len({row["profile_id"] for row in PROFILES if row["modality"] == modality})
            for modality in ("rna", "dna")
        },
        "stores": [
            item
            | {
                "shards": sorted(
                    {
                        s
                        for run in runs
                        if get_source(RUNS[run]) == source
                        for s in get_shards_of(RUNS[run]["cohorts"])
                    }
                )
            }
            for source, item in zip(widths, features)
            if any(get_source(RUNS[run]) == source for run in runs)
        ],
        "runs": [get_plan_run(name) for name in runs],
        "models": [get_plan_model(name, widths) for name in config["embed"]["use"]],
        "tasks": [get_plan_task(task) for task in probe["use"]],
        "transfers": [
            get_plan_task(sides_of(name, TRANSFERS[name]["train"], TRANSFERS[name]["test"])[0])
            for name in probe["transfer"]["use"]
        ],
        "prompts": len(probe["prompt"]["use"]),
        "clusters": [get_plan_task(task)["samples"] for task in probe["cluster"]["use"]],
        "finetune": get_plan_finetuning(widths),
        "sweep": len(probe["C_sweep"]),
        "permutations": probe["permutations"],
        "few_shot_fits": len(probe["shots"]) * probe["repeats"],
    }
