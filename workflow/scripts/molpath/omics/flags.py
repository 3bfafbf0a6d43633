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
from ..common.settings.omics import Mutations
from .calls import DEFAULTS, check_found, count_verdicts, is_judged_out, judge_calls
from .copy_numbers import (
    Copies,
    CopyNames,
    is_lesions,
    one_row_a_gene,
    read_absolute,
    read_copy_numbers,
    read_lesions,
)
from .genes import GeneTable
from .maf import read_maf
from .mutation_files import find_samples, read_vcf
from .selection import read_genes
from .tables import BadProfile

log = logging.getLogger(__name__)

#: Flags of a gene in this order (section 1.4 of the paper's facts; the order inside is a decision of ours).
FLAGS = ("two_copy_deletion", "loss", "gain", "amplification", "small_coding", "large_coding", "non_coding")
BY_COPIES = {-2: "two_copy_deletion", -1: "loss", 1: "gain", 2: "amplification"}
MUTATION_FORMATS = ("maf", "vcf")
COPY_FORMATS = ("gistic", "cbioportal_cna", "gdc_copy_number")
#: Calls of a case that is in no file.
NO_CALLS = pd.DataFrame(columns=["gene", "kind", "sample", "filter", "status"], dtype=object)
#: Of several terms of one variant (VEP's a&b) the flag that says most.
STRENGTH = ("large_coding", "small_coding", "non_coding", "ignored")


