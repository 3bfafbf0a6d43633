"""Tables and figures, as report/figures.yaml and tables.yaml say; `snakemake --report results/report.html` binds them.

<results>/figures/<figure>.svg, .png     figures; those of scores with the table of their numbers (.tsv)
<results>/tables/<table>.tsv, .md, .tex  tables, some of them as pages that sort and filter (.html)
"""


rule plot_figure:
    input:
        unpack(study.displays.figure_inputs),
    output:
        svg=report(
            "<results>/figures/{figure}.svg",
            caption="../report/figure.rst",
            category=study.displays.figure_category,
            labels=study.displays.figure_labels,
        ),
        png="<results>/figures/{figure}.png",
    log:
        "<logs>/figures/{figure}.log",
    benchmark:
        "<benchmarks>/figures/{figure}.tsv"
    wildcard_constraints:
        figure=study.displays.figure_names(scores=False),
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=study.displays.figure_memory,
        runtime=grow(30),
    params:
        states=study.times.of(study.displays.figure_inputs),
        call=study.displays.figure_call,
        code=[study.digest("figures"), study.script("plot_figure")],
    message:
        "{params.call[message]}"
    script:
        "../scripts/plot_figure.py"


use rule plot_figure as plot_scores with:
    output:
        svg=report(
            "<results>/figures/{figure}.svg",
            caption="../report/figure.rst",
            category=study.displays.figure_category,
            labels=study.displays.figure_labels,
        ),
        png="<results>/figures/{figure}.png",
        tsv="<results>/figures/{figure}.tsv",
    wildcard_constraints:
        figure=study.displays.figure_names(scores=True),


rule write_table:
    input:
        unpack(study.displays.table_inputs),
    output:
        table="<results>/tables/{table}.tsv",
        markdown="<results>/tables/{table}.md",
        latex="<results>/tables/{table}.tex",
    log:
        "<logs>/tables/{table}.log",
    benchmark:
        "<benchmarks>/tables/{table}.tsv"
    wildcard_constraints:
        table="cohorts|protocols|datasets|settings",
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        states=study.times.of(study.displays.table_inputs),
        call=study.displays.table_call,
        code=[study.digest("tables"), study.script("write_table")],
    message:
        "{params.call[message]}"
    script:
        "../scripts/write_table.py"


use rule write_table as count_rows with:
    output:
        table="<results>/tables/{table}.tsv",
    wildcard_constraints:
        table="encoder_cohorts|exclusions|ledger|metrics|robustness|scales",


use rule write_table as draw_table with:
    output:
        table="<results>/tables/{table}.tsv",
        markdown="<results>/tables/{table}.md",
        latex="<results>/tables/{table}.tex",
        figure=report(
            "<results>/figures/{table}.svg",
            caption="../report/figure.rst",
            category=study.displays.table_category,
            labels=study.displays.table_labels,
        ),
        figure_png="<results>/figures/{table}.png",
    wildcard_constraints:
        table="sites|scaling",
    params:
        call=study.displays.table_call,
        code=[study.digest("tables"), study.digest("figures"), study.script("write_table")],


use rule write_table as describe_tasks with:
    input:
        unpack(study.displays.tables["task_statistics"].inputs),
    output:
        table="<results>/tables/task_statistics.tsv",
        markdown="<results>/tables/task_statistics.md",
        latex="<results>/tables/task_statistics.tex",
        labels="<results>/tables/labels.tsv",
        labels_markdown="<results>/tables/labels.md",
        labels_latex="<results>/tables/labels.tex",
    log:
        "<logs>/tables/task_statistics.log",
    benchmark:
        "<benchmarks>/tables/task_statistics.tsv"
    params:
        states=study.times.of(study.displays.tables["task_statistics"].inputs),
        call=study.displays.tables["task_statistics"].call,
        code=[study.digest("tables"), study.script("write_table")],


use rule write_table as list_run_slides with:
    input:
        unpack(study.displays.tables["runs"].inputs),
    output:
        table="<results>/tables/runs/{run}.tsv",
    log:
        "<logs>/tables/runs/{run}.log",
    benchmark:
        "<benchmarks>/tables/runs/{run}.tsv"
    params:
        states=study.times.of(study.displays.tables["runs"].inputs),
        call=study.displays.tables["runs"].call,
        code=[study.digest("tables"), study.script("write_table")],


