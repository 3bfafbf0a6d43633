"""List the profiles of GDC downloads as rows of a profile sheet."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.omics.gdc_sheet import list_gdc_profiles

    list_gdc_profiles(
        downloads=snakemake.params.downloads, output=snakemake.output.sheet, left_out=snakemake.output.left_out
    )
