"""What a config and its sheets ask for: defaults, checks, the files of every rule, targets, the plan.

Rules import this package while Snakemake reads them, so it needs the standard library, PyYAML and jsonschema only.
In a notebook: `Study.open("config/config.yaml")`.
"""

from .study import Study

__all__ = ["Study"]
