"""molpath: from whole-slide images and omics files to a molecularly pretrained slide encoder.

One sub-package a stage, in the order data flows: slides, tissue, tiles, features, omics,
pretrain, embed, probe; `common` holds what all share; `demo`, `acquire` and `report` lie around them.
Usable from a notebook: put `workflow/scripts` on the path. Never imports Snakemake.
"""
