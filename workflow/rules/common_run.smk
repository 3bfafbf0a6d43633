"""What adding up a run's resources needs to know of its rules. Functions only."""

from snakemake.io import regex_from_filepattern


def get_benchmark_patterns(wildcards):
    """Regular expression of the benchmark files of every rule but this one, by rule."""
    return {
        each.name: regex_from_filepattern(str(each.benchmark))
        for each in workflow.rules
        if each.benchmark and not each.name.endswith("summarise_resources")
    }


def get_asked_gpus(wildcards):
    """How many GPUs a job of a rule asks for, by rule, as the rule or the profile says."""
    networks = max((get_encoder_gpus_of(name) for _, name in get_used_sources()), default=0)
    asked = {
        each.name: each.resources["gpu"]
        for each in workflow.rules
        if "gpu" in each.resources.keys()
    }
    # Only extraction of features asks by a function: one GPU where the encoder is a network.
    counts = {
        name: int(gpus.raw) if str(gpus.raw).isdigit() else networks for name, gpus in asked.items()
    }
    return {name: count for name, count in counts.items() if count}
