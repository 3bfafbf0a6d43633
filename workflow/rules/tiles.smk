"""Tiles: which patches of a slide go through the encoder.

<results>/tiles/<grid>/<shard>.tsv                    patch counts
<results>/wsi/<grid>/patches/<slide>_patches.h5       coordinates in TRIDENT's layout
<results>/tables/ledger/<grid>.tsv                    what became of every slide so far; not past max_failed_fraction
"""


rule tile_slides:
    input:
        inspected="<results>/slides/{shard}.tsv",
        assessed="<results>/tissue/{shard}.tsv",
        coords=study.grids.given_coords,
    output:
        manifest="<results>/tiles/{grid}/{shard}.tsv",
    log:
        "<logs>/tiles/{grid}/{shard}.log",
    benchmark:
        "<benchmarks>/tiles/{grid}/{shard}.tsv"
    conda:
        "../../envs/slides.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=60,  # an attempt goes on where the last one ended
    params:
        results=subpath(output.manifest, ancestor=3),
        grid=study.grids.grid,
        given_state=study.grids.given_state,
        code=study.digest("tiles"),
        script=study.script("tile_slides"),
        accept_other_code=study.accepts_other_code("tiles"),
    message:
        "Tiling shard {wildcards.shard} on {wildcards.grid}"
    script:
        "../scripts/tile_slides.py"


rule collect_losses:
    input:
        slides="<results>/tables/slides.tsv",
        tiles=study.ledger.tiles,
        features=[],
    output:
        table="<results>/tables/ledger/{grid}.tsv",
    log:
        "<logs>/tables/ledger/{grid}.log",
    benchmark:
        "<benchmarks>/tables/ledger/{grid}.tsv"
    conda:
        "../../envs/slides.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        max_failed_fraction=lookup(dpath="slides/max_failed_fraction", within=config),
        code=study.digest("tables"),
        script=study.script("collect_losses"),
    message:
        "Counting slides that were set aside as far as tiles on {wildcards.grid}"
    script:
        "../scripts/collect_losses.py"
