"""Outputs for other tools, on request: `snakemake export` writes what export/use of the config names.

<results>/export/outputs.txt                    files that the jobs of these results write: no other table is exported
<results>/export/tables/<table>.parquet         every table of the results, typed and described; tables.tsv lists them
<results>/croissant.json                        the results as a data set in Croissant, beside the RO-Crate
<results>/export/spatialdata/<slide>.zarr       tissue, patches and features of a slide as SpatialData, which LazySlide
                                                reads (not declared); <shard>.tsv, slides.tsv: a row per slide
<results>/export/pathobench/                    splits and pooled embeddings as Patho-Bench reads them; files.tsv: which

What an earlier run exported of models, tasks and slides that left the config and the sheets is removed; logs name it.
"""


rule export:
    input:
        study.exports.files,


rule list_outputs:
    input:
        # Every table is written by then.
        done="<results>/benchmarks/resources.tsv",
    output:
        listed="<results>/export/outputs.txt",
    log:
        "<logs>/export/outputs.log",
    # Where Snakemake runs: a compute node has no plan of the whole run.
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        outputs=get_planned_files,
        results=subpath(output.listed, ancestor=2),
        code=study.digest("export"),
        script=study.script("list_outputs"),
    message:
        "Listing the files of these results"
    script:
        "../scripts/list_outputs.py"


rule export_tables:
    input:
        outputs="<results>/export/outputs.txt",
        resources="<results>/benchmarks/resources.tsv",
        schema=shipped("schemas/results.yaml"),
    output:
        listed="<results>/export/tables/tables.tsv",
    log:
        "<logs>/export/tables.log",
    benchmark:
        "<benchmarks>/export/tables.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(8000),
        runtime=grow(60),
    params:
        results=subpath(output.listed, ancestor=3),
        code=study.digest("export"),
        script=study.script("export_tables"),
    message:
        "Writing every table as Parquet"
    script:
        "../scripts/export_tables.py"


rule export_croissant:
    input:
        provenance="<results>/provenance.json",
        crate="<results>/ro-crate-metadata.json",
        tables="<results>/export/tables/tables.tsv",
        outputs="<results>/export/outputs.txt",
    output:
        croissant="<results>/croissant.json",
    log:
        "<logs>/export/croissant.log",
    benchmark:
        "<benchmarks>/export/croissant.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(60),
    params:
        note=lambda wildcards: config["report"]["note"],
        code=study.digest("export"),
        script=study.script("export_croissant"),
    message:
        "Describing the results as a data set (Croissant)"
    script:
        "../scripts/export_croissant.py"


rule export_slides:
    input:
        inspected="<results>/slides/{shard}.tsv",
        assessed="<results>/tissue/{shard}.tsv",
        features=study.exports.feature_manifests,
    output:
        listed="<results>/export/spatialdata/{shard}.tsv",
    log:
        "<logs>/export/spatialdata/{shard}.log",
    benchmark:
        "<benchmarks>/export/spatialdata/{shard}.tsv"
    conda:
        "../../envs/export.yaml"
    threads: 1
    resources:
        mem_mb=grow(8000),
        runtime=grow(240),
    params:
        sources=study.exports.sources,
        cases=study.exports.cases,
        python=study.exports.python,
        results=subpath(output.listed, ancestor=3),
        note=lambda wildcards: config["report"]["note"],
        code=study.digest("export"),
        script=study.script("export_slides"),
    message:
        "Writing slides of shard {wildcards.shard} as SpatialData"
    script:
        "../scripts/export_slides.py"


rule export_stores:
    input:
        shards=study.exports.store_lists,
    output:
        listed="<results>/export/spatialdata/slides.tsv",
    log:
        "<logs>/export/stores.log",
    benchmark:
        "<benchmarks>/export/stores.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(60),
    params:
        code=study.digest("export"),
        script=study.script("export_stores"),
    message:
        "Listing SpatialData stores"
    script:
        "../scripts/export_stores.py"


rule export_pathobench:
    input:
        configs=study.probing.pathobench_configs,
        tables=study.probing.pathobench_tables,
        slides=study.exports.embeddings("slides.h5ad"),
        cases=study.exports.embeddings("cases.h5ad"),
        cohorts=study.exports.embeddings("slides.tsv"),
        bags=study.exports.bags,
    output:
        listed="<results>/export/pathobench/files.tsv",
    log:
        "<logs>/export/pathobench.log",
    benchmark:
        "<benchmarks>/export/pathobench.tsv"
    conda:
        "../../envs/probe.yaml"
    threads: 1
    resources:
        mem_mb=grow(4000),
        runtime=grow(120),
    params:
        jobs=study.probing.pathobench_jobs,
        missing=lookup(dpath="probe/missing", within=config),
        code=study.digest("export"),
        script=study.script("export_pathobench"),
    message:
        "Writing splits and embeddings as Patho-Bench reads them"
    script:
        "../scripts/export_pathobench.py"
