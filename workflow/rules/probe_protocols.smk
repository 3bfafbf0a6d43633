"""Protocols outside the folds of one task: transfer, molecular prompts, clusters; one job a model and task.

<results>/probe/<model>/<A>==<B>--<task>/transfer/predictions.parquet, metrics.tsv, summary.tsv
<results>/probe/<model>/<A>==<B>--<task>/prompt/predictions.parquet, metrics.tsv, summary.tsv
<results>/probe/<model>/<task>/cluster/predictions.parquet, metrics.tsv, summary.tsv, tsne.tsv
"""


rule transfer_task:
    input:
        train=study.tasks.transfer_train,
        train_bags=study.embedding.transfer_train_bags,
        test=study.tasks.transfer_test,
        test_bags=study.embedding.transfer_test_bags,
        slides="<results>/embed/{model}/slides.h5ad",
        cases="<results>/embed/{model}/cases.h5ad",
        cohort="<results>/tables/slides.tsv",
    output:
        predictions="<results>/probe/{model}/{task}/transfer/predictions.parquet",
        metrics="<results>/probe/{model}/{task}/transfer/metrics.tsv",
        summary="<results>/probe/{model}/{task}/transfer/summary.tsv",
    log:
        "<logs>/probe/{model}/{task}/transfer.log",
    benchmark:
        "<benchmarks>/probe/{model}/{task}/transfer.tsv"
    conda:
        "../../envs/probe.yaml"
    threads: 1
    resources:
        mem_mb=grow(4000),
        runtime=grow(120),
    params:
        sides=study.tasks.transfer_sides,
        settings=study.probing.settings,
        code=study.digest("probe"),
    message:
        "Probing {wildcards.model} on transfer {wildcards.task}"
    script:
        "../scripts/transfer_task.py"


rule prompt_task:
    input:
        support=study.tasks.prompt_support,
        support_bags=study.embedding.prompt_support_bags,
        query=study.tasks.prompt_query,
        query_bags=study.embedding.prompt_query_bags,
        slides="<results>/embed/{model}/slides.h5ad",
        cases="<results>/embed/{model}/cases.h5ad",
        cohort="<results>/tables/slides.tsv",
        profiles=study.embedding.prompt_profiles,
    output:
        predictions="<results>/probe/{model}/{task}/prompt/predictions.parquet",
        metrics="<results>/probe/{model}/{task}/prompt/metrics.tsv",
        summary="<results>/probe/{model}/{task}/prompt/summary.tsv",
    log:
        "<logs>/probe/{model}/{task}/prompt.log",
    benchmark:
        "<benchmarks>/probe/{model}/{task}/prompt.tsv"
    conda:
        "../../envs/probe.yaml"
    threads: 1
    resources:
        mem_mb=grow(4000),
        runtime=grow(60),
    params:
        sides=study.tasks.prompt_sides,
        entry=study.tasks.prompt_entry,
        settings=study.probing.settings,
        code=study.digest("probe"),
    message:
        "Prompting {wildcards.model} on {wildcards.task}"
    script:
        "../scripts/prompt_task.py"


rule cluster_task:
    input:
        task=study.tasks.files,
        bags=study.embedding.task_bags,
        slides="<results>/embed/{model}/slides.h5ad",
        cases="<results>/embed/{model}/cases.h5ad",
        cohort="<results>/tables/slides.tsv",
    output:
        predictions="<results>/probe/{model}/{task}/cluster/predictions.parquet",
        metrics="<results>/probe/{model}/{task}/cluster/metrics.tsv",
        summary="<results>/probe/{model}/{task}/cluster/summary.tsv",
        tsne="<results>/probe/{model}/{task}/cluster/tsne.tsv",
    log:
        "<logs>/probe/{model}/{task}/cluster.log",
    benchmark:
        "<benchmarks>/probe/{model}/{task}/cluster.tsv"
    conda:
        "../../envs/probe.yaml"
    threads: 1
    resources:
        mem_mb=grow(4000),
        runtime=grow(60),
    params:
        k=study.tasks.cluster_number,
        seeds=lookup(dpath="probe/cluster/seeds", within=config),
        settings=study.probing.settings,
        code=study.digest("probe"),
    message:
        "Clustering the embeddings of {wildcards.task} by {wildcards.model}"
    script:
        "../scripts/cluster_task.py"
