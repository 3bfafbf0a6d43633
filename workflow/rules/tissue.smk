"""Tissue: where it is and how good it is, from one read of a low-resolution level.

<results>/tissue/<shard>.tsv                       area, quality numbers, verdicts
<results>/wsi/contours_geojson/<slide>.geojson     polygons in level-0 pixels
<results>/wsi/quality/<slide>.png                  class codes, one byte a pixel
<results>/wsi/thumbnails/<slide>.jpg               tissue with contours drawn
<results>/tables/slides.tsv                        the whole cohort: what was set aside and why
"""


rule assess_tissue:
    input:
        inspected="<results>/slides/{shard}.tsv",
        slides=get_shard_slides,
        contours=get_shard_contours,
        weights=get_tissue_weights,
    output:
        manifest="<results>/tissue/{shard}.tsv",
    log:
        "<logs>/tissue/{shard}.log",
    benchmark:
        "<benchmarks>/tissue/{shard}.tsv"
    conda:
        TISSUE_ENVIRONMENT
    threads: TISSUE_THREADS
    resources:
        mem_mb=grow(config["slides"]["memory_mb"] + 500),
        runtime=grow(480 if TISSUE_GPUS else 120),
        gpu=TISSUE_GPUS,
    params:
        slides=get_shard_rows,
        results=subpath(output.manifest, ancestor=2),
        settings=get_tissue_settings,
        deadline_s=get_tissue_deadline,
        memory_mb=get_tissue_memory,
        code=digest("tissue"),
        accept_other_code=accepts_other_code("tissue"),
    message:
        "Segmenting tissue and judging quality of shard {wildcards.shard}"
    script:
        "../scripts/assess_tissue.py"


rule collect_slides:
    input:
        sheet=given(SLIDE_SHEET),
        inspected=get_slides_targets,
        assessed=collect("<results>/tissue/{shard}.tsv", shard=SHARDS),
    output:
        table="<results>/tables/slides.tsv",
    log:
        "<logs>/tables/slides.log",
    benchmark:
        "<benchmarks>/tables/slides.tsv"
    conda:
        "../../envs/slides.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        max_failed_fraction=lookup(dpath="slides/max_failed_fraction", within=config),
        code=digest("slides"),
    message:
        "Gathering what was set aside, and why, over the whole cohort"
    script:
        "../scripts/collect_slides.py"
