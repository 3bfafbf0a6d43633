"""Look at software, machine, storage and inputs before a long run; print a table, fail if there is a problem."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.preflight.examination import examine
    from molpath.preflight.findings import as_list, as_table, problems_of

    findings = examine(snakemake.params.request, dict(snakemake.input.items()))
    print(as_table(findings), flush=True)
    print(as_list(findings), file=sys.stderr, flush=True)  # the log, which Snakemake shows last
    sys.exit(1 if problems_of(findings) else 0)
