"""Tables as pages that sort and filter, beside the table each is made of (report/tables.yaml says which).

<results>/tables/slides.html, exclusions.html, omics.html, metrics.html, <results>/omics/leakage.html
<results>/probe/<model>/<task>/<group>/directions.html, expression.html
"""


rule show_table:
    input:
        table="<results>/{folder}/{table}.tsv",
    output:
        page=report(
            "<results>/{folder}/{table}.html",
            caption="../report/table.rst",
            category=get_table_category,
            labels=get_table_labels,
        ),
    log:
        "<logs>/{folder}/{table}.page.log",
    benchmark:
        "<benchmarks>/{folder}/{table}.page.tsv"
    wildcard_constraints:
        folder="tables|omics|probe/.+",
        table="|".join(TABLE_PAGES),
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        name="{folder}/{table}.tsv",
        title=get_table_title,
        caption=get_table_caption,
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Showing the table {wildcards.folder}/{wildcards.table}"
    script:
        "../scripts/show_table.py"
