"""Print what all that the config asks for will cost."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.preflight.plan import print_plan

    print_plan(request=snakemake.params.request, costs=snakemake.input.costs, results=snakemake.params.results)
