"""What trained models look at: patches of slides, genes of profiles.

<results>/figures/attention/<model>/<slide>.png            attention of each head over the slide
<results>/figures/attention/<model>/<slide>.geojson        its patches for QuPath, percentiles as measurements
<results>/figures/top_patches/<model>/<slide>.png          patches of highest attention
<results>/probe/<model>/<task>/genes/directions.tsv        genes that go with the direction of the task's probe
<results>/probe/<model>/<task>/<group>/expression.tsv      differential expression between predicted groups
"""


rule draw_attention:
    input:
        attention="<results>/embed/{model}/attention.h5",
        inspected=study.slides.inspected,
        assessed=study.slides.assessed,
    output:
        picture=report(
            "<results>/figures/attention/{model}/{slide}.png",
            caption="../report/attention.rst",
            category="7 Attention",
            labels={"model": "{model}", "slide": "{slide}", "result": "map"},
        ),
        patches="<results>/figures/attention/{model}/{slide}.geojson",
    log:
        "<logs>/figures/attention/{model}/{slide}.log",
    benchmark:
        "<benchmarks>/figures/attention/{model}/{slide}.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(4000),
        runtime=grow(30),
    params:
        results=subpath(output.picture, ancestor=4),
        note=lambda wildcards: config["report"]["note"],
        code=study.digest("interpret"),
        script=study.script("draw_attention"),
    message:
        "Drawing attention of {wildcards.model} over {wildcards.slide}"
    script:
        "../scripts/draw_attention.py"


rule show_top_patches:
    input:
        attention="<results>/embed/{model}/attention.h5",
        slides=study.slides.inspected,
    output:
        picture=report(
            "<results>/figures/top_patches/{model}/{slide}.png",
            caption="../report/top_patches.rst",
            category="7 Attention",
            labels={"model": "{model}", "slide": "{slide}", "result": "highest patches"},
        ),
    log:
        "<logs>/figures/top_patches/{model}/{slide}.log",
    benchmark:
        "<benchmarks>/figures/top_patches/{model}/{slide}.tsv"
    conda:
        "../../envs/slides.yaml"
    threads: 1
    resources:
        mem_mb=grow(config["slides"]["memory_mb"] + 500),
        runtime=grow(30),
    params:
        slide=study.slides.slide_path,
        patches=lookup(dpath="embed/top_patches", within=config),
        note=lambda wildcards: config["report"]["note"],
        code=study.digest("interpret"),
        script=study.script("show_top_patches"),
    message:
        "Showing the patches of {wildcards.slide} that {wildcards.model} attends to most"
    script:
        "../scripts/show_top_patches.py"


rule gene_directions:
    input:
        task=study.tasks.files,
        slides="<results>/embed/{model}/slides.h5ad",
        cases="<results>/embed/{model}/cases.h5ad",
        bags=study.embedding.task_bags,
        profiles="<results>/embed/{model}/profiles.h5ad",
        rna=study.probing.rna_tables,
    output:
        table="<results>/probe/{model}/{task}/genes/directions.tsv",
    log:
        "<logs>/probe/{model}/{task}/genes.log",
    benchmark:
        "<benchmarks>/probe/{model}/{task}/genes.tsv"
    conda:
        "../../envs/probe.yaml"
    threads: 1
    resources:
        mem_mb=grow(8000),
        runtime=grow(60),
    params:
        states=study.times.of(study.tasks.files),
        settings=study.probing.direction_settings,
        code=study.digest("interpret"),
        script=study.script("gene_directions"),
    message:
        "Correlating genes with the direction of {wildcards.task} in {wildcards.model}"
    script:
        "../scripts/gene_directions.py"


rule compare_expression:
    input:
        predictions="<results>/probe/{model}/{task}/{group}/predictions.parquet",
        pairs="<results>/omics/pairs.tsv",
        rna=study.probing.rna_tables,
    output:
        table="<results>/probe/{model}/{task}/{group}/expression.tsv",
    log:
        "<logs>/probe/{model}/{task}/{group}.expression.log",
    benchmark:
        "<benchmarks>/probe/{model}/{task}/{group}.expression.tsv"
    wildcard_constraints:
        group="frozen|finetune",
    conda:
        "../../envs/omics.yaml"
    threads: 2
    resources:
        mem_mb=grow(8000),
        runtime=grow(240),
    params:
        settings=study.probing.expression_settings,
        code=study.digest("interpret"),
        script=study.script("compare_expression"),
    message:
        "Comparing expression between groups that {wildcards.model} predicts on {wildcards.task}"
    script:
        "../scripts/compare_expression.py"
