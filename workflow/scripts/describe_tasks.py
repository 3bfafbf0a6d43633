"""Say what the tasks are made of."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.tables.tasks import describe_tasks

    files = iter(snakemake.input.tasks)
    describe_tasks(
        tasks={task: (next(files), next(files)) for task in snakemake.params.tasks},
        families=snakemake.params.families,
        published=snakemake.input.published,
        classes=snakemake.input.classes,
        note=snakemake.params.note,
        outputs=dict(snakemake.output.items()),
    )
