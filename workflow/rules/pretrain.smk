"""Pretraining: packed patches, and one model per run.

<results>/pretrain/store/<grid>/<encoder>/    patches of all paired slides, memory-mapped fp16, one file per shard
<results>/pretrain/runs/<run>/                model.safetensors and last.safetensors (all branches), config.json,
                                              history.tsv, model_card.md, sha256.txt
<logs>/pretrain/runs/<run>.events/            TensorBoard events (not declared)
<results>/pretrain/.finished/                 the same under stamps of their contents (not declared)
"""


rule pack_patches:
    input:
        manifest="<results>/features/{grid}/{encoder}/{shard}.tsv",
        pairs="<results>/omics/pairs.tsv",
        judged=ancient("<results>/tables/ledger/{grid}/{encoder}.tsv"),  # not after too many were set aside
    output:
        patches="<results>/pretrain/store/{grid}/{encoder}/{shard}.npy",
        index="<results>/pretrain/store/{grid}/{encoder}/{shard}.tsv",
    log:
        "<logs>/pretrain/store/{grid}/{encoder}/{shard}.log",
    benchmark:
        "<benchmarks>/pretrain/store/{grid}/{encoder}/{shard}.tsv"
    conda:
        study.environment("pretrain")
    threads: 1
    resources:
        mem_mb=grow(4000),
        runtime=grow(120),
    params:
        results=subpath(output.patches, ancestor=5),
        repack=lookup(dpath="pretrain/repack", within=config),
        code=study.digest("pretrain"),
        script=study.script("pack_patches"),
    message:
        "Packing patches of paired slides, shard {wildcards.shard} ({wildcards.grid}, {wildcards.encoder})"
    script:
        "../scripts/pack_patches.py"


rule pretrain_run:
    input:
        patches=study.models.run_patches,
        indices=study.models.run_indices,
        pairs="<results>/omics/pairs.tsv",
        rna=study.models.run_rna,
        dna=study.models.run_dna,
        slides=study.models.run_sheet,
        checkpoint=study.models.run_checkpoint,
        genes=study.omics.run_gene_table,
    output:
        model="<results>/pretrain/runs/{run}/model.safetensors",
        last="<results>/pretrain/runs/{run}/last.safetensors",
        config="<results>/pretrain/runs/{run}/config.json",
        history="<results>/pretrain/runs/{run}/history.tsv",
        card="<results>/pretrain/runs/{run}/model_card.md",
        digests="<results>/pretrain/runs/{run}/sha256.txt",
    log:
        "<logs>/pretrain/runs/{run}.log",
    benchmark:
        "<benchmarks>/pretrain/runs/{run}.tsv"
    conda:
        study.environment("pretrain")
    threads: study.models.run_threads
    resources:
        mem_mb=study.training.memory_mb,
        runtime=study.training.runtime,  # an attempt goes on from the last saved state
        gpu=study.training.gpus,
    params:
        states=study.times.of(
            study.models.run_checkpoint, study.omics.run_gene_table, study.models.run_sheet
        ),
        run=study.models.run,
        patch_encoder=study.training.patch_encoder,
        promised_gpu=study.training.promises_gpu,
        results=subpath(output.model, ancestor=4),
        trainer=study.digest.of_training(),
        code=study.digest("pretrain"),  # another page is no reason to train: the stamp holds `trainer`
        script=study.script("pretrain_run"),
    message:
        "Pretraining {wildcards.run}"
    script:
        "../scripts/pretrain_run.py"
