"""More processes than a batch has pairs: one without pairs adds nothing to the gradients."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from molpath.pretrain.data import Loader
from molpath.pretrain.distributed import World
from molpath.pretrain.network import build
from molpath.pretrain.preparation import prepare
from molpath.pretrain.readers import Slot
from molpath.pretrain.steps import backward
from molpath.pretrain.store import PatchStore

from .cohort import RUN, write_cohort
from .test_steps import still


class Gathered(World):
    """A rank that knows the rows of all ranks together, in the order of `gather`."""

    rows: list[torch.Tensor]

    def gather(self, rows, counts):
        ends = np.cumsum([0, *counts])
        parts = [self.rows[0][first:last] for first, last in pairwise(ends)]
        object.__setattr__(self, "rows", self.rows[1:])
        parts[self.rank] = rows
        return torch.cat(parts)


@pytest.mark.parametrize("micro_batch", [0, 1])
@pytest.mark.parametrize("joint", [False, True])
def test_a_rank_without_pairs_adds_zeros_to_the_gradients(tmp_path, monkeypatch, joint, micro_batch):
    write_cohort(tmp_path, cases=2)
    run = still(RUN)
    store = PatchStore([tmp_path / "patches.npy"], [tmp_path / "index.tsv"])
    data, description, vocabulary = prepare(
        run, store, tmp_path / "pairs.tsv", [tmp_path / "rna.h5ad"], [tmp_path / "dna.h5ad"]
    )
    network, settings = build(description, 0), run["training"] | {"joint": joint, "micro_batch": micro_batch}

    def step(world):
        network.zero_grad()
        loader = Loader(data, settings, vocabulary, ["rna", "dna"], world)
        terms, _ = backward(network, loader.draw(data.examples, np.random.default_rng(0), Slot()), world, settings, 0.1)
        return {name: float(term.detach()) for name, term in terms.items()}, [
            torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.clone()
            for parameter in network.parameters()
        ]

    gathered = []
    monkeypatch.setattr(World, "gather", lambda self, rows, counts: gathered.append(rows.detach().clone()) or rows)
    losses, expected = step(World())
    ranks = []
    for rank in range(3):
        world = Gathered(rank, 3)
        object.__setattr__(world, "rows", list(gathered))
        loss, gradients = step(world)
        assert loss == pytest.approx(losses, rel=1e-5)
        ranks.append(gradients)
    assert all(not gradient.any() for gradient in ranks[2])
    largest = max(float(gradient.abs().max()) for gradient in expected)
    for whole, *parts in zip(expected, *ranks, strict=True):
        torch.testing.assert_close(sum(parts), whole, rtol=1e-4, atol=1e-5 * largest)
