"""Figures and tables of scores, as the paper has them; figures as SVG, PNG and the table of their numbers.

<results>/figures/tasks, averages, heatmap, small_cohorts, slide_encoder_gain, c_sweep (.svg, .png, .tsv)
<results>/tables/cohorts (.tsv, .md, .tex)     a table a cohort: frozen probes, then what was trained on the task
<results>/tables/protocols (.tsv, .md, .tex)   few labels, retrieval, prompts, transfer, sweep of C
"""


rule plot_tasks:
    input:
        metrics="<results>/tables/metrics.tsv",
    output:
        figure=report(
            "<results>/figures/tasks.svg",
            caption="../report/metrics.rst",
            category="5 Probes",
            labels={"result": "every task and model (figure)"},
        ),
        png="<results>/figures/tasks.png",
        table="<results>/figures/tasks.tsv",
    log:
        "<logs>/figures/tasks.log",
    benchmark:
        "<benchmarks>/figures/tasks.tsv"
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
        "Drawing the scores of every model and task"
    script:
        "../scripts/plot_tasks.py"


rule plot_averages:
    input:
        metrics="<results>/tables/metrics.tsv",
        tests="<results>/tables/tests.tsv",
        means="<results>/tables/marginal_means.tsv",
    output:
        figure=report(
            "<results>/figures/averages.svg",
            caption="../report/averages.rst",
            category="5 Probes",
            labels={"result": "means over tasks, tasks won"},
        ),
        png="<results>/figures/averages.png",
        table="<results>/figures/averages.tsv",
    log:
        "<logs>/figures/averages.log",
    benchmark:
        "<benchmarks>/figures/averages.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        models=get_compared_models,
        reference=get_reference_model,
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Drawing means over tasks"
    script:
        "../scripts/plot_averages.py"


rule plot_heatmap:
    input:
        metrics="<results>/tables/metrics.tsv",
    output:
        figure=report(
            "<results>/figures/heatmap.svg",
            caption="../report/heatmap.rst",
            category="5 Probes",
            labels={"result": "models and tasks as a heatmap"},
        ),
        png="<results>/figures/heatmap.png",
        table="<results>/figures/heatmap.tsv",
    log:
        "<logs>/figures/heatmap.log",
    benchmark:
        "<benchmarks>/figures/heatmap.tsv"
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
        "Drawing models and tasks as a heatmap"
    script:
        "../scripts/plot_heatmap.py"


rule plot_small_cohorts:
    input:
        metrics="<results>/tables/metrics.tsv",
        tests="<results>/tables/tests.tsv",
        folds=get_frozen_metrics,
        splits=get_frozen_splits,
    output:
        figure=report(
            "<results>/figures/small_cohorts.svg",
            caption="../report/small_cohorts.rst",
            category="5 Probes",
            labels={"result": "tasks with few cases"},
        ),
        png="<results>/figures/small_cohorts.png",
        table="<results>/figures/small_cohorts.tsv",
    log:
        "<logs>/figures/small_cohorts.log",
    benchmark:
        "<benchmarks>/figures/small_cohorts.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        tasks=get_frozen_tasks,
        most=lookup(dpath="report/small_cohort", within=config),
        models=get_compared_models,
        reference=get_reference_model,
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Drawing tasks with few cases"
    script:
        "../scripts/plot_small_cohorts.py"


rule plot_slide_encoder_gain:
    input:
        metrics="<results>/tables/metrics.tsv",
    output:
        figure=report(
            "<results>/figures/slide_encoder_gain.svg",
            caption="../report/slide_encoder_gain.rst",
            category="5 Probes",
            labels={"result": "slide encoders over mean pooling"},
        ),
        png="<results>/figures/slide_encoder_gain.png",
        table="<results>/figures/slide_encoder_gain.tsv",
    log:
        "<logs>/figures/slide_encoder_gain.log",
    benchmark:
        "<benchmarks>/figures/slide_encoder_gain.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        pairs=get_pooling_pairs,
        models=get_compared_models,
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Drawing what slide encoders add to mean pooling"
    script:
        "../scripts/plot_slide_encoder_gain.py"


rule plot_c_sweep:
    input:
        metrics="<results>/tables/metrics.tsv",
    output:
        figure=report(
            "<results>/figures/c_sweep.svg",
            caption="../report/c_sweep.rst",
            category="5 Probes",
            labels={"result": "strength of the penalty"},
        ),
        png="<results>/figures/c_sweep.png",
        table="<results>/figures/c_sweep.tsv",
    log:
        "<logs>/figures/c_sweep.log",
    benchmark:
        "<benchmarks>/figures/c_sweep.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        c=lookup(dpath="probe/C", within=config),
        models=get_compared_models,
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Drawing the order of models over the strength of the penalty"
    script:
        "../scripts/plot_c_sweep.py"


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
