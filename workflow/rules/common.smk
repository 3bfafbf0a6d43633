"""The study: what config and sheets ask for, planned by the library's package `study`."""

import atexit
import contextlib
import functools
import time

import snakemake
from snakemake.io import regex_from_filepattern
from snakemake.settings.enums import Quietness


pathvars:
    logs="<results>/logs",
    benchmarks="<results>/benchmarks",
    trained="<results>/pretrain/runs",


# On a cluster a GPU is counted per job, not over the whole run.
resource_scopes:
    gpu="local",


# Connections of all downloads together. Here and not in a profile: `resources` of another profile, or --resources for
# something else, would replace the whole line.
if "downloads" not in workflow.global_resources:
    workflow.register_resource("downloads", 8)


def grow(amount):
    """A resource that grows with each attempt: memory in MB or time in minutes."""

    def resource(wildcards, attempt):
        return amount * attempt

    return resource


def get_results():
    """The results folder on disk; the prefix of an importing workflow is put on paths of rules only."""
    inside = workflow.pathvars.apply("<results>/file")
    return str(Path(workflow.modifier.path_modifier.replace_prefix(inside)).parent)


RESULTS = get_results()
# The study of new slides, which rules/predict.smk puts into this one, takes runs that this one trains.
OF_NEW_SLIDES = workflow.pathvars.get("trained") != "<results>/pretrain/runs"
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
            of_new_slides=OF_NEW_SLIDES,
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
        if "bundle" in sys.argv[1:] and not OF_NEW_SLIDES:
            study.bundling.check()
        if "export" in sys.argv[1:] and not OF_NEW_SLIDES:
            study.exports.check_target()
            for note in study.exports.left_over():
                logger.warning(note)
        for note in study.notes():
            logger.warning(note)
        # The first page of a report, whose template reads the config alone.
        if "--report" in " ".join(sys.argv[1:]) and not OF_NEW_SLIDES:
            with contextlib.suppress(Exception):  # a report can do without
                config["how_it_was_made"] = study.methods()
                config["what_came_out"] = study.outcome.now(with_paths=False)
except ProblemsFound as problems:
    raise StudyRefused(str(problems))


#: What `snakemake plan` counts with.
COSTS = {name: study.shipped(f"costs/{name}.tsv") for name in ("costs", "encoders", "gpus")}


def get_state_of_code(wildcards, input):
    """Commit of this workflow, read where it is installed: jobs run copies of it.

    Takes `input`, so that Snakemake doesn't compare it: a commit that changes no result must not rerun anything.
    """
    hosted = None if isinstance(SCRIPTS, LocalSourceFile) else SCRIPTS
    return state_of_code(LIBRARY, hosted)


def get_benchmark_patterns(wildcards):
    """Regular expression of the benchmark files of every rule but this one, by rule."""
    return {
        rule_object.name: regex_from_filepattern(str(rule_object.benchmark))
        for rule_object in workflow.rules
        if rule_object.benchmark and not rule_object.name.endswith("summarise_resources")
    }


def get_asked_gpus(wildcards):
    """How many GPUs a job asks for, by the names of rules and the wildcard that decides it ('' where none does)."""
    gpus = {rule_object.name: rule_object.resources.get("gpu") for rule_object in workflow.rules}
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


def get_planned_files(wildcards):
    """Every file that a job of these results writes, and every benchmark.

    From Snakemake's own plan: what lies in the folder beside them is of an earlier config or sheet.
    """
    last = RULE_NAME("summarise_resources")
    plan = workflow.dag
    jobs = plan.bfs(plan.dependencies, *(job for job in plan.jobs if job.rule.name == last))
    return sorted({str(path) for job in jobs for path in (*job.output, job.benchmark) if path})


def get_environment_files():
    """The environment files that rules name."""
    names = {str(rule.conda_env) for rule in workflow.rules if rule.conda_env}
    return [shipped(name[3:]) for name in sorted(names) if name.startswith("../../envs/")]


# Names of this workflow's rules, which have a prefix where another workflow imports it.
RULE_NAME = workflow.modifier.modify_rulename
watches = []


def get_words():
    """Target rules of the run, by the names that they have here."""
    targets = {
        RULE_NAME(target): target
        for target in (*STAGES, *LOOKING, "all", "report", "pathobench", "export", "predict")
    }
    return {targets.get(rule.name, rule.name) for rule in workflow.dag.targetrules}


def look_before():
    """Report what would end the run before its first job, and at exit a run that ended without a message."""
    atexit.register(study.endings.say_at_once)
    try:
        jobs = [(job.rule.name, job.wildcards_dict) for job in workflow.dag.needrun_jobs()]
        lacking, imports = study.launcher.lacking(), study.imports.lacking(jobs)
        notes = study.endings.check_start(get_words(), sys.argv, lacking, imports)
    except ProblemsFound as problems:
        raise StudyRefused(str(problems))
    for note in notes:
        logger.warning(note)


def show_progress():
    """Show how far the run is until it ends.

    By a thread that listens to Snakemake's logger, started here: a logger plugin that a profile names ends Snakemake
    where it isn't installed, and none of the existing ones prints lines of a workflow's own. It begins with the hook
    `onstart`, so only in the process that the user started, and never for a dry run or a report.
    """
    targets, quiet = get_words(), workflow.output_settings.quiet or ()
    if (
        targets
        and targets <= LOOKING
        or not wanted({Quietness.ALL, Quietness.PROGRESS} & set(quiet))
    ):
        return
    try:
        jobs = list(workflow.dag.needrun_jobs())
        outputs = {str(path) for job in jobs for path in job.output}
        plan = [
            Planned(
                job.rule.name,
                dict(job.wildcards_dict),
                study.predict.slides_of(job.rule.name, job.wildcards_dict),
            )
            for job in jobs
        ]
        began = time.monotonic()
        watch = Watch(
            logger, lambda: Tracker(plan, len(plan), began, study.summary.lost_before(outputs))
        )
        watches.append(watch)
        atexit.register(watch.stop)
        watch.start()
    except Exception as error:  # a run must not fail because its progress can't be shown
        logger.info(f"No progress is shown ({error!r}).")


def show_end(log, well):
    """Print the results of the run, and what to do if it failed."""
    for watch in watches:
        watch.stop()
    if Quietness.ALL in (workflow.output_settings.quiet or ()):
        return
    try:
        text = study.outcome.text(get_words(), log, well)
    except Exception as error:  # nor because its end can't be summarised
        text = f"The summary failed ({error!r}); {RESULTS}/tables/ledger.tsv says what became of the slides."
    if text:
        print("", text, "", sep="\n", file=sys.stderr, flush=True)


def begin(log):
    """What a run does before its first job."""
    look_before()
    keep_one_clock(workflow.scheduler)
    show_progress()


def adopt_hooks():
    """Give these hooks to a workflow that imports this one and has none of its own: those of a module don't run."""
    hooks = {"onstart": begin, "onsuccess": functools.partial(show_end, well=True)}
    hooks["onerror"] = functools.partial(show_end, well=False)
    for name, hook in hooks.items():
        theirs = getattr(workflow, f"_{name}", None)
        if getattr(theirs, "__name__", "") == "<lambda>":  # Snakemake's default
            setattr(workflow, f"_{name}", hook)


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
