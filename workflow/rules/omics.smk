"""Omics: molecular profiles normalised or turned into flags, and what is paired with which slide.

<results>/omics/<cohort>/rna.h5ad         X log2(TPM + 1), counts beside it, obs with ids and quality
<results>/omics/<cohort>/rna_genes.tsv    genes left after each step
<results>/omics/<cohort>/dna.h5ad         X flags, seven a gene
<results>/omics/pairs.tsv                 what is paired with what, and why not
<results>/omics/leakage.tsv               what was found both in pretraining and in a task
"""


rule normalise_rna:
    input:
        files=get_rna_files,
    output:
        table="<results>/omics/{cohort}/rna.h5ad",
        losses="<results>/omics/{cohort}/rna_genes.tsv",
    log:
        "<logs>/omics/{cohort}/rna.log",
    benchmark:
        "<benchmarks>/omics/{cohort}/rna.tsv"
    conda:
        "../../envs/omics.yaml"
    threads: 1
    resources:
        mem_mb=grow(16000),
        runtime=grow(240),
    params:
        rows=get_rna_rows,
        code=digest("omics"),
    message:
        "Normalising expression of cohort {wildcards.cohort}"
    script:
        "../scripts/normalise_rna.py"


rule flag_dna:
    input:
        files=get_dna_files,
        consequences=get_consequences(),
    output:
        table="<results>/omics/{cohort}/dna.h5ad",
    log:
        "<logs>/omics/{cohort}/dna.log",
    benchmark:
        "<benchmarks>/omics/{cohort}/dna.tsv"
    conda:
        "../../envs/omics.yaml"
    threads: 1
    resources:
        mem_mb=grow(8000),
        runtime=grow(120),
    params:
        rows=get_dna_rows,
        genes=lookup(dpath="omics/dna_genes", within=config),
        code=digest("omics"),
    message:
        "Turning mutations and copy numbers of cohort {wildcards.cohort} into flags"
    script:
        "../scripts/flag_dna.py"


rule pair_slides:
    input:
        slides="<results>/tables/slides.tsv",
        tables=get_profile_tables,
        splits=get_split_files,
    output:
        pairs="<results>/omics/pairs.tsv",
        leakage="<results>/omics/leakage.tsv",
    log:
        "<logs>/omics/pairs.log",
    benchmark:
        "<benchmarks>/omics/pairs.tsv"
    conda:
        "../../envs/omics.yaml"
    threads: 1
    resources:
        mem_mb=grow(8000),
        runtime=grow(60),
    params:
        tasks=sorted(config["probe"]["use"]),
        cohorts=get_run_cohorts,
        code=digest("omics"),
    message:
        "Pairing slides with profiles and looking for leakage"
    script:
        "../scripts/pair_slides.py"
