"""Checks that need config and sheets together: names that exist, folds, leakage. Functions only."""

DOWNLOAD_COLUMNS = ("url", "md5", "bytes")


def check_slide_sheet():
    """Rows, unique ids, files."""
    columns = (
        "slide_id",
        "case_id",
        "path",
        "cohort",
        "mpp",
        "specimen",
        "keep",
        *DOWNLOAD_COLUMNS,
    )
    rows = check_rows(
        SLIDE_SHEET, SLIDES, workflow.source_path("../schemas/slides.schema.yaml"), columns
    )
    check_unique(SLIDE_SHEET, rows, ["slide_id"], "give every slide an id of its own")
    for row in rows:
        values = slide_values(row)
        if values["keep"] != "no" and values["path"] and not will_be_there(row):
            check_file(f"{SLIDE_SHEET}, row {row['#']}, column path", values["path"])


def check_profile_sheet():
    """Rows, unique profile and format, files, one case a profile."""
    if not PROFILE_SHEET:
        return
    columns = ("profile_id", "case_id", "modality", "cohort", "format", "path", "unit")
    columns += DOWNLOAD_COLUMNS
    rows = check_rows(
        PROFILE_SHEET, PROFILES, workflow.source_path("../schemas/profiles.schema.yaml"), columns
    )
    check_unique(
        PROFILE_SHEET,
        rows,
        ["profile_id", "format"],
        "rows may share a profile_id only with different formats",
    )
    cases = {}
    for row in rows:
        path = resolve_path(row["path"], PROFILE_SHEET)
        if not will_be_there(row):
            check_file(f"{PROFILE_SHEET}, row {row['#']}, column path", path)
        if cases.setdefault(row["profile_id"], row["case_id"]) != row["case_id"]:
            add_problem(
                f"{PROFILE_SHEET}, row {row['#']}, column case_id",
                f"profile {row['profile_id']} belongs to case {cases[row['profile_id']]} in an earlier row",
                "a profile is one measurement of one case: give it another profile_id",
            )


def check_name(where, kind, name, known):
    """A name that refers to another entry of the config exists there."""
    if name not in known:
        have = ", ".join(sorted(known)) or "none"
        add_problem(where, f"no {kind} is called {name!r}", f"define it, or use one of: {have}")
        return False
    return True


def check_grids():
    """No two grids share a folder; overlaps fit; pairs of grid and encoder to extract exist."""
    owner = {}
    for key, name in GRID_NAMES.items():
        where = f"config, key tiles/grids/{key}"
        if owner.setdefault(name, key) != key:
            add_problem(
                where, f"same folder {name} as grid {owner[name]!r}", "give one of them a `label`"
            )
        grid = config["tiles"]["grids"][key]
        if grid["overlap"] >= grid["patch_size"]:
            add_problem(where, "overlap is not smaller than patch_size", "choose a smaller overlap")
        if grid["mpp"] and grid["scale"] != "mpp":
            add_problem(
                where, "mpp has no meaning with scale: magnification", "leave one of them out"
            )
        if grid["coords"] and not os.path.isdir(find_file(grid["coords"])):
            add_problem(
                f"{where}/coords",
                f"no such folder: {grid['coords']!r}",
                "name the folder of <slide>_patches.h5 files, or leave it out",
            )
    for name in config["tiles"]["use"]:
        check_name("config, key tiles/use", "grid", name, GRID_NAMES)
    for item in config["features"]["use"]:
        check_name("config, key features/use", "grid", item["grid"], GRID_NAMES)
        check_name("config, key features/use", "encoder", item["encoder"], ENCODERS)


