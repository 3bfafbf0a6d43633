"""What made the results, written last.

<results>/config.yaml              the merged config
<results>/provenance.json          code, software, inputs, seeds, and the files of the results by SHA-256: always the same
                                   bytes for the same run
<results>/ro-crate-metadata.json   the same as a Workflow Run RO-Crate, with the time of the run
<results>/job_times.tsv            time and memory of each job, from <results>/benchmarks
<results>/workflow/Snakefile       main file of the workflow, which the crate is about
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
    message:
        "Writing down the merged config"
    script:
        "../scripts/write_config.py"


rule write_provenance:
    input:
        outputs=get_result_targets,
        config="<results>/config.yaml",
        given=list(get_given_files().values()),
        environments=get_environment_files(),
        snakefile=workflow.source_path("../Snakefile"),
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
        names=list(get_given_files()),
        results=subpath(output.provenance, parent=True),
        note=lookup(dpath="report/note", within=config),
        code=get_all_digests(),
    message:
        "Writing down what made these results"
    script:
        "../scripts/write_provenance.py"
