"""Fixtures of the tests of probing."""

import pytest
import torch


@pytest.fixture
def one_thread():
    """Torch computes in one thread: sums depend on how many there are."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
