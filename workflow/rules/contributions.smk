"""What each patch adds to what predictors say of new slides: numbers that add up to a logit, and maps of them.

<results>/probe/<model>/<task>/predictor/usual.json                    what is usual in training slides
<results>/predict/<model>/<task>/contributions.h5                      contributions of patches, what they add up to
<results>/figures/contributions/<model>/<task>/<slide>.png, .geojson   the same as a map, and for QuPath
<results>/figures/contributing_patches/<model>/<task>/<slide>.png      patches that raise and lower it most
"""


rule average_slides:
    input:
        weights="<results>/probe/{model}/{task}/predictor/model.safetensors",
        facts="<results>/probe/{model}/{task}/predictor/predictor.json",
        sources=study.models.weights,
        manifests=study.contributions.training_manifests,
    output:
        usual="<results>/probe/{model}/{task}/predictor/usual.json",
    log:
        "<logs>/probe/{model}/{task}/usual.log",
    benchmark:
        "<benchmarks>/probe/{model}/{task}/usual.tsv"
    conda:
        study.environment("finetune")
    threads: 1
    resources:
        mem_mb=grow(4000),
        runtime=grow(120),
    params:
        states=study.times.of(study.models.weights),
        model=study.models.model,
        cases=study.contributions.training_cases,
        results=subpath(output.usual, ancestor=5),
        code=study.digest("predict"),
        script=study.script("average_slides"),
    message:
        "Averaging what training slides add to {wildcards.task} by {wildcards.model}"
    script:
        "../scripts/average_slides.py"


rule contribute_patches:
    input:
        predictor=study.contributions.files,
        usual=study.contributions.usual,
        embedded="<results>/predict/cohort/embed/{model}/cases.h5ad",
        sources=study.contributions.sources,
        manifests=study.contributions.manifests,
    output:
        table="<results>/predict/{model}/{task}/contributions.h5",
    log:
        "<logs>/predict/{model}/{task}/contributions.log",
    benchmark:
        "<benchmarks>/predict/{model}/{task}/contributions.tsv"
    conda:
        study.environment("finetune")
    threads: 2
    resources:
        mem_mb=grow(4000),
        runtime=grow(240),
    params:
        states=study.times.of(study.contributions.sources),
        model=study.contributions.model,
        members=study.contributions.members,
        results=subpath(output.table, ancestor=4),
        code=study.digest("predict"),
        script=study.script("contribute_patches"),
    message:
        "Adding up what patches of new slides add to {wildcards.task} by {wildcards.model}"
    script:
        "../scripts/contribute_patches.py"


rule draw_contributions:
    input:
        contributions="<results>/predict/{model}/{task}/contributions.h5",
        inspected=study.contributions.inspected,
        assessed=study.contributions.assessed,
    output:
        picture=report(
            "<results>/figures/contributions/{model}/{task}/{slide}.png",
            caption="../report/contributions.rst",
            category="9 Predictions",
            labels={
                "model": "{model}",
                "task": "{task}",
                "slide": "{slide}",
                "result": "contributions, map",
            },
        ),
        patches="<results>/figures/contributions/{model}/{task}/{slide}.geojson",
    log:
        "<logs>/figures/contributions/{model}/{task}/{slide}.log",
    benchmark:
        "<benchmarks>/figures/contributions/{model}/{task}/{slide}.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(4000),
        runtime=grow(30),
    params:
        results=subpath(output.picture, ancestor=5),
        note=lambda wildcards: config["report"]["note"],
        code=study.digest("predict"),
        script=study.script("draw_contributions"),
    message:
        "Drawing what patches of {wildcards.slide} add to {wildcards.task} by {wildcards.model}"
    script:
        "../scripts/draw_contributions.py"


rule show_contributing_patches:
    input:
        contributions="<results>/predict/{model}/{task}/contributions.h5",
        inspected=study.contributions.inspected,
    output:
        picture=report(
            "<results>/figures/contributing_patches/{model}/{task}/{slide}.png",
            caption="../report/contributing_patches.rst",
            category="9 Predictions",
            labels={
                "model": "{model}",
                "task": "{task}",
                "slide": "{slide}",
                "result": "contributions, patches",
            },
        ),
    log:
        "<logs>/figures/contributing_patches/{model}/{task}/{slide}.log",
    benchmark:
        "<benchmarks>/figures/contributing_patches/{model}/{task}/{slide}.tsv"
    conda:
        "../../envs/slides.yaml"
    threads: 1
    resources:
        mem_mb=grow(config["slides"]["memory_mb"] + 500),
        runtime=grow(30),
    params:
        slide=study.contributions.slide_path,
        patches=lookup(dpath="embed/top_patches", within=config),
        note=lambda wildcards: config["report"]["note"],
        code=study.digest("predict"),
        script=study.script("show_contributing_patches"),
    message:
        "Showing the patches of {wildcards.slide} that add most to {wildcards.task} by {wildcards.model}"
    script:
        "../scripts/show_contributing_patches.py"