def check_runs():
    """Grid, encoder and cohorts of each run exist; its profiles are fit to train on."""
    cohorts = {row.get("cohort") or "" for row in SLIDES}
    for name, run in RUNS.items():
        where = f"config, key pretrain/runs/{name}"
        check_name(f"{where}/grid", "grid", run["grid"], GRID_NAMES)
        check_name(f"{where}/encoder", "encoder", run["encoder"], ENCODERS)
        for cohort in run["cohorts"]:
            check_name(f"{where}/cohorts", f"cohort of {SLIDE_SHEET}", cohort, cohorts)
        for modality in run["modalities"] * (name in get_used_runs()):
            if not set(run["cohorts"]) & set(get_cohorts(modality)):
                add_problem(
                    f"{where}/modalities",
                    f"no {modality} profile of {', '.join(run['cohorts'])} in {PROFILE_SHEET or 'omics/sheet (empty)'}",
                    f"leave out {modality}, or add profiles",
                )
        for row in PROFILES:
            if (
                row.get("unit") == "zscore"
                and row.get("cohort") in run["cohorts"]
                and name in get_used_runs()
            ):
                add_problem(
                    f"{PROFILE_SHEET}, row {row['#']}, column unit",
                    f"run {name} would train on z-scores, which were scaled over their own cohort",
                    "give counts or TPM, or take the cohort out of the run",
                )
                break


def check_models():
    """Each model has what its kind needs."""
    for name, model in MODELS.items():
        where = f"config, key embed/models/{name}"
        if model["kind"] in ("mean", *FOREIGN_KINDS):
            check_name(f"{where}/grid", "grid", model["grid"], GRID_NAMES)
            check_name(f"{where}/encoder", "encoder", model["encoder"], ENCODERS)
            if model["kind"] in FOREIGN_KINDS and name in get_needed_models():
                check_file(
                    f"{where}/weights",
                    find_file(model["weights"] or "(empty)"),
                    "put its weights there (workflow/docs/encoders.md), or take it out of embed/use and probe/finetune/use",
                )
        elif model["kind"] in ("threads", "random"):
            known = check_name(f"{where}/run", "run", model["run"], RUNS)
            if known and model["kind"] == "threads" and name in get_needed_models():
                check_checkpoint(model["run"])
        elif not model["path"]:
            add_problem(f"{where}/path", "empty", "name a TSV with case_id and numeric columns")
        else:
            check_file(f"{where}/path", find_file(model["path"]))
    for key, names in (
        ("embed/use", config["embed"]["use"]),
        ("probe/finetune/use", config["probe"]["finetune"]["use"]),
    ):
        for name in names:
            check_name(f"config, key {key}", "model", name, MODELS)
    for model, name in config["report"]["published"].items():
        where = f"config, key report/published/{model}"
        check_name(where, "model", model, {**MODELS, **SUPERVISED})
        check_name(where, "model of the paper", name, PUBLISHED_MODELS)
    have = {row.get(column) or "" for row in SLIDES for column in ("cohort", "project")} - {""}
    absent = [repr(name) for name in config["embed"]["cohorts"] if name not in have]
    if absent and SLIDES:
        add_problem(
            "config, key embed/cohorts",
            f"no cohort or project of {SLIDE_SHEET} is called {', '.join(absent)}",
            f"add slides of it, or leave it out; the sheet has: {', '.join(sorted(have)) or 'none'}",
        )
    for slide in config["embed"]["attention"]:
        check_name("config, key embed/attention", f"slide of {SLIDE_SHEET}", slide, SHARD_OF_SLIDE)


def check_tasks():
    """Used tasks exist, and those whose files are there already are right."""
    for task in config["probe"]["use"]:
        if check_name("config, key probe/use", "task", task, TASKS):
            folder = get_task_folder(task)
            if not is_made_by_a_rule(folder) and task not in get_absent_tasks():
                check_task(task, folder)


def check_task(task, folder):
    """config.yaml and k=all.tsv of one task."""
    for name in ("config.yaml", "k=all.tsv"):
        if not os.path.isfile(f"{folder}/{name}"):
            add_problem(
                f"config, key probe/tasks/{task}/path",
                f"no such file: {folder}/{name}",
                "correct the path",
            )
            return
    settings = load_yaml(f"{folder}/config.yaml")
    schema = load_yaml(workflow.source_path("../schemas/task.schema.yaml"))
    errors = list(Draft202012Validator(schema).iter_errors(settings))
    for error in errors:
        add_problem(
            f"{folder}/config.yaml, key {place(error)}", short_message(error), advice(error)
        )
    if not errors:
        check_splits(task, f"{folder}/k=all.tsv", settings)


