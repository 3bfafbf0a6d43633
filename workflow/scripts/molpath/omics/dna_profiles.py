"""Files of mutations and copy numbers of a cohort, each read once, gathered by profile."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..common.settings.omics import Mutations
from .calls import check_found, count_verdicts, is_judged_out, judge_calls
from .consequences import Flagger
from .copy_numbers import (
    Copies,
    CopyNames,
    CopyTable,
    is_lesions,
    one_row_a_gene,
    read_absolute,
    read_copy_numbers,
    read_lesions,
    stronger,
)
from .genes import GeneTable
from .maf import COLUMNS, read_maf
from .mutation_files import read_vcf
from .sample_names import SampleNames
from .tables import BadProfile
from .variant_genes import VariantGenes
from .wide import measured_in

log = logging.getLogger(__name__)

MUTATION_FORMATS = ("maf", "vcf")
COPY_FORMATS = ("gistic", "cbioportal_cna", "gdc_copy_number")
TABLE_FORMATS = ("wide", "mutation_table")
#: Entry of the table of losses for genes that a list leaves out.
OUTSIDE = "genes outside the gene list that have an event"
#: Calls of a case that is in none of the files.
NO_CALLS = pd.DataFrame(columns=list(COLUMNS), dtype=object)


@dataclass
class Profile:
    """Events of one profile, and where they were looked for.

    events: (gene, flag). sequenced: True, or the genes of a panel; copies: -2 to 2 by gene, NaN where two files
    contradict each other; known_genes: by flag, those of tables that hold 0 or 1 for one kind of mutation.
    """

    case_id: str
    cohort: str
    sample_id: str = ""
    sample_type: str = ""
    specimen: str = ""
    events: set = field(default_factory=set)
    sequenced: set | bool = False
    copies: pd.Series = field(default_factory=lambda: pd.Series(dtype=np.float32))
    variants: int = 0
    known_genes: dict[str, set[str]] = field(default_factory=dict)


class Collector:
    """Reads the files of a cohort, each once, and gathers the data of its profiles."""

    def __init__(
        self,
        flagger: Flagger,
        table: GeneTable,
        panels: Mapping[str, set],
        mutations: Mutations,
        counts: Counter,
        listed: frozenset[str] | None = None,
    ):
        """listed: genes to keep; others are only counted while files are read. None keeps all."""
        self.flagger, self.table, self.panels, self.mutations, self.counts = flagger, table, panels, mutations, counts
        self.listed = listed
        #: Genes with an event that are not listed.
        self.outside: set[str] = set()
        self.names, self.genes = CopyNames(table), VariantGenes(table, counts)
        self._samples: dict[str, SampleNames] = {}
        self._owners: dict[tuple[str, str], str] = {}
        self._calls: dict[str, dict[str, pd.DataFrame]] = {}
        self._copies: dict[str, Copies] = {}
        self._tables: dict = {}
        #: By file of mutations and profile, whether its sample is there.
        self.requested: dict[str, dict[str, bool]] = {}

    def collect(self, rows: Sequence[Mapping[str, str]]) -> dict[str, Profile]:
        """Profiles by id, in the order of the sheet."""
        profiles: dict[str, Profile] = {}
        for row in rows:
            sample, kind, specimen = (row.get(name, "") for name in ("sample_id", "sample_type", "specimen"))
            new = Profile(row["case_id"], row["cohort"], sample, kind, specimen)
            profile = profiles.setdefault(row["profile_id"], new)
            if row["format"] in MUTATION_FORMATS:
                self.add_mutations(profile, row)
            elif row["format"] in COPY_FORMATS:
                self.add_copies(profile, row)
            elif row["format"] in TABLE_FORMATS:
                self.add_table(profile, row)
            else:
                formats = ", ".join((*MUTATION_FORMATS, *COPY_FORMATS, *TABLE_FORMATS))
                raise BadProfile(f"format {row['format']!r} holds no mutations or copy numbers; one of: {formats}")
        check_found(
            self.requested, {path: list(calls) for path, calls in self._calls.items()}, self.mutations["least_found"]
        )
        self.counts[OUTSIDE] = len(self.outside)
        self.genes.finish()
        self.flagger.check_known()
        self.log_remarks(profiles)
        return profiles

    def find(self, row: Mapping[str, str], names: Iterable[str]) -> str:
        """The sample of a row among the names of its file, '' if missing."""
        path = row["path"]
        if path not in self._samples:
            self._samples[path] = SampleNames(names)
        name = self._samples[path].find(row, path)
        owner = self._owners.setdefault((path, name), row["case_id"])
        if name and name != row["column"] and owner != row["case_id"]:
            raise BadProfile(
                f"{path}: sample {name} fits case {owner} and case {row['case_id']}; name the sample of each in column "
                "`column`"
            )
        return name

    def log_remarks(self, profiles: Mapping[str, Profile]) -> None:
        """Log what the user should check."""
        quiet = [name for name, profile in profiles.items() if profile.sequenced and not profile.variants]
        if quiet:
            log.warning("%d sequenced profiles have no variant at all: %s", len(quiet), ", ".join(quiet[:10]))
        for text, number in self.counts.items():
            if "unknown" in text:
                log.warning("%d %s; add it to the table of consequences", number, text)
            if "FILTER" in text or "contradict" in text:
                log.warning("%d %s", number, text)

    def calls_of(self, row: Mapping[str, str]) -> pd.DataFrame:
        """Calls of the row's sample, each with a verdict."""
        path = row["path"]
        if row["format"] == "vcf":
            table = judge_calls(read_vcf(path, row["column"], row), self.mutations)
            self.genes.read(path, table.gene)
            return table
        if path not in self._calls:
            table = judge_calls(read_maf(path), self.mutations)
            self.genes.read(path, table.gene)
            self._calls[path] = dict(list(table.groupby("sample", sort=False)))
        by_sample = self._calls[path]
        name = self.find(row, by_sample)
        self.requested.setdefault(path, {})[row["profile_id"]] = bool(name)
        return by_sample[name] if name else judge_calls(NO_CALLS, self.mutations)

    def add_mutations(self, profile: Profile, row: Mapping[str, str]) -> None:
        """Flags of the calls that count; those without a gene are counted and left out."""
        calls = self.calls_of(row)
        if is_judged_out(calls):
            self.counts["profiles without a call that passes FILTER, taken as not sequenced"] += 1
        else:
            profile.sequenced = self.panel_of(row) if row["panel"] else True
        calls = count_verdicts(calls, self.counts)
        profile.variants += len(calls)
        events = set()
        for gene, kind in zip(calls.gene, calls.kind, strict=True):
            name = self.genes.of(row["path"], gene)
            if not name:
                continue
            flag = self.flagger.flag(kind, self.counts)
            if flag != "ignored":
                events.add((name, flag))
        profile.events |= self.keep(events)

    def keep(self, events: set[tuple[str, str]]) -> set[tuple[str, str]]:
        """Events of genes that are listed; the others are counted."""
        if self.listed is None:
            return events
        self.outside.update(gene for gene, _ in events if gene not in self.listed)
        return {(gene, flag) for gene, flag in events if gene in self.listed}

    def add_table(self, profile: Profile, row: Mapping[str, str]) -> None:
        """Add a row of a wide table (copy numbers, mutations or both) or of a table of 0 and 1."""
        path, name = row["path"], row["profile_id"]
        measured = measured_in(row, self._tables)
        if "copies" in measured:
            table = CopyTable(measured["copies"].to_frame(name), [""] * len(measured["copies"]))
            copies = self.named(path, table)
            self.outside.update(copies.outside.index[copies.outside[name]])
            self.join_copies(profile, copies.values[name].dropna().astype(np.float32), int(copies.doubted[name].sum()))
        if "mutations" in measured:
            self.genes.read(path, measured["mutations"].index)
            values = measured["mutations"].dropna()
            names = np.array([self.genes.of(path, gene) for gene in values.index], dtype=object)
            by_gene = values[names != ""].groupby(names[names != ""]).max()
            observed = by_gene.index if self.listed is None else by_gene.index[by_gene.index.isin(list(self.listed))]
            profile.known_genes.setdefault(row["unit"], set()).update(observed)
            profile.events |= self.keep({(gene, row["unit"]) for gene in by_gene.index[by_gene == 1]})
            profile.variants += int((values == 1).sum())

    def panel_of(self, row: Mapping[str, str]) -> set:
        """Genes of the row's panel."""
        if row["panel"] not in self.panels:
            raise BadProfile(f"profile {row['profile_id']}: panel {row['panel']!r} has no genes; set omics/panels")
        return self.panels[row["panel"]]

    def copies_of(self, row: Mapping[str, str]) -> tuple[pd.Series, int]:
        """Copy numbers (-2 to 2) of the row's sample by gene, and of how many genes the file's rows contradict."""
        path, name = row["path"], row["profile_id"]
        if row["format"] == "gdc_copy_number":
            copies = self.named(path, read_absolute(path, name))
        else:
            if path not in self._copies:
                table = read_lesions(path) if is_lesions(path) else read_copy_numbers(path)
                self._copies[path] = self.named(path, table)
                distinct = len(set(self.names.of(path, table.values.index)) - {""})
                self.counts["rows of copy numbers joined with another of the same gene, or without a gene"] += (
                    len(table.values) - distinct
                )
            copies = self._copies[path]
            name = self.find(row, copies.values.columns)
        if not name:
            raise BadProfile(
                f"{path}: no column for profile {row['profile_id']} (column {row['column']!r}, case "
                f"{row['case_id']}); the file has {', '.join(copies.values.columns[:4])}, …"
            )
        self.outside.update(copies.outside.index[copies.outside[name]])
        return copies.values[name].dropna().astype(np.float32), int(copies.doubted[name].sum())

    def named(self, path: str, table: CopyTable) -> Copies:
        """Copy numbers of a table by current names, of the kept genes."""
        return one_row_a_gene(path, table, self.names, self.listed)

    def add_copies(self, profile: Profile, row: Mapping[str, str]) -> None:
        """Copy numbers of the row's sample."""
        self.join_copies(profile, *self.copies_of(row))

    def join_copies(self, profile: Profile, copies: pd.Series, n_conflicts: int) -> None:
        """Add copy numbers of a file; from a second file the stronger, and missing if the two contradict each other."""
        if len(profile.copies):
            pairs = pd.concat([profile.copies, copies], axis=1, keys=["old", "new"])
            low, high = pairs.min(axis=1), pairs.max(axis=1)
            conflicts = (low < 0) & (high > 0) | profile.copies.isna().reindex(pairs.index, fill_value=False)
            n_conflicts += int(conflicts.sum())
            copies = stronger(low, high).mask(conflicts)
        if n_conflicts:
            self.counts["copy numbers of genes whose rows contradict each other, taken as missing"] += n_conflicts
        profile.copies = copies
