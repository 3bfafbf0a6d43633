"""Train a probe on one cohort and test it on another."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.probe.transfer import run_transfer

    train, test = snakemake.params.sides
    run_transfer(
        name=snakemake.wildcards.task,
        train=(train, *snakemake.input.train),
        test=(test, *snakemake.input.test),
        slides=snakemake.input.slides,
        cases=snakemake.input.cases,
        model=snakemake.wildcards.model,
        settings=snakemake.params.settings,
        outputs=dict(snakemake.output.items()),
    )
