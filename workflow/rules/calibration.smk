"""How well calibrated frozen probes are, as report/tables.yaml says; one job for all tasks and models.

<results>/tables/calibration.tsv, .html             before and after temperature scaling, with intervals over cases
<results>/tables/survival_calibration.tsv           predicted and observed survival at the days of probe/cox/times
<results>/figures/reliability.svg, decisions.svg, survival_calibration.svg, each with .png and the table of its points
"""


use rule write_table as calibrate_probes with:
    input:
        unpack(study.displays.tables["calibration"].inputs),
    output:
        table="<results>/tables/calibration.tsv",
        survival="<results>/tables/survival_calibration.tsv",
        page=report(
            "<results>/tables/calibration.html",
            caption="../report/figure.rst",
            category=study.displays.tables["calibration"].category(),
            labels=study.displays.tables["calibration"].labels,
        ),
        reliability=report(
            "<results>/figures/reliability.svg",
            caption="../report/reliability.rst",
            category="5 Probes",
            labels={"result": "reliability before and after scaling"},
        ),
        reliability_png="<results>/figures/reliability.png",
        reliability_table="<results>/figures/reliability.tsv",
        decisions=report(
            "<results>/figures/decisions.svg",
            caption="../report/decisions.rst",
            category="5 Probes",
            labels={"result": "decision curves"},
        ),
        decisions_png="<results>/figures/decisions.png",
        decisions_table="<results>/figures/decisions.tsv",
        survival_figure=report(
            "<results>/figures/survival_calibration.svg",
            caption="../report/survival_calibration.rst",
            category="5 Probes",
            labels={"result": "predicted and observed survival"},
        ),
        survival_png="<results>/figures/survival_calibration.png",
        survival_groups="<results>/figures/survival_calibration.tsv",
    log:
        "<logs>/tables/calibration.log",
    benchmark:
        "<benchmarks>/tables/calibration.tsv"
    resources:
        mem_mb=grow(4000),
        runtime=grow(60),
    params:
        states=study.times.of(study.displays.tables["calibration"].inputs),
        call=study.displays.tables["calibration"].call,
        code=[study.digest("tables"), study.digest("figures"), study.script("write_table")],
