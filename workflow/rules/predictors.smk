"""Predictors: frozen probes that are fitted on every labelled case of a task and kept.

<results>/probe/<model>/<task>/predictor/model.safetensors    coefficients, those of each fold, calibration scores
<results>/probe/<model>/<task>/predictor/predictor.json       what it predicts, of what, trained on whom; digests
<results>/probe/<model>/<task>/predictor/card.md              the same for readers, with its limits
<results>/probe/<model>/<task>/predictor/reference.safetensors   its training cases, each measured as if it were new
<results>/probe/<model>/<task>/predictor/reference.json          how many there are, and what is known of them
<results>/bundle/                                             predictors and all that applies them on another machine
"""


rule fit_predictor:
    input:
        task=study.tasks.files,
        slides="<results>/embed/{model}/slides.h5ad",
        cases="<results>/embed/{model}/cases.h5ad",
        bags=study.embedding.task_bags,
        cohort="<results>/embed/{model}/slides.tsv",
        audit=ancient(study.leakage.audit),  # of a model whose run is from elsewhere
        summary="<results>/probe/{model}/{task}/frozen/summary.tsv",
        sources=study.models.weights,
        manifests=study.predictors.manifests,
        inspected=study.predictors.inspected,
    output:
        weights="<results>/probe/{model}/{task}/predictor/model.safetensors",
        facts="<results>/probe/{model}/{task}/predictor/predictor.json",
        card="<results>/probe/{model}/{task}/predictor/card.md",
    log:
        "<logs>/probe/{model}/{task}/predictor.log",
    benchmark:
        "<benchmarks>/probe/{model}/{task}/predictor.tsv"
    conda:
        study.environment("finetune")
    threads: 1
    resources:
        mem_mb=grow(4000),
        runtime=grow(60),
    params:
        states=study.times.of(study.tasks.files, study.models.weights),
        model=study.models.model,
        patches=study.predictors.patches,
        settings=study.predictors.settings,
        note=lambda wildcards: config["report"]["note"],
        code=study.digest("predict"),
        script=study.script("fit_predictor"),
    message:
        "Fitting {wildcards.model} on every labelled case of {wildcards.task}, to be kept"
    script:
        "../scripts/fit_predictor.py"


rule describe_training:
    input:
        task=study.tasks.files,
        slides="<results>/embed/{model}/slides.h5ad",
        cases="<results>/embed/{model}/cases.h5ad",
        bags=study.embedding.task_bags,
        cohort="<results>/embed/{model}/slides.tsv",
        inspected=study.predictors.inspected,
        assessed=study.predictors.assessed,
        manifests=study.predictors.manifests,
    output:
        tensors="<results>/probe/{model}/{task}/predictor/reference.safetensors",
        facts="<results>/probe/{model}/{task}/predictor/reference.json",
    log:
        "<logs>/probe/{model}/{task}/reference.log",
    benchmark:
        "<benchmarks>/probe/{model}/{task}/reference.tsv"
    conda:
        study.environment("finetune")
    threads: 1
    resources:
        mem_mb=grow(4000),
        runtime=grow(60),
    params:
        states=study.times.of(study.tasks.files),
        results=subpath(output.facts, ancestor=5),
        settings=study.predictors.describing,
        code=study.digest("predict"),
        script=study.script("describe_training"),
    message:
        "Describing the training cases of {wildcards.model} on {wildcards.task}"
    script:
        "../scripts/describe_training.py"


rule write_bundle:
    input:
        files=study.bundling.files,
        weights=study.bundling.weights,
    output:
        sums="<results>/bundle/checksums.tsv",
    log:
        "<logs>/bundle.log",
    benchmark:
        "<benchmarks>/bundle.tsv"
    conda:
        "../../envs/probe.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
        runtime=grow(60),
    params:
        states=study.times.of(study.bundling.files, study.bundling.weights),
        copied=study.bundling.copied,
        contents=study.bundling.contents,
        sections=study.bundling.sections,
        code=study.digest("predict"),
        script=study.script("write_bundle"),
    message:
        "Writing predictors, and all that applies them elsewhere, into one folder"
    script:
        "../scripts/write_bundle.py"
