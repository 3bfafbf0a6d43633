"""New slides: the same stages once more on another sheet, and what predictors say of its cases.

<results>/predict/cohort/                                   the new slides' own results, laid out as <results> is
<results>/predict/<model>/<task>/predictions.tsv, .html     a row for every case of the new sheet
<results>/predict/<model>/<task>/metrics.tsv                external validation, where the new sheets hold labels

The stages are those of this very workflow (rules/new_slides.smk), as a module with a config for the new slides.
"""

if study.predict.config:

    module predicted:
        pathvars:
            trained=workflow.pathvars.apply("<trained>"),
            logs=workflow.pathvars.apply("<logs>/predict/cohort"),
            benchmarks=workflow.pathvars.apply("<benchmarks>/predict/cohort"),
        snakefile:
            "new_slides.smk"
        config:
            study.predict.config_in(workflow.pathvars.apply("<results>/predict/cohort"))

    use rule * from predicted as predict_*


rule predict_cases:
    input:
        unpack(study.predict.inputs),
    output:
        predictions="<results>/predict/{model}/{task}/predictions.tsv",
        metrics="<results>/predict/{model}/{task}/metrics.tsv",
        page=report(
            "<results>/predict/{model}/{task}/predictions.html",
            caption="../report/predictions.rst",
            category="9 Predictions",
            labels={"model": "{model}", "task": "{task}", "result": "predictions"},
        ),
    log:
        "<logs>/predict/{model}/{task}.log",
    benchmark:
        "<benchmarks>/predict/{model}/{task}.tsv"
    conda:
        study.environment("finetune")
    threads: 1
    resources:
        mem_mb=grow(4000),
        runtime=grow(120),
    params:
        states=study.times.of(study.predict.inputs),
        options=study.predict.request,
        origin=study.predict.origin,
        results=subpath(output.predictions, ancestor=4),
        code=study.digest("predict"),
        script=study.script("predict_cases"),
    message:
        "Predicting {wildcards.task} of new cases with {wildcards.model}"
    script:
        "../scripts/predict_cases.py"
