"""Scores as tables to print, in the blocks of the paper's.

<results>/tables/cohorts.tsv, cohorts.md, cohorts.tex        a table a cohort: frozen probes, then what was trained on the task
<results>/tables/protocols.tsv, protocols.md, protocols.tex  few labels, retrieval, prompts, transfer, sweep of C
"""


rule table_cohorts:
    input:
        metrics="<results>/tables/metrics.tsv",
    output:
        table="<results>/tables/cohorts.tsv",
        markdown="<results>/tables/cohorts.md",
        latex="<results>/tables/cohorts.tex",
    log:
        "<logs>/tables/cohorts.log",
    benchmark:
        "<benchmarks>/tables/cohorts.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        models=get_compared_models,
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Writing a table of scores for every cohort"
    script:
        "../scripts/table_cohorts.py"


rule table_protocols:
    input:
        metrics="<results>/tables/metrics.tsv",
    output:
        table="<results>/tables/protocols.tsv",
        markdown="<results>/tables/protocols.md",
        latex="<results>/tables/protocols.tex",
    log:
        "<logs>/tables/protocols.log",
    benchmark:
        "<benchmarks>/tables/protocols.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        models=get_compared_models,
        c=lookup(dpath="probe/C", within=config),
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Writing the tables of the other protocols"
    script:
        "../scripts/table_protocols.py"
