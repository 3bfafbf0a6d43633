"""What a run trains on, in memory, and the description of the network that takes it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import anndata
import numpy as np

from ..common.settings.pretrain import RnaEncoder as RnaSettings
from ..common.settings.pretrain import Run
from ..omics.genes import GeneTable
from ..omics.vocabulary import current_words
from .data import PairedData, gather
from .description import Description, Scale
from .molecular_encoders import read_vocabulary, standardise, vocabulary_of
from .profiles import UnfitProfiles, read_tables
from .sizes import flags_of_genes, gene_of
from .store import PatchStore

log = logging.getLogger(__name__)

#: Deviations below this, on log2 scale, say nothing about a gene: see scale_of.
LEAST_DEVIATION = 0.1


def prepare(
    run: Run,
    store: PatchStore,
    pairs: str,
    rna: Sequence[str],
    dna: Sequence[str],
    organs: Mapping[str, str] | None = None,
    genes: str = "",
) -> tuple[PairedData, Description, dict[str, int]]:
    """Data in memory, description of the network, and the vocabulary as a dict; genes: gene table, '' for none."""
    rna_table = read_tables(rna) if "rna" in run["modalities"] else None
    dna_table = read_tables(dna) if "dna" in run["modalities"] else None
    shuffle = run["training"]["seed"] if run.get("shuffle_pairs") else None
    examples = gather(pairs, store, run["cohorts"], rna_table, dna_table, run["fraction"], organs, shuffle)
    data = PairedData(examples, store)
    description: Description = {
        "slide_encoder": {**run["slide_encoder"], "input": store.dim},
        "grid": run["grid"],
        "encoder": run["encoder"],
    }
    vocabulary: dict[str, int] = {}
    if rna_table is not None:
        vocabulary_words = words_of(run["rna_encoder"], rna_table.var_names, genes)
        vocabulary = {word: number for number, word in enumerate(vocabulary_words)}
        in_vocabulary = [name in vocabulary for name in rna_table.var_names]
        names, values = list(rna_table.var_names[in_vocabulary]), np.asarray(rna_table.X, np.float32)[:, in_vocabulary]
        rows = sorted({example.rna for example in examples if example.rna >= 0})
        used = values[rows]
        scale: Scale = scale_of(used, names) if run["rna_encoder"]["standardise"] else {}
        tokens = tokens_by_cohort(used, rna_table.obs["cohort"].iloc[rows].tolist())
        value = str(rna_table.uns["value"])
        fits = list(rna_table.uns["fits"]) if value == "vst" else []
        description["rna_encoder"] = {
            **run["rna_encoder"], "vocabulary": vocabulary_words, "tokens": tokens,
            "value": value, "fits": fits, **scale,
        }  # fmt: skip
        data.rna_values = standardise(values, scale, names)
        data.rna_tokens = np.array([vocabulary[name] for name in names], np.int64)
    if dna_table is not None:
        rows = sorted({example.dna for example in examples if example.dna >= 0})
        chosen = chosen_flags(dna_table, rows, run)
        description["dna_encoder"] = {**run["dna_encoder"], "flags": list(dna_table.var_names[chosen])}
        data.flags = dna_table.X if chosen.all() else dna_table.X[:, chosen]
    return data, description, vocabulary


def chosen_flags(table: anndata.AnnData, rows: Sequence[int], run: Run) -> np.ndarray:
    """bool: the flags that the DNA branch sees: all of a list (omics/dna_genes), else those of the genes that change in
    most of the run's training profiles (`rows`)."""
    limit = 0 if table.uns.get("listed") else run["dna_encoder"]["genes"]
    chosen = flags_of_genes(table.X, rows, table.var_names, limit)
    if not chosen.all():
        log.warning(
            "no list of genes in omics/dna_genes: of %d genes the DNA branch sees the %d that change in most training "
            "profiles (pretrain/runs/%s/dna_encoder/genes)",
            len({gene_of(flag) for flag in table.var_names}), limit, run["name"],
        )  # fmt: skip
    return chosen


def words_of(settings: RnaSettings, genes: Sequence[str], table: str = "") -> list[str]:
    """The vocabulary's words by token, from an scGPT folder, under today's symbols, or from the run's own genes."""
    if not settings["checkpoint"]:
        return vocabulary_of(genes)
    current = current_words(read_vocabulary(settings["checkpoint"]), GeneTable(table))
    vocabulary_words, known_words = current.words, set(current.words)
    n_renamed = current.by_retired_name(genes)
    log.info("%d retired words have their current symbol, by which %d genes are found", len(current.renamed), n_renamed)
    for word, reason in current.left_out.items():
        log.info("the vocabulary's word %s is left out: %s", word, reason)
    missing = [name for name in genes if name not in known_words]
    log.info(
        "%d of %d genes are in the vocabulary of %d words", len(genes) - len(missing), len(genes), len(vocabulary_words)
    )
    return vocabulary_words


def tokens_by_cohort(values: np.ndarray, cohorts: Sequence[str]) -> dict[str, int]:
    """Genes that the profiles (float32 N x genes, NaN where absent) of each cohort show at most; N cohorts.

    Raises UnfitProfiles for a profile that has none: the branch would get no input.
    """
    counts = (~np.isnan(values)).sum(1)
    tokens: dict[str, int] = {}
    for cohort, count in zip(cohorts, counts.tolist(), strict=True):
        tokens[cohort] = max(tokens.get(cohort, 0), count)
    for cohort, count in tokens.items():
        log.info("cohort %s: %d genes per profile", cohort, count)
    if empty := [cohort for cohort, count in zip(cohorts, counts, strict=True) if not count]:
        raise UnfitProfiles(
            f"{len(empty)} profiles of cohort {empty[0]} have no gene that the vocabulary knows: correct the names of "
            "its genes, or leave the cohort out of the run"
        )
    return tokens


def scale_of(values: np.ndarray, genes: Sequence[str]) -> Scale:
    """Mean and deviation of each gene over the profiles that have it (float32 N x genes, else NaN), to six decimals.

    A gene that hardly changes (deviation below `LEAST_DEVIATION`, or one profile) has deviation 1: it is centred and
    keeps its unit. Divided by nearly nothing, its first change elsewhere would outweigh all other genes.
    """
    exact = values.astype(np.float64)
    has_values = ~np.isnan(exact).all(0)
    measured_genes = list(np.asarray(genes, object)[has_values])
    deviation = np.nanstd(exact[:, has_values], 0)
    deviation[deviation < LEAST_DEVIATION] = 1.0
    return {
        "mean": dict(zip(measured_genes, np.nanmean(exact[:, has_values], 0).round(6).tolist(), strict=True)),
        "deviation": dict(zip(measured_genes, deviation.round(6).tolist(), strict=True)),
    }
