"""Dealing patches to batches, reading them, and going on when memory runs out."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from molpath.common.devices import _free
from molpath.features.devices import Runner
from molpath.features.geometry import Geometry
from molpath.features.patches import best_level, read_patches
from molpath.features.stream import STRIP, plan, reading_order


@given(st.lists(st.integers(0, 70), max_size=12), st.integers(1, 40), st.integers(1, 50), st.integers(1, 5))
def test_every_patch_has_one_row(counts, batch_rows, piece_rows, lanes):
    batches = list(plan(counts, batch_rows, piece_rows, lanes))
    read = [(p.slide, p.first + i) for pieces in batches for p in pieces for i in range(p.count)]
    everything = [(slide, i) for slide, count in enumerate(counts) for i in range(count)]
    assert sorted(read) == everything
    assert [slide for slide, _ in read] == [slide for slide, _ in everything]
    assert read == everything or lanes > 1
    for pieces in batches:
        rows = [p.row + i for p in pieces for i in range(p.count)]
        assert rows == list(range(len(rows)))
        assert all(p.count <= piece_rows for p in pieces)
    assert all(sum(p.count for p in pieces) == batch_rows for pieces in batches[:-1])


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 30)), unique=True, max_size=200), st.integers(1, 4))
def test_reading_order_has_every_patch_in_lanes_of_strips(places, lanes):
    coords = np.array(sorted(places, key=lambda p: (p[1], p[0])), np.int64).reshape(-1, 2) * 100
    order = reading_order(coords, 100, lanes)
    assert sorted(order.tolist()) == list(range(len(coords)))
    for lane in range(lanes):
        start, end = (len(coords) * edge // lanes for edge in (lane, lane + 1))
        assert sorted(order[start:end].tolist()) == list(range(start, end))
        read = [(x // (100 * STRIP), y, x) for x, y in coords[order[start:end]].tolist()]
        assert read == sorted(read)


def test_best_level_is_the_coarsest_fine_enough():
    levels = [(4000, 4000, 1.0), (1000, 1000, 4.0001), (250, 250, 16.0)]
    assert [best_level(levels, d) for d in (1, 2, 4, 15, 16, 40)] == [0, 0, 1, 1, 2, 2]
    assert best_level(levels, 0.5) == 0  # a grid finer than the slide: level 0, enlarged


def test_a_finer_level_is_shrunk_by_area(tmp_path, shard):
    from slide_doubles import ArraySlide

    pixels = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    np.save(tmp_path / "s.npy", pixels)
    slide = ArraySlide(tmp_path / "s.npy")
    out = np.zeros((2, 16, 16, 3), np.uint8)
    read_patches(slide, np.array([[0, 0], [48, 32]]), Geometry(16, 48), out)  # level 1 (2x), then 1.5x by area
    read_patches(slide, np.array([[48, 32]]), Geometry(16, 32), out[1:])  # level 1 as it is
    np.testing.assert_array_equal(out[1], slide.pixels[1][16:32, 24:40])
    level = slide.pixels[1][:24, :24].astype(float)
    fine = level.repeat(2, 0).repeat(2, 1)  # 1.5 level pixels are 3 half pixels
    np.testing.assert_allclose(out[0], fine.reshape(16, 3, 16, 3, 3).mean((1, 3)), atol=1)


class SmallMemory:
    """An encoder that can't take more than two patches at a time."""

    def __init__(self):
        self.sizes = []

    def to(self, device):
        return self

    def __call__(self, batch):
        self.sizes.append(len(batch))
        if len(batch) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return batch[:, 0, 0].float()


def test_out_of_memory_halves_the_rows_and_continues():
    encoder = SmallMemory()
    runner = Runner(encoder, torch.device("cpu"), 16, 1)
    patches = np.random.default_rng(0).integers(0, 256, (10, 4, 4, 3), dtype=np.uint8)
    features = np.concatenate([future.result() for future in runner.submit(patches)])
    runner.close()
    np.testing.assert_array_equal(features, patches[:, 0, 0])
    assert encoder.sizes == [16, 8, 4, 2, 2, 2, 2, 2]


def test_other_errors_of_the_encoder_come_up():
    class Broken(SmallMemory):
        def __call__(self, batch):
            raise RuntimeError("shapes don't fit")

    runner = Runner(Broken(), torch.device("cpu"), 4, 1)
    with pytest.raises(RuntimeError, match="shapes don't fit"):
        runner.submit(np.zeros((2, 4, 4, 3), np.uint8))[0].result()
    runner.close()


def test_a_job_takes_the_first_device_nobody_holds(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    first, second = _free(["gpu-a", "gpu-b"], 1), _free(["gpu-a", "gpu-b"], 1)
    assert (list(first), list(second)) == ([0], [1])
