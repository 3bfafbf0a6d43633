"""Fine-tuning of slide encoders, and supervised baselines: one job a model and task, folds inside.

<results>/probe/<model>/<task>/finetune/predictions.parquet, metrics.tsv, summary.tsv    as of other groups of probes
<results>/probe/.finished/    finished folds under stamps of their contents (not declared)
"""


rule finetune_task:
    input:
        task=study.tasks.files,
        cohort="<results>/tables/slides.tsv",
        manifests=study.probing.finetune_manifests,
        sources=study.probing.finetune_weights,
    output:
        predictions="<results>/probe/{model}/{task}/finetune/predictions.parquet",
        metrics="<results>/probe/{model}/{task}/finetune/metrics.tsv",
        summary="<results>/probe/{model}/{task}/finetune/summary.tsv",
    log:
        "<logs>/probe/{model}/{task}/finetune.log",
    benchmark:
        "<benchmarks>/probe/{model}/{task}/finetune.tsv"
    conda:
        study.environment("finetune")
    threads: config["probe"]["finetune"]["threads"]
    resources:
        mem_mb=grow(12000),
        runtime=grow(1440),
        gpu=1,
    params:
        model=study.probing.finetune_model,
        settings=study.probing.finetune_settings,
        results=subpath(output.metrics, ancestor=5),
        code=study.digest("probe"),
    message:
        "Fine-tuning {wildcards.model} on {wildcards.task}"
    script:
        "../scripts/finetune_task.py"
