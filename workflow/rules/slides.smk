"""Slides: inspected before any work.

<results>/slides/<shard>.tsv   readable, vendor, size, mpp and where it came from, identity
"""


rule inspect_slides:
    input:
        slides=study.slides.shard_files,
        downloads=study.downloads.shard_manifest,
        known_bad=study.shipped("known_slides/known_bad_slides.tsv"),
    output:
        manifest="<results>/slides/{shard}.tsv",
    log:
        "<logs>/slides/{shard}.log",
    benchmark:
        "<benchmarks>/slides/{shard}.tsv"
    conda:
        "../../envs/slides.yaml"
    threads: 1
    resources:
        mem_mb=grow(config["slides"]["memory_mb"] + 500),
        runtime=grow(60),
    params:
        slides=study.slides.shard_rows,
        again=study.retries.slides,
        states=study.slides.shard_states,
        replaced=study.downloads.shard_replaced,
        deadline_s=lookup(dpath="slides/deadline_s", within=config),
        memory_mb=lookup(dpath="slides/memory_mb", within=config),
        mpp_tolerance=lookup(dpath="slides/mpp_tolerance", within=config),
        code=study.digest("slides"),
        script=study.script("inspect_slides"),
    message:
        "Inspecting slides of shard {wildcards.shard}"
    script:
        "../scripts/inspect_slides.py"
