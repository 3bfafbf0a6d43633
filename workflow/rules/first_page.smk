"""What people open first.

<results>/index.html             what was run and set aside, the main figure, cautions, links to everything else
<results>/gallery.html           every slide with layers to switch on; it shows files below <results>/wsi and figures
<results>/open_in_qupath.groovy  script for QuPath: slides with contours and patches into a project; .json: which
<results>/predict/gallery.html     the same of new slides, with what predictors say of them; beside it the script for QuPath
<results>/figures/embedding_maps/<model>.html    slides by t-SNE, with their nearest neighbours; colours by any column
<results>/tables/embedding_maps/<model>.tsv      its coordinates and neighbours
"""


rule write_first_page:
    input:
        # It lists the files of the results, and is written last.
        provenance="<results>/provenance.json",
        resources="<results>/benchmarks/resources.html",
    output:
        page="<results>/index.html",
    log:
        "<logs>/first_page.log",
    benchmark:
        "<benchmarks>/first_page.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
        runtime=grow(30),
    params:
        # With `input`, so that it is filled in when the job starts, and Snakemake doesn't compare it.
        about=lambda wildcards, input: study.first_page.facts(),
        note=lambda wildcards: config["report"]["note"],
        code=study.digest("tables"),
        script=study.script("write_first_page"),
    message:
        "Writing the first page of the results"
    script:
        "../scripts/write_first_page.py"


rule write_gallery:
    input:
        table="<results>/tables/slides.tsv",
        # Written when patches are there.
        ledgers=["<results>/tables/ledger.tsv"],
        predictions=[],
        inspected=study.targets.slides,
        maps=study.targets.slide_maps,
    output:
        page="<results>/gallery.html",
        script="<results>/open_in_qupath.groovy",
        listed="<results>/open_in_qupath.json",
    log:
        "<logs>/gallery.log",
    benchmark:
        "<benchmarks>/gallery.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(120),
    params:
        grids=list(study.targets.tile_shards()),
        paths=study.slides.paths,
        note=lambda wildcards: config["report"]["note"],
        code=study.digest("tables"),
        script=study.script("write_gallery"),
    message:
        "Writing the gallery of slides"
    script:
        "../scripts/write_gallery.py"


use rule write_gallery as write_gallery_of_new_slides with:
    input:
        table="<results>/predict/cohort/tables/slides.tsv",
        ledgers=study.predict.ledgers,
        predictions=study.predict.files,
        inspected=study.predict.inspected,
        maps=study.contributions.maps,
    output:
        page="<results>/predict/gallery.html",
        script="<results>/predict/open_in_qupath.groovy",
        listed="<results>/predict/open_in_qupath.json",
    log:
        "<logs>/predict/gallery.log",
    benchmark:
        "<benchmarks>/predict/gallery.tsv"
    params:
        grids=study.predict.grids,
        paths=study.predict.paths,
        note=lambda wildcards: config["report"]["note"],
        code=study.digest("tables"),
        script=study.script("write_gallery"),
    message:
        "Writing the gallery of new slides"


rule map_embeddings:
    input:
        embedded="<results>/embed/{model}/slides.h5ad",
        fates="<results>/embed/{model}/slides.tsv",
        slides=study.targets.table_of_slides,
        # Colours are the same on the maps of all models.
        sheets=[study.slides.sheet, *study.slides.case_sheet],
    output:
        page=report(
            "<results>/figures/embedding_maps/{model}.html",
            caption="../report/embedding_map.rst",
            category="4 Embeddings",
            labels={"model": "{model}", "result": "map of embeddings"},
        ),
        table="<results>/tables/embedding_maps/{model}.tsv",
    log:
        "<logs>/figures/embedding_maps/{model}.log",
    benchmark:
        "<benchmarks>/figures/embedding_maps/{model}.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(8000),
        runtime=grow(240),
    params:
        states=study.times.of(study.slides.sheet, study.slides.case_sheet),
        results=subpath(output.page, ancestor=3),
        settings=lookup(dpath="report/map", within=config),
        note=lambda wildcards: config["report"]["note"],
        code=[study.digest("tables"), study.digest("probe")],
        script=study.script("map_embeddings"),
    message:
        "Mapping the embeddings of slides by {wildcards.model}"
    script:
        "../scripts/map_embeddings.py"
