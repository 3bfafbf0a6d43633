"""Draw what pretraining adds to fine-tuning."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.figures.gains import plot_gains

    plot_gains(
        metrics=snakemake.input.metrics,
        group="finetune",
        pairs=snakemake.params.pairs,
        models=snakemake.params.models,
        label="score minus untrained",
        figure=snakemake.output.figure,
        table=snakemake.output.table,
        note=snakemake.params.note,
    )
