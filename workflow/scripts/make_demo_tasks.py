"""Make the tasks of the synthetic cohort."""

from pathlib import Path

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.demo.tasks import make_tasks, write_listing

    folder = snakemake.output.listing.removesuffix(".tsv")
    for source, slides in snakemake.params.slides.items():
        make_tasks(slides, str(Path(folder).with_name(source)), snakemake.params.seed)
    write_listing(folder, snakemake.output.listing)
