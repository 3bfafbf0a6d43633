"""Units of expression values: what is declared must be what the numbers say."""

from __future__ import annotations

import numpy as np

#: A TPM column may miss the million by this share (rounding to four decimals, a few genes left out).
TPM_TOLERANCE = 0.05
LOG_MAXIMUM = 30.0


class WrongUnit(Exception):
    """The values don't fit the declared unit."""


def check_unit(values: np.ndarray, unit: str, where: str) -> None:
    """Raise WrongUnit, with numbers, if `values` (float, genes of one sample) can't be in `unit`."""
    finite = values[np.isfinite(values)]
    low, high, total = finite.min(initial=0), finite.max(initial=0), finite.sum()
    fractions = float((np.abs(finite - np.round(finite)) > 1e-6).mean()) if len(finite) else 0.0
    seen = f"{where}: values from {low:g} to {high:g}, sum {total:.6g}, {fractions:.0%} not whole"
    if unit == "counts" and (low < 0 or fractions > 0):
        guess = "they look like logarithms" if high < LOG_MAXIMUM else "they look like TPM or estimated counts"
        raise WrongUnit(f"{seen}. Declared counts must be whole and not negative; {guess}: correct column unit.")
    if unit == "tpm" and (low < 0 or abs(total - 1e6) > TPM_TOLERANCE * 1e6):
        raise WrongUnit(f"{seen}. Declared TPM must sum to a million over all genes: correct column unit or the file.")
    if unit.startswith("log2") and high > LOG_MAXIMUM:
        raise WrongUnit(f"{seen}. Declared logarithms don't reach {LOG_MAXIMUM:g}: correct column unit.")
    if unit == "log2_tpm_plus_1" and low < -1e-6:
        raise WrongUnit(f"{seen}. log2(TPM + 1) is never negative; a minimum near -9.97 means log2_tpm_plus_0.001.")
    if unit == "zscore" and (low >= 0 or high > 1000):
        raise WrongUnit(f"{seen}. z-scores lie around zero: correct column unit.")


def to_tpm(values: np.ndarray, unit: str) -> np.ndarray | None:
    """Values in TPM, or None where the unit has no way there (counts need lengths, z-scores have none)."""
    if unit == "tpm":
        return values
    if unit == "log2_tpm_plus_1":
        return np.exp2(values) - 1
    if unit == "log2_tpm_plus_0.001":
        return np.maximum(0, np.exp2(values) - 0.001)  # rounding in the file gives tiny negatives
    return None
