"""What pretraining and embedding read: manifests, stores, runs and blocks of slides or cases. Functions only."""

import itertools

SLIDES_BY_CASE = {case: [] for case in CASES}
# embed/cohorts names cohorts, or projects of a cohort that is larger than what tasks use of it.
EMBEDDED_NAMES = set(config["embed"]["cohorts"])
EMBEDDED = [
    row
    for row in SLIDES
    if not EMBEDDED_NAMES or not EMBEDDED_NAMES.isdisjoint((row.get("cohort"), row.get("project")))
]
EMBEDDED_SLIDES = {row.get("slide_id") for row in EMBEDDED}
EMBEDDED_SHARDS = sorted({SHARD_OF_SLIDE[row.get("slide_id")] for row in EMBEDDED})
for row in EMBEDDED:
    SLIDES_BY_CASE[row.get("case_id") or ""].append(row["slide_id"] if "slide_id" in row else "")
SLIDE_BLOCKS = in_blocks(EMBEDDED, config["embed"]["slides_per_job"])
CASE_BLOCKS = in_blocks(
    [case for case in CASES if SLIDES_BY_CASE[case]], config["embed"]["slides_per_job"]
)


def get_run_patches(wildcards):
    """The shards of packed patches a run reads."""
    grid, encoder = get_source(RUNS[wildcards.run])
    shards = get_shards_of(RUNS[wildcards.run]["cohorts"])
    return [f"<results>/pretrain/store/{grid}/{encoder}/{shard}.npy" for shard in shards]


def get_run_indices(wildcards):
    """The indices of the shards a run reads."""
    return [path.replace(".npy", ".tsv") for path in get_run_patches(wildcards)]


def get_run_sheet(wildcards):
    """The slide sheet, for a run on a part of the pairs: they are taken evenly over its organs."""
    return [given(SLIDE_SHEET)] if RUNS[wildcards.run]["fraction"] < 1 else []


def get_run_tables(run, modality):
    """Tables of the run's cohorts for a modality it trains on."""
    if modality not in RUNS[run]["modalities"]:
        return []
    cohorts = [cohort for cohort in RUNS[run]["cohorts"] if cohort in get_cohorts(modality)]
    return [f"<results>/omics/{cohort}/{modality}.h5ad" for cohort in cohorts]


def get_run_rna(wildcards):
    """Expression tables of the run's cohorts."""
    return get_run_tables(wildcards.run, "rna")


def get_run_dna(wildcards):
    """Flag tables of the run's cohorts."""
    return get_run_tables(wildcards.run, "dna")


def get_run_threads(wildcards):
    """Cores of a run, from its config: the number decides the last bits of sums, so a machine must not."""
    return RUNS[wildcards.run]["training"]["threads"]


def get_manifests_of(model, slides):
    """Feature manifests of the shards that hold `slides`; a table of given vectors reads none."""
    source = get_source(MODELS[model])
    shards = sorted({SHARD_OF_SLIDE[slide] for slide in slides}) if source else []
    return [f"<results>/features/{source[0]}/{source[1]}/{shard}.tsv" for shard in shards]


def get_slide_manifests(wildcards):
    """Feature manifests of the slides of a block."""
    return get_manifests_of(wildcards.model, get_block_slides(wildcards))


def get_case_manifests(wildcards):
    """Feature manifests of all slides of the cases of a block."""
    return get_manifests_of(wildcards.model, itertools.chain(*get_block_cases(wildcards).values()))


