"""How evenly attention is spread over patches."""

from __future__ import annotations

import numpy as np


def effective_number(shares: np.ndarray) -> np.ndarray:
    """Effective number of patches of each head (float H): e to the entropy of its attention (H x N).

    N if a head attends equally to all, 1 if it attends to one.
    """
    shares = np.asarray(shares, np.float64)
    return np.asarray(np.exp(-(shares * np.log(np.where(shares > 0, shares, 1))).sum(-1)))
