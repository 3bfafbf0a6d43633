"""The report's chapter Omics.

<results>/omics/profiles.tsv       one row an expression profile: components, site, sex recorded and expressed
<results>/tables/omics.tsv         one row a check: outliers, sites, sex, expression against copies
<results>/figures/omics.svg, .png  components by site, markers of sex
"""


rule check_profiles:
    input:
        tables=get_profile_tables,
        slides=given(SLIDE_SHEET),
        cases=get_case_sheet(),
    output:
        profiles="<results>/omics/profiles.tsv",
        checks="<results>/tables/omics.tsv",
    log:
        "<logs>/omics/checks.log",
    benchmark:
        "<benchmarks>/omics/checks.tsv"
    conda:
        "../../envs/omics.yaml"
    threads: 1
    resources:
        mem_mb=grow(8000),
        runtime=grow(60),
    params:
        code=digest("omics"),
    message:
        "Checking molecular profiles: outliers, sites, sex, copies"
    script:
        "../scripts/check_profiles.py"


rule plot_omics:
    input:
        profiles="<results>/omics/profiles.tsv",
    output:
        figure=report(
            "<results>/figures/omics.svg",
            caption="../report/omics_figure.rst",
            category="2 Omics",
            labels={"result": "components by site, markers of sex"},
        ),
        omics_png="<results>/figures/omics.png",
    log:
        "<logs>/figures/omics.log",
    benchmark:
        "<benchmarks>/figures/omics.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=grow(2000),
        runtime=grow(30),
    params:
        note=lookup(dpath="report/note", within=config),
        code=digest("report"),
    message:
        "Drawing expression profiles by site and sex"
    script:
        "../scripts/plot_omics.py"
