"""Transfer, prompts and clusters: which tasks they join, which files they need, what can't be right. Functions only."""

TRANSFERS = config["probe"]["transfer"]["tasks"]
PROMPTS = config["probe"]["prompt"]["tasks"]
PAIRED = (("transfer", TRANSFERS, ("train", "test")), ("prompt", PROMPTS, ("support", "query")))


def get_transfer_sides(wildcards):
    """Task ids: trained on, tested on."""
    entry = TRANSFERS[wildcards.task]
    return sides_of(wildcards.task, entry["train"], entry["test"])


def get_prompt_sides(wildcards):
    """Task ids: the support cohort's, the queries'."""
    entry = PROMPTS[wildcards.task]
    return sides_of(wildcards.task, entry["support"], entry["query"])


def get_tested_tasks():
    """Ids of used tasks, and of those that transfers and prompts are tested on; sorted."""
    return sorted({*config["probe"]["use"], *(second for _, second in get_used_sides())})


def get_whole_tasks():
    """Those of which every case is tested, whatever their folds say: test sides of transfers, queries of prompts."""
    return sorted({second for first, second in get_used_sides() if first != second})


def get_used_sides():
    """Task ids of both sides of every used transfer and prompt."""
    return [
        sides_of(name, *(entries[name][word] for word in words))
        for protocol, entries, words in PAIRED
        for name in config["probe"][protocol]["use"]
        if name in entries
    ]


def files_of_task(task):
    """config.yaml and k=all.tsv of a task by id, with its folds."""
    return [given(f"{get_task_folder(task)}/config.yaml"), get_splits(task)]


def bags_of_task(wildcards, task):
    """Embeddings of the task's own bags, where it has some."""
    return [f"<results>/embed/{wildcards.model}/bags/{task}.h5"] * bool(get_bags(task))


def get_transfer_train(wildcards):
    """Files of the task a transfer trains on."""
    return files_of_task(get_transfer_sides(wildcards)[0])


def get_transfer_train_bags(wildcards):
    """Its bags."""
    return bags_of_task(wildcards, get_transfer_sides(wildcards)[0])


def get_transfer_test(wildcards):
    """Files of the task a transfer is tested on."""
    return files_of_task(get_transfer_sides(wildcards)[1])


def get_transfer_test_bags(wildcards):
    """Its bags."""
    return bags_of_task(wildcards, get_transfer_sides(wildcards)[1])


def get_prompt_support(wildcards):
    """Files of the task that labels the support cohort."""
    return files_of_task(get_prompt_sides(wildcards)[0])


def get_prompt_support_bags(wildcards):
    """Its bags."""
    return bags_of_task(wildcards, get_prompt_sides(wildcards)[0])


def get_prompt_query(wildcards):
    """Files of the task that labels the queries."""
    return files_of_task(get_prompt_sides(wildcards)[1])


def get_prompt_query_bags(wildcards):
    """Its bags."""
    return bags_of_task(wildcards, get_prompt_sides(wildcards)[1])


def get_prompt_profiles(wildcards):
    """Embedded profiles, where the model has molecular branches."""
    trained = MODELS[wildcards.model]["kind"] == "threads"
    return [f"<results>/embed/{wildcards.model}/profiles.h5ad"] * trained


def get_prompt_entry(wildcards):
    """Modalities of the prompts, and whether vectors are scaled to length 1."""
    return {key: PROMPTS[wildcards.task][key] for key in ("modalities", "normalise")}


def get_cluster_number(wildcards):
    """Clusters of a task; 0 takes its number of classes."""
    return config["probe"]["cluster"]["k"].get(wildcards.task, 0)


def get_cluster_points(wildcards):
    """t-SNE coordinates of every clustered task and model."""
    return [
        f"<results>/probe/{model}/{task}/cluster/tsne.tsv"
        for task in config["probe"]["cluster"]["use"]
        for model in config["embed"]["use"]
    ]


def get_cluster_scores(wildcards):
    """Summaries of the same, in the same order."""
    return [path.replace("tsne.tsv", "summary.tsv") for path in get_cluster_points(wildcards)]


