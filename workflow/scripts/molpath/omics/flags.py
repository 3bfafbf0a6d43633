"""Mutations and copy numbers of a cohort as flags: seven per gene, as in the paper; unmeasured ones are missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import anndata
import numpy as np
import pandas as pd

from ..common.files import fingerprint, write_tsv
from ..common.h5ad import write_h5ad
from ..common.settings.omics import Mutations
from .calls import DEFAULTS
from .consequences import FLAGS, Flagger
from .dna_profiles import Collector, Profile
from .genes import GeneTable
from .selection import listed_genes
from .tables import BadProfile

BY_COPIES = {-2: "two_copy_deletion", -1: "loss", 1: "gain", 2: "amplification"}


def flag_dna(
    *,
    rows: Sequence[Mapping[str, str]],
    consequences: str,
    output: str,
    genes: str = "",
    terms: str = "",
    gene_table: str = "",
    panels: Mapping[str, str] = {},
    losses: str = "",
    mutations: Mutations = DEFAULTS,
) -> None:
    """Write the cohort's dna.h5ad: X uint8 profiles x (genes x 7), 0 or 1, var index "GENE:flag".

    rows: DNA rows of the profile sheet (rows of one profile_id are joined); consequences, terms: tables of
    Variant_Classification and of VEP's terms with the flag each sets; genes: file with one gene per line, the only ones
    that are kept in memory, or '' for every gene seen, sorted; panels: files with the genes of targeted assays, by the
    name in column panel. A profile with a maf or vcf row was sequenced even if no variant of it is there, unless
    filters leave out all of its calls; mutations: which calls count, and the share of profiles that must be found in a
    file. layers["observed"] (uint8) is 1 where a flag was looked for: 0 in X means "no" only there.
    """
    table = GeneTable(gene_table)
    counts: Counter = Counter()
    panel_genes = {name: set(listed_genes(path, table)) for name, path in panels.items()}
    names = listed_genes(genes, table) if genes else []
    listed = frozenset(names) if genes else None
    profiles = Collector(Flagger(consequences, terms), table, panel_genes, mutations, counts, listed).collect(rows)
    names = names or seen_genes(profiles.values())
    if not names:
        raise BadProfile("no gene has a variant or copy number, and omics/dna_genes names none")
    data = table_of(profiles, names)
    data.uns = {"value": "flags", "listed": bool(genes), "consequences": fingerprint(consequences)}
    write_h5ad(output, data)
    if losses:
        write_tsv(losses, pd.DataFrame(sorted(counts.items()), columns=["step", "count"]))


def table_of(profiles: Mapping[str, Profile], names: Sequence[str]) -> anndata.AnnData:
    """Flags of the genes `names`, which of them were looked for, and descriptions of the profiles."""
    values, observed = encode(profiles.values(), names)
    index = [f"{gene}:{flag}" for gene in names for flag in FLAGS]
    var = pd.DataFrame({"gene": np.repeat(names, len(FLAGS))}, index=index)
    return anndata.AnnData(values, obs=describe(profiles, observed), var=var, layers={"observed": observed})


def seen_genes(profiles) -> list[str]:
    """Every gene with an event or other than two copies, sorted."""
    genes = {gene for profile in profiles for gene, _ in profile.events}
    return sorted(genes.union(*(profile.copies.index[profile.copies.fillna(0) != 0] for profile in profiles)))


def encode(profiles, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """X and observed (uint8), both profiles x (genes x 7). Every event counts as observed.

    One byte per flag: without a list of genes a cohort of 10,000 has 10^9 of them.
    """
    position_of = {gene: index for index, gene in enumerate(names)}
    genes = pd.Index(names)
    profiles, copy_flags = list(profiles), len(BY_COPIES)
    values = np.zeros((len(profiles), len(names), len(FLAGS)), np.uint8)
    observed = np.zeros(values.shape, np.uint8)
    for index, profile in enumerate(profiles):
        if profile.sequenced is True:
            observed[index, :, copy_flags:] = 1
        elif profile.sequenced:
            observed[index, [position_of[gene] for gene in profile.sequenced if gene in position_of], copy_flags:] = 1
        copies_found = profile.copies.dropna()
        columns, copies = genes.get_indexer(copies_found.index), copies_found.to_numpy()
        observed[index, columns[columns >= 0], :copy_flags] = 1
        for number, flag in BY_COPIES.items():
            values[index, columns[(columns >= 0) & (copies == number)], FLAGS.index(flag)] = 1
        for flag, known_genes in profile.known_genes.items():
            observed[index, [position_of[gene] for gene in known_genes if gene in position_of], FLAGS.index(flag)] = 1
        for gene, flag in profile.events:
            if gene in position_of:
                values[index, position_of[gene], FLAGS.index(flag)] = 1
                observed[index, position_of[gene], FLAGS.index(flag)] = 1
    shape = (len(profiles), len(names) * len(FLAGS))
    return values.reshape(shape), observed.reshape(shape)


def describe(profiles: Mapping[str, Profile], observed: np.ndarray) -> pd.DataFrame:
    """obs by profile_id: ids, kinds of file, variants, share of flags that were looked for."""
    obs = pd.DataFrame(
        {
            "case_id": [profile.case_id for profile in profiles.values()],
            "sample_id": [profile.sample_id for profile in profiles.values()],
            "sample_type": [profile.sample_type for profile in profiles.values()],
            "specimen": [profile.specimen for profile in profiles.values()],
            "cohort": [profile.cohort for profile in profiles.values()],
            "sequenced": [bool(profile.sequenced or profile.known_genes) for profile in profiles.values()],
            "copy_numbers": [bool(profile.copies.notna().any()) for profile in profiles.values()],
            "n_variants": [profile.variants for profile in profiles.values()],
            "observed_fraction": observed.mean(1).round(6),
        },
        index=pd.Index(list(profiles), name="profile_id"),
    )
    return obs
