"""Turn mutations and copy numbers of a cohort into flags."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.omics.flags import flag_dna

    flag_dna(
        rows=snakemake.params.rows,
        consequences=snakemake.input.consequences,
        output=snakemake.output.table,
        genes=snakemake.params.genes,
    )
