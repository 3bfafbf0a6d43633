"""How a model's expression branch moves a profile when a set's genes are raised rather than lowered.

Each gene of the set moves by one standard deviation over its cohort's profiles, up and down; both profiles are
embedded, scaled to length 1 (contrastive training compares directions), and subtracted.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import anndata
import numpy as np

from ..common.devices import take_device
from ..embed.profiles import check_fit, check_same_fit, embed_rna, shown_genes
from ..pretrain.description import Description
from ..pretrain.network import Threads, load
from ..pretrain.profiles import chosen_genes
from ..probe.prompting import unit_length
from . import gene_set_reliability as reliability
from .gene_set_cases import Scored, Support
from .gene_set_reliability import FOLDS, Directions

log = logging.getLogger(__name__)

#: How far genes move, in standard deviations over profiles of the cohort.
SHIFT = 1.0
#: Profiles whose moves make a prompt, and those that make one of a random set.
PROFILES, FEW_PROFILES = 64, 16


def raised_minus_lowered(
    network: Threads, description: Description, table: anndata.AnnData, members: Sequence[Sequence[str]]
) -> np.ndarray:
    """Moves (float32 N x S x D) of profiles: embedded with a set raised, minus lowered, both of length 1.

    table: N profiles over genes that the branch reads, `var` with `spread`, each gene's standard deviation. Genes of a
    set that the table lacks stay as they are.
    """
    column_of = {name: i for i, name in enumerate(table.var_names)}
    values, spread = np.asarray(table.X, np.float32), table.var["spread"].to_numpy(np.float32)
    moves = np.empty((len(values), len(members), network.width), np.float32)
    for number, genes in enumerate(members):
        step = np.zeros(values.shape[1], np.float32)
        columns = [column_of[name] for name in genes if name in column_of]
        step[columns] = SHIFT * spread[columns]
        shifted = np.concatenate([values + step, values - step])
        vectors = unit_length(embed_rna(network, description, anndata.AnnData(shifted, var=table.var[[]])))
        moves[:, number] = vectors[: len(values)] - vectors[len(values) :]
    return moves


def read_branch_table(
    path: str, description: Description, folder: str, own: bool, profiles: Sequence[str]
) -> anndata.AnnData | None:
    """Those of `profiles` that a cohort's table holds, over the genes that the branch reads, with their `spread` over
    all of the cohort; None where its numbers are z-scores, which no branch reads.

    Raises UnfitProfiles as embed_profiles does.
    """
    table = chosen_genes(anndata.read_h5ad(path))
    if table.uns["value"] == "zscore":
        return None
    check_fit(path, table, description, "rna", folder)
    if table.uns["value"] == "vst" and not own:
        check_same_fit(path, table, description, folder)
    readable = set(shown_genes(description))
    table = table[:, [name in readable for name in table.var_names]].copy()
    table.var["spread"] = np.nanstd(np.asarray(table.X, np.float64), axis=0)
    profile_ids = set(profiles)
    return table[[name in profile_ids for name in table.obs_names]].copy()


def evenly(count: int, limit: int) -> np.ndarray:
    """Positions of at most `limit` of `count`, spread evenly, including the first."""
    return np.unique(np.linspace(0, count - 1, min(count, limit)).round().astype(int)) if count else np.zeros(0, int)


class Prompts:
    """The way `prompt` of a model: sets that can be prompted, why others can't, and directions (zeros for those)."""

    def __init__(
        self, scored: Scored, support: Support, tables: Sequence[str], folder: str, own: bool, fewest: int
    ) -> None:
        self.scored, self.support = scored, support
        self.reasons = {name: "the model has no expression branch" for name in scored.scores}
        self.n_readable: dict[str, int] = {}
        self.prompted: set[str] = set()
        count, width = len(scored.scores), support.x.shape[1]
        self.directions = Directions(np.zeros((FOLDS + 1, count, width)), np.zeros((FOLDS + 1, count)))
        # The set and random ones, of as few profiles each: of more, its own direction would be less noisy.
        self._few = np.zeros((count, 1 + support.random.shape[2], width))
        if not folder:
            return
        self.network, self.description = load(folder)
        if self.network.rna is None:
            return
        support_cases = set(support.cases)
        chosen = [profile for profile, case in scored.profiles.items() if case in support_cases]
        branch_tables = [read_branch_table(path, self.description, folder, own, chosen) for path in tables]
        self.tables = [table for table in branch_tables if table is not None and len(table)]
        if not self.tables:
            self.reasons = dict.fromkeys(
                scored.scores, "the support's profiles are z-scores, which the branch can't read"
            )
            return
        with take_device() as device:
            self.network.to(device)
            self._ask(fewest)
            self.network.to("cpu")

    def _ask(self, fewest: int) -> None:
        """Directions of the sets of which the branch reads enough genes."""
        shared_genes = set.intersection(*(set(table.var_names) for table in self.tables))
        genes = self.scored.genes
        self.n_readable = {name: len(shared_genes & set(lists[0])) for name, lists in genes.items()}
        self.reasons = {
            name: f"{count} of its {len(genes[name][0])} measured genes are among those that the model reads, and "
            f"{fewest} are required"
            for name, count in self.n_readable.items()
            if count < fewest
        }
        self.prompted = set(genes) - set(self.reasons)
        names = [name for name in genes if name in self.prompted]
        if not names:
            return
        positions = [list(genes).index(name) for name in names]
        moves, folds = self._moves(PROFILES, [genes[name][0] for name in names])
        averaged = reliability.average_directions(moves.astype(np.float64), folds)
        self.directions.coefficients[:, positions] = averaged.coefficients
        for position, name in zip(positions, names, strict=True):
            self._few[position] = self._moves(FEW_PROFILES, genes[name])[0].mean(0, dtype=np.float64)

    def _moves(self, limit: int, members: list[list[str]]) -> tuple[np.ndarray, np.ndarray]:
        """Moves of some profiles, evenly from each cohort, and the folds of their cases."""
        moves, folds = [], []
        for table in self.tables:
            sample = table[evenly(len(table), max(1, limit // len(self.tables)))].copy()
            moves.append(raised_minus_lowered(self.network, self.description, sample, members))
            folds.append(self.support.fold_of([self.scored.profiles[name] for name in sample.obs_names]))
        return np.concatenate(moves), np.concatenate(folds)

    def null(self, orders: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Correlations with shuffled pairs (float S x permutations), of random sets (S x R), and of the sets themselves
        computed as those of random sets are (S)."""
        x, y = self.support.x, self.support.y
        all_scores = np.concatenate([y[..., None], self.support.random], axis=2)
        prompt_scores = self.directions.scores(x, self.support.folds)
        pairs = np.stack([reliability.correlations(y[order], prompt_scores) for order in orders], axis=1)
        few_profiles = np.stack(
            [reliability.correlations(all_scores[:, i], x @ direction.T) for i, direction in enumerate(self._few)]
        )
        return pairs, few_profiles[:, 1:], few_profiles[:, 0]
