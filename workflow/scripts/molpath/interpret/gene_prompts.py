"""Where a model's expression branch moves a profile when a set's genes are raised, beside lowered.

Each gene of the set moves by one standard deviation over its cohort's profiles, up and down; both profiles are
embedded, scaled to length 1 (contrastive training compares directions), and subtracted.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import anndata
import numpy as np

from ..embed.profiles import check_fit, check_same_fit, embed_rna, shown_genes
from ..pretrain.description import Description
from ..pretrain.network import Threads
from ..pretrain.profiles import chosen_genes
from ..probe.prompting import unit_length

log = logging.getLogger(__name__)

#: How far genes move, in standard deviations over profiles of the cohort.
SHIFT = 1.0


def raised_minus_lowered(
    network: Threads, description: Description, table: anndata.AnnData, members: Sequence[Sequence[str]]
) -> np.ndarray:
    """Moves (float32 N x S x D) of profiles: embedded with a set raised, minus lowered, both of length 1.

    table: N profiles over genes that the branch reads, `var` with `spread`, each gene's standard deviation. Genes of a
    set that the table lacks stay as they are.
    """
    places = {name: i for i, name in enumerate(table.var_names)}
    values, spread = np.asarray(table.X, np.float32), table.var["spread"].to_numpy(np.float32)
    moves = np.empty((len(values), len(members), network.width), np.float32)
    for number, genes in enumerate(members):
        step = np.zeros(values.shape[1], np.float32)
        columns = [places[name] for name in genes if name in places]
        step[columns] = SHIFT * spread[columns]
        both = np.concatenate([values + step, values - step])
        vectors = unit_length(embed_rna(network, description, anndata.AnnData(both, var=table.var[[]])))
        moves[:, number] = vectors[: len(values)] - vectors[len(values) :]
    return moves


def read_branch_table(
    path: str, description: Description, folder: str, own: bool, profiles: Sequence[str]
) -> anndata.AnnData | None:
    """Those of `profiles` that a cohort's table holds, over the genes that the branch reads, with their `spread` over
    all of the cohort; None where its numbers are z-scores, which no branch reads. Raises UnfitProfiles as embed_profiles
    does."""
    table = chosen_genes(anndata.read_h5ad(path))
    if table.uns["value"] == "zscore":
        return None
    check_fit(path, table, description, "rna", folder)
    if table.uns["value"] == "vst" and not own:
        check_same_fit(path, table, description, folder)
    known = set(shown_genes(description))
    table = table[:, [name in known for name in table.var_names]].copy()
    table.var["spread"] = np.nanstd(np.asarray(table.X, np.float64), axis=0)
    wanted = set(profiles)
    return table[[name in wanted for name in table.obs_names]].copy()


def evenly(count: int, most: int) -> np.ndarray:
    """Positions of at most `most` of `count`, spread evenly, the first among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int)) if count else np.zeros(0, int)