use rule write_table as map_slides with:
    input:
        unpack(study.displays.tables["maps"].inputs),
    output:
        table="<results>/tables/maps/{model}.tsv",
        figure=report(
            "<results>/figures/maps/{model}.svg",
            caption="../report/figure.rst",
            category=study.displays.tables["maps"].category(),
            labels=study.displays.tables["maps"].labels,
        ),
        figure_png="<results>/figures/maps/{model}.png",
    log:
        "<logs>/figures/maps/{model}.log",
    benchmark:
        "<benchmarks>/figures/maps/{model}.tsv"
    resources:
        mem_mb=grow(8000),
        runtime=grow(240),
    params:
        states=study.times.of(study.displays.tables["maps"].inputs),
        call=study.displays.tables["maps"].call,
        code=[study.digest("figures"), study.script("write_table")],


use rule write_table as compare_models with:
    input:
        unpack(study.displays.tables["comparison"].inputs),
    output:
        comparison="<results>/tables/comparison.tsv",
        seeds="<results>/tables/seeds.tsv",
        page=report(
            "<results>/tables/comparison.html",
            caption="../report/figure.rst",
            category=study.displays.tables["comparison"].category(),
            labels=study.displays.tables["comparison"].labels,
        ),
    log:
        "<logs>/tables/comparison.log",
    benchmark:
        "<benchmarks>/tables/comparison.tsv"
    params:
        states=study.times.of(study.displays.tables["comparison"].inputs),
        call=study.displays.tables["comparison"].call,
        code=[study.digest("tables"), study.script("write_table")],


use rule write_table as test_models with:
    input:
        unpack(study.displays.tables["tests"].inputs),
    output:
        tests="<results>/tables/tests.tsv",
        means="<results>/tables/marginal_means.tsv",
        survival="<results>/tables/survival.tsv",
        page=report(
            "<results>/tables/tests.html",
            caption="../report/figure.rst",
            category=study.displays.tables["tests"].category(),
            labels=study.displays.tables["tests"].labels,
        ),
        curves=report(
            "<results>/figures/survival.svg",
            caption="../report/survival.rst",
            category="5 Probes",
            labels={"result": "survival of risk groups"},
        ),
        survival_png="<results>/figures/survival.png",
    log:
        "<logs>/tables/tests.log",
    benchmark:
        "<benchmarks>/tables/tests.tsv"
    resources:
        mem_mb=grow(4000),
        runtime=grow(60),
    params:
        states=study.times.of(study.displays.tables["tests"].inputs),
        call=study.displays.tables["tests"].call,
        code=[study.digest("tables"), study.digest("figures"), study.script("write_table")],


use rule write_table as compare_published with:
    input:
        unpack(study.displays.tables["published"].inputs),
    output:
        table="<results>/tables/published.tsv",
        averages="<results>/tables/published_averages.tsv",
        page=report(
            "<results>/tables/published.html",
            caption="../report/figure.rst",
            category=study.displays.tables["published"].category(),
            labels=study.displays.tables["published"].labels,
        ),
        markdown="<results>/tables/published.md",
        latex="<results>/tables/published.tex",
    log:
        "<logs>/tables/published.log",
    benchmark:
        "<benchmarks>/tables/published.tsv"
    params:
        states=study.times.of(study.displays.tables["published"].inputs),
        call=study.displays.tables["published"].call,
        code=[study.digest("tables"), study.script("write_table")],


use rule write_table as show_table with:
    input:
        table="<results>/{folder}/{table}.tsv",
    output:
        page=report(
            "<results>/{folder}/{table}.html",
            caption="../report/figure.rst",
            category=study.displays.table_category,
            labels=study.displays.page_labels,
        ),
    log:
        "<logs>/{folder}/{table}.page.log",
    benchmark:
        "<benchmarks>/{folder}/{table}.page.tsv"
    wildcard_constraints:
        folder="tables|omics|probe/.+",
        table=study.displays.page_names,
    params:
        states=[],  # a table of this workflow
        call=study.displays.page_call,
        code=[study.digest("tables"), study.script("write_table")],


rule show_worst_slides:
    input:
        table="<results>/tables/slides.tsv",
        ledger="<results>/tables/ledger.tsv",
    output:
        page=report(
            "<results>/tables/worst_slides.html",
            caption="../report/worst_slides.rst",
            category="1 Slides",
            labels={"result": "slides to look at"},
        ),
    log:
        "<logs>/tables/worst_slides.log",
    benchmark:
        "<benchmarks>/tables/worst_slides.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        results=subpath(output.page, ancestor=2),
        note=lambda wildcards: config["report"]["note"],
        code=[study.digest("tables"), study.script("show_worst_slides")],
    message:
        "Gathering the slides that deserve a look"
    script:
        "../scripts/show_worst_slides.py"
