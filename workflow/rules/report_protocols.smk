"""Figures of the scores of other protocols; each as SVG, PNG and the table of its numbers.

<results>/figures/fewshot, retrieval, prompting, transfer (.svg, .png, .tsv)
<results>/figures/finetuning, finetuning_tasks, finetuning_gain (.svg, .png, .tsv)
"""


rule plot_fewshot:
    input:
        metrics="<results>/tables/metrics.tsv",
        folds=get_fewshot_metrics,
    output:
        figure=report(
            "<results>/figures/fewshot.svg",
            caption="../report/fewshot.rst",
            category="6 Protocols",
            labels={"result": "few labels"},
        ),
        png="<results>/figures/fewshot.png",
        table="<results>/figures/fewshot.tsv",
    log:
        "<logs>/figures/fewshot.log",
    benchmark:
        "<benchmarks>/figures/fewshot.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        models=get_compared_models,
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Drawing the probes on few labels"
    script:
        "../scripts/plot_fewshot.py"


rule plot_retrieval:
    input:
        metrics="<results>/tables/metrics.tsv",
    output:
        figure=report(
            "<results>/figures/retrieval.svg",
            caption="../report/retrieval.rst",
            category="6 Protocols",
            labels={"result": "retrieval"},
        ),
        png="<results>/figures/retrieval.png",
        table="<results>/figures/retrieval.tsv",
    log:
        "<logs>/figures/retrieval.log",
    benchmark:
        "<benchmarks>/figures/retrieval.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        models=get_compared_models,
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Drawing retrieval"
    script:
        "../scripts/plot_retrieval.py"


rule plot_prompting:
    input:
        metrics="<results>/tables/metrics.tsv",
    output:
        figure=report(
            "<results>/figures/prompting.svg",
            caption="../report/prompting.rst",
            category="6 Protocols",
            labels={"result": "prompts"},
        ),
        png="<results>/figures/prompting.png",
        table="<results>/figures/prompting.tsv",
    log:
        "<logs>/figures/prompting.log",
    benchmark:
        "<benchmarks>/figures/prompting.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        models=get_compared_models,
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Drawing prompts"
    script:
        "../scripts/plot_prompting.py"


rule plot_transfer:
    input:
        metrics="<results>/tables/metrics.tsv",
        tests="<results>/tables/tests.tsv",
    output:
        figure=report(
            "<results>/figures/transfer.svg",
            caption="../report/transfer.rst",
            category="6 Protocols",
            labels={"result": "from cohort to cohort"},
        ),
        png="<results>/figures/transfer.png",
        table="<results>/figures/transfer.tsv",
    log:
        "<logs>/figures/transfer.log",
    benchmark:
        "<benchmarks>/figures/transfer.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        models=get_compared_models,
        reference=get_reference_model,
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Drawing transfer from cohort to cohort"
    script:
        "../scripts/plot_transfer.py"


rule plot_finetuning:
    input:
        metrics="<results>/tables/metrics.tsv",
        tests="<results>/tables/tests.tsv",
        means="<results>/tables/marginal_means.tsv",
    output:
        figure=report(
            "<results>/figures/finetuning.svg",
            caption="../report/finetuning.rst",
            category="6 Protocols",
            labels={"result": "means over tasks, tasks won"},
        ),
        png="<results>/figures/finetuning.png",
        table="<results>/figures/finetuning.tsv",
    log:
        "<logs>/figures/finetuning.log",
    benchmark:
        "<benchmarks>/figures/finetuning.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        models=get_compared_models,
        reference=get_reference_model,
        supervised=get_supervised_names,
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Drawing means over fine-tuned tasks"
    script:
        "../scripts/plot_finetuning.py"


rule plot_finetuning_tasks:
    input:
        metrics="<results>/tables/metrics.tsv",
    output:
        figure=report(
            "<results>/figures/finetuning_tasks.svg",
            caption="../report/finetuning_tasks.rst",
            category="6 Protocols",
            labels={"result": "every fine-tuned task"},
        ),
        png="<results>/figures/finetuning_tasks.png",
        table="<results>/figures/finetuning_tasks.tsv",
    log:
        "<logs>/figures/finetuning_tasks.log",
    benchmark:
        "<benchmarks>/figures/finetuning_tasks.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        models=get_compared_models,
        supervised=get_supervised_names,
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Drawing every fine-tuned task"
    script:
        "../scripts/plot_finetuning_tasks.py"


rule plot_finetuning_gain:
    input:
        metrics="<results>/tables/metrics.tsv",
    output:
        figure=report(
            "<results>/figures/finetuning_gain.svg",
            caption="../report/finetuning_gain.rst",
            category="6 Protocols",
            labels={"result": "pretrained over untrained"},
        ),
        png="<results>/figures/finetuning_gain.png",
        table="<results>/figures/finetuning_gain.tsv",
    log:
        "<logs>/figures/finetuning_gain.log",
    benchmark:
        "<benchmarks>/figures/finetuning_gain.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        pairs=get_random_pairs,
        models=get_compared_models,
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Drawing what pretraining adds to fine-tuning"
    script:
        "../scripts/plot_finetuning_gain.py"
