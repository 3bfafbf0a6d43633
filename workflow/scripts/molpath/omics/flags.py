"""Mutations and copy numbers of a cohort as flags: seven a gene, as in the paper; what wasn't measured is missing."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import anndata
import numpy as np
import pandas as pd

from ..common.files import fingerprint, read_tsv, write_h5ad, write_tsv
from .copy_numbers import is_lesions, read_absolute, read_copy_numbers, read_lesions
from .genes import GeneTable
from .mutation_files import find_samples, read_maf, read_vcf
from .selection import read_genes
from .tables import BadProfile
from .wide import measured_in

log = logging.getLogger(__name__)

#: Flags of a gene in this order (section 1.4 of the paper's facts; the order inside is a decision of ours).
FLAGS = ("two_copy_deletion", "loss", "gain", "amplification", "small_coding", "large_coding", "non_coding")
BY_COPIES = {-2: "two_copy_deletion", -1: "loss", 1: "gain", 2: "amplification"}
MUTATION_FORMATS = ("maf", "vcf")
COPY_FORMATS = ("gistic", "cbioportal_cna", "gdc_copy_number")
TABLE_FORMATS = ("wide", "mutation_table")
#: Of several terms of one variant (VEP's a&b) the flag that says most.
STRENGTH = ("large_coding", "small_coding", "non_coding", "ignored")


@dataclass
class Profile:
    """What was found in one profile, and where it was looked for.

    events: (gene, flag). sequenced: True, or the genes of a panel; copies: genes with a copy number; known: genes by
    flag of tables that hold 0 or 1 for one kind of mutation.
    """

    case_id: str
    cohort: str
    sample_id: str = ""
    sample_type: str = ""
    events: set = field(default_factory=set)
    sequenced: set | bool = False
    copies: set = field(default_factory=set)
    variants: int = 0
    known: dict = field(default_factory=dict)


def flag_dna(
    *,
    rows: Sequence[Mapping[str, str]],
    consequences: str,
    output: str,
    genes: str = "",
    terms: str = "",
    gene_table: str = "",
    panels: Mapping[str, str] = {},
    losses: str = "",
) -> None:
    """Write the cohort's dna.h5ad: X float32 profiles x (genes x 7), 0 or 1, var index "GENE:flag".

    rows: DNA rows of the profile sheet (rows of one profile_id are joined); consequences, terms: tables of
    Variant_Classification and of VEP's terms with the flag each sets; genes: file with one gene a line, or '' for every
    gene seen, sorted; panels: files with the genes of targeted assays, by the name in column panel. A profile with a
    maf or vcf row was sequenced even if no variant of it is there. layers["observed"] (uint8) is 1 where a flag was
    looked for: 0 in X means "no" only there.
    """
    table = GeneTable(gene_table)
    counts: Counter = Counter()
    panel_genes = {name: {table.current(gene) for gene in read_genes(path)} for name, path in panels.items()}
    profiles = collect(rows, Flagger(consequences, terms), table, panel_genes, counts)
    names = [table.current(gene) for gene in read_genes(genes)] if genes else seen_genes(profiles.values())
    names = list(dict.fromkeys(names))
    if not names:
        raise BadProfile("no gene has a variant or copy number, and omics/dna_genes names none")
    values, observed = encode(profiles.values(), names)
    wanted = set(names)
    counts["events of genes outside the gene list"] += sum(
        gene not in wanted for one in profiles.values() for gene, _ in one.events
    )
    data = anndata.AnnData(values)
    data.layers["observed"] = observed
    data.obs = describe(profiles, observed)
    index = [f"{gene}:{flag}" for gene in names for flag in FLAGS]
    data.var = pd.DataFrame({"gene": np.repeat(names, len(FLAGS))}, index=index)
    data.uns = {"value": "flags", "consequences": fingerprint(consequences)}
    write_h5ad(output, data)
    if losses:
        write_tsv(losses, pd.DataFrame(sorted(counts.items()), columns=["step", "count"]))


class Flagger:
    """Turns classifications and VEP's terms into flags, and remembers those it doesn't know."""

    def __init__(self, consequences: str, terms: str = ""):
        self.flag_of = dict(read_tsv(consequences)[["classification", "flag"]].itertuples(index=False))
        if terms:
            self.flag_of |= dict(read_tsv(terms)[["classification", "flag"]].itertuples(index=False))
        wrong = sorted(set(self.flag_of.values()) - {*FLAGS, "ignored"})
        if wrong:
            raise BadProfile(f"{consequences}: unknown flag {wrong[0]!r}; one of: {', '.join((*FLAGS, 'ignored'))}")

    def flag(self, kind: str, counts: Counter) -> str:
        """The flag of a kind of variant, 'ignored' for what sets none; unknown kinds are counted by name."""
        known = [self.flag_of[part] for part in kind.split("&") if part in self.flag_of]
        if not known:
            counts[f"variants of unknown classification {kind!r}, left out"] += 1
            return "ignored"
        flag = min(known, key=STRENGTH.index)
        counts[f"variants: {kind} -> {flag}"] += 1
        return flag


def collect(rows, flagger: Flagger, table: GeneTable, panels: Mapping[str, set], counts: Counter) -> dict[str, Profile]:
    """Profiles by id, in the order of the sheet; each file is read once."""
    profiles: dict[str, Profile] = {}
    files: dict[tuple, pd.DataFrame] = {}
    for row in rows:
        ids = (row["case_id"], row["cohort"], row["sample_id"], row.get("sample_type", ""))
        one = profiles.setdefault(row["profile_id"], Profile(*ids))
        if row["format"] in MUTATION_FORMATS:
            add_mutations(one, row, mutations_of(row, files), flagger, table, counts)
            one.sequenced = panel_of(row, panels) if row["panel"] else True
        elif row["format"] in COPY_FORMATS:
            add_copies(one, row, copies_of(row, files), table)
        elif row["format"] in TABLE_FORMATS:
            add_table(one, row, files, table)
        else:
            known = ", ".join((*MUTATION_FORMATS, *COPY_FORMATS, *TABLE_FORMATS))
            raise BadProfile(f"format {row['format']!r} holds no mutations or copy numbers; one of: {known}")
    quiet = [name for name, one in profiles.items() if one.sequenced and not one.variants]
    if quiet:
        log.warning("%d sequenced profiles have no variant at all: %s", len(quiet), ", ".join(quiet[:10]))
    for text, number in counts.items():
        if "unknown" in text:
            log.warning("%d %s; add it to the table of consequences", number, text)
    return profiles


def panel_of(row: Mapping[str, str], panels: Mapping[str, set]) -> set:
    """Genes of the row's panel."""
    if row["panel"] not in panels:
        raise BadProfile(f"profile {row['profile_id']}: panel {row['panel']!r} has no genes; set omics/panels")
    return panels[row["panel"]]


