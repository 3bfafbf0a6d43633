"""What can be asked for: everything, one stage, or a look at what is there.

all                       all that the config asks for (the default; it stands in the Snakefile)
slides … probe, report    everything up to that stage
doctor                    what a long run needs, looked at before it starts, nothing built
plan                      slides, patches, hours, disk and downloads of what the config asks for, nothing built
plan_table                the same as <results>/tables/plan.tsv
pathobench                results of the frozen probes in Patho-Bench's layout
verify                    files against manifests and provenance.json, nothing built
sheets                    slide and profile sheets of public cohorts (rules/acquire.smk)
orphans                   files under results/wsi that no manifest names, nothing built
"""


rule slides:
    input:
        get_slides_targets,


rule tissue:
    input:
        get_tissue_targets,


rule tiles:
    input:
        get_tiles_targets,


rule features:
    input:
        get_features_targets,


rule omics:
    input:
        get_omics_targets,


rule pretrain:
    input:
        get_pretrain_targets,


rule embed:
    input:
        get_embed_targets,


rule probe:
    input:
        get_probe_metrics,


rule pathobench:
    input:
        "<results>/pathobench/results_summary.csv",


rule report:
    input:
        get_report_targets,
        get_provenance(),


rule doctor:
    input:
        costs=get_cost_table(),
    log:
        # Not below <results>: a folder that can't be written to is for the doctor to tell.
        ".snakemake/doctor.log",
    retries: 0
    localrule: True
    conda:
        choose_environment("features")
    params:
        request=get_doctor_request,
    message:
        "Looking at software, machine, storage, weights and slides"
    script:
        "../scripts/doctor.py"


rule plan:
    input:
        costs=get_cost_table(),
    log:
        "<logs>/plan.log",
    localrule: True
    conda:
        "../../envs/slides.yaml"
    params:
        request=get_plan_request,
        results=RESULTS,
    message:
        "Adding up what all that the config asks for will cost"
    script:
        "../scripts/plan.py"


rule plan_table:
    input:
        costs=get_cost_table(),
    output:
        table="<results>/tables/plan.tsv",
    log:
        "<logs>/tables/plan.log",
    localrule: True
    conda:
        "../../envs/slides.yaml"
    params:
        request=get_plan_request,
        results=subpath(output.table, ancestor=2),
        code=digest("report"),
    message:
        "Writing what all that the config asks for will cost"
    script:
        "../scripts/plan_table.py"


rule verify:
    log:
        "<logs>/verify.log",
    localrule: True
    conda:
        "../../envs/slides.yaml"
    threads: 4
    params:
        results=RESULTS,
    message:
        "Comparing every file with its manifest and with provenance.json"
    script:
        "../scripts/verify.py"


rule orphans:
    log:
        "<logs>/orphans.log",
    localrule: True
    conda:
        "../../envs/slides.yaml"
    params:
        results=RESULTS,
    message:
        "Looking for files that no manifest names"
    script:
        "../scripts/orphans.py"
