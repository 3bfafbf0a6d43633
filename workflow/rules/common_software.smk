"""Which environment a rule runs in, as the config chooses. Functions only."""

SOFTWARE = config["software"]
# Families whose environment file has a twin with a PyTorch built for CUDA.
TORCH_FAMILIES = ("segmentation", "features", "pretrain", "finetune")


def choose_environment(family):
    """A family's environment file as rule files name it; the twin for GPUs if the config says so."""
    twin = "-gpu" if SOFTWARE["torch"] == "gpu" and family in TORCH_FAMILIES else ""
    return f"../../envs/{family}{twin}.yaml"


def get_image():
    """Container image in which all environments lie, or None: conda makes them then."""
    return SOFTWARE["image"] or None