def mutations_of(row: Mapping[str, str], files: dict) -> pd.DataFrame:
    """Variants of the row's sample."""
    if row["format"] == "vcf":
        return read_vcf(row["path"], row["column"])
    if row["path"] not in files:
        table = read_maf(row["path"])
        files[row["path"]] = dict(list(table.groupby("sample", sort=False))), table.iloc[:0]
    by_sample, empty = files[row["path"]]
    return by_sample.get(find_samples(by_sample, row, row["path"]), empty)


def add_mutations(one: Profile, row, variants: pd.DataFrame, flagger: Flagger, table: GeneTable, counts) -> None:
    """Flags of the variants; those without a gene are counted and left out."""
    one.variants += len(variants)
    for gene, kind in zip(variants.gene, variants.kind, strict=True):
        if gene in ("", "Unknown", "."):
            counts["variants without a gene, left out"] += 1
            continue
        flag = flagger.flag(kind, counts)
        if flag != "ignored":
            one.events.add((table.current(gene), flag))


def copies_of(row: Mapping[str, str], files: dict) -> pd.Series:
    """Copy numbers (-2 to 2) of the row's sample by gene."""
    path = row["path"]
    if row["format"] == "gdc_copy_number":
        return read_absolute(path, row["profile_id"])[row["profile_id"]]
    if path not in files:
        files[path] = read_lesions(path) if is_lesions(path) else read_copy_numbers(path)
    name = find_samples(files[path].columns, row, path)
    if not name:
        raise BadProfile(
            f"{path}: no column for profile {row['profile_id']} (column {row['column']!r}, case {row['case_id']}); the "
            f"file has {', '.join(files[path].columns[:4])}, …"
        )
    return files[path][name]


