"""What an attempt of a training finds that an earlier one left, and what it does with it."""

import copy
from types import SimpleNamespace

import pytest
import torch
from molpath.pretrain.distributed import World
from molpath.pretrain.training import Trainer

from .cohort import RUN


class SecondRank(World):
    """A rank that receives what the first one sends."""

    of_first = "damaged"

    def collect(self, value):
        return [value if self.rank == 0 else self.of_first, value]


def trainer(folder, world=None):
    data = SimpleNamespace(examples=[SimpleNamespace(slide_id=f"S{i}", case=i) for i in range(4)])
    network = torch.nn.Linear(2, 2)
    network.rna = network.dna = None
    network.branches = lambda: {"slide": network}
    return Trainer(network, data, {}, copy.deepcopy(RUN["training"]), str(folder / "state"), "mine", world)


@pytest.mark.parametrize("bytes_", [b"", b"x" * 100, None])
def test_a_damaged_state_is_set_aside_and_training_restarts(tmp_path, caplog, bytes_):
    path = tmp_path / "state"
    if bytes_ is None:
        torch.save({"stamp": "mine", "epoch": 3, "network": {}}, path)
    else:
        path.write_bytes(bytes_)
    left = path.read_bytes()
    resumed = trainer(tmp_path)
    resumed._resume()
    assert (resumed.epoch, path.exists()) == (0, False)
    assert (tmp_path / "state.damaged").read_bytes() == left
    assert f"{path} is not a complete state of a training" in caplog.text


@pytest.mark.parametrize("bit", range(0, 8, 3))
def test_a_flipped_bit_of_a_weight_is_no_state_to_resume_from(tmp_path, caplog, bit):
    first = trainer(tmp_path)
    first.epoch = 2
    first._save()
    path, weight = tmp_path / "state", first.network.weight.detach().numpy().tobytes()
    contents = bytearray(path.read_bytes())
    contents[contents.index(weight) + 2] ^= 1 << bit
    path.write_bytes(contents)
    again = trainer(tmp_path)
    before = again.network.weight.detach().clone()
    again._resume()
    assert (again.epoch, path.exists()) == (0, False)
    assert torch.equal(again.network.weight, before)
    assert "checksum" in caplog.text


def test_a_directory_that_points_before_the_file_is_damage_too(tmp_path):
    first = trainer(tmp_path)
    first._save()
    path = tmp_path / "state"
    contents = bytearray(path.read_bytes())
    contents[contents.rindex(b"PK\x06\x06") + 53] ^= 1  # where the archive's list of members begins
    path.write_bytes(contents)
    trainer(tmp_path)._resume()
    assert not path.exists()


def test_other_ranks_do_as_the_first_one_found(tmp_path):
    first = trainer(tmp_path)
    first.epoch = 2
    first._save()
    follower = trainer(tmp_path, SecondRank(1, 2))
    follower._resume()
    assert follower.epoch == 0  # though the file is there: the first rank may be moving it at this moment
    first.epoch = 0
    first._resume()
    assert first.epoch == 2


def test_the_state_of_other_settings_or_data_is_not_resumed(tmp_path, caplog):
    first = trainer(tmp_path)
    first.epoch, first.stamp = 2, "other"
    first._save()
    caplog.set_level("INFO")
    resumed = trainer(tmp_path)
    resumed._resume()
    assert resumed.epoch == 0
    assert not (tmp_path / "state").exists()
    assert "started from the beginning" in caplog.text
