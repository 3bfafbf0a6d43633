"""Make the tasks of the synthetic cohort."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.demo.tasks import make_tasks, write_listing

    folder = snakemake.output.listing.removesuffix(".tsv")
    make_tasks(snakemake.params.slides, folder, snakemake.params.seed)
    write_listing(folder, snakemake.output.listing)
