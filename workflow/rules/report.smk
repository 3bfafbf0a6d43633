"""Tables and figures; `snakemake --report results/report.html` binds them together.

<results>/tables/exclusions.tsv, worst_slides.html
<results>/figures/*.svg, *.png (of slides, pretraining, embeddings)
"""


rule plot_slides:
    input:
        table="<results>/tables/slides.tsv",
    output:
        figure=report(
            "<results>/figures/slides.svg",
            caption="../report/slides.rst",
            category="1 Slides",
            labels={"result": "kept and set aside"},
        ),
        slides_png="<results>/figures/slides.png",
        quality=report(
            "<results>/figures/quality.svg",
            caption="../report/quality.rst",
            category="1 Slides",
            labels={"result": "numbers of quality control"},
        ),
        quality_png="<results>/figures/quality.png",
    log:
        "<logs>/figures/slides.log",
    benchmark:
        "<benchmarks>/figures/slides.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        thresholds=lookup(dpath="tissue/quality", within=config),
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Drawing what became of the slides"
    script:
        "../scripts/plot_slides.py"


rule count_exclusions:
    input:
        slides="<results>/tables/slides.tsv",
        tiles=get_tiles_targets,
    output:
        table="<results>/tables/exclusions.tsv",
    log:
        "<logs>/tables/exclusions.log",
    benchmark:
        "<benchmarks>/tables/exclusions.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        code=digest("report"),
    message:
        "Counting the slides and patches that each criterion removed"
    script:
        "../scripts/count_exclusions.py"


rule show_worst_slides:
    input:
        table="<results>/tables/slides.tsv",
    output:
        page=report(
            "<results>/tables/worst_slides.html",
            caption="../report/worst_slides.rst",
            category="1 Slides",
            labels={"result": "slides to look at"},
        ),
    log:
        "<logs>/tables/worst_slides.log",
    benchmark:
        "<benchmarks>/tables/worst_slides.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        results=subpath(output.page, ancestor=2),
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Gathering the slides that deserve a look"
    script:
        "../scripts/show_worst_slides.py"


rule plot_history:
    input:
        histories=get_histories,
    output:
        figure=report(
            "<results>/figures/pretraining.svg",
            caption="../report/pretraining.rst",
            category="3 Pretraining",
            labels={"result": "loss and RankMe"},
        ),
        pretraining_png="<results>/figures/pretraining.png",
    log:
        "<logs>/figures/pretraining.log",
    benchmark:
        "<benchmarks>/figures/pretraining.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        runs=get_history_names,
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Drawing the course of pretraining"
    script:
        "../scripts/plot_history.py"


rule plot_embeddings:
    input:
        tables=get_case_embeddings,
    output:
        figure=report(
            "<results>/figures/embeddings.svg",
            caption="../report/embeddings.rst",
            category="4 Embeddings",
            labels={"result": "principal components of cases"},
        ),
        embeddings_png="<results>/figures/embeddings.png",
    log:
        "<logs>/figures/embeddings.log",
    benchmark:
        "<benchmarks>/figures/embeddings.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(4000),
        runtime=grow(30),
    params:
        models=lookup(dpath="embed/use", within=config),
        colour=lookup(dpath="report/colour", within=config),
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Drawing the embeddings of cases"
    script:
        "../scripts/plot_embeddings.py"
