"""What probing found, over models and tasks.

<results>/tables/metrics.tsv, comparison.tsv, seeds.tsv, comparison.html
<results>/tables/tests.tsv, marginal_means.tsv, survival.tsv, tests.html
<results>/figures/survival.svg, clusters.svg (and .png)
"""


rule collect_metrics:
    input:
        summaries=get_probe_summaries,
    output:
        table="<results>/tables/metrics.tsv",
    log:
        "<logs>/tables/metrics.log",
    benchmark:
        "<benchmarks>/tables/metrics.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        families=get_task_families,
        code=digest("report"),
    message:
        "Gathering the metrics of every model and task"
    script:
        "../scripts/collect_metrics.py"


rule compare_models:
    input:
        metrics="<results>/tables/metrics.tsv",
    output:
        comparison="<results>/tables/comparison.tsv",
        seeds="<results>/tables/seeds.tsv",
        page=report(
            "<results>/tables/comparison.html",
            caption="../report/comparison.rst",
            category="5 Probes",
            labels={"result": "models side by side"},
        ),
    log:
        "<logs>/tables/comparison.log",
    benchmark:
        "<benchmarks>/tables/comparison.tsv"
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
        "Comparing models"
    script:
        "../scripts/compare_models.py"


rule test_models:
    input:
        metrics="<results>/tables/metrics.tsv",
        folds=get_probe_metrics,
        predictions=get_probe_predictions,
    output:
        tests="<results>/tables/tests.tsv",
        means="<results>/tables/marginal_means.tsv",
        survival="<results>/tables/survival.tsv",
        page=report(
            "<results>/tables/tests.html",
            caption="../report/tests.rst",
            category="5 Probes",
            labels={"result": "tests between models"},
        ),
        curves=report(
            "<results>/figures/survival.svg",
            caption="../report/survival.rst",
            category="5 Probes",
            labels={"result": "survival of risk groups"},
        ),
        survival_png="<results>/figures/survival.png",
    log:
        "<logs>/tables/tests.log",
    benchmark:
        "<benchmarks>/tables/tests.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(4000),
        runtime=grow(60),
    params:
        models=get_compared_models,
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Testing differences between models"
    script:
        "../scripts/test_models.py"


rule plot_clusters:
    input:
        points=get_cluster_points,
        scores=get_cluster_scores,
    output:
        figure=report(
            "<results>/figures/clusters.svg",
            caption="../report/clusters.rst",
            category="4 Embeddings",
            labels={"result": "t-SNE and clusters of tasks"},
        ),
        clusters_png="<results>/figures/clusters.png",
    log:
        "<logs>/figures/clusters.log",
    benchmark:
        "<benchmarks>/figures/clusters.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Drawing the clusters of embeddings"
    script:
        "../scripts/plot_clusters.py"
