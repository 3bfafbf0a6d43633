"""DESeq2's normalisation by pydeseq2: size factors, dispersions, VST; fitted on one cohort, applied to others."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from h5py import string_dtype

log = logging.getLogger(__name__)

#: Genes or profiles handled at once, so that logarithms of a large cohort never fill the memory.
BLOCK = 512
#: DESeq2's `vst` takes the trend from genes with a mean normalised count above this.
TREND_MEAN = 5.0


class Unfit(Exception):
    """The fit can't be made on, or applied to, these counts."""


@dataclass
class Fit:
    """Fitted parameters of a cohort: reference of the size factors and the trend of the VST.

    genes: str G. log_means: float64 G, mean log count of each gene; used: bool G, genes the factors rest on; scale:
    divisor of the factors (1 but for poscounts). trend: "parametric" (coefficients a0, a1: dispersion a0 + a1/mean),
    "mean" (one dispersion), or "" (not fitted).
    """

    genes: np.ndarray
    log_means: np.ndarray
    used: np.ndarray
    method: str = "ratio"
    scale: float = 1.0
    trend: str = ""
    coefficients: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def save(self, group) -> None:
        """Write into an HDF5 group: arrays and attributes only."""
        group.create_dataset("genes", data=list(self.genes), dtype=string_dtype())
        for name in ("log_means", "used", "coefficients"):
            group.create_dataset(name, data=getattr(self, name))
        group.attrs.update({"method": self.method, "scale": self.scale, "trend": self.trend})

    @classmethod
    def load(cls, group) -> Fit:
        """What `save` wrote."""
        genes = group["genes"].asstr()[:].astype(str)
        arrays = {name: group[name][:] for name in ("log_means", "used", "coefficients")}
        return cls(genes, **arrays, **{name: group.attrs[name] for name in ("method", "scale", "trend")})

    def at(self, genes: np.ndarray) -> Fit:
        """The same fit for other genes, in their order; unknown genes don't count for the size factors."""
        positions = pd.Index(self.genes).get_indexer(genes)
        is_known = positions >= 0
        log_means = np.where(is_known, self.log_means[positions], -np.inf)
        is_used = is_known & self.used[positions]
        if not is_used.any():
            raise Unfit("no gene that the size factors rest on is in this cohort; fit it on a cohort of its own kind")
        return Fit(np.asarray(genes), log_means, is_used, self.method, self.scale, self.trend, self.coefficients)


def blocks(length: int) -> Iterator[slice]:
    """Slices of BLOCK from 0 to length."""
    return (slice(start, min(start + BLOCK, length)) for start in range(0, length, BLOCK))


def fit_size_factors(counts: np.ndarray, genes, method: str = "ratio") -> Fit:
    """Reference of the size factors from counts (profiles x genes).

    ratio: median of ratios over genes with a count in every profile; where there is none (and for poscounts) DESeq2's
    poscounts: over genes with any, zeros left out. The iterative method isn't offered: it can't be frozen.
    """
    from pydeseq2.preprocessing import deseq2_norm_fit

    counts, genes = np.asarray(counts), np.asarray(genes, dtype=str)
    filled = counts.any(1)
    if not filled.any():
        raise Unfit("all counts are 0; size factors can't be computed")
    if not filled.all():  # one failed profile must not affect the cohort
        counts = counts[filled]
    if method == "ratio" and any((counts[:, block] > 0).all(0).any() for block in blocks(counts.shape[1])):
        with np.errstate(divide="ignore"):
            fits = [deseq2_norm_fit(counts[:, block].astype(float)) for block in blocks(counts.shape[1])]
        log_means, is_used = (np.concatenate([pair[i] for pair in fits]) for i in (0, 1))
        return Fit(genes, log_means, is_used)
    if method == "ratio":
        log.warning("no gene has a count in every profile: size factors by poscounts instead of the median of ratios")
    log_means = np.concatenate(
        [np.log(np.maximum(counts[:, block], 1)).mean(0) for block in blocks(counts.shape[1])]
    )  # log 1 = 0 replaces a zero, as in poscounts
    fit = Fit(genes, log_means, log_means > 0, "poscounts")
    if not fit.used.any():
        raise Unfit("all counts are 0 or 1; size factors can't be computed")
    fit.scale = float(np.exp(np.nanmean(np.log(size_factors(counts, fit)))))
    return fit


def size_factors(counts: np.ndarray, fit: Fit) -> np.ndarray:
    """float64 N of counts (N x genes of the fit); NaN for a profile without a count in the genes that are used."""
    from pydeseq2.preprocessing import deseq2_norm_transform

    chosen = np.flatnonzero(fit.used)
    factors = np.empty(len(counts))
    for rows in blocks(len(counts)):
        block = counts[rows][:, chosen].astype(float)
        if fit.method == "ratio":
            with np.errstate(divide="ignore"):  # a gene absent from a new profile counts as -inf in its median
                factors[rows] = deseq2_norm_transform(block, fit.log_means[chosen], np.ones(len(chosen), bool))[1]
        else:
            block[block == 0] = np.nan
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # a profile of zeros gives NaN
                factors[rows] = np.exp(np.nanmedian(np.log(block) - fit.log_means[chosen], axis=1)) / fit.scale
    return np.where(factors > 0, factors, np.nan)


