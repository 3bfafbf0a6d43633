"""Probing of frozen embeddings: one job a model, task and group of protocols; folds inside.

<results>/probe/<model>/<task>/<group>/predictions.parquet    every prediction on a test side
<results>/probe/<model>/<task>/<group>/metrics.tsv            every fold
<results>/probe/<model>/<task>/<group>/summary.tsv            over folds, with intervals
<results>/probe/splits/<task>/k=all.tsv                       folds of a task that has a recipe instead
<results>/pathobench/                                         on request: the frozen probes as Patho-Bench writes them
"""


rule split_task:
    input:
        task=study.tasks.given_files,
        sheet=study.slides.sheet,
    output:
        table="<results>/probe/splits/{task}/k=all.tsv",
    log:
        "<logs>/probe/splits/{task}.log",
    benchmark:
        "<benchmarks>/probe/splits/{task}.tsv"
    conda:
        "../../envs/probe.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        code=study.digest("probe"),
    message:
        "Splitting {wildcards.task} by its recipe"
    script:
        "../scripts/split_task.py"


rule probe_task:
    input:
        task=study.tasks.files,
        slides="<results>/embed/{model}/slides.h5ad",
        cases="<results>/embed/{model}/cases.h5ad",
        bags=study.embedding.task_bags,
        cohort="<results>/tables/slides.tsv",
    output:
        predictions="<results>/probe/{model}/{task}/{group}/predictions.parquet",
        metrics="<results>/probe/{model}/{task}/{group}/metrics.tsv",
        summary="<results>/probe/{model}/{task}/{group}/summary.tsv",
    log:
        "<logs>/probe/{model}/{task}/{group}.log",
    benchmark:
        "<benchmarks>/probe/{model}/{task}/{group}.tsv"
    wildcard_constraints:
        group="frozen|fewshot|retrieval",
    conda:
        "../../envs/probe.yaml"
    threads: 1
    resources:
        mem_mb=grow(4000),
        runtime=grow(120),
    params:
        settings=study.probing.settings,
        code=study.digest("probe"),
    message:
        "Probing {wildcards.model} on {wildcards.task} ({wildcards.group})"
    script:
        "../scripts/probe_task.py"


rule write_pathobench:
    input:
        configs=study.probing.pathobench_configs,
        tables=study.probing.pathobench_tables,
        predictions=study.probing.pathobench_files("predictions.parquet"),
        metrics=study.probing.pathobench_files("metrics.tsv"),
    output:
        summary="<results>/pathobench/results_summary.csv",
    log:
        "<logs>/probe/pathobench.log",
    benchmark:
        "<benchmarks>/probe/pathobench.tsv"
    conda:
        "../../envs/probe.yaml"
    threads: 1
    resources:
        mem_mb=grow(4000),
        runtime=grow(60),
    params:
        jobs=study.probing.pathobench_jobs,
        settings=study.probing.settings,
        code=study.digest("probe"),
    message:
        "Writing the frozen probes in Patho-Bench's layout"
    script:
        "../scripts/write_pathobench.py"
