"""Patch encoders of the config: the table of those built in, files of weights, checks and notes. Functions only."""

from snakemake.logging import logger

ENCODERS = config["features"]["encoders"]
ENCODER_TABLE = workflow.source_path("../scripts/molpath/features/encoders.yaml")
ENCODER_FACTS = load_yaml(ENCODER_TABLE)["encoders"]
BUILT_IN_ADAPTERS = (*ENCODER_FACTS, "precomputed")
# Local disk of a job: copies of slides, where the config wants them, and temporary files.
COPIES_GB = config["features"]["scratch_gb"] if config["features"]["scratch"] else 0
FEATURES_DISK_MB = int(1000 * COPIES_GB) + 2000


def get_encoder(wildcards):
    """The encoder of the config whose name is the wildcard, with its name and the path of its stain target."""
    encoder = ENCODERS[wildcards.encoder] | {"name": wildcards.encoder}
    target = encoder["stain"]["target"]
    return encoder | {"stain": encoder["stain"] | {"target": find_file(target) if target else ""}}


def get_encoder_weights(wildcards):
    """What the encoder is made of: its weights, the config's or those a rule fetches, and the target of its stains."""
    encoder = ENCODERS[wildcards.encoder]
    files = [encoder["weights"], encoder["stain"]["target"]]
    found = [given(find_file(name)) for name in files if name]
    return found if encoder["weights"] else get_fetched_weights(encoder["adapter"]) + found


def get_fetched_weights(adapter):
    """The file that a rule fetches for a built-in encoder; none for the others."""
    facts = ENCODER_FACTS.get(adapter, {})
    if "package" in facts:
        return [f"{RESOURCES}/encoders/{adapter}.safetensors"]
    return [f"{RESOURCES}/encoders/hub/{adapter}"] if "hub" in facts else []


def get_revision(wildcards):
    """Commit on the hub that the config asks for, for an adapter's weights; empty takes the table's."""
    asked = [
        entry["revision"] for entry in ENCODERS.values() if entry["adapter"] == wildcards.adapter
    ]
    return next(filter(None, asked), "")


def check_encoders():
    """Adapters exist; weights, folders and targets of stains are there; one revision an adapter."""
    for name, encoder in ENCODERS.items():
        where = f"config, key features/encoders/{name}"
        if encoder["adapter"] not in BUILT_IN_ADAPTERS and ":" not in encoder["adapter"]:
            known = ", ".join(BUILT_IN_ADAPTERS)
            add_problem(
                f"{where}/adapter",
                f"unknown encoder {encoder['adapter']!r}",
                f"one of {known}, or module:function",
            )
        if encoder["weights"]:
            check_file(f"{where}/weights", find_file(encoder["weights"]))
        if encoder["stain"]["target"]:
            check_file(f"{where}/stain/target", find_file(encoder["stain"]["target"]))
        elif encoder["stain"]["method"] == "reinhard":
            add_problem(
                f"{where}/stain/target",
                "empty, and Reinhard's method has no reference of its own",
                "name an image of the staining that all slides shall have",
            )
        if encoder["adapter"] == "precomputed" and not os.path.isdir(find_file(encoder["folder"])):
            add_problem(
                f"{where}/folder",
                f"no such folder: {encoder['folder']!r}",
                "name the folder of feature files",
            )
    revisions = {}
    for name, encoder in ENCODERS.items():
        asked = encoder["revision"] if not encoder["weights"] else ""
        if asked and revisions.setdefault(encoder["adapter"], asked) != asked:
            add_problem(
                f"config, key features/encoders/{name}/revision",
                f"another entry fetches {encoder['adapter']} at {revisions[encoder['adapter']]}",
                "give one revision an adapter, or one of them as a file (`weights`)",
            )


def note_encoders():
    """Say where a used encoder is given patches it wasn't made for, or its weights must be asked for first."""
    for grid_name, name in get_used_sources():
        encoder, grid = ENCODERS[name], GRIDS[grid_name]
        facts = ENCODER_FACTS.get(encoder["adapter"], {})
        tile = facts.get("tile", grid)
        if (tile["patch_size"], tile["magnification"]) != (
            grid["patch_size"],
            grid["magnification"],
        ):
            logger.warning(
                f"note: encoder {name} was made for patches of {tile['patch_size']} pixels at "
                f"{tile['magnification']:g}x, grid {grid_name} has {grid['patch_size']} at {grid['magnification']:g}x"
            )
        fetched = [] if encoder["weights"] else get_fetched_weights(encoder["adapter"])
        if facts.get("gated") and fetched and not os.path.exists(fetched[0]):
            logger.warning(
                f"note: the weights of encoder {name} are fetched from https://huggingface.co/{facts['hub']}, "
                "which gives access on request (workflow/docs/encoders.md)"
            )
