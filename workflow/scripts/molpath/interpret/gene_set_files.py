"""Gene sets of .gmt files, under the names of the expression tables, and random sets for comparison."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..common.file_kinds import not_utf8
from ..omics.genes import GeneTable, split_name
from ..omics.packed import open_unpacked

#: Random sets are drawn from genes of the same part of mean expression: of ten parts, fewer where a part would hold
#: less than ROOM times the genes of the set, as random sets would be much like the set itself then.
PARTS, ROOM = 10, 5


class BadGeneSets(Exception):
    """Invalid files of gene sets, or missing sets."""


@dataclass(frozen=True)
class GeneSet:
    """A line of a .gmt file. given: identifiers as they stand, each once; genes: those that were measured, by the
    names of the expression table; notes: what was left out; aside: why it can't be used ('' where it can)."""

    name: str
    file: str
    given: tuple[str, ...]
    genes: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())
    aside: str = ""


def read_gmt(path: str) -> list[GeneSet]:
    """Sets of a .gmt file, plain or packed: name, description and identifiers, separated by tabs; one set per line.

    Empty lines and cells are ignored; duplicate identifiers count once, which the notes say. A set without an
    identifier is set aside. Raises BadGeneSets, with the line, for an invalid file.
    """
    with open_unpacked(path) as stream:
        data = stream.read()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadGeneSets(f"{path}: {': '.join(not_utf8(data, error.start))}") from None
    sets: dict[str, GeneSet] = {}
    lines: dict[str, int] = {}
    # Not splitlines, which ends a line at form feeds and at Unicode's separators, too: descriptions hold such.
    for number, line in enumerate(re.split(r"\r\n?|\n", text), 1):
        if not line.strip():
            continue
        cells = [cell.strip().strip('"') for cell in line.split("\t")]
        if len(cells) < 2 or not cells[0]:
            raise BadGeneSets(
                f"{path}, line {number}: {line[:40]!r} is not a gene set; write name, description and genes with tabs "
                "between them (.gmt, as MSigDB has it)"
            )
        name, genes = cells[0], [cell for cell in cells[2:] if cell]
        if name in sets:
            raise BadGeneSets(
                f"{path}, lines {lines[name]} and {number}: two sets are called {name}: rename or remove one"
            )
        lines[name], unique = number, tuple(dict.fromkeys(genes))
        notes = (f"{len(genes) - len(unique)} given twice",) * (len(unique) < len(genes))
        sets[name] = GeneSet(name, Path(path).name, unique, (), notes, "" if unique else "the line has no genes")
    if not sets:
        raise BadGeneSets(f"{path}: no gene set in it; write one per line: name, description, genes, with tabs between")
    return list(sets.values())


def read_sets(paths: Sequence[str], names: Sequence[str] = ()) -> list[GeneSet]:
    """Sets of several files in their order; names: the requested ones (all if empty).

    Raises BadGeneSets where two files have a set of one name, or a requested one is missing.
    """
    sets: dict[str, GeneSet] = {}
    for path in paths:
        for gene_set in read_gmt(path):
            if gene_set.name in sets and (not names or gene_set.name in names):
                raise BadGeneSets(f"{path} and {sets[gene_set.name].file} both have a set {gene_set.name}: rename one")
            sets.setdefault(gene_set.name, gene_set)
    if absent := [name for name in names if name not in sets]:
        raise BadGeneSets(f"{', '.join(map(str, paths))}: no set is called {', '.join(absent)}; correct gene_sets/sets")
    return [sets[name] for name in names or sets]


def measured(gene_set: GeneSet, genes: Sequence[str], table: GeneTable, fewest: int) -> GeneSet:
    """The set by the names of the expression tables.

    genes: those that all tables have. Symbols, previous symbols and aliases, Ensembl and Entrez ids are taken as the
    gene table knows them. Set aside with fewer than `fewest` genes left.
    """
    if gene_set.aside:
        return gene_set
    measured_genes, unknown = set(genes), []
    names: dict[str, list[str]] = {}
    for identifier in gene_set.given:
        ensembl, symbol, entrez = split_name(identifier)
        if symbol.isdigit():
            symbol, entrez = "", symbol
        gene = identifier if identifier in measured_genes else table.find(ensembl.split(".")[0], symbol, entrez)
        names.setdefault(gene if gene in measured_genes else "", []).append(identifier)
        if not gene:
            unknown.append(identifier)
    absent = [identifier for identifier in names.pop("", []) if identifier not in unknown]
    notes = list(gene_set.notes)
    if (n_duplicates := sum(len(identifiers) for identifiers in names.values()) - len(names)) > 0:
        notes.append(f"{n_duplicates} of the same gene as another")
    for label, missing in (("unknown", unknown), ("not measured", absent)):
        if missing:
            notes.append(f"{len(missing)} {label} ({', '.join(missing[:3])}{', …' if len(missing) > 3 else ''})")
    reason = ""
    if len(names) < fewest:
        reason = f"{len(names)} of its {len(gene_set.given)} genes were measured, and {fewest} are required"
        reason += "; its identifiers are not of human genes" * (len(unknown) == len(gene_set.given))
    return GeneSet(gene_set.name, gene_set.file, gene_set.given, tuple(sorted(names)), tuple(notes), reason)


def random_sets(
    set_genes: Sequence[str], genes: Sequence[str], means: Mapping[str, float] | np.ndarray, count: int, seed: int
) -> list[tuple[str, ...]]:
    """Sets as large as `set_genes`, each gene drawn from those of the same part of mean expression, none twice.

    genes: all measured; means: expression of each. Genes of the set may be drawn: without them the null would not be of
    all genes.
    """
    values = np.array([means[name] for name in genes]) if isinstance(means, Mapping) else np.asarray(means)
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    n_parts = int(np.clip(len(genes) // (ROOM * max(len(set_genes), 1)), 1, PARTS))
    part_of = ranks * n_parts // max(len(genes), 1)
    position_of = {name: i for i, name in enumerate(genes)}
    n_drawn = np.bincount(part_of[[position_of[name] for name in set_genes]], minlength=n_parts)
    members = [np.flatnonzero(part_of == index) for index in range(n_parts)]
    rng = np.random.default_rng([seed, 41, len(set_genes)])
    return [
        tuple(sorted(genes[i] for pool, k in zip(members, n_drawn, strict=True) for i in rng.choice(pool, k, False)))
        for _ in range(count)
    ]
