"""Checks of a cohort's profiles against each other and against recorded data: batch, sex, copies, outliers."""

from __future__ import annotations

from collections.abc import Sequence

import anndata
import numpy as np
import pandas as pd

from ..common.files import read_tsv, write_tsv
from .barcodes import parse_barcode
from .flags import BY_COPIES
from .quality import components_of
from .sample_types import kinds_of, stands_for_its_case

#: XIST is transcribed from the silenced X of women only, RPS4Y1 is on Y; this difference on a log2 scale decides.
FEMALE, MALE, SEX_MARGIN = "XIST", "RPS4Y1", 1.0
SEX_COLUMNS = ("sex", "gender")
COMPONENTS, PERMUTATIONS = 10, 500
#: A gene's copies are compared with its expression if at least so many profiles have other than two copies.
LEAST_CHANGED = 5
CHECK_COLUMNS = ["cohort", "check", "n", "value", "verdict", "detail"]


def check_profiles(*, tables: Sequence[str], slides: str, cases: str, checks: str, profiles: str) -> None:
    """Write one row per check (checks) and one row per expression profile (profiles).

    tables: rna.h5ad and dna.h5ad of the cohorts; slides: slide sheet (optional column site); cases: sheet of cases
    (optional columns sex or gender), '' for none. The verdicts are for the reader and don't stop a run.
    """
    site_of, sex_of = recorded(slides, "site"), recorded(cases, *SEX_COLUMNS)
    table_info = {path: peek(path) for path in tables}
    dna = {cohort: path for path, (cohort, value) in table_info.items() if value == "flags"}
    check_rows, rows = [], []
    for path, (cohort, value) in table_info.items():
        if value == "flags":
            continue
        table = load(path)
        profile_rows = describe(table, site_of, sex_of)
        rows.append(profile_rows)
        check_rows += (
            check_outliers(cohort, profile_rows)
            + check_sites(cohort, table, profile_rows)
            + check_sex(cohort, profile_rows)
        )
        if cohort in dna:
            check_rows += check_genomes(cohort, table, anndata.read_h5ad(dna[cohort]))
    write_tsv(checks, pd.DataFrame(check_rows, columns=CHECK_COLUMNS))
    columns = ["profile_id", "case_id", "cohort", "site", "sex", "expressed_sex", FEMALE, MALE, "pc1", "pc2", "outlier"]
    write_tsv(profiles, pd.concat(rows) if rows else pd.DataFrame(columns=columns))


def peek(path: str) -> tuple[str, str]:
    """Cohort and kind of value of a table."""
    data = anndata.read_h5ad(path, backed="r")
    cohort_and_value = str(data.obs.cohort.iloc[0]), str(data.uns["value"])
    data.file.close()
    return cohort_and_value


def load(path: str) -> anndata.AnnData:
    """A table of expression without its layers, to save memory."""
    data = anndata.read_h5ad(path, backed="r")
    light = anndata.AnnData(data.X[:], obs=data.obs, var=data.var, uns=data.uns)
    data.file.close()
    return light


def recorded(sheet: str, *columns: str) -> dict[str, str]:
    """The first of the columns that the sheet has, by case: of several rows the first that isn't empty."""
    if not sheet:
        return {}
    table = read_tsv(sheet)
    column = next((name for name in columns if name in table), None)
    if column is None:
        return {}
    values = table.set_index("case_id")[column].str.strip()
    return values[values != ""].groupby(level=0).first().to_dict()


def describe(table, site_of, sex_of) -> pd.DataFrame:
    """One row per profile: site (recorded, else TCGA's tissue source site), sexes, markers, two components."""
    cases = table.obs.case_id.astype(str)
    u, s = components_of(np.asarray(table.X))
    scores = (u * s)[:, :2] if len(s) > 1 else np.column_stack([u[:, 0] * s[0], np.zeros(len(u))])
    codes = [parse_barcode(case) for case in cases]
    rows = pd.DataFrame({"profile_id": table.obs_names, "case_id": cases.to_numpy()})
    rows["cohort"] = table.obs.cohort.astype(str).to_numpy()
    rows["site"] = [site_of.get(case) or (code.site if code else "") for case, code in zip(cases, codes, strict=True)]
    rows["sex"] = [sex_word(sex_of.get(case, "")) for case in cases]
    for gene in (FEMALE, MALE):
        has_values = gene in table.var_names and table.uns["value"] != "zscore"
        rows[gene] = np.asarray(table[:, gene].X, float).ravel() if has_values else np.nan
    difference = rows[FEMALE] - rows[MALE]
    calls = np.select([difference > SEX_MARGIN, difference < -SEX_MARGIN], ["female", "male"], "")
    rows["expressed_sex"] = calls
    rows["pc1"], rows["pc2"] = scores.round(6).T
    rows["outlier"] = table.obs.outlier.to_numpy()
    return rows


def sex_word(text: str) -> str:
    """female, male, or '' for anything else."""
    return {"f": "female", "m": "male", "female": "female", "male": "male"}.get(text.lower(), "")


def check_outliers(cohort: str, rows: pd.DataFrame) -> list[tuple]:
    """Profiles far from the cohort's centre."""
    names = rows.profile_id[rows.outlier]
    verdict = "look" if len(names) else "ok"
    return [(cohort, "outliers in principal components", len(rows), len(names), verdict, ", ".join(names[:10]))]


