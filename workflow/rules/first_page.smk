"""What people open first.

<results>/index.html             what was run and set aside, the main figure, cautions, links to everything else
<results>/gallery.html           every slide with layers to switch on; it shows files below <results>/wsi and figures
<results>/open_in_qupath.groovy  script for QuPath: slides with contours and patches into a project; .json: which
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
        ledger="<results>/tables/ledger.tsv",
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
