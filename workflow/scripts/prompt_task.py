"""Assign slides and cases to classes by prompts of molecular profiles."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.probe.prompting import run_prompts

    support, query = snakemake.params.sides
    run_prompts(
        name=snakemake.wildcards.task,
        support=(support, *snakemake.input.support),
        query=(query, *snakemake.input.query),
        slides=snakemake.input.slides,
        cases=snakemake.input.cases,
        profiles="".join(snakemake.input.profiles),
        modalities=snakemake.params.entry["modalities"],
        normalise=snakemake.params.entry["normalise"],
        model=snakemake.wildcards.model,
        settings=snakemake.params.settings,
        outputs=dict(snakemake.output.items()),
    )
