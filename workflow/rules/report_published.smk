"""The paper's scores beside this run's.

<results>/tables/published.tsv, published_averages.tsv    a row a number; means over the tasks that both have
<results>/tables/published.html, published.md, published.tex    the same to read, and tables by family
<results>/figures/published.svg, published.png            one against the other, a panel a family
"""


rule compare_published:
    input:
        metrics="<results>/tables/metrics.tsv",
        published=get_published_scores(),
        tasks=get_benchmark_table(),
    output:
        table="<results>/tables/published.tsv",
        averages="<results>/tables/published_averages.tsv",
        page=report(
            "<results>/tables/published.html",
            caption="../report/published.rst",
            category="5 Probes",
            labels={"result": "published and measured"},
        ),
        markdown="<results>/tables/published.md",
        latex="<results>/tables/published.tex",
    log:
        "<logs>/tables/published.log",
    benchmark:
        "<benchmarks>/tables/published.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        names=get_published_names,
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Comparing this run with the paper"
    script:
        "../scripts/compare_published.py"


rule plot_published:
    input:
        table="<results>/tables/published.tsv",
    output:
        figure=report(
            "<results>/figures/published.svg",
            caption="../report/published_figure.rst",
            category="5 Probes",
            labels={"result": "published and measured (figure)"},
        ),
        png="<results>/figures/published.png",
    log:
        "<logs>/figures/published.log",
    benchmark:
        "<benchmarks>/figures/published.tsv"
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
        "Drawing published against measured scores"
    script:
        "../scripts/plot_published.py"
