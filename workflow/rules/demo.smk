"""The synthetic demo cohort, as files a user would have. Only where a sheet names files below <resources>/demo.

<resources>/demo/slides/<slide>.svs          drawn slides, five of them with something wrong
<resources>/demo/omics/                      STAR counts, a MAF, copy numbers, survival
<resources>/demo/tasks/synthetic/<task>/     labels and folds (synthetic_a: of the pretraining cohort, to train or prompt)
<resources>/demo/truth.tsv                   the planted latents, for the oracle
<resources>/demo/gene_sets.gmt               the planted programmes of genes
<results>/figures/planted/                   of given pairs (config/demo/pairs.yaml): what pretraining gains, beside the truth
"""


rule make_demo_slides:
    output:
        slides=study.demo.slide_files,
    log:
        "<logs>/demo/slides.log",
    benchmark:
        "<benchmarks>/demo/slides.tsv"
    conda:
        "../../envs/slides.yaml"
    threads: 8
    resources:
        mem_mb=grow(3000),
        runtime=grow(60),
    params:
        slides=study.demo.slides,
        seed=lookup(dpath="demo/seed", within=config),
        code=study.digest("demo"),
        script=study.script("make_demo_slides"),
    message:
        "Drawing the slides of the synthetic cohort"
    script:
        "../scripts/make_demo_slides.py"


rule make_demo_omics:
    output:
        files=study.demo.omics_files,
        clinical="<resources>/demo/omics/clinical.tsv",
        truth="<resources>/demo/truth.tsv",
        sets="<resources>/demo/gene_sets.gmt",
    log:
        "<logs>/demo/omics.log",
    benchmark:
        "<benchmarks>/demo/omics.tsv"
    conda:
        "../../envs/slides.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
        runtime=grow(20),
    params:
        folder=subpath(output.truth, parent=True),
        cases=study.demo.cases,
        seed=lookup(dpath="demo/seed", within=config),
        code=study.digest("demo"),
        script=study.script("make_demo_omics"),
    message:
        "Making molecular and clinical files of the synthetic cohort"
    script:
        "../scripts/make_demo_omics.py"


rule make_demo_tasks:
    output:
        tables=collect("{task}/k=all.tsv", task=study.demo.task_folders),
        settings=collect("{task}/config.yaml", task=study.demo.task_folders),
        listing="<resources>/demo/tasks/synthetic.tsv",
    log:
        "<logs>/demo/tasks.log",
    benchmark:
        "<benchmarks>/demo/tasks.tsv"
    conda:
        "../../envs/slides.yaml"
    threads: 1
    resources:
        mem_mb=grow(1000),
        runtime=grow(20),
    params:
        slides=study.demo.task_slides,
        seed=lookup(dpath="demo/seed", within=config),
        code=study.digest("demo"),
        script=study.script("make_demo_tasks"),
    message:
        "Making the tasks of the synthetic cohort"
    script:
        "../scripts/make_demo_tasks.py"


rule draw_planted:
    input:
        curve="<results>/figures/label_curve.tsv",
        scores="<results>/probe/{model}/gene_sets/patches.h5",
        planted="<resources>/demo/pairs/patches.tsv",
    output:
        svg=report(
            "<results>/figures/planted/{model}/{slide}/{gene_set}.svg",
            caption="../report/planted.rst",
            category="0 Demo",
            labels={"result": "what pretraining gains, and a gene set beside the truth"},
        ),
        png="<results>/figures/planted/{model}/{slide}/{gene_set}.png",
    log:
        "<logs>/demo/planted/{model}/{slide}/{gene_set}.log",
    benchmark:
        "<benchmarks>/demo/planted/{model}/{slide}/{gene_set}.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(20),
    params:
        note=lambda wildcards: config["report"]["note"],
        code=study.digest("figures"),
        script=study.script("draw_planted"),
    message:
        "Drawing what pretraining gains, and gene set {wildcards.gene_set} beside the truth"
    script:
        "../scripts/draw_planted.py"
