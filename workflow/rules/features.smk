"""Features of every patch.

<results>/features/<grid>/<encoder>/<shard>.tsv    manifest: patches, width, file, bytes, fingerprint
<results>/wsi/<grid>/features_<encoder>/<slide>.h5    features (fp16, N x D) and coords of a slide (not declared)
<results>/tables/ledger/<grid>/<encoder>.tsv       what became of every slide so far; not past max_failed_fraction
"""


rule extract_features:
    input:
        tiles="<results>/tiles/{grid}/{shard}.tsv",
        inspected="<results>/slides/{shard}.tsv",
        judged=ancient("<results>/tables/ledger/{grid}.tsv"),  # not after too many slides were set aside
        weights=study.encoders.weights,
        given=study.given_features.files,
    output:
        manifest="<results>/features/{grid}/{encoder}/{shard}.tsv",
    log:
        "<logs>/features/{grid}/{encoder}/{shard}.log",
    benchmark:
        "<benchmarks>/features/{grid}/{encoder}/{shard}.tsv"
    conda:
        study.environment("features")
    threads: 8
    resources:
        mem_mb=study.encoders.memory_mb,
        runtime=480,  # an attempt goes on where the last one ended
        gpu=study.encoders.gpus,
        disk_mb=study.encoders.disk_mb,
    params:
        states=study.times.of(study.encoders.weights),
        rows=study.slides.shard_rows,
        grid=study.grids.grid,
        encoder=study.encoders.encoder,
        given_sample=study.given_features.sample,
        given_state=study.given_features.state,
        again=study.retries.features,
        deadline_s=lookup(dpath="slides/deadline_s", within=config),
        memory_mb=lookup(dpath="slides/memory_mb", within=config),
        max_damaged_fraction=lookup(dpath="features/max_damaged_fraction", within=config),
        damaged=lookup(dpath="features/damaged", within=config),
        scratch=lambda wildcards: config["features"]["scratch"],
        scratch_gb=lookup(dpath="features/scratch_gb", within=config),
        allow_cpu=study.encoders.may_run_on_cpu,
        gpu_build=study.encoders.gpu_build,
        results=subpath(output.manifest, ancestor=4),
        code=study.digest("features"),
        script=study.script("extract_features"),
        accept_other_code=study.accepts_other_code("features"),
    message:
        "Encoding the patches of shard {wildcards.shard} ({wildcards.grid}) with {wildcards.encoder}."
    script:
        "../scripts/extract_features.py"


use rule collect_losses as collect_feature_losses with:
    input:
        slides="<results>/tables/slides.tsv",
        tiles=study.ledger.tiles,
        features=study.ledger.features,
    output:
        table="<results>/tables/ledger/{grid}/{encoder}.tsv",
    log:
        "<logs>/tables/ledger/{grid}/{encoder}.log",
    benchmark:
        "<benchmarks>/tables/ledger/{grid}/{encoder}.tsv"
    message:
        "Counting slides that were set aside as far as features by {wildcards.encoder} on {wildcards.grid}"
