"""Test differences between models."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.figures.survival import plot_survival
    from molpath.tables.tests import assess_models

    survival, samples = assess_models(
        metrics=snakemake.input.metrics,
        folds=snakemake.input.folds,
        predictions=snakemake.input.predictions,
        models=snakemake.params.models,
        note=snakemake.params.note,
        outputs=dict(snakemake.output.items()),
    )
    plot_survival(survival, samples, snakemake.output.curves, snakemake.params.note)
