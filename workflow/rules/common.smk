"""The study: what config and sheets ask for, planned by the library's package `study`.

The library is put on the path while Snakemake reads this file, and taken off again: jobs find their own copy beside
their script. A checkout is used where it lies. Where this workflow is imported from a git tag, each file of the library
and each file that ships is touched through `workflow.source_path`, so that it comes along. Another version of the
library, imported by another `module` of the same consumer, is dropped before.
"""

import atexit
import functools
import hashlib
import sys
from pathlib import Path

import snakemake
import yaml
from snakemake.io import regex_from_filepattern, sourcecache_entry
from snakemake.logging import logger
from snakemake.settings.enums import Quietness
from snakemake.sourcecache import LocalSourceFile


@functools.cache
def shipped(name):
    """Path of a file that comes with this workflow; `name` is relative to `workflow/`.

    As an input it counts by name and contents, not by place and time: another clone of the same files reruns nothing.
    """
    path = str(workflow.source_path(f"../{name}"))
    contents = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return ancient(sourcecache_entry(path, f"{name}, SHA-256 {contents}"))


SCRIPTS = workflow.current_basedir.join("../scripts")
if isinstance(SCRIPTS, LocalSourceFile):
    LIBRARY = Path(SCRIPTS.get_path_or_uri(secret_free=False))
else:
    with open(shipped("scripts/molpath/files.yaml"), encoding="utf-8") as handle:
        for name in yaml.safe_load(handle):
            shipped(f"scripts/molpath/{name}")
    LIBRARY = Path(shipped("scripts/molpath/__init__.py")).parents[1]
for name in [name for name in sys.modules if name.split(".")[0] == "molpath"]:
    del sys.modules[name]
sys.path.insert(0, str(LIBRARY))
from molpath.study.code_state import state_of_code
from molpath.study.config import Places
from molpath.study.launcher import Launcher
from molpath.study.problems import ProblemsFound
from molpath.study.study import STAGES, Study

sys.path.pop(0)


class StudyRefused(WorkflowError):
    """Problems of config and sheets. Snakemake prints a traceback where there is one: here it would only distract."""

    __traceback__ = property(lambda self: None, lambda self, trace: None)


# Connections of all downloads together. Here and not in a profile: `resources` of another profile, or --resources for
# something else, would replace that line whole.
if "downloads" not in workflow.global_resources:
    workflow.register_resource("downloads", 8)


def grow(amount):
    """A resource that grows with each attempt: memory in MB or time in minutes."""

    def resource(wildcards, attempt):
        return amount * attempt

    return resource


RESULTS = workflow.pathvars.apply("<results>")
try:
    study = Study(
        config,
        Places(
            shipped=shipped,
            mark=local,
            config_files=[*workflow.configfiles, *workflow.overwrite_configfiles],
            results=RESULTS,
            resources=workflow.pathvars.apply("<resources>"),
            lint="--lint" in sys.argv,
            provider=workflow.storage_settings.default_storage_provider or "",
        ),
        Launcher(
            version=snakemake.__version__,
            deployment=[str(method) for method in workflow.deployment_settings.deployment_method],
            profiles=str(Path(workflow.main_snakefile).parent / "profiles"),
        ),
    )
    # Jobs read the same config again, and `snakemake sheets` writes the very sheets that are checked.
    if workflow.is_main_process and "sheets" not in sys.argv[1:]:
        study.check()
        for note in study.notes():
            logger.warning(note)
except ProblemsFound as problems:
    raise StudyRefused(str(problems))


#: What `snakemake plan` counts with.
COSTS = {name: study.shipped(f"costs/{name}.tsv") for name in ("costs", "encoders", "gpus")}


def get_state_of_code(wildcards, input):
    """Commit of this workflow, asked where it lies: jobs run copies of it.

    Takes `input`, so that Snakemake doesn't compare it: a commit that changes no result is no reason to write again
    which one made them.
    """
    hosted = None if isinstance(SCRIPTS, LocalSourceFile) else SCRIPTS
    return state_of_code(LIBRARY, hosted)


def get_benchmark_patterns(wildcards):
    """Regular expression of the benchmark files of every rule but this one, by rule."""
    return {
        each.name: regex_from_filepattern(str(each.benchmark))
        for each in workflow.rules
        if each.benchmark and not each.name.endswith("summarise_resources")
    }


def get_asked_gpus(wildcards):
    """How many GPUs a job asks for, by the names of rules and the wildcard that decides it ('' where none does)."""
    gpus = {each.name: each.resources.get("gpu") for each in workflow.rules}
    # Those that ask by a function; in another workflow their names have a prefix.
    by_name = {
        "extract_features": {
            f"encoder={name}": study.encoders.gpus_of(name)
            for _, name in study.models.used_sources()
        },
        "pretrain_run": {
            f"run={run}": study.training.gpus_of(run) for run in study.models.used_runs
        },
        "embed_block": {
            f"model={model}": study.slide_encoders.gpus_of(model) for model in study.models.needed
        },
    }
    return {
        name: (
            {"": int(gpu.raw)}
            if str(gpu.raw).isdigit()
            else next((counts for rule, counts in by_name.items() if name.endswith(rule)), {})
        )
        for name, gpu in gpus.items()
        if gpu is not None
    }


def get_environment_files():
    """The environment files that rules name."""
    names = {str(rule.conda_env) for rule in workflow.rules if rule.conda_env}
    return [shipped(name[3:]) for name in sorted(names) if name.startswith("../../envs/")]


def show_summary():
    """Print what became of the slides, where a run brought them further: as far as the stage words asked for."""
    words = {rule.name for rule in workflow.dag.targetrules}
    quiet = Quietness.ALL in (workflow.output_settings.quiet or ())
    if quiet or words - {"all", "report", "pathobench", *STAGES}:
        return
    try:
        text = study.summary.text(words & set(STAGES))
    except Exception as error:  # a run that came to its end must not fail for want of a summary
        text = f"What became of the slides can't be told here ({error!r}); results/tables/ledger.tsv says it."
    print("", text, "", sep="\n", file=sys.stderr, flush=True)


def look_before():
    """What would end the run is said before its first job; a run that ends without a word is told of, too."""
    atexit.register(study.endings.say_at_once)
    try:
        notes = study.endings.check_start(
            {rule.name for rule in workflow.dag.targetrules}, sys.argv, study.launcher.lacking()
        )
    except ProblemsFound as problems:
        raise StudyRefused(str(problems))
    for note in notes:
        logger.warning(note)


def show_end(log, well):
    """Print what became of the slides, and how the run ended where it didn't end as it should."""
    show_summary()
    if text := study.endings.text(log, well):
        print("", text, "", sep="\n", file=sys.stderr, flush=True)


wildcard_constraints:
    shard=r"\d{5}",
    block=r"\d{5}",
    slide=r"[A-Za-z0-9][A-Za-z0-9._-]*",
    grid=r"[0-9.]+(x|mpp)_\d+px_\d+px_overlap[A-Za-z0-9.-]*",
    encoder=r"[a-z0-9_]+",
    cohort=r"[A-Za-z0-9][A-Za-z0-9._-]*",
    run=r"[A-Za-z0-9][A-Za-z0-9._-]*",
    model=r"[A-Za-z0-9][A-Za-z0-9._-]*",
    task=r"[A-Za-z0-9][A-Za-z0-9._=-]*",
