"""Figures of the scores of other protocols; each as SVG, PNG and the table of its numbers.

<results>/figures/fewshot (.svg, .png, .tsv)
"""


rule plot_fewshot:
    input:
        metrics="<results>/tables/metrics.tsv",
        folds=get_fewshot_metrics,
    output:
        figure=report(
            "<results>/figures/fewshot.svg",
            caption="../report/fewshot.rst",
            category="6 Protocols",
            labels={"result": "few labels"},
        ),
        png="<results>/figures/fewshot.png",
        table="<results>/figures/fewshot.tsv",
    log:
        "<logs>/figures/fewshot.log",
    benchmark:
        "<benchmarks>/figures/fewshot.tsv"
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
        "Drawing the probes on few labels"
    script:
        "../scripts/plot_fewshot.py"