@contextlib.contextmanager
def raising_unfit(profiles: int, design: str) -> Iterator[None]:
    """Turn errors of pydeseq2 and formulaic about these counts and this design into one sentence."""
    from formulaic.errors import FormulaicError

    if profiles < 2:
        raise Unfit("with one profile there is no spread between profiles to fit dispersions on")
    try:
        yield
    except (ValueError, ArithmeticError, LookupError, TypeError, FormulaicError) as error:
        description = f"design {design}" if design else "no design"
        reason = str(error).partition(". ")[0].removesuffix(".")
        raise Unfit(f"pydeseq2 can't fit dispersions on {profiles} profiles with {description} ({reason})") from error


def dataset(counts: np.ndarray, factors: np.ndarray | None, table: pd.DataFrame | None, design: str, threads: int):
    """pydeseq2's dataset, with size factors given (else its own), design in formula form ('~1': blind)."""
    from pydeseq2.dds import DeseqDataSet

    names = [f"p{i}" for i in range(len(counts))]
    table = pd.DataFrame({"all": "1"}, index=names) if table is None else table.set_axis(names)
    frame = pd.DataFrame(np.asarray(counts, np.int64), index=names, columns=[f"g{i}" for i in range(counts.shape[1])])
    data = DeseqDataSet(counts=frame, metadata=table, design=design, quiet=True, n_cpus=threads)
    if factors is not None:
        data.obs["size_factors"] = factors
        data.layers["normed_counts"] = data.X / factors[:, None]
        data.var["_normed_means"] = data.layers["normed_counts"].mean(0)
    return data


def fit_vst(
    counts: np.ndarray, fit: Fit, design: str = "", table: pd.DataFrame | None = None, genes: int = 1000, threads=1
) -> Fit:
    """The fit with the trend of dispersion over mean, for `stabilise`.

    design: formula over columns of `table` (one row per profile), '' is blind; genes: the trend is taken from so many
    genes spread evenly over the means, as DESeq2's `vst` does, 0 takes all, as its varianceStabilizingTransformation.
    If the parametric trend can't be fitted, the mean dispersion is used, as in DESeq2; uns and log say so.
    """
    factors = size_factors(counts, fit)
    has_factor = np.isfinite(factors)
    chosen = np.arange(counts.shape[1])
    if genes and genes < len(chosen):
        means = np.concatenate(
            [(counts[has_factor, block] / factors[has_factor, None]).mean(0) for block in blocks(counts.shape[1])]
        )
        expressed = np.flatnonzero(means > TREND_MEAN)
        picks = np.linspace(0, len(expressed) - 1, min(genes, len(expressed))).round().astype(int)
        chosen = np.sort(expressed[np.argsort(means[expressed], kind="stable")][picks])
    if not len(chosen):
        raise Unfit(f"no gene has a mean normalised count above {TREND_MEAN:g}: too little for a trend")
    design_rows = None if table is None else table[has_factor]
    with raising_unfit(int(has_factor.sum()), design), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = dataset(counts[has_factor][:, chosen], factors[has_factor], design_rows, design or "~1", threads)
        data.vst_fit_type = "parametric"
        data.fit_genewise_dispersions(vst=True)
        data.fit_dispersion_trend(vst=True)
    for message in sorted({str(warning.message) for warning in caught if issubclass(warning.category, UserWarning)}):
        log.warning("pydeseq2: %s", message)
    trend = data.vst_fit_type
    values = data.uns["vst_trend_coeffs"].to_numpy() if trend == "parametric" else [data.uns["mean_disp"]]
    coefficients = np.asarray(values, float)
    if not np.isfinite(coefficients).all() or coefficients[0] <= 0:
        raise Unfit(
            f"the {int(has_factor.sum())} profiles hardly differ beyond chance, or not at all: no dispersion to fit"
        )
    return Fit(fit.genes, fit.log_means, fit.used, fit.method, fit.scale, trend, coefficients)


def stabilise(counts: np.ndarray, factors: np.ndarray, fit: Fit) -> np.ndarray:
    """VST of counts (N x G) by a fitted trend: float64 N x G on a log2 scale (Anders & Huber 2010, as in DESeq2)."""
    normalised = counts / factors[:, None]
    if fit.trend == "parametric":
        a0, a1 = fit.coefficients
        root = np.sqrt(a0 * normalised * (1 + a1 + a0 * normalised))
        return np.log2((1 + a1 + 2 * a0 * normalised + 2 * root) / (4 * a0))
    if fit.trend == "mean":
        mean = fit.coefficients[0]
        return (2 * np.arcsinh(np.sqrt(mean * normalised)) - np.log(mean) - np.log(4)) / np.log(2)
    raise Unfit("the VST was not fitted")


def fit_dispersions(
    counts: np.ndarray, design: str = "", table: pd.DataFrame | None = None, threads: int = 1
) -> np.ndarray:
    """DESeq2's dispersions (gene-wise, shrunken to the trend): float64 G, NaN for genes without a count."""
    with raising_unfit(len(counts), design):
        data = dataset(counts, None, table, design or "~1", threads)
        data.fit_size_factors()
        data.fit_genewise_dispersions()
        data.fit_dispersion_trend()
        data.fit_dispersion_prior()
        data.fit_MAP_dispersions()
    return data.var["dispersions"].to_numpy(float)
