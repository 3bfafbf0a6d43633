"""One extraction in a process of its own, as a job runs it: `extract_shard` with arguments from a JSON file.

`thumbnails` is a user's own encoder for it: wide, so that files take a while to write, and quick.
"""

import json
import sys
from pathlib import Path

SIZE = 32


class Thumbnails:
    """Rows are patches of SIZE x SIZE pixels: the mean of every square, rounded down."""

    dim, input_size, interpolation, mean, std = SIZE * SIZE * 3, 0, "bicubic", (0.5,) * 3, (0.5,) * 3

    def to(self, device):
        """Nothing to move."""
        return self

    def __call__(self, batch):
        """uint8 N x P x P x 3 to float32 N x dim."""
        edge = batch.shape[1] // SIZE
        squares = batch.unflatten(2, (SIZE, edge)).unflatten(1, (SIZE, edge))
        return squares.float().mean((2, 4)).floor().flatten(1)


def thumbnails(weights, config):
    """Builds the encoder (adapter `extraction_job:thumbnails`)."""
    return Thumbnails()


if __name__ == "__main__":
    from molpath.features.extraction import extract_shard

    extract_shard(**json.loads(Path(sys.argv[1]).read_text()))
