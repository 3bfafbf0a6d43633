"""Embeddings of molecular profiles by the branches of a trained model."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import anndata
import numpy as np
import pandas as pd
import torch

from ..common.devices import take_device
from ..common.h5ad import write_h5ad
from ..common.kinds import expression_remedy
from ..omics.sample_types import kinds_of
from ..pretrain.data import gene_tokens
from ..pretrain.description import Description
from ..pretrain.molecular_encoders import standardise
from ..pretrain.network import Threads, load
from ..pretrain.profiles import UnfitProfiles, chosen_genes, fit_of

log = logging.getLogger(__name__)

#: Profiles of flags in one pass, and tokens of all profiles of expression in one.
BATCH = 64
TOKENS = 40_000


def embed_profiles(
    *, table: str, profiles: Sequence[str], run_folder: str, output: str, threads: int = 1, own: bool = True
) -> None:
    """Write those of `profiles` that a table of a cohort holds: X float32 N x width, obs (index: modality:profile_id)
    with profile_id, case_id, cohort, sample_type, modality; all chosen genes of a profile are shown.

    Genes and flags the run doesn't know are left out; flags the table lacks are 0. Of a table of z-scores, and of a
    kind the run has no branch for, none are written (N = 0). own: the run is one of this study. Raises UnfitProfiles
    where the table's numbers are of another kind than the run's, were fitted elsewhere than those of a run that isn't
    this study's, or where it has none of the run's genes or flags.
    """
    torch.set_num_threads(threads)
    network, description = load(run_folder)
    data = chosen_genes(anndata.read_h5ad(table))
    modality = "dna" if data.uns["value"] == "flags" else "rna"
    fits = data.uns["value"] != "zscore" and getattr(network, modality) is not None
    if fits:
        check_fit(table, data, description, modality, run_folder)
        if modality == "rna" and data.uns["value"] == "vst" and not own:
            check_same_fit(table, data, description, run_folder)
    data = data[[name for name in profiles if name in data.obs_names] if fits else []]
    vectors = np.zeros((0, network.width), np.float32)
    if len(data):
        embed = embed_flags if modality == "dna" else embed_rna
        with take_device() as device:
            vectors = embed(network.to(device), description, data)
    obs = data.obs[["case_id", "cohort"]].astype(str)
    obs = obs.assign(profile_id=list(data.obs_names), sample_type=kinds_of(data.obs), modality=modality)
    # A sample's expression and its mutations may share a profile_id.
    obs.index = pd.Index([f"{modality}:{name}" for name in data.obs_names], dtype=object)
    embeddings = anndata.AnnData(vectors, obs=obs)
    write_h5ad(output, embeddings)


def check_fit(table: str, data: anndata.AnnData, description: Description, modality: str, folder: str) -> None:
    """Raises UnfitProfiles unless the branch can read profiles of this table: the same values, a gene in common."""
    value = data.uns["value"]
    if modality == "rna" and (run_value := description["rna_encoder"].get("value", value)) != value:
        raise UnfitProfiles(
            f"{table} holds {value}, and the run in {folder} read {run_value}: {expression_remedy(run_value)} of "
            "this model's protocols"
        )
    names = shown_genes(description) if modality == "rna" else description["dna_encoder"]["flags"]
    run_names = [name for name in names if not name.startswith("<")]  # without <cls>, <pad> and the like
    if data.n_obs and not set(run_names) & set(data.var_names):
        kind = "genes" if modality == "rna" else "flags"
        raise UnfitProfiles(
            f"{table} has none of the {len(run_names):,} {kind} that the run in {folder} knows: compare the names of "
            f"genes, or leave {modality} out of the protocols of this model"
        )


def shown_genes(description: Description) -> list[str]:
    """Genes that the RNA branch can read: its vocabulary, or for a run on deviations the genes with a mean."""
    section = description["rna_encoder"]
    means = section.get("mean")
    return [name for name in section["vocabulary"] if not means or name in means]


def check_same_fit(table: str, data: anndata.AnnData, description: Description, folder: str) -> None:
    """Raises UnfitProfiles unless a table's vst was made by a fit that the run's profiles were made by.

    A fit belongs to its cohort and is not in the folder of a run: profiles of another study are fitted
    again, so the same counts give other values.
    """
    if fit_of(data) not in description["rna_encoder"].get("fits", []):
        raise UnfitProfiles(
            f"{table} holds vst by a fit of this study, and the run in {folder} read vst by a fit of its own, which "
            "is not in its folder: take a run on log2_tpm or log2_cpm, which need no fit, or leave the rna profiles "
            "out of this model's protocols"
        )


def gather_profiles(*, blocks: Sequence[str], output: str) -> None:
    """Write profiles.h5ad: the profiles of all blocks, concatenated. Raises ValueError if there are none, and
    UnfitProfiles if two have the same name.
    """
    tables = [anndata.read_h5ad(path) for path in blocks]
    tables = [table for table in tables if len(table)]
    if not tables:
        raise ValueError("no profile fits a branch of this model")
    joined = anndata.concat(tables)
    if not joined.obs_names.is_unique:
        duplicate = joined.obs_names[joined.obs_names.duplicated()][0]
        raise UnfitProfiles(
            f"profile {duplicate} is in two cohorts: give each a profile_id of its own in the profile sheet"
        )
    write_h5ad(output, joined)


@torch.inference_mode()
def embed_rna(network: Threads, description: Description, table: anndata.AnnData) -> np.ndarray:
    """Embeddings (float32 profiles x width) of a table of expression, of the genes that the branch can read."""
    assert network.rna is not None
    ids = {gene: number for number, gene in enumerate(description["rna_encoder"]["vocabulary"])}
    shown_names = set(shown_genes(description))
    is_known = [name in shown_names for name in table.var_names]
    if n_without_mean := sum(name in ids for name in table.var_names) - sum(is_known):
        log.warning(
            "%d genes are left out: the run has no mean of them, as no profile it trained on had them", n_without_mean
        )
    genes, values = list(table.var_names[is_known]), np.asarray(table.X, np.float32)[:, is_known]
    tokens = np.array([ids[name] for name in genes], np.int64)
    size = max(1, TOKENS // (1 + len(genes)))
    batches = []
    for first in range(0, len(values), size):
        shown = standardise(values[first : first + size], description["rna_encoder"], genes)
        inputs = (tensor.to(device_of(network)) for tensor in gene_tokens(shown, tokens, ids, None))
        batches.append(network.rna(*inputs).float().cpu())
    vectors: np.ndarray = torch.cat(batches).numpy()
    return vectors


@torch.inference_mode()
def embed_flags(network: Threads, description: Description, table: anndata.AnnData) -> np.ndarray:
    """Embeddings (float32 profiles x width) of a table of flags; those of the run that it lacks are 0."""
    assert network.dna is not None
    frame = table.to_df().reindex(columns=description["dna_encoder"]["flags"], fill_value=0)
    values = torch.from_numpy(frame.to_numpy(np.float32))
    batches = [network.dna(batch.to(device_of(network))).float().cpu() for batch in values.split(BATCH)]
    vectors: np.ndarray = torch.cat(batches).numpy()
    return vectors


def device_of(network: torch.nn.Module) -> torch.device:
    """The device of a network's weights."""
    return next(network.parameters()).device
