"""Omics: molecular profiles normalised or turned into flags, and what is paired with which slide.

<results>/omics/gdc_profiles.tsv          rows for the profile sheet out of GDC downloads (by name only)
<results>/omics/<cohort>/rna.h5ad         X log2(TPM + 1), log2(CPM + 1) or VST, counts beside it, obs with ids and quality
<results>/omics/<cohort>/rna_genes.tsv    genes left after each step
<results>/omics/<cohort>/rna_fit.h5       size factors' reference, VST trend and chosen genes, for other cohorts
<results>/omics/<cohort>/dna.h5ad         X flags, seven per gene; layer "observed" says where 0 means no
<results>/omics/<cohort>/dna_variants.tsv what became of each kind of variant
<results>/omics/pairs.tsv                 what is paired with what, and why not
<results>/omics/leakage.tsv               what was found both in pretraining and in a task
<results>/omics/profiles.tsv              one row per expression profile: components, site, sex recorded and expressed
<results>/tables/omics.tsv                one row per check: outliers, sites, sex, expression against copies
"""


rule list_gdc_profiles:
    input:
        sheets=study.omics.gdc_sheets,
    output:
        sheet="<results>/omics/gdc_profiles.tsv",
        left_out="<results>/omics/gdc_left_out.tsv",
    log:
        "<logs>/omics/gdc_profiles.log",
    benchmark:
        "<benchmarks>/omics/gdc_profiles.tsv"
    conda:
        "../../envs/omics.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        states=study.times.of(study.omics.gdc_sheets),
        downloads=study.omics.gdc_downloads,
        code=study.digest("omics"),
        script=study.script("list_gdc_profiles"),
    message:
        "Listing the profiles of GDC downloads"
    script:
        "../scripts/list_gdc_profiles.py"


rule normalise_rna:
    input:
        files=study.omics.rna_files,
        downloads=study.downloads.rna_manifests,
        reference=study.omics.reference_fit,
        genes=study.omics.gene_table,
        transcripts=study.omics.transcripts,
        list=study.omics.gene_list,
        cases=study.omics.design_cases,
        vocabularies=study.omics.vocabularies,
    output:
        table="<results>/omics/{cohort}/rna.h5ad",
        losses="<results>/omics/{cohort}/rna_genes.tsv",
        fit="<results>/omics/{cohort}/rna_fit.h5",
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
        states=study.times.of(study.omics.rna_files, study.omics.rna_tables),
        rows=study.omics.rna_rows,
        settings=study.omics.rna_settings,
        runs=study.omics.vocabulary_runs,
        code=study.digest("omics"),
        script=study.script("normalise_rna"),
    message:
        "Normalising expression of cohort {wildcards.cohort}"
    script:
        "../scripts/normalise_rna.py"


rule flag_dna:
    input:
        files=study.omics.dna_files,
        downloads=study.downloads.dna_manifests,
        consequences=study.omics.consequences,
        terms=study.omics.so_terms,
        genes=study.omics.dna_genes,
        gene_table=study.omics.gene_table,
        panels=study.omics.panel_files,
    output:
        table="<results>/omics/{cohort}/dna.h5ad",
        losses="<results>/omics/{cohort}/dna_variants.tsv",
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
        states=study.times.of(study.omics.dna_files, study.omics.dna_tables),
        rows=study.omics.dna_rows,
        panels=study.omics.panels,
        mutations=lookup(dpath="omics/mutations", within=config),
        code=study.digest("omics"),
        script=study.script("flag_dna"),
    message:
        "Turning mutations and copy numbers of cohort {wildcards.cohort} into flags"
    script:
        "../scripts/flag_dna.py"


rule pair_slides:
    input:
        slides="<results>/tables/slides.tsv",
        sheet=study.slides.sheet,
        tables=study.profiles.tables,
        splits=study.tasks.tested_splits,
        finished=study.leakage.configs,
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
        states=study.times.of(study.slides.sheet, study.tasks.tested_splits, study.leakage.configs),
        tasks=study.tasks.tested,
        whole=study.tasks.whole,
        runs=study.models.run_parts(),
        finished=study.leakage.names,
        allow=lookup(dpath="omics/allow_leakage", within=config),
        correlation=lookup(dpath="omics/duplicate_correlation", within=config),
        code=study.digest("omics"),
        script=study.script("pair_slides"),
    message:
        "Pairing slides with profiles and looking for leakage"
    script:
        "../scripts/pair_slides.py"


rule check_profiles:
    input:
        tables=study.profiles.tables,
        slides=study.slides.sheet,
        cases=study.slides.case_sheet,
    output:
        profiles="<results>/omics/profiles.tsv",
        checks="<results>/tables/omics.tsv",
    log:
        "<logs>/omics/checks.log",
    benchmark:
        "<benchmarks>/omics/checks.tsv"
    conda:
        "../../envs/omics.yaml"
    threads: 1
    resources:
        mem_mb=grow(8000),
        runtime=grow(60),
    params:
        states=study.times.of(study.slides.sheet, study.slides.case_sheet),
        code=study.digest("omics"),
        script=study.script("check_profiles"),
    message:
        "Checking molecular profiles: outliers, sites, sex, copies"
    script:
        "../scripts/check_profiles.py"
