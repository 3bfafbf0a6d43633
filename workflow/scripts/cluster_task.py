"""Cluster the embeddings of a task's samples and compare the clusters with its labels."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.probe.clustering import run_clusters

    run_clusters(
        task=snakemake.wildcards.task,
        files=tuple(snakemake.input.task),
        slides=snakemake.input.slides,
        cases=snakemake.input.cases,
        model=snakemake.wildcards.model,
        k=snakemake.params.k,
        settings=snakemake.params.settings | {"seeds": snakemake.params.seeds},
        outputs=dict(snakemake.output.items()),
    )
