"""Embeddings of slides, cases and profiles by every model in use.

<results>/embed/<model>/vectors.h5                             vectors that the user gives (kind table)
<results>/embed/sheet.tsv                                      cases of the tasks, where there is no slide sheet
<results>/embed/<model>/slides/<block>.h5, cases/<block>.h5    blocks of slides or cases
<results>/embed/<model>/pretraining/<shard>.h5                 slides a run trained on, of cohorts not embedded
<results>/embed/<model>/bags/<task>.h5                         cases of which a task lists some slides only
<results>/embed/<model>/slides.h5ad, cases.h5ad                all of them, obs from the slide sheet
<results>/embed/<model>/slides.tsv, cases.tsv                  which have an embedding, and why others have none
<results>/embed/<model>/profiles/<cohort>/<modality>/<block>.h5ad    blocks of profiles
<results>/embed/<model>/profiles.h5ad                          all of them, where a protocol needs them
<results>/embed/<model>/attention.h5                           attention over patches of slides named in the config
<results>/embed/.finished/                                     blocks under stamps of their contents (not declared)
"""


rule take_vectors:
    input:
        study.vectors.files,
    output:
        vectors="<results>/embed/{model}/vectors.h5",
    log:
        "<logs>/embed/{model}/vectors.log",
    benchmark:
        "<benchmarks>/embed/{model}/vectors.tsv"
    conda:
        "../../envs/probe.yaml"
    threads: 1
    resources:
        mem_mb=grow(4000),
        runtime=grow(60),
    params:
        given=study.vectors.request,
        states=study.times.of(study.vectors.files),
        code=study.digest("embed"),
        script=study.script("take_vectors"),
    message:
        "Taking the given vectors of {wildcards.model}"
    script:
        "../scripts/take_vectors.py"


rule write_task_sheet:
    input:
        tables=study.slides.of_tasks,
    output:
        sheet="<results>/embed/sheet.tsv",
    log:
        "<logs>/embed/sheet.log",
    localrule: True
    conda:
        "../../envs/probe.yaml"
    params:
        states=study.times.of(study.slides.of_tasks),
        code=study.digest("embed"),
        script=study.script("write_task_sheet"),
    message:
        "Listing the cases of the tasks"
    script:
        "../scripts/write_task_sheet.py"


rule embed_block:
    input:
        manifests=study.embedding.block_manifests,
        sources=study.models.weights,
        judged=study.ledger.of_model,  # not after too many slides were set aside
    output:
        block="<results>/embed/{model}/{unit}/{block}.h5",
    log:
        "<logs>/embed/{model}/{unit}/{block}.log",
    benchmark:
        "<benchmarks>/embed/{model}/{unit}/{block}.tsv"
    wildcard_constraints:
        unit="slides|cases|bags|pretraining",
        # A number, or the task of bags.
        block=r"[A-Za-z0-9][A-Za-z0-9._=-]*",
    conda:
        study.environment("pretrain")
    threads: 2
    resources:
        mem_mb=study.slide_encoders.memory_mb,
        runtime=study.slide_encoders.runtime,
        gpu=study.slide_encoders.gpus,
    params:
        states=study.times.of(study.models.weights),
        promised_gpu=study.slide_encoders.promises_gpu,
        members=study.embedding.block_members,
        cases=study.embedding.block_cases,
        model=study.models.model,
        results=subpath(output.block, ancestor=4),
        code=study.digest("embed"),
        script=study.script("embed_block"),
    message:
        "Embedding {wildcards.unit} of block {wildcards.block} with {wildcards.model}"
    script:
        "../scripts/embed_block.py"


rule gather_embeddings:
    input:
        blocks=study.embedding.blocks,
        sheet=study.slides.sheet,
        cases=study.slides.case_sheet,
    output:
        table="<results>/embed/{model}/{unit}.h5ad",
        manifest="<results>/embed/{model}/{unit}.tsv",
    log:
        "<logs>/embed/{model}/{unit}.log",
    benchmark:
        "<benchmarks>/embed/{model}/{unit}.tsv"
    wildcard_constraints:
        unit="slides|cases",
    conda:
        study.environment("pretrain")
    threads: 1
    resources:
        mem_mb=grow(4000),
        runtime=grow(60),
    params:
        states=study.times.of(study.slides.sheet, study.slides.case_sheet),
        unit=study.embedding.unit,
        model=study.models.model,
        may_be_empty=study.places.of_new_slides,
        code=study.digest("embed"),
        script=study.script("gather_embeddings"),
    message:
        "Gathering embeddings of {wildcards.unit} by {wildcards.model}"
    script:
        "../scripts/gather_embeddings.py"


rule embed_profiles:
    input:
        table="<results>/omics/{cohort}/{modality}.h5ad",
        sources=study.models.weights,
    output:
        block="<results>/embed/{model}/profiles/{cohort}/{modality}/{block}.h5ad",
    log:
        "<logs>/embed/{model}/profiles/{cohort}/{modality}/{block}.log",
    benchmark:
        "<benchmarks>/embed/{model}/profiles/{cohort}/{modality}/{block}.tsv"
    wildcard_constraints:
        modality="rna|dna",
    conda:
        study.environment("pretrain")
    threads: 2
    resources:
        mem_mb=grow(8000),
        runtime=grow(240),
    params:
        states=study.times.of(study.models.weights),
        profiles=study.embedding.profile_ids,
        own=study.embedding.is_of_this_study,
        code=study.digest("embed"),
        script=study.script("embed_profiles"),
    message:
        "Embedding {wildcards.modality} profiles of {wildcards.cohort}, block {wildcards.block}, with {wildcards.model}"
    script:
        "../scripts/embed_profiles.py"


rule gather_profiles:
    input:
        blocks=study.embedding.profile_blocks,
    output:
        table="<results>/embed/{model}/profiles.h5ad",
    log:
        "<logs>/embed/{model}/profiles.log",
    benchmark:
        "<benchmarks>/embed/{model}/profiles.tsv"
    conda:
        study.environment("pretrain")
    threads: 1
    resources:
        mem_mb=grow(4000),
        runtime=grow(60),
    params:
        code=study.digest("embed"),
        script=study.script("gather_profiles"),
    message:
        "Gathering embeddings of molecular profiles by {wildcards.model}"
    script:
        "../scripts/gather_profiles.py"


rule embed_attention:
    input:
        manifests=study.embedding.attention_manifests,
        sources=study.models.weights,
    output:
        table="<results>/embed/{model}/attention.h5",
    log:
        "<logs>/embed/{model}/attention.log",
    benchmark:
        "<benchmarks>/embed/{model}/attention.tsv"
    conda:
        study.environment("pretrain")
    threads: 2
    resources:
        mem_mb=grow(8000),
        runtime=grow(60),
    params:
        states=study.times.of(study.models.weights),
        slides=lookup(dpath="embed/attention", within=config),
        results=subpath(output.table, ancestor=3),
        code=study.digest("embed"),
        script=study.script("embed_attention"),
    message:
        "Writing attention of {wildcards.model} over patches"
    script:
        "../scripts/embed_attention.py"
