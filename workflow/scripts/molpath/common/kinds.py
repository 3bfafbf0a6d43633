"""Kinds of models that planning and jobs both have to know."""

from __future__ import annotations

#: Slide encoders of others, with weights of their own.
FOREIGN = ("titan", "prism", "gigapath", "chief", "madeleine", "feather")
#: Those that read the coordinates of patches: a case is the mean of its slides, for slides share no coordinates.
WITH_COORDS = ("gigapath", "titan")
#: Kinds whose slide encoder can be trained further.
TUNABLE = ("threads", "random", "chief")
#: Files of a folder of scGPT's public weights, all of which a run reads.
SCGPT_FILES = ("args.json", "vocab.json", "best_model.pt")