@functools.cache
def get_bags(task):
    """Cases for which a task lists other slides than are embedded, with those listed (each gets a bag of its own).

    Empty for tasks of slides, and for those made in the run itself; the probe stops if such a task does so.
    """
    folder = get_task_folder(task)
    if not os.path.isfile(f"{folder}/config.yaml"):
        return {}
    settings = load_yaml(f"{folder}/config.yaml")
    listed = {}
    if settings.get("sample_col") == "case_id":
        for row in read_sheet(f"{folder}/k=all.tsv"):
            if row.get(settings.get("task_col")) and row.get("slide_id") in EMBEDDED_SLIDES:
                listed.setdefault(row["case_id"], []).append(row["slide_id"])
    return {
        case: sorted(set(slides))
        for case, slides in listed.items()
        if set(slides) != set(SLIDES_BY_CASE.get(case, slides))
    }


def get_task_bags(wildcards):
    """Slides of each bag of the task."""
    return get_bags(wildcards.task)


def get_task_bag_cases(wildcards):
    """Each bag is its own case."""
    return {case: case for case in get_bags(wildcards.task)}


def get_task_bag_manifests(wildcards):
    """Feature manifests of all slides of the task's bags."""
    return get_manifests_of(wildcards.model, itertools.chain(*get_bags(wildcards.task).values()))


def get_bag_block(wildcards):
    """Embeddings of the task's bags, where it has some."""
    block = f"<results>/embed/{wildcards.model}/bags/{wildcards.task}.h5"
    return [block] if get_bags(wildcards.task) else []


def get_attention_manifests(wildcards):
    """Feature manifests of the slides whose attention is asked for."""
    return get_manifests_of(wildcards.model, config["embed"]["attention"])


def get_model_sources(wildcards):
    """What a model is made of beside patches: config and weights of its run, its table of vectors, or nothing."""
    model = MODELS[wildcards.model]
    if model["kind"] == "table":
        return [given(find_file(model["path"]))]
    if model["kind"] in FOREIGN_KINDS:
        return [given(find_file(model["weights"]))]
    if model["kind"] != "threads":
        return []
    run = f"<results>/pretrain/runs/{model['run']}"
    return [f"{run}/config.json", f"{run}/model.safetensors"]


def get_block_slides(wildcards):
    """Slides of a block, each with itself as its only slide."""
    return {row["slide_id"]: [row["slide_id"]] for row in SLIDE_BLOCKS[wildcards.block]}


def get_block_slide_cases(wildcards):
    """Case of each slide of a block."""
    return {row["slide_id"]: row["case_id"] for row in SLIDE_BLOCKS[wildcards.block]}


def get_shard_trained(wildcards):
    """Slides of a shard that are of the cohorts the model's run trains on, each with itself as its only slide."""
    return {slide: [slide] for slide in get_shard_trained_cases(wildcards)}


def get_shard_trained_cases(wildcards):
    """Case of each of them."""
    cohorts = RUNS[MODELS[wildcards.model]["run"]]["cohorts"]
    rows = SHARDS[wildcards.shard]
    return {row["slide_id"]: row["case_id"] for row in rows if row.get("cohort") in cohorts}


def get_shard_trained_manifests(wildcards):
    """Feature manifest of the shard."""
    return get_manifests_of(wildcards.model, get_shard_trained(wildcards))


def get_block_cases(wildcards):
    """Cases of a block with their slides."""
    return {case: SLIDES_BY_CASE[case] for case in CASE_BLOCKS[wildcards.block]}


def get_block_case_cases(wildcards):
    """Each case of a block is its own case."""
    return {case: case for case in CASE_BLOCKS[wildcards.block]}


def get_embedding_blocks(wildcards):
    """All blocks of slides or of cases of a model."""
    blocks = SLIDE_BLOCKS if wildcards.unit == "slides" else CASE_BLOCKS
    return [f"<results>/embed/{wildcards.model}/{wildcards.unit}/{block}.h5" for block in blocks]


def get_unit(wildcards):
    """Id column of the unit: slide_id or case_id."""
    return {"slides": "slide_id", "cases": "case_id"}[wildcards.unit]


def get_case_sheet():
    """The optional sheet of cases."""
    return [given(find_file(config["slides"]["cases"]))] if config["slides"]["cases"] else []