def add_copies(one: Profile, row, copies: pd.Series, table: GeneTable) -> None:
    """Flags of copy numbers, and which genes have one."""
    known = copies.dropna().astype(int)
    names = [table.current(gene) for gene in known.index]
    one.copies |= set(names)
    one.events |= {(gene, BY_COPIES[value]) for gene, value in zip(names, known, strict=True) if value}


def add_table(one: Profile, row, files: dict, table: GeneTable) -> None:
    """Flags of a row of a wide table (copy numbers, mutations or both), or of a table of 0 and 1."""
    found = measured_in(row, files)
    if "copies" in found:
        add_copies(one, row, found["copies"], table)
    if "mutations" in found:
        known = found["mutations"].dropna()
        hit = known.groupby([table.current(gene) for gene in known.index]).max()
        one.known.setdefault(row["unit"], set()).update(hit.index)
        one.events |= {(gene, row["unit"]) for gene in hit.index[hit == 1]}
        one.variants += int((known == 1).sum())


def seen_genes(profiles) -> list[str]:
    """Every gene with an event, sorted."""
    return sorted({gene for one in profiles for gene, _ in one.events})


def encode(profiles, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """X (float32) and observed (uint8), both profiles x (genes x 7). An event counts as observed wherever it lies."""
    place = {gene: index for index, gene in enumerate(names)}
    profiles, copy_flags = list(profiles), len(BY_COPIES)
    values = np.zeros((len(profiles), len(names), len(FLAGS)), np.float32)
    observed = np.zeros(values.shape, np.uint8)
    for index, one in enumerate(profiles):
        if one.sequenced is True:
            observed[index, :, copy_flags:] = 1
        elif one.sequenced:
            observed[index, [place[gene] for gene in one.sequenced if gene in place], copy_flags:] = 1
        observed[index, [place[gene] for gene in one.copies if gene in place], :copy_flags] = 1
        for flag, genes in one.known.items():
            observed[index, [place[gene] for gene in genes if gene in place], FLAGS.index(flag)] = 1
        for gene, flag in one.events:
            if gene in place:
                values[index, place[gene], FLAGS.index(flag)] = 1
                observed[index, place[gene], FLAGS.index(flag)] = 1
    shape = (len(profiles), len(names) * len(FLAGS))
    return values.reshape(shape), observed.reshape(shape)


def describe(profiles: Mapping[str, Profile], observed: np.ndarray) -> pd.DataFrame:
    """obs by profile_id: ids, kinds of file, variants, share of flags that were looked for."""
    obs = pd.DataFrame(
        {
            "case_id": [one.case_id for one in profiles.values()],
            "sample_id": [one.sample_id for one in profiles.values()],
            "sample_type": [one.sample_type for one in profiles.values()],
            "cohort": [one.cohort for one in profiles.values()],
            "sequenced": [bool(one.sequenced or one.known) for one in profiles.values()],
            "copy_numbers": [bool(one.copies) for one in profiles.values()],
            "n_variants": [one.variants for one in profiles.values()],
            "observed_fraction": observed.mean(1).round(6),
        },
        index=pd.Index(list(profiles), name="profile_id"),
    )
    return obs
