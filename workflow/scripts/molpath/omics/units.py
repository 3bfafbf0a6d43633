"""Units of expression values: what is declared must be what the numbers say."""

from __future__ import annotations

import numpy as np

#: A TPM column may miss the million by this share (rounding to four decimals, a few genes left out).
TPM_TOLERANCE = 0.05
LOG_MAXIMUM = 30.0
#: Share of values that aren't whole above which numbers can't be counts with a few typing errors.
WHOLE = 1e-6

#: unit -> (what it is on a linear scale, pseudo-count of the logarithm; None: linear).
UNITS: dict[str, tuple[str, float | None]] = {
    "counts": ("counts", None),
    "estimated_counts": ("counts", None),
    "log2_counts_plus_1": ("counts", 1.0),
    "tpm": ("tpm", None),
    "log2_tpm_plus_1": ("tpm", 1.0),
    "log2_tpm_plus_0.001": ("tpm", 0.001),
    "fpkm": ("fpkm", None),
    "log2_fpkm_plus_1": ("fpkm", 1.0),
    "log2_fpkm_plus_0.001": ("fpkm", 0.001),
    "log2_cpm_plus_1": ("cpm", 1.0),
    "log2_norm_count_plus_1": ("norm_count", 1.0),
    "zscore": ("zscore", None),
}


class WrongUnit(Exception):
    """The values don't fit the declared unit."""


def describe(values: np.ndarray, where: str) -> str:
    """The numbers a message shows: range, sum, share that isn't whole."""
    low, high, total = values.min(initial=0), values.max(initial=0), values.sum()
    return f"{where}: values from {low:g} to {high:g}, sum {total:.6g}, {not_whole(values):.0%} not whole"


def not_whole(values: np.ndarray) -> float:
    """Share of values that aren't whole numbers."""
    return float((np.abs(values - np.round(values)) > 1e-6).mean()) if len(values) else 0.0


def guess_unit(values: np.ndarray) -> str:
    """In words, what the values (float, genes of one sample) look like."""
    finite = values[np.isfinite(values)]
    low, high, total = finite.min(initial=0), finite.max(initial=0), finite.sum()
    if low < -9.9 and low > -10 and high < LOG_MAXIMUM:
        return "log2_tpm_plus_0.001 or log2_fpkm_plus_0.001"
    if low < 0:
        return "zscore" if high < 1000 else "nothing that is known"
    if not_whole(finite) <= WHOLE:
        return "counts"
    if abs(total - 1e6) <= TPM_TOLERANCE * 1e6:
        return "tpm"
    return "logarithms" if high < LOG_MAXIMUM else "TPM of some genes, FPKM or estimated_counts"


def check_unit(values: np.ndarray, unit: str, where: str, panel: bool = False) -> None:
    """Raise WrongUnit, with numbers, if `values` (float, genes of one sample) can't be in `unit`.

    Missing values (NaN) don't count. panel: the file holds some genes only, so that TPM needn't sum to a million.
    """
    if unit not in UNITS:
        found = f"unknown unit {unit!r}" if unit else "column unit is empty"
        raise WrongUnit(f"{where}: {found}; the values look like {guess_unit(values)}. One of: {', '.join(UNITS)}")
    if np.isinf(values).any():
        raise WrongUnit(f"{where}: {int(np.isinf(values).sum())} infinite values, or too large for a number")
    finite = values[np.isfinite(values)]
    if not len(finite):
        raise WrongUnit(f"{where}: not one number among {len(values)} values")
    seen, (kind, pseudo) = describe(finite, where), UNITS[unit]
    low, high = finite.min(), finite.max()
    if pseudo is not None and high > LOG_MAXIMUM:
        raise WrongUnit(f"{seen}. Declared logarithms don't reach {LOG_MAXIMUM:g}: correct column unit.")
    if unit == "zscore":
        if low >= 0 or high > 1000:
            raise WrongUnit(f"{seen}. z-scores lie around zero: correct column unit.")
        return
    floor = 0.0 if pseudo is None else float(np.log2(pseudo))
    if low < floor - 1e-3 * (pseudo is not None):
        hint = "a minimum near -9.97 means log2_tpm_plus_0.001 (or fpkm); others may be z-scores"
        least = f"{floor:g}" if floor else "0"
        if pseudo is not None:
            raise WrongUnit(f"{seen}. Values in {unit} are never below {least}; {hint}: correct column unit.")
        if unit == "counts":
            raise WrongUnit(f"{seen}. Declared counts must be whole and not negative; {_not_counts(low, high)}.")
        raise WrongUnit(f"{seen}. Values in {unit} are never negative: correct column unit or the file.")
    if unit == "counts" and not_whole(finite) > 0:
        raise WrongUnit(f"{seen}. Declared counts must be whole and not negative; {_not_counts(low, high)}.")
    if kind == "tpm" and not panel:
        total = to_linear(finite, unit).sum()
        if abs(total - 1e6) > TPM_TOLERANCE * 1e6:
            raise WrongUnit(
                f"{seen}; as TPM they sum to {total:.6g}. TPM must sum to a million over all genes: correct column "
                "unit or the file, or name a panel in column panel if the file holds some genes only."
            )


def _not_counts(low: float, high: float) -> str:
    guess = "they look like logarithms" if high < LOG_MAXIMUM else "they look like TPM or estimated counts"
    return f"{guess}: correct column unit"


def to_linear(values: np.ndarray, unit: str) -> np.ndarray:
    """Values without the logarithm; tiny negatives that rounding in the file gives become 0. z-scores stay."""
    pseudo = UNITS[unit][1]
    return values if pseudo is None else np.maximum(0, np.exp2(values) - pseudo)


def to_kind(values: np.ndarray, unit: str) -> tuple[str, np.ndarray]:
    """(kind, values): counts (whole), tpm, cpm, norm_count or zscore; FPKM become TPM (x / sum x 10^6)."""
    kind, linear = UNITS[unit][0], to_linear(values, unit)
    if kind == "counts":
        return kind, np.round(linear)  # estimated counts as DESeq2 takes them
    if kind == "fpkm":
        return "tpm", linear / max(np.nansum(linear), 1e-12) * 1e6
    return kind, linear
