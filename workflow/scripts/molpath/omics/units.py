"""Units of expression values: the declared unit must fit the numbers, unless the sheet turns the check off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: A TPM column may miss the million by this share (rounding to four decimals, a few genes left out).
TPM_TOLERANCE = 0.05
LOG_MAXIMUM = 30.0
#: Rounding of a logarithm to two decimals.
ROUNDING = 0.006
#: Share of values that aren't whole above which numbers can't be counts with a few typing errors.
WHOLE = 1e-6
#: Files with at least so many genes hold weakly and strongly expressed ones, whatever the tissue; and with at least so
#: many some value that isn't whole, where values were divided by something.
MANY_GENES, SOME_GENES = 1000, 20
#: Half of a profile's z-scores are smaller than this; single ones may be in the thousands (genes that are silent in
#: the reference samples).
ZSCORE_MEDIAN = 10.0
#: Correction of batches leaves a few values below zero, at most this share, no further below zero than the median above
#: it; of z-scores more are.
LEAST_BELOW = 0.05


@dataclass(frozen=True)
class Unit:
    """kind: unit on a linear scale; pseudo: pseudo-count of the logarithm (None: linear); base: its base."""

    kind: str
    pseudo: float | None = None
    base: float = 2.0


UNITS: dict[str, Unit] = {
    "counts": Unit("counts"),
    "estimated_counts": Unit("counts"),
    "log2_counts_plus_1": Unit("counts", 1.0),
    "tpm": Unit("tpm"),
    "log2_tpm_plus_1": Unit("tpm", 1.0),
    "log2_tpm_plus_0.001": Unit("tpm", 0.001),
    "ln_tpm_plus_1": Unit("tpm", 1.0, np.e),
    "log10_tpm_plus_1": Unit("tpm", 1.0, 10.0),
    "fpkm": Unit("fpkm"),
    "log2_fpkm_plus_1": Unit("fpkm", 1.0),
    "log2_fpkm_plus_0.001": Unit("fpkm", 0.001),
    "cpm": Unit("cpm"),
    "log2_cpm_plus_1": Unit("cpm", 1.0),
    "norm_count": Unit("norm_count"),
    "log2_norm_count_plus_1": Unit("norm_count", 1.0),
    "zscore": Unit("zscore"),
}


class WrongUnit(Exception):
    """The values don't fit the declared unit."""


def describe(values: np.ndarray) -> str:
    """Numbers for a message: range, sum, share of non-integers."""
    low, high, total = values.min(), values.max(), values.sum()
    return f"values from {low:g} to {high:g}, sum {total:.6g}, {not_whole(values):.0%} not whole"


def not_whole(values: np.ndarray) -> float:
    """Share of values that aren't integers."""
    return float((np.abs(values - np.round(values)) > 1e-6).mean()) if len(values) else 0.0


def is_a_million(total: float) -> bool:
    """True for the sum of TPM or CPM over all genes."""
    return abs(total - 1e6) <= TPM_TOLERANCE * 1e6


def guess_unit(values: np.ndarray) -> str:
    """What the values (float, genes of one sample) look like."""
    finite = values[np.isfinite(values)]
    low, high, total = finite.min(initial=0), finite.max(initial=0), finite.sum()
    if not_whole(finite) <= WHOLE and -2 <= low < 0 and high <= 2:
        return "copy numbers"
    if high <= LOG_MAXIMUM:
        logs = [
            name
            for name, unit in UNITS.items()
            if unit.kind == "tpm" and unit.pseudo and low >= floor_of(unit) - ROUNDING
        ]
        logs = [name for name in logs if is_a_million(to_linear(finite, name).sum())]
        if logs:
            return max(logs, key=lambda name: floor_of(UNITS[name]))
    if -10 < low < -9.9 and high < LOG_MAXIMUM:
        return "log2_tpm_plus_0.001 or log2_fpkm_plus_0.001"
    if low < 0:
        if mostly_positive(finite):
            return "norm_count after a correction of batches"
        return "zscore" if np.median(np.abs(finite)) < ZSCORE_MEDIAN else "nothing that is known"
    if not_whole(finite) <= WHOLE:
        return "counts"
    if is_a_million(total):
        return "tpm"
    return "logarithms" if high < LOG_MAXIMUM else "TPM of some genes, FPKM, norm_count (RSEM) or estimated_counts"


def floor_of(unit: Unit) -> float:
    """The smallest value of a unit."""
    return 0.0 if unit.pseudo is None else float(np.log(unit.pseudo) / np.log(unit.base))


def mostly_positive(values: np.ndarray) -> bool:
    """True if few values are below zero, and none by much, as after batch correction of a linear scale."""
    low = values.min(initial=0)
    return bool((values < 0).mean() <= LEAST_BELOW and -low <= np.median(values))


