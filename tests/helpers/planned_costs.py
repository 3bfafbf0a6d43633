"""Costs of round numbers, and rows of a plan that is made of them."""

import pandas as pd

COSTS = {
    "slide_bytes": 1e9,
    "patches_per_slide": 1000,
    "inspect_s": 1,
    "tissue_s": 2,
    "tile_s": 3,
    "read_patch_s": 0.01,
    "patches_per_resection": 2000,
    "patches_per_frozen": 500,
    "patches_per_biopsy": 100,
    "patches_per_mm2": 10,
    "encode_share": 0.5,
    "encode_share_fp32": 0.25,
    "encode_share_conv": 0.125,
    "unknown_gflop": 100,
    "rna_profile_s": 4,
    "dna_profile_s": 5,
    "train_share": 0.5,
    "embed_share": 0.1,
    "slide_encoder_parameters": 1e6,
    "copy_bytes": 1e6,
    "embed_flops": 1e9,
    "probe_job_s": 2,
    "logistic_s": 10,
    "cox_s": 20,
    "cluster_sample_s": 0.5,
    "finetune_step_s": 0.1,
    "slide_files_bytes": 1e6,
    "coordinates_bytes": 32,
}


ASSUMED = {"encode_share", "dna_profile_s"}


#: GPUs of round numbers: 2 TFLOP/s in half precision, 1 in fp32.
GPUS = "name\tmemory_gb\thalf_tflops\tfp32_tflops\nA100\t80\t2\t1\nH100\t80\t8\t4\n"


FINE = {"name": "20x_256px_0px_overlap", "density": 4.0, "area": 0.25}


MAIN = {"name": "20x_512px_0px_overlap", "density": 1.0, "area": 1.0}


TASK = {"samples": 100, "slides": 100, "folds": 5, "classes": 2, "survival": False, "groups": []}


def row(table: pd.DataFrame, stage: str, item: str) -> pd.Series:
    rows = table[(table.stage == stage) & (table.what == item)]
    assert len(rows) == 1, f"{stage} {item}"
    return rows.iloc[0]