@dataclass
class Profile:
    """What was found in one profile, and where it was looked for.

    events: (gene, flag). sequenced: True, or the genes of a panel; copies: -2 to 2 by gene, NaN where two files
    contradict each other.
    """

    case_id: str
    cohort: str
    sample_id: str = ""
    sample_type: str = ""
    specimen: str = ""
    events: set = field(default_factory=set)
    sequenced: set | bool = False
    copies: pd.Series = field(default_factory=lambda: pd.Series(dtype=float))
    variants: int = 0


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
    mutations: Mutations = DEFAULTS,
) -> None:
    """Write the cohort's dna.h5ad: X float32 profiles x (genes x 7), 0 or 1, var index "GENE:flag".

    rows: DNA rows of the profile sheet (rows of one profile_id are joined); consequences, terms: tables of
    Variant_Classification and of VEP's terms with the flag each sets; genes: file with one gene a line, or '' for every
    gene seen, sorted; panels: files with the genes of targeted assays, by the name in column panel. A profile with a
    maf or vcf row was sequenced even if no variant of it is there, unless filters leave out all of its calls;
    mutations: which calls count, and the share of profiles that must be found in a file. layers["observed"] (uint8) is
    1 where a flag was looked for: 0 in X means "no" only there.
    """
    table = GeneTable(gene_table)
    counts: Counter = Counter()
    panel_genes = {name: {table.current(gene) for gene in read_genes(path)} for name, path in panels.items()}
    profiles = Collector(Flagger(consequences, terms), table, panel_genes, mutations, counts).collect(rows)
    names = [table.current(gene) for gene in read_genes(genes)] if genes else seen_genes(profiles.values())
    names = list(dict.fromkeys(names))
    if not names:
        raise BadProfile("no gene has a variant or copy number, and omics/dna_genes names none")
    values, observed = encode(profiles.values(), names)
    wanted = set(names)
    counts["events of genes outside the gene list"] += sum(
        sum(gene not in wanted for gene, _ in one.events) + changed_outside(one.copies, wanted)
        for one in profiles.values()
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


class Collector:
    """Reads the files of a cohort, each once, and gathers what they say of its profiles."""

    def __init__(
        self, flagger: Flagger, table: GeneTable, panels: Mapping[str, set], mutations: Mutations, counts: Counter
    ):
        self.flagger, self.table, self.panels, self.mutations, self.counts = flagger, table, panels, mutations, counts
        self.names = CopyNames(table)
        self._calls: dict[str, dict[str, pd.DataFrame]] = {}
        self._copies: dict[str, Copies] = {}
        #: By file of mutations and profile, whether its sample is there.
        self.asked: dict[str, dict[str, bool]] = {}

    def collect(self, rows: Sequence[Mapping[str, str]]) -> dict[str, Profile]:
        """Profiles by id, in the order of the sheet."""
        profiles: dict[str, Profile] = {}
        for row in rows:
            ids = (row["case_id"], row["cohort"], *(row.get(k, "") for k in ("sample_id", "sample_type", "specimen")))
            one = profiles.setdefault(row["profile_id"], Profile(*ids))
            if row["format"] in MUTATION_FORMATS:
                self.add_mutations(one, row)
            elif row["format"] in COPY_FORMATS:
                self.add_copies(one, row)
            else:
                known = ", ".join((*MUTATION_FORMATS, *COPY_FORMATS))
                raise BadProfile(f"format {row['format']!r} holds no mutations or copy numbers; one of: {known}")
        check_found(
            self.asked, {path: list(calls) for path, calls in self._calls.items()}, self.mutations["least_found"]
        )
        self.tell(profiles)
        return profiles

    def tell(self, profiles: Mapping[str, Profile]) -> None:
        """Log what a reader should look at."""
        quiet = [name for name, one in profiles.items() if one.sequenced and not one.variants]
        if quiet:
            log.warning("%d sequenced profiles have no variant at all: %s", len(quiet), ", ".join(quiet[:10]))
        for text, number in self.counts.items():
            if "unknown" in text:
                log.warning("%d %s; add it to the table of consequences", number, text)
            if "FILTER" in text or "contradict" in text:
                log.warning("%d %s", number, text)

    def calls_of(self, row: Mapping[str, str]) -> pd.DataFrame:
        """Calls of the row's sample, with a verdict each."""
        path = row["path"]
        if row["format"] == "vcf":
            return judge_calls(read_vcf(path, row["column"], row), self.mutations)
        if path not in self._calls:
            table = judge_calls(read_maf(path), self.mutations)
            self._calls[path] = dict(list(table.groupby("sample", sort=False)))
        by_sample = self._calls[path]
        name = find_samples(by_sample, row, path)
        self.asked.setdefault(path, {})[row["profile_id"]] = bool(name)
        return by_sample[name] if name else judge_calls(NO_CALLS, self.mutations)

    def add_mutations(self, one: Profile, row: Mapping[str, str]) -> None:
        """Flags of the calls that count; those without a gene are counted and left out."""
        calls = self.calls_of(row)
        if is_judged_out(calls):
            self.counts["profiles without a call that passes FILTER, taken as not sequenced"] += 1
        else:
            one.sequenced = self.panel_of(row) if row["panel"] else True
        calls = count_verdicts(calls, self.counts)
        one.variants += len(calls)
        for gene, kind in zip(calls.gene, calls.kind, strict=True):
            if gene in ("", "Unknown", "."):
                self.counts["variants without a gene, left out"] += 1
                continue
            flag = self.flagger.flag(kind, self.counts)
            if flag != "ignored":
                one.events.add((self.table.current(gene), flag))

    def panel_of(self, row: Mapping[str, str]) -> set:
        """Genes of the row's panel."""
        if row["panel"] not in self.panels:
            raise BadProfile(f"profile {row['profile_id']}: panel {row['panel']!r} has no genes; set omics/panels")
        return self.panels[row["panel"]]

    def copies_of(self, row: Mapping[str, str]) -> tuple[pd.Series, int]:
        """Copy numbers (-2 to 2) of the row's sample by gene, and of how many genes the file's rows contradict."""
        path, name = row["path"], row["profile_id"]
        if row["format"] == "gdc_copy_number":
            found = one_row_a_gene(path, read_absolute(path, name), self.names)
        else:
            if path not in self._copies:
                table = read_lesions(path) if is_lesions(path) else read_copy_numbers(path)
                self._copies[path] = one_row_a_gene(path, table, self.names)
                self.counts["rows of copy numbers joined with another of the same gene, or without a gene"] += len(
                    table.values
                ) - len(self._copies[path].values)
            found = self._copies[path]
            name = find_samples(found.values.columns, row, path)
        if not name:
            raise BadProfile(
                f"{path}: no column for profile {row['profile_id']} (column {row['column']!r}, case "
                f"{row['case_id']}); the file has {', '.join(found.values.columns[:4])}, …"
            )
        return found.values[name].dropna(), int(found.doubted[name].sum())

    def add_copies(self, one: Profile, row: Mapping[str, str]) -> None:
        """Copy numbers of the row's sample; of a second file the stronger, and none where the two contradict."""
        copies, doubted = self.copies_of(row)
        if len(one.copies):
            both = pd.concat([one.copies, copies], axis=1, keys=["old", "new"])
            low, high = both.min(axis=1), both.max(axis=1)
            against = (low < 0) & (high > 0) | one.copies.isna().reindex(both.index, fill_value=False)
            doubted += int(against.sum())
            copies = high.where(high >= low.abs(), low).mask(against)
        if doubted:
            self.counts["copy numbers of genes whose rows contradict each other, taken as missing"] += doubted
        one.copies = copies


def changed_outside(copies: pd.Series, wanted: set[str]) -> int:
    """How many genes that are not wanted have other than two copies."""
    changed = copies.index[copies.fillna(0) != 0]
    return int((~changed.isin(list(wanted))).sum())


def seen_genes(profiles) -> list[str]:
    """Every gene with an event or other than two copies, sorted."""
    found = {gene for one in profiles for gene, _ in one.events}
    return sorted(found.union(*(one.copies.index[one.copies.fillna(0) != 0] for one in profiles)))


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
        for gene, copies in one.copies.dropna().items():
            if gene in place:
                observed[index, place[gene], :copy_flags] = 1
                if copies:
                    values[index, place[gene], FLAGS.index(BY_COPIES[int(copies)])] = 1
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
            "specimen": [one.specimen for one in profiles.values()],
            "cohort": [one.cohort for one in profiles.values()],
            "sequenced": [bool(one.sequenced) for one in profiles.values()],
            "copy_numbers": [bool(one.copies.notna().any()) for one in profiles.values()],
            "n_variants": [one.variants for one in profiles.values()],
            "observed_fraction": observed.mean(1).round(6),
        },
        index=pd.Index(list(profiles), name="profile_id"),
    )
    return obs