def get_protocol_metrics(wildcards):
    """Metrics of every model's transfers, prompts and clusters."""
    return [
        f"<results>/probe/{model}/{task}/{protocol}/metrics.tsv"
        for model in config["embed"]["use"]
        for protocol in ("transfer", "prompt", "cluster")
        for task in config["probe"][protocol]["use"]
    ]


def get_protocol_families():
    """Family of each clustered task, and by <group>/<task> of each used transfer and prompt, which may share an id."""
    probe = config["probe"]
    clustered = {task: TASKS[task]["family"] for task in probe["cluster"]["use"]}
    transfers = {f"transfer/{task}": TRANSFERS[task]["family"] for task in probe["transfer"]["use"]}
    prompts = {f"prompt/{task}": PROMPTS[task]["family"] for task in probe["prompt"]["use"]}
    return clustered | transfers | prompts


def check_protocols():
    """Used transfers, prompts and clusters exist, their tasks too, and no case stands on both sides."""
    sides = []
    for protocol, entries, words in PAIRED:
        for name in config["probe"][protocol]["use"]:
            if check_name(f"config, key probe/{protocol}/use", "entry", name, entries):
                where = f"config, key probe/{protocol}/tasks/{name}"
                entry = entries[name]
                tasks = sides_of(name, *(entry[word] for word in words))
                known = [
                    check_name(f"{where}/{word}", "task", task, TASKS)
                    for word, task in zip(words, tasks)
                ]
                if all(known) and protocol == "prompt" and tasks[0] == tasks[1]:
                    check_unused_task(tasks[0])
                elif all(known):
                    check_two_sides(where, *tasks)
                    # A case whose profile is a prompt needs no slide.
                    sides += tasks if protocol == "transfer" else tasks[1:]
    for task in dict.fromkeys(sides):
        check_slides_of(task)
    for task in config["probe"]["cluster"]["use"]:
        if check_name("config, key probe/cluster/use", "task", task, TASKS):
            check_unused_task(task)


def check_unused_task(task):
    """Files of a task that only prompts or clusters read; those in use were looked at before."""
    folder = get_task_folder(task)
    known = {*config["probe"]["use"], *get_absent_tasks()}
    if task not in known and not is_made_by_a_rule(folder):
        check_task(task, folder)


@functools.cache
def labelled_rows(task):
    """Sheet, settings and labelled rows of a task whose files are there; None where they will be made or are absent."""
    folder = get_task_folder(task)
    if is_made_by_a_rule(folder) or task in get_absent_tasks():
        return None
    for name in ("config.yaml", "k=all.tsv"):
        if not os.path.isfile(f"{folder}/{name}"):
            add_problem(
                f"config, key probe/tasks/{task}/path",
                f"no such file: {folder}/{name}",
                "correct the path",
            )
            return None
    settings = load_yaml(f"{folder}/config.yaml")
    sheet = f"{folder}/k=all.tsv"
    return sheet, settings, [row for row in read_sheet(sheet) if row.get(settings["task_col"])]


def check_slides_of(task):
    """Cases and slides of a task that is not in use are in the sheet, and embedded."""
    side = None if task in config["probe"]["use"] else labelled_rows(task)
    if side:
        sheet, settings, rows = side
        for row in rows:
            check_sample(f"{sheet}, row {row['#']}", row, settings)
        check_embedded(sheet, rows)


def check_two_sides(where, first, second):
    """The same classes on both sides, no case on both, and none that a used run trained on among the second's."""
    if first == second:
        add_problem(where, f"both sides are {first}", "name two tasks with other cases")
        return
    sides = [labelled_rows(task) for task in (first, second)]
    if None in sides:
        return
    (sheet, _, rows), (_, settings, tested) = sides
    words = [sorted(map(str, side[1]["label_dict"].values())) for side in sides]
    if settings.get("task_type") != "survival" and words[0] != words[1]:
        add_problem(
            where, f"classes {words[0]} and {words[1]}", "give both label_dicts the same names"
        )
    trained = trained_cases()
    for row in tested:
        check_leak(second, f"{sides[1][0]}, row {row['#']}", row, "case_id", trained)
    both = {row["case_id"] for row in tested}
    for row in rows:
        if row["case_id"] in both:
            add_problem(
                f"{sheet}, row {row['#']}, column case_id",
                f"case {row['case_id']} is in {first} and in {second}",
                "take it out of one of them",
            )
            break
