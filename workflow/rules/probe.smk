"""Probing: one job for each model, task and group of protocols; folds inside.

<results>/probe/<model>/<task>/<group>/predictions.parquet    every prediction on a test side
<results>/probe/<model>/<task>/<group>/metrics.tsv            every fold
<results>/probe/<model>/<task>/<group>/summary.tsv            over folds, with intervals
<results>/probe/<model>/<task>/cluster/tsne.tsv               coordinates of clustered samples
<results>/probe/splits/<task>/k=all.tsv                       folds of a task that has a recipe instead
<results>/probe/.finished/                                    fine-tuned folds under stamps of their contents (not declared)
<results>/pathobench/                                         on request: the frozen probes as Patho-Bench writes them

Groups: frozen, fewshot and retrieval (probe_task), transfer, prompt and cluster (of tasks that are joined or have no
folds), finetune (slide encoders trained further, and supervised baselines).
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
        states=study.times.of(study.tasks.given_files, study.slides.sheet),
        code=study.digest("probe"),
        script=study.script("split_task"),
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
        cohort="<results>/embed/{model}/slides.tsv",
        audit=ancient(study.leakage.audit),  # of a model whose run is from elsewhere
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
        mem_mb=grow(2000),
        runtime=grow(60),
    params:
        states=study.times.of(study.tasks.files),
        settings=study.probing.settings,
        code=study.digest("probe"),
        script=study.script("probe_task"),
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
        script=study.script("write_pathobench"),
    message:
        "Writing the frozen probes in Patho-Bench's layout"
    script:
        "../scripts/write_pathobench.py"


rule transfer_task:
    input:
        train=study.tasks.transfer_train,
        train_bags=study.embedding.transfer_train_bags,
        test=study.tasks.transfer_test,
        test_bags=study.embedding.transfer_test_bags,
        slides="<results>/embed/{model}/slides.h5ad",
        cases="<results>/embed/{model}/cases.h5ad",
        cohort="<results>/embed/{model}/slides.tsv",
        audit=ancient(study.leakage.audit),  # of a model whose run is from elsewhere
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
        states=study.times.of(study.tasks.transfer_train, study.tasks.transfer_test),
        sides=study.tasks.transfer_sides,
        settings=study.probing.settings,
        code=study.digest("probe"),
        script=study.script("transfer_task"),
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
        cohort="<results>/embed/{model}/slides.tsv",
        profiles=study.embedding.prompt_profiles,
        audit=ancient(study.leakage.audit),  # of a model whose run is from elsewhere
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
        states=study.times.of(study.tasks.prompt_support, study.tasks.prompt_query),
        sides=study.tasks.prompt_sides,
        entry=study.tasks.prompt_entry,
        settings=study.probing.settings,
        code=study.digest("probe"),
        script=study.script("prompt_task"),
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
        cohort="<results>/embed/{model}/slides.tsv",
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
        states=study.times.of(study.tasks.files),
        k=study.tasks.cluster_number,
        seeds=lookup(dpath="probe/cluster/seeds", within=config),
        settings=study.probing.settings,
        code=study.digest("probe"),
        script=study.script("cluster_task"),
    message:
        "Clustering the embeddings of {wildcards.task} by {wildcards.model}"
    script:
        "../scripts/cluster_task.py"


rule finetune_task:
    input:
        task=study.tasks.files,
        cohort="<results>/tables/slides.tsv",
        judged=ancient(study.ledger.of_model),  # not after too many slides were set aside
        manifests=study.probing.finetune_manifests,
        sources=study.probing.finetune_weights,
        audit=ancient(study.leakage.audit),  # of a model whose run is from elsewhere
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
        states=study.times.of(study.tasks.files, study.probing.finetune_weights),
        model=study.probing.finetune_model,
        settings=study.probing.finetune_settings,
        results=subpath(output.metrics, ancestor=5),
        code=study.digest("probe"),
        script=study.script("finetune_task"),
    message:
        "Fine-tuning {wildcards.model} on {wildcards.task}"
    script:
        "../scripts/finetune_task.py"
