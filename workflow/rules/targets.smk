"""What can be asked for: everything, one stage, or a look at what is there.

all                       all that the config asks for (the default; it stands in the Snakefile)
slides … probe, report    everything up to that stage
verify                    manifests against files, nothing built
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


rule report:
    input:
        get_report_targets,


rule verify:
    log:
        "<logs>/verify.log",
    localrule: True
    conda:
        "../../envs/slides.yaml"
    params:
        results=RESULTS,
    message:
        "Comparing every manifest with the files it names"
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
