"""What can be asked for: everything, one stage, or a look at what is there.

all                       all that the config asks for (the default; it is in the Snakefile)
slides … probe, report    everything up to that stage
doctor                    what a long run needs, looked at before it starts, nothing built
compare_features          one slide's features beside those that you have of it (features/compare in the config)
plan                      slides, patches, hours, disk and downloads of what is left to do, nothing built
plan_table                the same as <results>/tables/plan.tsv, and <results>/plan.md: a page to paste into a proposal
bundle                    predictors and all that applies them elsewhere, in one folder
predict                   what predictors say of the new slides of predict/slides
pathobench                results of the frozen probes in Patho-Bench's layout
export                    what export/use names for other tools (rules/export.smk)
verify                    files against manifests, records and provenance.json, nothing built
verify_slides             raw slides against what inspection saw of them, by their contents, nothing built
sheets                    slide and profile sheets of public cohorts (rules/acquire.smk)
summary                   what became of the slides so far, as at the end of every run; nothing built
refused, retry_refused    files that services refused, in one list; the next run requests them again
orphans                   files under results/wsi that no manifest of this config names, nothing built

Below them: the checks before the first job, and the summary at the end.
"""


rule slides:
    input:
        study.targets.slides,


rule tissue:
    input:
        study.targets.tissue,


rule tiles:
    input:
        study.targets.tiles,


rule features:
    input:
        study.targets.features,


rule omics:
    input:
        study.targets.omics,


rule pretrain:
    input:
        study.targets.pretrain,


rule embed:
    input:
        study.targets.embed,


rule probe:
    input:
        study.targets.probe,


rule bundle:
    input:
        study.bundling.target,


rule predict:
    input:
        study.targets.predicted,


rule pathobench:
    input:
        "<results>/pathobench/results_summary.csv",


rule report:
    input:
        study.targets.report,
        study.targets.provenance,
        study.targets.first_page,


rule doctor:
    input:
        **COSTS,
    log:
        # Not below <results>: the doctor reports a results folder that can't be written to.
        ".snakemake/doctor.log",
    retries: 0
    localrule: True
    conda:
        study.environment("features")
    params:
        request=lambda wildcards: study.doctor(),
    message:
        "Looking at software, machine, storage, weights and slides"
    script:
        "../scripts/doctor.py"


rule compare_features:
    input:
        inspected=lambda wildcards: study.feature_check.inspected(),
        weights=lambda wildcards: study.feature_check.weights(),
        given=lambda wildcards: study.feature_check.given(),
    log:
        "<logs>/compare_features.log",
    retries: 0
    localrule: True
    conda:
        study.environment("features")
    params:
        request=lambda wildcards: study.feature_check.request(),
    message:
        "Comparing features of one slide with yours"
    script:
        "../scripts/compare_features.py"


rule plan:
    input:
        **COSTS,
    log:
        "<logs>/plan.log",
    localrule: True
    conda:
        "../../envs/slides.yaml"
    params:
        request=lambda wildcards: study.plan(),
        results=RESULTS,
    message:
        "Adding up what is left of all that the config asks for"
    script:
        "../scripts/plan.py"


rule plan_table:
    input:
        **COSTS,
    output:
        table="<results>/tables/plan.tsv",
        page="<results>/plan.md",
    log:
        "<logs>/tables/plan.log",
    localrule: True
    conda:
        "../../envs/slides.yaml"
    params:
        request=lambda wildcards: study.plan(),
        results=subpath(output.page, parent=True),
        about=lambda wildcards: study.about(),
        state=get_state_of_code,
        code=study.digest("preflight"),
        script=study.script("plan_table"),
    message:
        "Writing down what is left of all that the config asks for, and what it costs"
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
        "Comparing every file with its manifest or record, and with provenance.json"
    script:
        "../scripts/verify.py"


rule verify_slides:
    log:
        "<logs>/verify_slides.log",
    localrule: True
    conda:
        "../../envs/slides.yaml"
    threads: 4
    params:
        request=lambda wildcards: study.slides.to_verify(),
    message:
        "Comparing every slide with what inspection saw of it"
    script:
        "../scripts/verify_slides.py"


rule orphans:
    log:
        "<logs>/orphans.log",
    localrule: True
    conda:
        "../../envs/slides.yaml"
    params:
        results=RESULTS,
        manifests=lambda wildcards: [
            path.replace("<results>", RESULTS) for path in study.targets.manifests()
        ],
    message:
        "Looking for files that no manifest names"
    script:
        "../scripts/orphans.py"


rule summary:
    log:
        "<logs>/summary.log",
    localrule: True
    conda:
        "../../envs/slides.yaml"
    params:
        text=lambda wildcards: study.outcome.now(),
    message:
        "Counting what became of the slides so far"
    script:
        "../scripts/summary.py"


onstart:
    begin(log)


onsuccess:
    show_end(log, well=True)


onerror:
    show_end(log, well=False)


if not workflow.modifier.is_main_snakefile() and not OF_NEW_SLIDES:
    adopt_hooks()
