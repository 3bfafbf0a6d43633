"""What made the results, and what that took; written last.

<results>/config.yaml              the merged config
<results>/provenance.json          code, software, inputs, seeds, and the files of the results by SHA-256: always the same
                                   bytes for the same run
<results>/ro-crate-metadata.json   the same as a Workflow Run RO-Crate, with the time of the run
<results>/job_times.tsv            time and memory of each job, from <results>/benchmarks
<results>/workflow/Snakefile       main file of the workflow, which the crate is about
<results>/benchmarks/              resources.tsv, slowest_shards.tsv, resources.html: benchmarks added up by rule; beside
                                   them, because they differ from run to run
"""


rule write_config:
    output:
        config="<results>/config.yaml",
    log:
        "<logs>/config.log",
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        config=config,
        script=study.script("write_config"),
    message:
        "Writing down the merged config"
    script:
        "../scripts/write_config.py"


rule write_provenance:
    input:
        outputs=study.targets.results,
        config="<results>/config.yaml",
        given=list(study.inventory.given().values()),
        environments=get_environment_files(),
        snakefile=shipped("Snakefile"),
    output:
        provenance="<results>/provenance.json",
        crate="<results>/ro-crate-metadata.json",
        times="<results>/job_times.tsv",
        workflow="<results>/workflow/Snakefile",
    log:
        "<logs>/provenance.log",
    # Where Snakemake runs: compute nodes don't always have git.
    localrule: True
    conda:
        "../../envs/report.yaml"
    threads: 4
    params:
        states=study.times.of(list(study.inventory.given().values())),
        names=list(study.inventory.given()),
        results=subpath(output.provenance, parent=True),
        note=lambda wildcards: config["report"]["note"],
        code={stage: study.digest(stage) for stage in (*STAGES, "tables", "figures")},
        script=study.script("write_provenance"),
        state=get_state_of_code,
    message:
        "Writing down what made these results"
    script:
        "../scripts/write_provenance.py"


rule summarise_resources:
    input:
        # Benchmarks aren't outputs, so no rule can ask for them: this input makes them complete when the job starts.
        done="<results>/provenance.json",
    output:
        table="<results>/benchmarks/resources.tsv",
        shards="<results>/benchmarks/slowest_shards.tsv",
        page=report(
            "<results>/benchmarks/resources.html",
            caption="../report/resources.rst",
            category="Run",
            labels={"result": "what the run took (table)"},
        ),
    log:
        "<logs>/run/resources.log",
    benchmark:
        "<benchmarks>/run/resources.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        folder=subpath(output.table, parent=True),
        patterns=get_benchmark_patterns,
        gpus=get_asked_gpus,
        n_slides=len(study.slides.rows),
        note=lambda wildcards: config["report"]["note"],
        code=study.digest("tables"),
        script=study.script("summarise_resources"),
    message:
        "Adding up what the jobs of this run took"
    script:
        "../scripts/summarise_resources.py"
