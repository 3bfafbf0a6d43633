"""The paper's tasks out of a folder of Patho-Bench: what probe/benchmark and the words public and in_house stand for.

Functions only.
"""

# The paper's 54 tasks; its transfers; which tasks its few-shot, retrieval, prompts and clusters use (resources/tasks).
BENCHMARK_TASKS = {
    row["task"]: row for row in read_sheet(workflow.source_path("../../resources/tasks/tasks.tsv"))
}
BENCHMARK_TRANSFERS = {
    row["task"]: row
    for row in read_sheet(workflow.source_path("../../resources/tasks/transfer.tsv"))
}
BENCHMARK_SETS = read_sheet(workflow.source_path("../../resources/tasks/sets.tsv"))
GROUP_OF_SET = {"few_shot": "fewshot", "retrieval": "retrieval"}
# Sets whose models are those of the frozen benchmark, and the two that only fine-tuning has.
PUBLISHED_MODELS = {
    row["model"]
    for name in ("models", "fine_tuning")
    for row in read_sheet(workflow.source_path(f"../../resources/published/{name}.tsv"))
}


def rows_of_set(name):
    """Rows of one of the paper's sets, by task."""
    return {row["task"]: row for row in BENCHMARK_SETS if row["set"] == name}


def sides_of(name, first="", second=""):
    """Task ids of both sides: as named, else read from the id <A>==<B>--<task>; one task alone is both."""
    sources, _, task = name.partition("--")
    a, _, b = sources.partition("==")
    return first or f"{a}--{task}", second or f"{b or a}--{task}"


def groups_of(task, wanted):
    """Those of the groups of protocols in `wanted` with which the paper runs one of its tasks."""
    own = ["frozen", "finetune"] if task in BENCHMARK_TASKS else []
    own += [group for name, group in GROUP_OF_SET.items() if task in rows_of_set(name)]
    return [group for group in wanted if group in own]


def add_benchmark(probe):
    """Define the paper's tasks, transfers and prompts in section `probe`, and put ids in place of public and in_house."""
    if not probe["benchmark"]:
        return
    retrieval, prompts = rows_of_set("retrieval"), rows_of_set("prompting")
    groups = {
        task: groups_of(task, probe["benchmark_groups"]) for task in BENCHMARK_TASKS | retrieval
    }
    sides = [side for name in (*BENCHMARK_TRANSFERS, *prompts) for side in sides_of(name)]
    for task in (*groups, *sides, *rows_of_set("clustering")):
        family = BENCHMARK_TASKS.get(task, {"family": "further"})["family"]
        folder = f"{probe['benchmark']}/{task.replace('--', '/')}"
        entry = {"path": folder, "family": family, "groups": groups.get(task) or ["frozen"]}
        add_entry(probe["tasks"], task, entry, "task")
    for name in BENCHMARK_TRANSFERS:
        add_entry(probe["transfer"]["tasks"], name, {}, "transfer")
    for name in prompts:
        add_entry(probe["prompt"]["tasks"], name, {}, "prompt")
    used = {task: row for task, row in (BENCHMARK_TASKS | retrieval).items() if groups[task]}
    for section, known in (
        (probe, used),
        (probe["transfer"], BENCHMARK_TRANSFERS),
        (probe["prompt"], prompts),
        (probe["cluster"], rows_of_set("clustering")),
    ):
        section["use"] = ids_for(section["use"], known)


def add_entry(entries, name, values, kind):
    """Define an entry with the schema's defaults, unless the config has one of that name."""
    fill_defaults(values, CONFIG_SCHEMA["$defs"][kind], CONFIG_SCHEMA)
    entries.setdefault(name, values)


def ids_for(words, known):
    """`words` with the ids of that access in place of public and in_house, each id once."""
    ids = [
        [name for name, row in known.items() if row["access"] == word] or [word] for word in words
    ]
    return list(dict.fromkeys(name for some in ids for name in some))


def get_named_tasks():
    """Every task that is probed, transferred, prompted or clustered, with both sides of those that have two."""
    probe = config["probe"]
    paired = [side for sides in get_used_sides() for side in sides]
    return list(dict.fromkeys([*probe["use"], *paired, *probe["cluster"]["use"]]))


@functools.cache
def get_absent_tasks():
    """Tasks that are to come from the benchmark's folder and whose table is not there."""
    folder = config["probe"]["benchmark"]
    return [
        task
        for task in get_named_tasks()
        if task in TASKS
        and folder
        and TASKS[task]["path"] == f"{folder}/{task.replace('--', '/')}"
        and not is_made_by_a_rule(folder)
        and not os.path.isfile(f"{get_task_folder(task)}/k=all.tsv")
    ]


def check_benchmark():
    """One problem for all the benchmark's tasks whose files are not there, and one for those of TCGA among them."""
    folder = config["probe"]["benchmark"]
    own = [task for task in get_absent_tasks() if task.startswith("tcga_")]
    absent = [task for task in get_absent_tasks() if task not in own]
    for tasks, remedy in (
        (
            absent,
            "ask for access to https://huggingface.co/datasets/MahmoodLab/Patho-Bench and download it there "
            "(hf download MahmoodLab/Patho-Bench --repo-type dataset --local-dir FOLDER); "
            "tasks marked in_house in resources/tasks are not obtainable",
        ),
        (
            own,
            "training and support sides of TCGA: write config.yaml and k=all.tsv (config/public/README.md), "
            "or name fewer under probe/transfer/use and probe/prompt/use",
        ),
    ):
        if tasks:
            shown = ", ".join(tasks[:3]) + (", …" if len(tasks) > 3 else "")
            add_problem(
                "config, key probe/benchmark",
                f"{folder} has no <source>/<task>/k=all.tsv of {len(tasks)} task{'s' * (len(tasks) > 1)}: {shown}",
                remedy,
            )


add_benchmark(config["probe"])
