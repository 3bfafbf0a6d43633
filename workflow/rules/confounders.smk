"""Is it biology or the hospital? Columns of cases that could explain what the reference model scores.

<results>/probe/<model>/<task>/confounders/confounders.tsv    a row per column: association, scores, verdict
<results>/probe/<model>/<task>/confounders/strata.tsv         scores within its groups
<results>/probe/<model>/<task>/confounders/subgroups.tsv      score, calibration and rates by group
<results>/probe/<model>/<task>/confounders/gaps.tsv           largest gaps between groups, with P
<results>/probe/<model>/<task>/confounders/left_out.tsv       cases that are in none of them, and why
<results>/tables/confounders.tsv, .html                       all tasks: tasks x columns, coloured by verdict
<results>/tables/confounders/<task>.html                      a page per task
<results>/probe/<model>/robustness.tsv                        robustness indices of its embeddings, by pair of columns
<results>/probe/<model>/robustness_ladder.tsv                 accuracy as label and site go together in training
"""


rule assess_confounders:
    input:
        task=study.tasks.files,
        slides="<results>/embed/{model}/slides.h5ad",
        cases="<results>/embed/{model}/cases.h5ad",
        bags=study.embedding.task_bags,
        cohort="<results>/embed/{model}/slides.tsv",
        predictions="<results>/probe/{model}/{task}/frozen/predictions.parquet",
        sheet=study.slides.sheet,
        case_sheet=study.slides.case_sheet,
        inspected=study.confounders.inspected,
    output:
        confounders="<results>/probe/{model}/{task}/confounders/confounders.tsv",
        strata="<results>/probe/{model}/{task}/confounders/strata.tsv",
        subgroups="<results>/probe/{model}/{task}/confounders/subgroups.tsv",
        gaps="<results>/probe/{model}/{task}/confounders/gaps.tsv",
        left_out="<results>/probe/{model}/{task}/confounders/left_out.tsv",
    log:
        "<logs>/probe/{model}/{task}/confounders.log",
    benchmark:
        "<benchmarks>/probe/{model}/{task}/confounders.tsv"
    conda:
        "../../envs/probe.yaml"
    threads: 1
    resources:
        mem_mb=grow(4000),
        runtime=grow(120),
    params:
        states=study.times.of(study.tasks.files, study.slides.sheet, study.slides.case_sheet),
        columns=study.confounders.columns,
        settings=study.probing.settings,
        code=study.digest("probe"),
        script=study.script("assess_confounders"),
    message:
        "Asking whether columns of its cases explain what {wildcards.model} scores on {wildcards.task}"
    script:
        "../scripts/assess_confounders.py"


rule show_confounders:
    input:
        unpack(study.confounders.pages_of),
    output:
        page=report(
            "<results>/tables/confounders/{task}.html",
            caption="../report/confounders.rst",
            category="5 Probes",
            labels={"task": "{task}", "result": "confounders"},
        ),
    log:
        "<logs>/tables/confounders/{task}.log",
    benchmark:
        "<benchmarks>/tables/confounders/{task}.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        note=lambda wildcards: config["report"]["note"],
        code=study.digest("tables"),
        script=study.script("show_confounders"),
    message:
        "Writing what could explain the scores on {wildcards.task}"
    script:
        "../scripts/show_confounders.py"


rule compare_confounders:
    input:
        tables=study.confounders.tables,
        metrics=study.confounders.metrics,
    output:
        table="<results>/tables/confounders.tsv",
        page=report(
            "<results>/tables/confounders.html",
            caption="../report/confounders.rst",
            category="5 Probes",
            labels={"task": "all", "result": "confounders"},
        ),
    log:
        "<logs>/tables/confounders.log",
    benchmark:
        "<benchmarks>/tables/confounders.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        note=lambda wildcards: config["report"]["note"],
        code=study.digest("tables"),
        script=study.script("compare_confounders"),
    message:
        "Comparing tasks by what could explain their scores"
    script:
        "../scripts/compare_confounders.py"


rule measure_robustness:
    input:
        slides="<results>/embed/{model}/slides.h5ad",
        cases="<results>/embed/{model}/cases.h5ad",
        sheet=study.slides.sheet,
        case_sheet=study.slides.case_sheet,
        tasks=study.robustness.task_files,
    output:
        table="<results>/probe/{model}/robustness.tsv",
        ladder="<results>/probe/{model}/robustness_ladder.tsv",
    log:
        "<logs>/probe/{model}/robustness.log",
    benchmark:
        "<benchmarks>/probe/{model}/robustness.tsv"
    conda:
        "../../envs/probe.yaml"
    threads: 1
    resources:
        mem_mb=grow(4000),
        runtime=grow(60),
    params:
        states=study.times.of(
            study.robustness.task_files, study.slides.sheet, study.slides.case_sheet
        ),
        tasks=study.robustness.tasks,
        pairs=study.robustness.pairs,
        settings=study.probing.settings,
        code=study.digest("probe"),
        script=study.script("measure_robustness"),
    message:
        "Asking how robust embeddings of {wildcards.model} are"
    script:
        "../scripts/measure_robustness.py"
