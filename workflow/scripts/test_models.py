"""Test differences between models."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.report.hypotheses import test_models

    test_models(
        metrics=snakemake.input.metrics,
        folds=snakemake.input.folds,
        predictions=snakemake.input.predictions,
        models=snakemake.params.models,
        note=snakemake.params.note,
        outputs=dict(snakemake.output.items()),
    )
