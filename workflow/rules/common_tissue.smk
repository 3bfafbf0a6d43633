"""Tissue segmentation: which method, the files it needs, the environment it runs in. Functions only."""

TISSUE = config["tissue"]
LEARNED_METHODS = ("fpn", "deeplab", "grandqc")


def get_given_weights():
    """Config keys of the weights in use, with their entries: the method's own and the artefact model's."""
    used = {"tissue": TISSUE} if TISSUE["method"] in LEARNED_METHODS else {}
    return used | (
        {"tissue/artefacts": TISSUE["artefacts"]} if TISSUE["artefacts"]["weights"] else {}
    )


def get_tissue_weights(wildcards=None):
    """Files of weights that assess_tissue opens."""
    return [given(find_file(entry["weights"])) for entry in get_given_weights().values()]


def get_shard_contours(wildcards):
    """Given polygons of the shard's slides, where the method takes them: by slide_id, else by the slide file's name."""
    if TISSUE["method"] != "contours":
        return []
    folder, found = find_file(TISSUE["contours"]), []
    for row in get_shard_rows(wildcards):
        for name in (row["slide_id"], Path(row["path"]).stem.removesuffix(".ome")):
            if os.path.isfile(f"{folder}/{name}.geojson"):
                found.append(given(f"{folder}/{name}.geojson"))
                break
    return found


def get_tissue_settings(wildcards=None):
    """Section tissue of the config, its files and folders where they were found."""
    artefacts = TISSUE["artefacts"] | {"weights": find_given(TISSUE["artefacts"]["weights"])}
    found = {key: find_given(TISSUE[key]) for key in ("weights", "contours")}
    return TISSUE | found | {"artefacts": artefacts}


def find_given(name):
    """A file the config names, or nothing where it names none."""
    return find_file(name) if name else ""


def get_tissue_deadline(wildcards=None):
    """Seconds that a slide may take in assess_tissue; networks on a CPU need minutes for a large one."""
    return TISSUE["deadline_s"] or config["slides"]["deadline_s"] * (
        30 if get_given_weights() else 1
    )


def get_tissue_memory(wildcards=None):
    """Megabytes a slide may take in assess_tissue; no limit beside networks, whose drivers reserve what they like."""
    return None if get_given_weights() else config["slides"]["memory_mb"]


def check_tissue():
    """The chosen method has what it needs, with a digest for each file of weights."""
    if TISSUE["method"] == "contours" and not os.path.isdir(find_given(TISSUE["contours"])):
        add_problem(
            "config, key tissue/contours",
            f"no such folder: {TISSUE['contours']!r}",
            "name the folder of <slide>.geojson files, or choose another method",
        )
    for key, entry in get_given_weights().items():
        if not entry["weights"]:
            add_problem(
                f"config, key {key}/weights",
                f"empty, and method {TISSUE['method']} is a network",
                "name its file of weights (workflow/docs/segmentation.md says where they come from)",
            )
            continue
        check_file(f"config, key {key}/weights", find_file(entry["weights"]))
        if not entry["sha256"]:
            add_problem(
                f"config, key {key}/sha256",
                f"empty, and {entry['weights']} is not opened without one",
                f"write what `sha256sum {entry['weights']}` prints, after comparing it with its source",
            )
    check_fpn()


def check_fpn():
    """The tissue class is one of the network's, and its windows are wider than what they share."""
    fpn = TISSUE["fpn"]
    if TISSUE["method"] != "fpn":
        return
    if fpn["tissue_class"] >= max(2, fpn["classes"]):
        add_problem(
            "config, key tissue/fpn/tissue_class",
            f"{fpn['tissue_class']} is none of {fpn['classes']} classes",
            "count from 0",
        )
    if fpn["patch_size"] <= 2 * TISSUE["overlap"]:
        add_problem(
            "config, key tissue/overlap",
            f"windows of {fpn['patch_size']} pixels can't share {TISSUE['overlap']} with each neighbour",
            "less than half of tissue/fpn/patch_size",
        )


# The networks' packages are heavy: only jobs that need them get an environment with them, and ask for a GPU.
TISSUE_ENVIRONMENT = choose_environment("segmentation" if get_given_weights() else "slides")
TISSUE_GPUS = 1 if get_given_weights() else 0
TISSUE_THREADS = 4 if get_given_weights() else 1
