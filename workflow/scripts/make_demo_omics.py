"""Make the molecular and clinical files of the synthetic cohort."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.demo.molecular import make_omics

    make_omics(snakemake.params.cases, snakemake.params.folder, snakemake.params.seed)
