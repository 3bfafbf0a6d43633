"""Kinds of models, and what encoders can take, that planning and jobs both have to know."""

from __future__ import annotations

import re

#: Slide encoders of others, with weights of their own.
FOREIGN = ("titan", "prism", "gigapath", "chief", "madeleine", "feather")
#: Those whose attention has no path for a CPU.
GPU_ONLY = ("gigapath",)
#: Those that read the coordinates of patches: a case is the mean of its slides, for slides share no coordinates.
WITH_COORDS = ("gigapath", "titan")
#: Kinds whose embedding is a sum over patches, but for those of runs with a transformer.
SUMS = ("mean", "threads", "random", "chief", "feather")
#: Kinds whose slide encoder can be trained further.
TUNABLE = ("threads", "random", "chief")
#: Files of a folder of scGPT's public weights, all of which a run reads.
SCGPT_FILES = ("args.json", "vocab.json", "best_model.pt")

#: What X of an rna.h5ad may hold, by omics/value: log2_tpm takes the first of these that all profiles of a cohort have.
#: Z-scores stay what they are under each, and no run takes them.
EXPRESSION_VALUES = {
    "log2_tpm": ("log2_tpm_plus_1", "log2_cpm_plus_1", "log2_norm_count_plus_1"),
    "log2_cpm": ("log2_cpm_plus_1",),
    "vst": ("vst",),
}
#: What is to be done for values of each kind.
EXPRESSION_REMEDIES = {
    "log2_tpm_plus_1": "set omics/value to log2_tpm, and give profiles with TPM",
    "log2_cpm_plus_1": "set omics/value to log2_cpm, and give profiles with counts",
    "log2_norm_count_plus_1": "set omics/value to log2_tpm, and give profiles with norm_count alone",
    "vst": "set omics/value to vst, and give profiles with counts",
}

#: Adapters of encoders, whose networks are built for one size of patch, and such as take any.
FIXED_INPUT = ("conch_v1", "conch_v15")
ANY_INPUT = ("resnet50", "efficientnet_lite0")


def why_not_input_size(adapter: str, network: str, size: int) -> str:
    """Why a built-in adapter's network (in the words of encoders.yaml) can't take `size` pixels; empty if it can."""
    patch = re.match(r"ViT-\w+/(\d+)", network)
    if adapter in FIXED_INPUT or not (patch or adapter in ANY_INPUT):
        return f"encoder {adapter} takes patches of its own size only"
    if patch and size % int(patch[1]):
        return f"encoder {adapter} looks at {patch[1]} pixels at a time; {size} is no multiple"
    return ""


def expression_remedy(value: str) -> str:
    """What to do where a run read expression as `value` (of uns of an rna.h5ad) and a study has other numbers."""
    without = "leave the rna profiles out"
    return f"{EXPRESSION_REMEDIES[value]}; or {without}" if value in EXPRESSION_REMEDIES else without
