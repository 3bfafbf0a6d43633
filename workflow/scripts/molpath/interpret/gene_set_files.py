"""Gene sets of .gmt files, by the names that the expression tables have, and random sets beside them."""

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
#: less than so many times the genes of the set, for random sets would be much like the set itself then.
PARTS, ROOM = 10, 5


class BadGeneSets(Exception):
    """Files of gene sets that can't be read as such, or that ask for sets nobody has."""


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
    """Sets of a .gmt file, plain or packed: name, description and identifiers, separated by tabs; a set a line.

    Empty lines and cells are nothing; identifiers given twice count once, which the notes say. A set without an
    identifier is set aside. Raises BadGeneSets for a file that isn't of this kind, with its line.
    """
    with open_unpacked(path) as stream:
        data = stream.read()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadGeneSets(f"{path}: {': '.join(not_utf8(data, error.start))}") from None
    found: dict[str, GeneSet] = {}
    lines: dict[str, int] = {}
    # Not splitlines, which ends a line at form feeds and at Unicode's separators, too: descriptions hold such.
    for number, line in enumerate(re.split(r"\r\n?|\n", text), 1):
        if not line.strip():
            continue
        cells = [cell.strip().strip('"') for cell in line.split("\t")]
        if len(cells) < 2 or not cells[0]:
            raise BadGeneSets(
                f"{path}, line {number}: {line[:40]!r} is no gene set; write name, description and genes with tabs "
                "between them (.gmt, as MSigDB has it)"
            )
        name, genes = cells[0], [cell for cell in cells[2:] if cell]
        if name in found:
            raise BadGeneSets(
                f"{path}, lines {lines[name]} and {number}: two sets are called {name}: rename or remove one"
            )
        lines[name], unique = number, tuple(dict.fromkeys(genes))
        notes = (f"{len(genes) - len(unique)} given twice",) * (len(unique) < len(genes))
        found[name] = GeneSet(name, Path(path).name, unique, (), notes, "" if unique else "the line has no genes")
    if not found:
        raise BadGeneSets(f"{path}: no gene set in it; write one a line: name, description, genes, with tabs between")
    return list(found.values())


def read_sets(paths: Sequence[str], names: Sequence[str] = ()) -> list[GeneSet]:
    """Sets of several files in their order; names: those that are wanted (all where there are none).

    Raises BadGeneSets where two files have a set of one name, or none has one that is wanted.
    """
    found: dict[str, GeneSet] = {}
    for path in paths:
        for one in read_gmt(path):
            if one.name in found and (not names or one.name in names):
                raise BadGeneSets(f"{path} and {found[one.name].file} both have a set {one.name}: rename one")
            found.setdefault(one.name, one)
    if absent := [name for name in names if name not in found]:
        raise BadGeneSets(f"{', '.join(map(str, paths))}: no set is called {', '.join(absent)}; correct gene_sets/sets")
    return [found[name] for name in names or found]


def measured(one: GeneSet, genes: Sequence[str], table: GeneTable, fewest: int) -> GeneSet:
    """The set by the names of the expression tables.

    genes: those that all tables have. Symbols, previous symbols and aliases, Ensembl and Entrez ids are taken as the
    gene table knows them. Set aside with fewer than `fewest` genes left.
    """
    if one.aside:
        return one
    there, unknown = set(genes), []
    names: dict[str, list[str]] = {}
    for given in one.given:
        ensembl, symbol, entrez = split_name(given)
        if symbol.isdigit():
            symbol, entrez = "", symbol
        known = given if given in there else table.find(ensembl.split(".")[0], symbol, entrez)
        names.setdefault(known if known in there else "", []).append(given)
        if not known:
            unknown.append(given)
    absent = [given for given in names.pop("", []) if given not in unknown]
    notes = list(one.notes)
    if (joined := sum(len(each) for each in names.values()) - len(names)) > 0:
        notes.append(f"{joined} of the same gene as another")
    for words, lost in (("unknown", unknown), ("not measured", absent)):
        if lost:
            notes.append(f"{len(lost)} {words} ({', '.join(lost[:3])}{', …' if len(lost) > 3 else ''})")
    aside = ""
    if len(names) < fewest:
        aside = f"{len(names)} of its {len(one.given)} genes were measured, and {fewest} are asked for"
        aside += "; its identifiers are none of human genes" * (len(unknown) == len(one.given))
    return GeneSet(one.name, one.file, one.given, tuple(sorted(names)), tuple(notes), aside)


def random_sets(
    one: Sequence[str], genes: Sequence[str], means: Mapping[str, float] | np.ndarray, count: int, seed: int
) -> list[tuple[str, ...]]:
    """Sets of the same size, each gene drawn from those of the same part of mean expression, none twice in a set.

    means: of each of `genes`. Genes of the set may be drawn: without them the null would be of other genes than all.
    """
    values = np.array([means[name] for name in genes]) if isinstance(means, Mapping) else np.asarray(means)
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    parts = int(np.clip(len(genes) // (ROOM * max(len(one), 1)), 1, PARTS))
    part_of = ranks * parts // max(len(genes), 1)
    place = {name: i for i, name in enumerate(genes)}
    wanted = np.bincount(part_of[[place[name] for name in one]], minlength=parts)
    members = [np.flatnonzero(part_of == part) for part in range(parts)]
    rng = np.random.default_rng([seed, 41, len(one)])
    return [
        tuple(sorted(genes[i] for part, k in zip(members, wanted, strict=True) for i in rng.choice(part, k, False)))
        for _ in range(count)
    ]