def check_splits(task, sheet, settings):
    """Label column, labels, folds, known cases, and leakage of one task."""
    rows = read_sheet(sheet)
    needed = [
        settings["task_col"],
        "case_id",
        settings["sample_col"],
        *settings.get("extra_cols", []),
    ]
    missing = [name for name in needed if not rows or name not in rows[0]]
    if missing:
        add_problem(
            f"{sheet}, header, column {', '.join(missing)}",
            "the task's config.yaml names it, but the table has no such column",
            "correct task_col, sample_col or extra_cols in config.yaml, or the header",
        )
        return
    folds = [name for name in rows[0] if isinstance(name, str) and "fold_" in name]
    recipe = settings.get("splits")
    if not folds and not recipe:
        add_problem(
            f"{sheet}, header",
            "no fold_0, fold_1, … columns",
            "add columns with train, test or -1, or a recipe `splits` to config.yaml",
        )
    if folds and recipe:
        add_problem(
            f"{sheet}, header, column {folds[0]}",
            "the table has folds, and the task's config.yaml a recipe `splits`",
            "leave one of them out",
        )
    labels = {str(label) for label in settings["label_dict"]}
    trained = trained_cases()
    for row in rows:
        where = f"{sheet}, row {row['#']}"
        label = row[settings["task_col"]]
        if label and settings.get("task_type") != "survival" and label not in labels:
            have = ", ".join(sorted(labels))
            add_problem(
                f"{where}, column {settings['task_col']}",
                f"label {label!r} is not in label_dict",
                f"one of: {have}",
            )
        for fold in folds if label else []:
            check_fold_cell(task, where, row, fold, trained)
        if recipe and label and may_be_tested(row, recipe):
            check_leak(task, where, row, "splits", trained)
        if label:
            check_sample(where, row, settings)
    check_embedded(sheet, [row for row in rows if row[settings["task_col"]]])
    check_fold_sides(sheet, rows, folds)


def check_fold_cell(task, where, row, fold, trained):
    """One cell of a fold: an allowed word, and no pretraining case on the test side."""
    if row[fold] not in ("train", "test", "val", "-1", ""):
        add_problem(
            f"{where}, column {fold}",
            f"{row[fold]!r} is not allowed",
            "one of: train, test, val, -1",
        )
    if row[fold] == "test":
        check_leak(task, where, row, fold, trained)


def check_fold_sides(sheet, rows, folds):
    """No case lies on both sides of one fold."""
    for fold in folds:
        side = {}
        for row in rows:
            if row[fold] not in ("train", "test"):
                continue
            if side.setdefault(row["case_id"], row[fold]) != row[fold]:
                add_problem(
                    f"{sheet}, row {row['#']}, column {fold}",
                    f"case {row['case_id']} is on both sides of {fold}",
                    "put all slides of a case on one side",
                )


def trained_cases():
    """Cases that a used run trains on, with the run's name."""
    by_cohort = {cohort: name for name in get_used_runs() for cohort in RUNS[name]["cohorts"]}
    profiled = {(row["case_id"], row["cohort"]) for row in PROFILES}
    return {
        row["case_id"]: by_cohort[row["cohort"]]
        for row in SLIDES
        if row.get("cohort") in by_cohort and (row["case_id"], row["cohort"]) in profiled
    }


def check_everything():
    """All checks of sheets and names, then those that need every name to be right."""
    check_slide_sheet()
    check_profile_sheet()
    check_tissue()
    check_grids()
    check_encoders()
    check_models()
    check_benchmark()
    for name in config["pretrain"]["use"]:
        if check_name("config, key pretrain/use", "run", name, RUNS):
            check_checkpoint(name)
    stop_on_problems()
    check_omics()
    check_runs()
    check_tasks()
    check_protocols()
    check_finetune()
    check_genes()
    check_reference()
    stop_on_problems()
    note_encoders()


if IS_MAIN and not WRITES_SHEETS:
    check_everything()
