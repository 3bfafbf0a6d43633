"""Embeddings of molecular profiles by the branches of a trained model."""

from __future__ import annotations

from collections.abc import Sequence

import anndata
import numpy as np
import torch

from ..common.h5ad import write_h5ad
from ..omics.sample_types import kinds_of
from ..pretrain.data import chosen_genes, gene_tokens
from ..pretrain.molecular_encoders import standardise
from ..pretrain.network import load

#: Profiles of flags that pass at once, and genes of all profiles of expression that do.
BATCH = 64
TOKENS = 40_000


def embed_profiles(*, tables: Sequence[str], run_folder: str, output: str, threads: int = 1) -> None:
    """Write profiles.h5ad: X float32, obs with profile_id, case_id, cohort, sample_type, modality; all genes of a
    profile are shown.

    Genes and flags the run doesn't know are left out; flags a table lacks are 0. Tables of z-scores are left out.
    """
    torch.set_num_threads(threads)
    network, description = load(run_folder)
    parts = []
    for path in tables:
        table = chosen_genes(anndata.read_h5ad(path))
        value = table.uns["value"]
        modality = "dna" if value == "flags" else "rna"
        if value == "zscore" or getattr(network, modality) is None:
            continue
        vectors = (
            embed_flags(network, description, table) if modality == "dna" else embed_rna(network, description, table)
        )
        one = anndata.AnnData(vectors, obs=table.obs[["case_id", "cohort"]].astype(str))
        one.obs["sample_type"] = kinds_of(table.obs)
        one.obs["modality"] = modality
        parts.append(one)
    if not parts:
        raise ValueError("no profile fits a branch of this model")
    write_h5ad(output, anndata.concat(parts))


@torch.inference_mode()
def embed_rna(network, description, table) -> np.ndarray:
    """float32 profiles x width."""
    ids = {word: number for number, word in enumerate(description["rna_encoder"]["vocabulary"])}
    known = [name in ids for name in table.var_names]
    genes, values = list(table.var_names[known]), np.asarray(table.X, np.float32)[:, known]
    columns = np.array([ids[name] for name in genes], np.int64)
    size = max(1, TOKENS // (1 + len(genes)))
    parts = []
    for first in range(0, len(values), size):
        shown = standardise(values[first : first + size], description["rna_encoder"], genes)
        parts.append(network.rna(*gene_tokens(shown, columns, ids, None)))
    return torch.cat(parts).numpy()


@torch.inference_mode()
def embed_flags(network, description, table) -> np.ndarray:
    """float32 profiles x width."""
    frame = table.to_df().reindex(columns=description["dna_encoder"]["flags"], fill_value=0)
    values = torch.from_numpy(frame.to_numpy(np.float32))
    return torch.cat([network.dna(part) for part in values.split(BATCH)]).numpy()
