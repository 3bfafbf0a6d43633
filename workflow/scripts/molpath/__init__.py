"""molpath: from whole-slide images and omics files to a molecularly pretrained slide encoder.

One sub-package a stage, in the order data flows: slides, tissue, tiles, features, omics,
pretrain, embed, probe; then `tables`, `figures` (which may read tables), `interpret`, `provenance`, and `preflight`,
which looks ahead of a run. `common` holds what all share; `demo` and `acquire` bring files.
Usable from a notebook: put `workflow/scripts` on the path. Never imports Snakemake.
"""
