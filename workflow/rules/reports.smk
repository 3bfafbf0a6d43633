"""Rules of tables and figures, in files by what they are about."""


include: "report.smk"
include: "report_omics.smk"
include: "report_probes.smk"
include: "report_paper.smk"
include: "report_protocols.smk"
include: "report_published.smk"
include: "report_tables.smk"
include: "report_cohort.smk"
