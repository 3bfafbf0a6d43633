"""workflow/schemas/results.yaml: which tables there are below a results folder, and what their columns hold."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

log = logging.getLogger(__name__)

#: Type of a column; a table as Parquet has int64, float64 or string for it.
Kind = Literal["integer", "number", "text"]
NUMBERS: tuple[Kind, Kind] = ("integer", "number")
#: Results of new slides lie there, laid out as a results folder is.
NEW_SLIDES = "predict/cohort/"
#: Folders in which no table of results.yaml lies: slides' own files, logs, what other tools are given.
NO_TABLES = ("wsi", "logs", "export", "pathobench", "bundle", "workflow")


@dataclass(frozen=True)
class Table:
    """An entry of results.yaml.

    name: of the table, from the fixed parts of its path (`probe-metrics`); path: below the results folder, `<name>` for
    one part of it; row: what one row is; columns: what each holds, in words; text, integers, numbers: names of columns
    by type, in which `<name>` stands for a part; missing: cells that stand for a missing value, beside empty ones.
    """

    name: str
    path: str
    row: str
    columns: dict[str, str] = field(default_factory=dict)
    types: dict[Kind, list[str]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    @property
    def parts(self) -> list[str]:
        """Names of the placeholders in its path."""
        return re.findall(r"<(\w+)>", self.path)

    def parts_of(self, path: str) -> dict[str, str] | None:
        """What the placeholders stand for in a path, None where it is none of this table's."""
        match = _pattern_of(self.path, "[^/]+", named=True).fullmatch(path)
        return None if match is None else match.groupdict()

    def describe(self, column: str) -> str:
        """What a column holds, in words; '' where no entry says."""
        return self.columns.get(column) or self.columns.get(_best(column, self.columns), "")

    def kind(self, column: str) -> Kind:
        """Type of a column."""
        described = column if column in self.columns else _best(column, self.columns)
        if not described or re.fullmatch(r"<\w+>", described):  # a name that a user chose says nothing of its type
            return next((kind for kind in NUMBERS if described in self.types[kind]), "text")
        for kind in ("text", *NUMBERS):
            if column in self.types[kind]:
                return kind
        alike = {kind: [name for name in self.types[kind] if not re.fullmatch(r"<\w+>", name)] for kind in NUMBERS}
        return next((kind for kind in NUMBERS if _best(column, alike[kind])), "text")


def _pattern_of(text: str, part: str, named: bool = False) -> re.Pattern[str]:
    """A path or a column with <placeholders> as a regular expression."""
    pieces = re.split(r"(<\w+>|\*\*)", text)
    group = {piece: f"(?P<{piece[1:-1]}>{part})" if named else part for piece in pieces if piece.startswith("<")}
    return re.compile("".join({"**": ".+", **group}.get(piece, re.escape(piece)) for piece in pieces))


def _best(column: str, names: dict[str, str] | list[str]) -> str:
    """The name with the longest fixed text that a column fits, '' where there is none."""
    fitting = [name for name in names if "<" in name and _pattern_of(name, ".+").fullmatch(column)]
    return max(fitting, key=lambda name: len(re.sub(r"<\w+>", "", name)), default="")


def read_tables(schema: str | os.PathLike[str]) -> list[Table]:
    """Entries of results.yaml in their order."""
    document: dict[str, Any] = yaml.safe_load(Path(schema).read_text(encoding="utf-8"))
    names = names_of([entry["path"] for entry in document["tables"]])
    tables = []
    for name, entry in zip(names, document["tables"], strict=True):
        nested = entry.get("shared", [])
        shared = [column for part in nested for column in ([part] if isinstance(part, str) else part)]
        columns = {column: document["columns"][column] for column in shared} | entry.get("columns", {})
        own_numbers = list(entry.get("numbers", []))
        types: dict[Kind, list[str]] = {
            "text": list(entry.get("text", [])) + document["types"]["text"],
            "integer": [column for column in document["types"]["integers"] if column not in own_numbers],
            "number": own_numbers + document["types"]["numbers"],
        }
        tables.append(Table(name, entry["path"], entry["row"], columns, types, entry.get("missing", [])))
    return tables


def names_of(paths: list[str]) -> list[str]:
    """A name for each path: its fixed parts, and its placeholders where another has the same."""
    names: list[str] = []
    for path in paths:
        bare = path.rpartition(".")[0].replace("k=all", "")
        name = re.sub(r"[^\w.-]+", "-", re.sub(r"<\w+>|\*\*", "", bare)).strip("-")
        if name in names:
            name = "-by-".join([name, "-".join(re.findall(r"<(\w+)>", path))])
        if name in names:
            raise ValueError(f"results.yaml: two tables would be called {name}")
        names.append(name)
    return names


def find_tables(
    results: str | os.PathLike[str], tables: list[Table], outputs: Collection[str] | None = None
) -> Iterator[tuple[str, str, Table]]:
    """Each table below a results folder, sorted: its path there, the same as results.yaml has it, its entry.

    outputs: paths of the tables to take (None: all). The log names tables that are left out, and counts benchmarks.
    """
    benchmarks = 0
    for path in _tables_below(results):
        plain = path.removeprefix(NEW_SLIDES)
        table = next((table for table in tables if table.parts_of(plain) is not None), None)
        if outputs is not None and path not in outputs:
            benchmarks += path.startswith("benchmarks/")
            if not path.startswith("benchmarks/"):
                log.warning("%s/%s is left out: the config and sheets don't ask for it now", results, path)
        elif table is None:
            log.warning("%s/%s is left out: workflow/schemas/results.yaml doesn't describe it", results, path)
        else:
            yield path, plain, table
    if benchmarks:
        log.info("%d benchmarks of other jobs are left out", benchmarks)


def _tables_below(results: str | os.PathLike[str]) -> Iterator[str]:
    """Paths of tables below a results folder, sorted by folder."""
    for parent, folders, files in os.walk(results):
        top = Path(parent) == Path(results)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and not (top and name in NO_TABLES))
        for file in sorted(files):
            if not file.startswith(".") and file.endswith((".tsv", ".parquet")):
                yield Path(parent, file).relative_to(results).as_posix()
