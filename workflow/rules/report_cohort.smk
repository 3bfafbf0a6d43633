"""The cohort, its tasks and the settings, beside the paper's.

<results>/tables/runs/<run>.tsv                        the slides a run trains on
<results>/tables/sites.tsv, .md, .tex                  their tissue sites by cohort
<results>/tables/task_statistics.tsv, labels.tsv, .md, .tex  what the used tasks are made of
<results>/tables/datasets.tsv, .md, .tex               where the cohorts come from
<results>/tables/settings.tsv, .md, .tex               how the runs are set up
<results>/tables/maps/<model>.tsv                      t-SNE of the slides that the model's run trained on
<results>/tables/scaling.tsv, .md, .tex                score against data and size, where runs differ in them
<results>/figures/sites.svg, scaling.svg, maps/<model>.svg    and the same as PNG
"""


rule list_run_slides:
    input:
        pairs="<results>/omics/pairs.tsv",
        indices=get_run_indices,
        sheet=given(SLIDE_SHEET),
    output:
        table="<results>/tables/runs/{run}.tsv",
    log:
        "<logs>/tables/runs/{run}.log",
    benchmark:
        "<benchmarks>/tables/runs/{run}.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        run=get_run,
        code=digest("report"),
    message:
        "Listing the slides that {wildcards.run} trains on"
    script:
        "../scripts/list_run_slides.py"


rule count_sites:
    input:
        slides=get_run_slides,
        published=get_task_resource("pretraining_sites"),
    output:
        table="<results>/tables/sites.tsv",
        markdown="<results>/tables/sites.md",
        latex="<results>/tables/sites.tex",
        figure=report(
            "<results>/figures/sites.svg",
            caption="../report/sites.rst",
            category="3 Pretraining",
            labels={"result": "tissue sites (figure)"},
        ),
        sites_png="<results>/figures/sites.png",
    log:
        "<logs>/tables/sites.log",
    benchmark:
        "<benchmarks>/tables/sites.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        runs=get_run_fractions,
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Counting the tissue sites of pretraining slides"
    script:
        "../scripts/count_sites.py"


rule describe_tasks:
    input:
        tasks=get_described_files,
        published=get_benchmark_table(),
        classes=get_task_resource("classes"),
    output:
        table="<results>/tables/task_statistics.tsv",
        markdown="<results>/tables/task_statistics.md",
        latex="<results>/tables/task_statistics.tex",
        labels="<results>/tables/labels.tsv",
        labels_markdown="<results>/tables/labels.md",
        labels_latex="<results>/tables/labels.tex",
    log:
        "<logs>/tables/task_statistics.log",
    benchmark:
        "<benchmarks>/tables/task_statistics.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        tasks=get_described_tasks,
        families=get_task_families,
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Describing the tasks"
    script:
        "../scripts/describe_tasks.py"


rule list_datasets:
    input:
        sheet=given(SLIDE_SHEET),
        cohorts=get_task_resource("cohorts"),
        pretraining=get_task_resource("pretraining_cohorts"),
    output:
        table="<results>/tables/datasets.tsv",
        markdown="<results>/tables/datasets.md",
        latex="<results>/tables/datasets.tex",
    log:
        "<logs>/tables/datasets.log",
    benchmark:
        "<benchmarks>/tables/datasets.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        trained=get_trained_cohorts,
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Listing where the cohorts come from"
    script:
        "../scripts/list_datasets.py"


rule list_settings:
    input:
        published=get_published_table("settings"),
    output:
        table="<results>/tables/settings.tsv",
        markdown="<results>/tables/settings.md",
        latex="<results>/tables/settings.tex",
    log:
        "<logs>/tables/settings.log",
    benchmark:
        "<benchmarks>/tables/settings.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        runs=get_run_settings,
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Listing the settings of the runs"
    script:
        "../scripts/list_settings.py"


rule map_slides:
    input:
        blocks=get_mapped_blocks,
        slides=get_mapped_slides,
        sheet=given(SLIDE_SHEET),
    output:
        table="<results>/tables/maps/{model}.tsv",
        figure=report(
            "<results>/figures/maps/{model}.svg",
            caption="../report/map.rst",
            category="3 Pretraining",
            labels={"result": "map of slides", "model": "{model}"},
        ),
        figure_png="<results>/figures/maps/{model}.png",
    log:
        "<logs>/figures/maps/{model}.log",
    benchmark:
        "<benchmarks>/figures/maps/{model}.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(8000),
        runtime=grow(240),
    params:
        settings=lookup(dpath="report/map", within=config),
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Mapping the slides that {wildcards.model} was trained on"
    script:
        "../scripts/map_slides.py"


rule plot_scaling:
    input:
        metrics="<results>/tables/metrics.tsv",
        weights=get_scaling_weights,
        slides=get_scaling_slides,
        published=get_published_table("comparisons"),
    output:
        table="<results>/tables/scaling.tsv",
        markdown="<results>/tables/scaling.md",
        latex="<results>/tables/scaling.tex",
        figure=report(
            "<results>/figures/scaling.svg",
            caption="../report/scaling.rst",
            category="3 Pretraining",
            labels={"result": "score against data and size (figure)"},
        ),
        figure_png="<results>/figures/scaling.png",
    log:
        "<logs>/tables/scaling.log",
    benchmark:
        "<benchmarks>/tables/scaling.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        studies=get_scaling_studies,
        runs=get_scaling_settings,
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Drawing scores against data and size"
    script:
        "../scripts/plot_scaling.py"
