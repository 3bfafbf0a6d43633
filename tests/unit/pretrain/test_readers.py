"""Reading ahead: several readers, the same bytes in bounded memory, errors by name, and no thread left behind."""

import copy
import threading
from contextlib import closing

import numpy as np
import pytest
import torch
from molpath.pretrain.data import Loader, split_epoch
from molpath.pretrain.distributed import World
from molpath.pretrain.preparation import prepare
from molpath.pretrain.readers import SLOTS, Ring, readers_of
from molpath.pretrain.store import DamagedStore, PackedFile, PatchStore
from molpath.pretrain.training import Trainer

from .cohort import RUN, train, write_cohort

NAMES = [f"S{i}" for i in range(12)]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) == before


def reading(readers):
    """The run with so many readers."""
    run = copy.deepcopy(RUN)
    run["training"] |= {"readers": readers, "threads": 4}
    return run


def opened(folder):
    return PatchStore([folder / "patches.npy"], [folder / "index.tsv"])


def loaded(folder, readers):
    """The loader of the cohort, and the batches of an epoch."""
    run = reading(readers)
    data, _, vocabulary = prepare(
        run, opened(folder), folder / "pairs.tsv", [folder / "rna.h5ad"], [folder / "dna.h5ad"]
    )
    order = np.random.default_rng(1).permutation(len(data.examples))
    batches = split_epoch(data.examples, order, 5, False)
    return Loader(data, run["training"], vocabulary, ["rna", "dna"], World()), batches


def epoch(folder, readers):
    """All that the steps of an epoch see, as text and bytes."""
    loader, batches = loaded(folder, readers)
    with closing(loader.ahead(batches, np.random.default_rng(0))) as ahead:
        return [
            (
                [example.slide_id for example in batch.share], batch.patches.numpy().tobytes(), batch.lengths,
                batch.rows, str(batch.after),
                {name: [matrix.numpy().tobytes() for matrix in matrices] for name, matrices in batch.profiles.items()},
            )
            for batch in ahead
        ]  # fmt: skip


def test_the_bags_of_several_readers_are_those_of_one(tmp_path):
    write_cohort(tmp_path)
    alone = epoch(tmp_path, 1)
    assert [len(step[0]) for step in alone] == [3, 3, 2, 2, 2]
    for readers in (2, 4):
        assert epoch(tmp_path, readers) == alone


def test_a_bag_is_its_rows_of_the_file_in_the_order_of_slides(tmp_path):
    write_cohort(tmp_path)
    packed, store = np.load(tmp_path / "patches.npy"), opened(tmp_path)
    ring = Ring(4, torch.device("cpu"))

    def draw(names, slot):
        bags = slot.start(store, names, 7, [8, 2])
        bags.wait()
        return bags

    with closing(ring.ahead([["S3", "S1"]], draw)) as ahead:
        batch = next(ahead)
        expected = [*range(38, 40), *range(30, 35), *range(12, 19)]  # ten patches per slide; the first goes around
        assert batch.lengths == [7, 7]
        assert batch.patches.numpy().tobytes() == packed[expected].tobytes()


def test_a_run_trained_with_several_readers_is_that_of_one_byte_for_byte(tmp_path):
    write_cohort(tmp_path)
    alone = train(tmp_path, reading(1), "one")
    for readers in (2, 4):
        other = train(tmp_path, reading(readers), f"with{readers}")
        assert all(other[name] == alone[name] for name in ("model.safetensors", "last.safetensors", "history.tsv"))


def test_memory_is_that_of_the_ring_however_many_steps_there_are(tmp_path):
    write_cohort(tmp_path)
    store, places = opened(tmp_path), set()
    ring = Ring(2, torch.device("cpu"))

    def draw(names, slot):
        bags = slot.start(store, names, 6, [0] * len(names))
        bags.wait()
        return bags

    for _ in range(3):
        with closing(ring.ahead([NAMES[:8]] * 10, draw)) as ahead:
            places |= {bags.patches.data_ptr() for bags in ahead}
    assert len(places) == SLOTS
    assert sum(slot.buffer.nbytes for slot in ring.slots) == SLOTS * 8 * 6 * store.dim * 2
    with closing(ring.ahead([NAMES[:2]] * 3, draw)) as ahead:
        assert {bags.patches.data_ptr() for bags in ahead} == places


def test_the_next_step_is_read_while_one_is_computed_and_no_further(tmp_path):
    write_cohort(tmp_path)
    store, drawn, second = opened(tmp_path), [], threading.Event()

    def draw(number, slot):
        bags = slot.start(store, ["S0"], 6, [0])
        bags.wait()
        drawn.append(number)
        if number == 1:
            second.set()
        return bags

    with closing(Ring(2, torch.device("cpu")).ahead(range(9), draw)) as ahead:
        next(ahead)
        assert second.wait(10)
        assert drawn == [0, 1]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), r"patches.npy can't be read \(.*No such file"),
        (lambda path: path.write_bytes(path.read_bytes()[:-600]), "patches.npy was replaced while a run read it"),
    ],
)
def test_what_a_reader_meets_reaches_the_step_with_the_file(tmp_path, damage, message):
    write_cohort(tmp_path)
    loader, batches = loaded(tmp_path, 4)
    damage(tmp_path / "patches.npy")
    with closing(loader.ahead(batches, np.random.default_rng(0))) as ahead, pytest.raises(DamagedStore, match=message):
        next(ahead)


def test_a_disk_that_fails_in_the_midst_ends_the_run_and_its_threads(tmp_path, monkeypatch):
    write_cohort(tmp_path)
    read, count = PackedFile.read_into, []

    def failing(self, row, out):
        count.append(row)
        if len(count) == 40:
            raise DamagedStore(f"{self.path} can't be read (Input/output error)")
        read(self, row, out)

    monkeypatch.setattr(PackedFile, "read_into", failing)
    with pytest.raises(DamagedStore, match=r"patches.npy can't be read \(Input/output error\)"):
        train(tmp_path, reading(4))


@pytest.mark.parametrize("raised", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_step_leaves_no_thread(tmp_path, monkeypatch, raised):
    write_cohort(tmp_path)

    def interrupted(self, batch):
        raise raised

    monkeypatch.setattr(Trainer, "_train_step", interrupted)
    with pytest.raises(raised):
        train(tmp_path, reading(4))


def test_readers_are_no_more_than_the_cores_of_a_process():
    settings = RUN["training"]
    for readers, threads, processes, expected in ((4, 8, 1, 4), (4, 2, 1, 2), (4, 8, 4, 2), (4, 2, 4, 1), (1, 8, 1, 1)):
        chosen = settings | {"readers": readers, "threads": threads, "processes": processes}
        assert readers_of(chosen) == expected