def check_sites(cohort: str, table, rows: pd.DataFrame) -> list[tuple]:
    """Share of the variance of ten components between sites, compared with shuffled sites."""
    sites = rows.site.to_numpy()
    counts = rows.site[rows.site != ""].value_counts()
    has_site = np.isin(sites, counts.index[counts > 1])
    if len(counts[counts > 1]) < 2:
        return [
            (
                cohort,
                "variance between sites",
                int(has_site.sum()),
                "",
                "not known",
                "fewer than two sites with profiles",
            )
        ]
    u, s = components_of(np.asarray(table.X))
    scores = (u * s)[has_site, :COMPONENTS]
    groups = pd.factorize(sites[has_site])[0]
    share = between(scores, groups)
    rng = np.random.default_rng(0)
    chance = np.array([between(scores, rng.permutation(groups)) for _ in range(PERMUTATIONS)])
    p = (1 + (chance >= share).sum()) / (1 + PERMUTATIONS)
    detail = f"{groups.max() + 1} sites; by chance {chance.mean():.3f}; p = {p:.3g}"
    return [
        (cohort, "variance between sites", int(has_site.sum()), round(share, 4), "look" if p < 0.01 else "ok", detail)
    ]


def between(scores: np.ndarray, groups: np.ndarray) -> float:
    """Share of the sum of squares of scores (N x K) between groups (int N)."""
    centred = scores - scores.mean(0)
    sums = np.zeros((groups.max() + 1, scores.shape[1]))
    np.add.at(sums, groups, centred)
    return float((sums**2 / np.bincount(groups)[:, None]).sum() / max((centred**2).sum(), 1e-12))


def check_sex(cohort: str, rows: pd.DataFrame) -> list[tuple]:
    """Sex by XIST and RPS4Y1 compared with the recorded one."""
    comparable = rows[(rows.sex != "") & (rows.expressed_sex != "")]
    if rows[[FEMALE, MALE]].isna().all(axis=None) or not len(comparable):
        reason = f"no recorded sex, or {FEMALE} and {MALE} not in the table"
        return [(cohort, "recorded and expressed sex", len(comparable), "", "not known", reason)]
    differing = comparable.profile_id[comparable.sex != comparable.expressed_sex]
    detail = f"differ: {', '.join(differing[:10])}" if len(differing) else f"agree in {len(comparable)}"
    return [
        (
            cohort,
            "recorded and expressed sex",
            len(comparable),
            len(differing),
            "look" if len(differing) else "ok",
            detail,
        )
    ]


def copies_of(table) -> pd.DataFrame:
    """Copy numbers (-2 to 2, NaN where not looked for) from the flags: profiles x genes."""
    flag_tables = {flag: flags_of(table, flag) for flag in BY_COPIES.values()}
    return sum(number * flag_tables[flag] for number, flag in BY_COPIES.items())


def flags_of(table, flag: str) -> pd.DataFrame:
    """One flag of all genes: 0 or 1, NaN where it was not looked for: profiles x genes."""
    has_flag = table.var_names.str.endswith(f":{flag}")
    values = np.where(table.layers["observed"][:, has_flag] == 1, np.asarray(table.X)[:, has_flag], np.nan)
    return pd.DataFrame(values, table.obs.case_id.astype(str), table.var.gene.astype(str)[has_flag])


def check_genomes(cohort: str, rna, dna) -> list[tuple]:
    """Check that more copies of a gene go with more transcripts, and truncating changes with fewer, on average.

    If they don't, profiles of different patients may be mixed up.
    """
    rna, dna = (table[stands_for_its_case(table.obs.case_id.astype(str), kinds_of(table.obs))] for table in (rna, dna))
    shared_genes = rna.var_names.intersection(pd.Index(dna.var.gene.astype(str)).unique())
    values = rna[:, shared_genes].to_df().set_axis(rna.obs.case_id.astype(str))
    copies, truncated = copies_of(dna), flags_of(dna, "large_coding")
    return [
        relate(cohort, "expression against copy number", values, copies, 1),
        relate(cohort, "expression against truncating changes", values, truncated, -1),
    ]


def relate(cohort: str, name: str, values: pd.DataFrame, events: pd.DataFrame, sign: int) -> tuple:
    """Mean rank correlation (times sign) of expression with events, gene by gene, beside shuffled profiles."""
    values, events = (table[~table.index.duplicated()] for table in (values, events))
    shared = values.index.intersection(events.index)
    values, events = values.loc[shared], events.loc[shared]
    changed = (events.fillna(0) != 0).sum()
    genes = [gene for gene in events.columns[changed >= LEAST_CHANGED] if gene in values]
    if not genes:
        reason = f"no gene with {LEAST_CHANGED} changed profiles in both tables"
        return (cohort, name, len(shared), "", "not known", reason)
    ranks, event_ranks = standard_ranks(values[genes]), sign * standard_ranks(events[genes])
    correlation = float((ranks * event_ranks).sum(0).mean())
    rng = np.random.default_rng(0)  # with the events of other profiles: what chance alone gives
    chance = [(ranks * event_ranks[rng.permutation(len(shared))]).sum(0).mean() for _ in range(PERMUTATIONS)]
    high = float(np.quantile(chance, 0.99))
    direction = "more" if sign > 0 else "less"
    detail = f"mean rank correlation over {len(genes)} genes, {direction} expression counted as positive; "
    detail += f"99 % of shuffled profiles give less than {high:.3f}"
    return (cohort, name, len(shared), round(correlation, 4), "ok" if correlation > high else "look", detail)


def standard_ranks(table: pd.DataFrame) -> np.ndarray:
    """Ranks in each column, centred and of unit length, so that sums of products are rank correlations; missing: 0."""
    ranks = table.rank()
    ranks = (ranks - ranks.mean()).fillna(0).to_numpy()
    return ranks / np.maximum(np.linalg.norm(ranks, axis=0), 1e-12)