def check_unit(values: np.ndarray, unit: str, location: str, panel: bool = False, checked: bool = True) -> str:
    """Remarks on values (float, genes of one sample; NaN is missing) that are accepted although something is odd
    about them, '' for nothing. Raises WrongUnit, with numbers, if they can't be in `unit`.

    panel: the file holds only some genes, so that TPM needn't sum to a million. checked: False accepts the unit
    despite the numbers, as long as they are numbers.
    """
    if unit not in UNITS:
        unit_problem = f"unknown unit {unit!r}" if unit else "column unit is empty"
        raise WrongUnit(
            f"{location}: {unit_problem}; the values look like {guess_unit(values)}. One of: {', '.join(UNITS)}"
        )
    if np.isinf(values).any():
        raise WrongUnit(f"{location}: {int(np.isinf(values).sum())} infinite values, or too large for a number")
    finite = values[np.isfinite(values)]
    if not len(finite):
        raise WrongUnit(f"{location}: no number among {len(values)} values")
    problem = find_problem(finite, unit, panel)
    if not problem:
        n_negative = int((finite < 0).sum()) if UNITS[unit].kind == "norm_count" and UNITS[unit].pseudo is None else 0
        return f"{n_negative} values below zero taken as zero" if n_negative else ""
    explanation = f"{describe(finite)}. {problem}"
    if checked:
        remedy = f"correct column unit or the file; if it is {unit} after all, write off into column unit_check"
        raise WrongUnit(f"{location}: {explanation}. They look like {guess_unit(finite)}: {remedy}")
    return f"taken as {unit} unchecked: {explanation}"


def find_problem(values: np.ndarray, unit: str, panel: bool) -> str:
    """Why finite values can't be in a unit, as a sentence without full stop; '' if they can."""
    declared, low, high = UNITS[unit], values.min(), values.max()
    if declared.kind == "zscore":
        if low >= 0 or np.median(np.abs(values)) > ZSCORE_MEDIAN or (values < 0).mean() < LEAST_BELOW:
            return "z-scores are around zero"
        return "z-scores aren't all whole" if not_whole(values) == 0 and len(values) > 5 else ""
    if declared.pseudo is not None:
        return find_problem_of_logs(values, unit) or find_problem_of_sums(values, unit, panel)
    if unit == "counts" and (low < 0 or not_whole(values) > 0):
        return f"Declared counts must be whole and not negative; they look like {_not_counts(low, high)}"
    if low < 0 and not (unit == "norm_count" and mostly_positive(values)):
        return f"Values in {unit} are never negative"
    if unit in ("fpkm", "cpm", "norm_count") and len(values) >= SOME_GENES and not_whole(values) == 0 and high > 0:
        return f"Values in {unit} aren't all whole"
    if unit != "counts" and len(values) >= MANY_GENES and 0 < high < LOG_MAXIMUM:
        return f"Values in {unit} over {len(values)} genes reach more than {LOG_MAXIMUM:g}"
    return find_problem_of_sums(values, unit, panel)


def find_problem_of_logs(values: np.ndarray, unit: str) -> str:
    """Why values can't be the declared logarithms."""
    declared, low, high = UNITS[unit], values.min(), values.max()
    if high > LOG_MAXIMUM:
        return f"Declared logarithms don't reach {LOG_MAXIMUM:g}"
    if low < floor_of(declared) - ROUNDING:
        hint = "a minimum near -9.97 means log2_tpm_plus_0.001 (or fpkm); others may be z-scores"
        return f"Values in {unit} are never below {floor_of(declared):g}; {hint}"
    expects_zeros = len(values) >= MANY_GENES / 2 or (values == 0).any()
    if declared.pseudo is not None and declared.pseudo < 1 and low >= 0 and expects_zeros:
        return f"Not one value in {unit} is below 0, as values of silent genes are: these may be logarithms of x + 1"
    if declared.kind == "counts":
        linear = to_linear(values, unit)
        small = linear[(linear > 0.5) & (linear < 50)]
        if len(small) > 5 and (np.abs(small - np.round(small)) > 0.1).mean() > 0.1:
            return "Counts are whole once the logarithm is taken off"
    return ""


def find_problem_of_sums(values: np.ndarray, unit: str, panel: bool) -> str:
    """Why the sum of the values doesn't fit the declared unit."""
    kind = UNITS[unit].kind
    if kind not in ("tpm", "cpm"):
        return ""
    total = to_linear(values, unit).sum()
    if total > (1 + TPM_TOLERANCE) * 1e6 or (kind == "tpm" and not panel and not is_a_million(total)):
        return (
            f"As {kind.upper()} they sum to {total:.6g}, and {kind.upper()} must sum to a million over all genes "
            "(where the file holds some genes only, name a panel in column panel)"
        )
    return ""


def _not_counts(low: float, high: float) -> str:
    return "logarithms" if high < LOG_MAXIMUM else "TPM or estimated counts"


def to_linear(values: np.ndarray, unit: str) -> np.ndarray:
    """Values without the logarithm; negatives, from rounding or batch correction, become 0. z-scores
    stay."""
    declared = UNITS[unit]
    if declared.kind == "zscore":
        return values
    linear = values if declared.pseudo is None else np.exp2(values * np.log2(declared.base)) - declared.pseudo
    return np.maximum(0, linear)


def to_kind(values: np.ndarray, unit: str) -> tuple[str, np.ndarray]:
    """(kind, values): counts (whole), tpm, cpm, norm_count or zscore; FPKM become TPM (x / sum x 10^6)."""
    kind, linear = UNITS[unit].kind, to_linear(values, unit)
    if kind == "counts":
        return kind, np.round(linear)  # estimated counts as DESeq2 takes them
    if kind == "fpkm":
        return "tpm", linear / max(np.nansum(linear), 1e-12) * 1e6
    return kind, linear
