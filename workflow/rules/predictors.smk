"""Predictors: frozen probes that are fitted on every labelled case of a task and kept.

<results>/probe/<model>/<task>/predictor/model.safetensors    coefficients, those of each fold, calibration scores
<results>/probe/<model>/<task>/predictor/predictor.json       what it predicts, of what, trained on whom; digests
<results>/probe/<model>/<task>/predictor/card.md              the same for readers, with its limits
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
