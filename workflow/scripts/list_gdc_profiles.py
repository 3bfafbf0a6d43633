"""List the profiles of GDC downloads as rows of a profile sheet."""

import sys

sys.path.insert(0, sys.path[-1])  # this script's folder: its library, before any other of that name
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.omics.gdc_sheet import list_gdc_profiles

    list_gdc_profiles(
        downloads=snakemake.params.downloads, output=snakemake.output.sheet, left_out=snakemake.output.left_out
    )
