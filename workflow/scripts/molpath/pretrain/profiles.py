"""Tables of molecular profiles as a run reads them: of several cohorts, each with genes of its own."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import anndata
import numpy as np

from ..common.digests import digest_of

log = logging.getLogger(__name__)

#: Profiles whose flags are read at a time.
ROWS = 256


class UnfitProfiles(Exception):
    """Profiles a run can't train on."""


def read_tables(paths: Sequence[str]) -> anndata.AnnData | None:
    """Tables of several cohorts concatenated, with (chosen) genes that any of them has; None if there are none.

    Each source has genes of its own (Vaidya et al., arXiv 2501.16652): where a cohort hasn't chosen or measured a gene,
    its profiles hold NaN. A flag that a cohort doesn't have is 0, and not observed. Flags are uint8: as float32,
    those of every gene of 10,000 profiles would take 5 GB.
    """
    tables = [chosen_genes(read_table(path)) for path in paths]
    for path, table in zip(paths, tables, strict=True):
        if table.uns["value"] == "zscore":
            raise UnfitProfiles(f"{path} holds z-scores, scaled over their own cohort; give counts or TPM")
    if not tables:
        return None
    check_names(paths, tables)
    values = {str(table.uns["value"]) for table in tables}
    if len(values) > 1:
        raise UnfitProfiles(f"{', '.join(paths)} hold {' and '.join(sorted(values))}; a run needs one kind of value")
    if len(tables) == 1:
        table = tables[0]
    else:
        absent = 0 if values == {"flags"} else np.nan
        table = anndata.concat([without_extras(part) for part in tables], join="outer", fill_value=absent)
        table.uns = {"value": next(iter(values)), "listed": all(part.uns.get("listed") for part in tables)}
    if values == {"vst"}:
        table.uns["fits"] = sorted({fit_of(part) for part in tables})
    if "observed" in table.layers and (missing := 1 - np.mean(table.layers["observed"])):
        log.warning(
            "%.1f %% of the DNA flags were not observed (off a panel); the DNA branch takes them as 0", 100 * missing
        )
    return table


def check_names(paths: Sequence[str], tables: Sequence[anndata.AnnData]) -> None:
    """Raises UnfitProfiles where a profile_id occurs twice: a slide's pair would take the values of another case."""
    path_of: dict[str, str] = {}
    for path, table in zip(paths, tables, strict=True):
        for name in table.obs_names:
            if name in path_of:
                raise UnfitProfiles(
                    f"{path} has profile {name}, which {path_of[name]} has too: give each profile of the profile sheet "
                    "a profile_id of its own"
                )
            path_of[name] = str(path)


def fit_of(table: anndata.AnnData) -> str:
    """Digest of the trend by which a table's vst was made; numbers by another one mean something else."""
    return digest_of(str(table.uns.get("vst_trend", "")), np.asarray(table.uns.get("vst_coefficients", []), np.float64))


def read_table(path: str) -> anndata.AnnData:
    """A table of profiles; flags as uint8, read in blocks of rows: files of older versions hold them as float32."""
    table = anndata.read_h5ad(path, backed="r")
    try:
        if str(table.uns["value"]) != "flags":
            return table.to_memory()
        values = np.empty(table.shape, np.uint8)
        for start in range(0, len(values), ROWS):
            values[start : start + ROWS] = table.X[start : start + ROWS]
        return anndata.AnnData(values, obs=table.obs, var=table.var, uns=dict(table.uns), layers=dict(table.layers))
    finally:
        table.file.close()


def without_extras(table: anndata.AnnData) -> anndata.AnnData:
    """The values, the cohort of each profile, and what was observed; counts and clinical columns stay behind."""
    obs = table.obs[[name for name in ("cohort",) if name in table.obs]]
    layers = {name: table.layers[name] for name in ("observed",) if name in table.layers}
    return anndata.AnnData(table.X, obs=obs, var=table.var[[]], layers=layers)


def chosen_genes(table: anndata.AnnData) -> anndata.AnnData:
    """The genes that the config selects (omics/select), all where it selects none."""
    return table[:, table.var["selected"].to_numpy(bool)].copy() if "selected" in table.var else table
