"""Pretraining finds what was planted in a synthetic cohort, and nothing where pairs are shuffled: one seed, reduced."""

import pandas as pd
import planted_truth
import pytest
import torch


@pytest.mark.slow
def test_planted_truth_is_found_and_shuffled_pairs_find_nothing():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        rows, top1 = planted_truth.measure(0, 2000, planted_truth.SETTINGS | {"epochs": 7})
    finally:
        torch.set_num_threads(threads)
    assert top1["pretrained"] >= 20 / planted_truth.AMONG
    assert top1["shuffled pairs"] < 5 / planted_truth.AMONG
    auc = pd.DataFrame(rows).groupby(["labels", "model"]).auc.mean()
    for labels in planted_truth.LABELS:
        aurocs = auc[labels]
        assert aurocs["pretrained"] > max(aurocs["mean"], aurocs["random"]) + 0.05
        assert aurocs["oracle"] > aurocs["pretrained"]
        assert aurocs["shuffled pairs"] < max(aurocs["mean"], aurocs["random"]) + 0.05
