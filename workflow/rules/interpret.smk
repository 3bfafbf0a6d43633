"""What trained models look at: patches of slides, genes of profiles.

<results>/figures/attention/<model>/<slide>.png            attention of each head over the slide
<results>/figures/attention/<model>/<slide>.geojson        its patches for QuPath, percentiles as measurements
<results>/figures/top_patches/<model>/<slide>.png          patches of highest attention
<results>/probe/<model>/<task>/genes/directions.tsv        genes that go with the direction of the task's probe
<results>/probe/<model>/<task>/<group>/expression.tsv      differential expression between predicted groups
<results>/omics/gene_sets/scores.h5, sets.tsv              gene sets scored in expression, with random ones; what they hold
<results>/probe/<model>/gene_sets/sets.tsv, scores.tsv     which sets can be read, and scores of cases and slides
<results>/probe/<model>/gene_sets/patches.h5               directions, and scores of patches of named slides
<results>/figures/gene_sets/<model>/<slide>.png, .geojson  the same as a map, and for QuPath
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


rule score_gene_sets:
    input:
        sets=study.gene_sets.files,
        tables=study.probing.rna_tables,
        genes=study.omics.gene_table,
    output:
        scores="<results>/omics/gene_sets/scores.h5",
        listing="<results>/omics/gene_sets/sets.tsv",
    log:
        "<logs>/omics/gene_sets.log",
    benchmark:
        "<benchmarks>/omics/gene_sets.tsv"
    conda:
        "../../envs/omics.yaml"
    threads: 1
    resources:
        mem_mb=grow(8000),
        runtime=grow(240),
    params:
        states=study.times.of(study.gene_sets.files),
        settings=study.gene_sets.scoring,
        code=study.digest("interpret"),
        script=study.script("score_gene_sets"),
    message:
        "Scoring gene sets in expression profiles"
    script:
        "../scripts/score_gene_sets.py"


rule read_gene_sets:
    input:
        scores="<results>/omics/gene_sets/scores.h5",
        listing="<results>/omics/gene_sets/sets.tsv",
        slides="<results>/embed/{model}/slides.h5ad",
        cases="<results>/embed/{model}/cases.h5ad",
        tables=study.gene_sets.support_tables,
        sources=study.models.weights,
        manifests=study.gene_sets.manifests,
    output:
        sets=report(
            "<results>/probe/{model}/gene_sets/sets.tsv",
            caption="../report/gene_sets.rst",
            category="8 Genes",
            labels={"model": "{model}", "result": "gene sets"},
        ),
        scores="<results>/probe/{model}/gene_sets/scores.tsv",
        patches="<results>/probe/{model}/gene_sets/patches.h5",
    log:
        "<logs>/probe/{model}/gene_sets.log",
    benchmark:
        "<benchmarks>/probe/{model}/gene_sets.tsv"
    conda:
        study.environment("finetune")
    threads: 2
    resources:
        mem_mb=grow(8000),
        runtime=grow(240),
    params:
        states=study.times.of(study.models.weights),
        model=study.models.model,
        own=study.embedding.is_of_this_study,
        settings=study.gene_sets.reading,
        results=subpath(output.scores, ancestor=4),
        code=study.digest("interpret"),
        script=study.script("read_gene_sets"),
    message:
        "Asking {wildcards.model} about gene sets"
    script:
        "../scripts/read_gene_sets.py"


rule draw_gene_sets:
    input:
        scores="<results>/probe/{model}/gene_sets/patches.h5",
        sets="<results>/probe/{model}/gene_sets/sets.tsv",
        inspected=study.slides.inspected,
        assessed=study.slides.assessed,
    output:
        picture=report(
            "<results>/figures/gene_sets/{model}/{slide}.png",
            caption="../report/gene_set_map.rst",
            category="8 Genes",
            labels={"model": "{model}", "slide": "{slide}", "result": "gene sets, map"},
        ),
        patches="<results>/figures/gene_sets/{model}/{slide}.geojson",
    log:
        "<logs>/figures/gene_sets/{model}/{slide}.log",
    benchmark:
        "<benchmarks>/figures/gene_sets/{model}/{slide}.tsv"
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
        script=study.script("draw_gene_sets"),
    message:
        "Drawing gene sets over {wildcards.slide} as {wildcards.model} reads them"
    script:
        "../scripts/draw_gene_sets.py"
