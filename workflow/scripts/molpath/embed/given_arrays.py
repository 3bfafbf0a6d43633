"""Given vectors in the formats that the standard library doesn't read: arrays, Parquet, AnnData, pooled HDF5."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import h5py
import numpy as np

from ..common.given_files import check_array
from ..common.given_h5 import Unusable, check_tree, own_array
from ..common.given_parquet import check_parquet
from ..common.given_text import Refused
from ..common.tsv import BadTable
from ..common.vectors import UNITS, Vectors, check_ids, files_of, of_array, of_folder, read_ids, unit_of

#: No vector of a case or slide has more numbers.
LONGEST_VECTOR = 1 << 20


def read_vectors(path: str, ids: str = "", unit: str = "") -> Vectors:
    """The vectors of a file or folder; ids: file of the ids of a .npy; unit: what ids are where the file can't say.

    Raises BadTable that names file, row and column.
    """
    if os.path.isdir(path):
        vectors = _of_folder(path, unit)
    elif path.endswith(".parquet"):
        vectors = _of_parquet(path)
    elif path.endswith(".npy"):
        vectors = _of_npy(path, ids)
    elif path.endswith(".h5ad"):
        vectors = _of_h5ad(path, unit)
    elif text := read_ids(path):
        return text
    check_ids(path, vectors)
    return vectors


def _checked(path: str, values: Any, locations: Sequence[str]) -> Any:
    """An array (N x D) as float32, all of it finite."""
    if values.ndim != 2 or values.dtype.kind not in "iuf":
        problem = f"an array of {values.dtype} and shape {values.shape}"
        raise BadTable(path, problem, "a table of vectors has numbers in rows and columns")
    numbers = np.asarray(values, np.float32)
    nonfinite = np.argwhere(~np.isfinite(numbers))
    if len(nonfinite):
        row, column = nonfinite[0]
        remedy = "make the vector again, or take the row out"
        raise BadTable(
            f"{path}, {locations[row]}, column {column}", f"{values[row, column]} is no finite number", remedy
        )
    return numbers


def _of_parquet(path: str) -> Vectors:
    """A Parquet table: a column of ids, all others numbers."""
    import pyarrow
    import pyarrow.parquet

    try:
        check_parquet(path)
        table = pyarrow.parquet.read_table(path)
    except Refused as error:
        raise BadTable(path, str(error), "write it again") from None
    except (pyarrow.ArrowException, OSError) as error:
        raise BadTable(path, f"no Parquet file: {error}", "write it again") from None
    unit = unit_of(path, table.column_names)
    names = [name for name in table.column_names if name not in UNITS]
    for name in names:
        kind = table.schema.field(name).type
        if not (pyarrow.types.is_floating(kind) or pyarrow.types.is_integer(kind)):
            raise BadTable(f"{path}, column {name}", f"it holds {kind}, no numbers", "take the column out")
    ids = ["" if value is None else str(value) for value in table[unit].to_pylist()]
    locations = [f"row {row}" for row in range(1, len(ids) + 1)]
    columns = [table[name].to_numpy().astype(np.float64) for name in names]
    values = np.stack(columns, axis=1) if columns else np.zeros((len(ids), 0))
    cases = table["case_id"].to_pylist() if unit == "slide_id" and "case_id" in table.column_names else []
    case_ids = ["" if case is None else str(case) for case in cases]
    return Vectors(unit, ids, _checked(path, values, locations), case_ids, locations, names)


def _of_npy(path: str, ids: str) -> Vectors:
    """An array, and a table with an id for each of its rows."""
    vectors = of_array(path, ids)
    try:
        check_array(path)
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise BadTable(path, f"no array of numbers: {error}", "write it again with numpy.save") from None
    if not isinstance(values, np.ndarray):
        raise BadTable(path, "an archive of arrays (.npz), no array", "write one array with numpy.save")
    if values.ndim == 2 and len(values) != len(vectors.ids):
        problem = f"{len(values)} rows, and {ids} has {len(vectors.ids)} ids"
        raise BadTable(path, problem, "give the ids of this array, in the order of its rows")
    return replace(vectors, values=_checked(path, values, vectors.places))


def _of_h5ad(path: str, unit: str) -> Vectors:
    """X of an AnnData file by the names of its observations."""
    try:
        with h5py.File(path) as handle:
            check_tree(handle)
            obs = handle["obs"]
            index = str(obs.attrs["_index"])
            unit = unit or (index if index in UNITS else "")
            if "X" not in handle:
                raise BadTable(path, "it has no X", "put the vectors into X")
            if not isinstance(handle["X"], h5py.Dataset):
                raise BadTable(path, "X is a sparse matrix", "write it as a dense array")
            ids, values = _text_column(obs[unit if unit in obs else index]), handle["X"][:]
            cases = _text_column(obs["case_id"]) if unit == "slide_id" and "case_id" in obs else []
            columns = _names_of(handle["var"]) if "var" in handle else []
    except Unusable as error:
        raise BadTable(path, str(error), "write it again with anndata, all in one file") from None
    except (OSError, KeyError) as error:
        raise BadTable(path, f"no h5ad file: {error}", "write it again with anndata") from None
    if not unit:
        raise BadTable(
            path, f"its index {index!r} is neither case_id nor slide_id", "say under `unit` what its ids are"
        )
    locations = [f"observation {row}" for row in range(1, len(ids) + 1)]
    return Vectors(unit, ids, _checked(path, values, locations), cases, locations, columns)


def _names_of(table: Any) -> list[str]:
    """Names of the rows of obs or var."""
    return [str(name) for name in table[str(table.attrs["_index"])].asstr()[:]]


def _text_column(column: Any) -> list[str]:
    """A column of obs: plain text, or codes of categories."""
    if hasattr(column, "keys"):
        categories = _texts(column["categories"])
        return [categories[code] if code >= 0 else "" for code in column["codes"][:]]
    return _texts(column)


def _texts(values: h5py.Dataset) -> list[str]:
    """Values as text: ids may be numbers."""
    return [str(value) for value in (values.asstr() if h5py.check_string_dtype(values.dtype) else values)[:]]


def _of_folder(path: str, unit: str) -> Vectors:
    """One HDF5 file for each case or slide, by its name, as TRIDENT and Patho-Bench write pooled features."""
    named, files = of_folder(path, unit), files_of(path)
    vectors = [_of_file(file) for file in files]
    usual = Counter(map(len, vectors)).most_common(1)[0][0]
    for file, vector in zip(files, vectors, strict=True):
        if len(vector) != usual:
            remedy = "keep those of one encoder in the folder"
            raise BadTable(file, f"a vector of {len(vector)} numbers, where most have {usual}", remedy)
    return replace(named, values=_checked(path, np.stack(vectors), named.places))


def _of_file(file: str) -> Any:
    """The one vector of an HDF5 file."""
    try:
        with h5py.File(file) as handle:
            array = own_array(handle, "features", "iuf")
            if array.size > LONGEST_VECTOR:
                raise Unusable(f"features of shape {array.shape}, not one vector")
            values = array[()]
    except (OSError, Unusable) as error:
        raise BadTable(file, str(error), "make it again, or take it out of the folder") from None
    if values.size != values.shape[-1] if values.ndim else True:
        remedy = "name the folder of slide features, or pool these patches by a model of kind mean"
        raise BadTable(file, f"features of shape {values.shape}, not one vector", remedy)
    return values.reshape(-1)
