"""Map the slides that a model was trained on."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.figures.maps import map_slides

    map_slides(
        blocks=snakemake.input.blocks,
        slides=snakemake.input.slides,
        sheet=snakemake.input.sheet,
        **snakemake.params.settings,
        model=snakemake.wildcards.model,
        note=snakemake.params.note,
        table=snakemake.output.table,
        figure=snakemake.output.figure,
    )
