"""From given vectors of cases or slides to the whole probing protocol, without slides."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...common.tsv import BadTable
from ...common.vectors import Vectors, read_ids, unit_of
from ..draft import Draft, Refusal, kept, number, some
from ..labels import join
from ..names import safe_ids, stem_of
from ..tasks import add_tasks

#: The protocols of the paper beside frozen probes, and the probes beside its own.
GROUPS = ["frozen", "fewshot", "retrieval"]
SWEEP: list[Any] = [0.001, 0.01, 0.1, 0.5, 1, 10, "adaptive"]
FURTHER = ["knn", "prototype"]


def add_options(parser: argparse.ArgumentParser, wants: Any) -> None:
    """Options of this start."""
    description = "embeddings: a table (TSV, CSV, Parquet, h5ad, npy) or a folder of .h5, one vector per slide or case"
    wants.add_argument("--embeddings", metavar="FILE", nargs="+", help=f"{description}; several are compared")
    group = parser.add_argument_group("embeddings")
    group.add_argument("--ids", metavar="FILE", help="of .npy: a table with an id for each row")
    group.add_argument("--unit", choices=("slide_id", "case_id"), help="what names of files in a folder are")


def embeddings(options: argparse.Namespace) -> Draft:
    """A study of given vectors alone."""
    draft = Draft({})
    if not options.labels:
        raise Refusal("--embeddings: add --labels FILE, a table of the labels to predict")
    paths = [os.path.abspath(path) for path in options.embeddings]
    tables = {path: look_at(path, options, draft) for path in paths}
    units = {vectors.unit for vectors in tables.values()}
    if len(units) > 1:
        raise Refusal("some embeddings are of slides, others of cases: make one study of each")
    unit = units.pop()
    names = list(dict.fromkeys(name for vectors in tables.values() for name in vectors.ids))
    case_of = {
        name: case for vectors in tables.values() for name, case in zip(vectors.ids, vectors.cases, strict=False)
    }
    unit_name = unit.removesuffix("_id")
    joined = join(names, unit_name, options, draft, case_of if len(case_of) == len(names) else None)
    draft.config |= {"slides": {"sheet": ""}, "embed": models(paths, tables, options)}
    draft.config["probe"] = {"C_sweep": SWEEP, "further": list(FURTHER)}
    add_tasks(joined, options, draft, GROUPS, of_cases=unit == "case_id")
    probe = draft.config["probe"]
    if classes := [task for task, entry in probe["tasks"].items() if "groups" in entry]:
        probe["cluster"] = {"use": classes}
    if len(classes) < len(probe["tasks"]):
        probe["further"].append("ridge_cox")
    return draft


def look_at(path: str, options: argparse.Namespace, draft: Draft) -> Vectors:
    """Ids of a table of vectors. Raises BadTable, or Refusal if it doesn't exist."""
    if not os.path.exists(path):
        raise Refusal(f"--embeddings {path}: no such file")
    unit = ""
    if os.path.isdir(path):
        unit = options.unit or "slide_id"
        if not options.unit:
            draft.guess("names of files", f"slides, in {path}", "--unit case_id")
    vectors = read_ids(path, os.path.abspath(options.ids) if options.ids else "", unit) or _other(path)
    unit_name = vectors.unit.removesuffix("_id")
    draft.guess("vectors", f"{number(len(vectors.ids), unit_name)} ({some(vectors.ids)}) in {path}", "--embeddings")
    return vectors


def _other(path: str) -> Vectors:
    """Ids of formats that the standard library can't read. Raises BadTable for files that are damaged."""
    try:
        return _by_library(path)
    except BadTable:
        raise
    except (OSError, ValueError, KeyError) as error:
        message = str(error).split("\n")[0]
        raise BadTable(path, f"can't be read ({message})", "write or copy the whole file again") from None


def _by_library(path: str) -> Vectors:
    if path.endswith(".h5ad"):
        import anndata

        frame = anndata.read_h5ad(path, backed="r").obs
        frame = frame if set(frame.columns) & {"slide_id", "case_id"} else frame.rename_axis("slide_id").reset_index()
    else:
        import pandas

        columns = [name for name in _parquet_columns(path) if name in ("slide_id", "case_id")]
        frame = pandas.read_parquet(path, columns=columns)
    unit = unit_of(path, map(str, frame.columns))
    cases = frame["case_id"].astype(str).tolist() if unit == "slide_id" and "case_id" in frame else []
    return Vectors(unit, frame[unit].astype(str).tolist(), [], cases, [])


def _parquet_columns(path: str) -> list[str]:
    import pyarrow.parquet

    return list(pyarrow.parquet.read_schema(path).names)


def models(paths: Sequence[str], tables: dict[str, Vectors], options: argparse.Namespace) -> dict[str, Any]:
    """Section embed: one model per table, named like its file."""
    stems = [os.path.splitext(stem_of(path))[0] or Path(path).name for path in paths]
    ids = safe_ids(dict.fromkeys(stems), "file")
    if len(ids) < len(paths):
        raise Refusal(
            f"several embeddings are called {some(sorted({s for s in stems if stems.count(s) > 1}))}: rename one"
        )
    entries: dict[str, Any] = {}
    for path, stem in zip(paths, stems, strict=True):
        entries[ids[stem]] = {"kind": "table", "path": kept(path, options.folder)}
        if os.path.isdir(path):
            entries[ids[stem]]["unit"] = tables[path].unit
        if path.endswith(".npy"):
            entries[ids[stem]]["ids"] = kept(options.ids, options.folder)
    return {"models": entries, "use": list(entries)}
