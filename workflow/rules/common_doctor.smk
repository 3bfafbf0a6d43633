"""What `snakemake doctor` is told of the run: software, folders, encoders, slides, and how much is written. Functions only."""

import importlib.metadata
import os
import sys

import snakemake

DOCTOR = config["doctor"]
NEEDED_SNAKEMAKE = "9.27"


def get_installed_plugins():
    """Snakemake's plugins beside it: distribution name -> version."""
    found = importlib.metadata.distributions()
    named = {(each.metadata["Name"] or "").replace("_", "-"): each.version for each in found}
    return {name: named[name] for name in named if re.match(r"snakemake-\w+-plugin-", name)}


def get_named_profiles():
    """Profiles of the config, of the command line and of the environment, as paths where they are found."""
    options = ("--profile", "--workflow-profile")
    given_here = [value for option, value in zip(sys.argv, sys.argv[1:]) if option in options]
    given_here += [
        arg.partition("=")[2] for arg in sys.argv if arg.startswith(tuple(f"{o}=" for o in options))
    ]
    names = [*DOCTOR["profiles"], *given_here, os.environ.get("SNAKEMAKE_PROFILE", "")]
    return list(dict.fromkeys(find_profile(name) for name in names if name and name != "none"))


def find_profile(name):
    """A profile by path, by name in the user's folder of profiles, or by name among those of this workflow."""
    shipped = Path(workflow.main_snakefile).parent / "profiles"
    for folder in (Path(), Path.home() / ".config/snakemake", shipped):
        if (folder / name).exists():
            return str(folder / name)
    return name


def get_doctor_encoders():
    """Encoders in use: where their weights are, and where a rule would put them."""
    found = []
    for name in sorted({encoder for _, encoder in get_used_sources()}):
        encoder = ENCODERS[name]
        found.append(
            {
                "name": name,
                "adapter": encoder["adapter"],
                "weights": find_file(encoder["weights"]) if encoder["weights"] else "",
                "folder": find_file(encoder["folder"]) if encoder["folder"] else "",
                "fetched": next(iter(get_fetched_weights(encoder["adapter"])), ""),
                "revision": encoder["revision"],
            }
        )
    return found


def get_doctor_weights():
    """Files of weights that the config names beside those of patch encoders, by the key that names them."""
    named = {key: entry["weights"] for key, entry in get_given_weights().items()}
    for name in config["embed"]["use"]:
        if MODELS[name]["kind"] in FOREIGN_KINDS:
            named[f"embed/models/{name}"] = MODELS[name]["weights"]
    return {key: find_file(path) for key, path in named.items()}


def get_missing(shards, folder):
    """Those of some shards that have no manifest in a folder of results."""
    return [shard for shard in shards if not os.path.exists(f"{RESULTS}/{folder}/{shard}.tsv")]


def get_doctor_plan():
    """The plan's request, with features and packed stores of those shards alone that are still to be made."""
    plan = get_plan_request()
    for key, folder in (("features", "features"), ("stores", "pretrain/store")):
        plan[key] = [
            item
            | {
                "shards": get_missing(
                    item["shards"], f"{folder}/{item['grid']['name']}/{item['encoder']}"
                )
            }
            for item in plan[key]
        ]
    return plan


def get_batch_bytes():
    """Bytes of the patches that readers and encoder of one job share, at most: four batches of 256 where not given."""
    sizes = [
        4 * (ENCODERS[name]["batch_size"] or 256) * 3 * GRIDS[grid]["patch_size"] ** 2
        for grid, name in get_used_sources()
    ]
    return max(sizes, default=0)


def get_doctor_request(wildcards):
    """All that molpath/doctor/examination.py is told."""
    runs = [RUNS[name] for name in get_used_runs()]
    grids = [GRIDS[grid] for grid, _ in get_used_sources()]
    patch = grids[0] if grids else {"patch_size": 512, "mpp": None, "magnification": 20}
    gpus = [get_encoder_gpus_of(name) for _, name in get_used_sources()]
    kept = [row for shard in SHARDS for row in values_of_shard(shard) if row["keep"] != "no"]
    return {
        "snakemake": snakemake.__version__,
        "needed": NEEDED_SNAKEMAKE,
        "plugins": get_installed_plugins(),
        "profiles": get_named_profiles(),
        "deployment": sorted(
            str(method) for method in workflow.deployment_settings.deployment_method
        ),
        "results": RESULTS,
        "resources": RESOURCES,
        "scratch": [config["features"]["scratch"], config["features"]["scratch_gb"]],
        "plan": get_doctor_plan(),
        "ask_hub": DOCTOR["ask_hub"],
        "encoders": get_doctor_encoders(),
        "weights": get_doctor_weights(),
        "slides": [
            {
                "slide_id": row["slide_id"],
                "path": row["path"],
                "mpp": row["mpp"],
                "made": is_made_by_a_rule(row["path"]),
            }
            for row in kept
        ],
        "read_slides": DOCTOR["slides"],
        "deadline_s": config["slides"]["deadline_s"],
        "patch": {
            "size": patch["patch_size"],
            "mpp": patch["mpp"] or 10 / patch["magnification"],
        },
        "batch_bytes": get_batch_bytes(),
        "processes": max((run["training"]["processes"] for run in runs), default=1),
        "trains": bool(runs),
        "networks": bool(TISSUE_GPUS or runs or any(gpus)),
    }
