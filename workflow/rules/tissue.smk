"""Tissue: where it is and how good it is, from one read of a low-resolution level.

<results>/tissue/<shard>.tsv                       area, quality numbers, verdicts
<results>/wsi/contours_geojson/<slide>.geojson     polygons in level-0 pixels
<results>/wsi/quality/<slide>.png                  class codes, one byte per pixel
<results>/wsi/thumbnails/<slide>.jpg               tissue with contours drawn
<results>/tables/slides.tsv                        the whole cohort: what was set aside and why
"""


rule assess_tissue:
    input:
        inspected="<results>/slides/{shard}.tsv",
        contours=study.tissue.shard_contours,
        weights=study.tissue.weights,
    output:
        manifest="<results>/tissue/{shard}.tsv",
    log:
        "<logs>/tissue/{shard}.log",
    benchmark:
        "<benchmarks>/tissue/{shard}.tsv"
    conda:
        study.environment(study.tissue.family)
    threads: study.tissue.threads
    resources:
        mem_mb=grow(config["slides"]["memory_mb"] + 500),
        runtime=study.tissue.minutes,  # an attempt goes on where the last one ended
        gpu=study.tissue.gpus,
    params:
        states=study.times.of(study.tissue.shard_contours, study.tissue.weights),
        slides=study.slides.shard_rows,
        again=study.retries.tissue,
        results=subpath(output.manifest, ancestor=2),
        settings=study.tissue.settings,
        deadline_s=study.tissue.deadline_s,
        memory_mb=study.tissue.memory_mb,
        code=study.digest("tissue"),
        script=study.script("assess_tissue"),
        accept_other_code=study.accepts_other_code("tissue"),
    message:
        "Segmenting tissue and judging quality of shard {wildcards.shard}"
    script:
        "../scripts/assess_tissue.py"


rule collect_slides:
    input:
        sheet=study.slides.sheet,
        inspected=study.targets.slides,
        assessed=study.targets.assessed,
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
        states=study.times.of(study.slides.sheet),
        max_failed_fraction=lookup(dpath="slides/max_failed_fraction", within=config),
        code=study.digest("slides"),
        script=study.script("collect_slides"),
    message:
        "Gathering what was set aside, and why, over the whole cohort"
    script:
        "../scripts/collect_slides.py"
