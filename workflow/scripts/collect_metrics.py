"""Gather the metrics of every model and task."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.tables.metrics import collect_metrics

    collect_metrics(
        summaries=snakemake.input.summaries, families=snakemake.params.families, output=snakemake.output.table
    )
