"""Predict a task of new cases: a table, a page, and how well it did where the cases have labels."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.predict.table import predict_cases

    predict_cases(
        name=f"{snakemake.wildcards.model}/{snakemake.wildcards.task}",
        folder=str(Path(snakemake.input.facts).parent),
        embedded={"slide_id": snakemake.input.slides_embedded, "case_id": snakemake.input.cases_embedded},
        fates={"slide_id": snakemake.input.slides_fates, "case_id": snakemake.input.cases_fates},
        quality=snakemake.input.quality,
        features=snakemake.input.features,
        wsi=f"{snakemake.params.results}/predict/cohort/wsi",
        sheets=snakemake.input.sheets,
        sources=snakemake.input.sources,
        origin=snakemake.params.origin,
        options=snakemake.params.options,
        predictions=snakemake.output.predictions,
        metrics=snakemake.output.metrics,
        page=snakemake.output.page,
    )
