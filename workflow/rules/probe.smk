"""Probing of frozen embeddings: one job a model, task and group of protocols; folds inside.

<results>/probe/<model>/<task>/<group>/predictions.parquet    every prediction on a test side
<results>/probe/<model>/<task>/<group>/metrics.tsv            every fold
<results>/probe/<model>/<task>/<group>/summary.tsv            over folds, with intervals
"""


rule probe_task:
    input:
        task=get_task_files,
        slides="<results>/embed/{model}/slides.h5ad",
        cases="<results>/embed/{model}/cases.h5ad",
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
        settings=get_probe_settings,
        code=digest("probe"),
    message:
        "Probing {wildcards.model} on {wildcards.task} ({wildcards.group})"
    script:
        "../scripts/probe_task.py"
