"""Embeddings from an h5ad, read with h5py alone: importing anndata would take longer than the job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import h5py
import numpy as np

from ..common.files import open_h5

#: Columns of obs that samples are chosen by, where a file has them.
COLUMNS = ("slides_used", "n_patches", "site", "case_id", "sample_type", "modality")

#: Reason of a slide or case whose embedding holds NaN or infinite numbers, where others are shown without it.
NOT_FINITE = "not_finite"
#: How many names a message shows.
SHOWN = 10


@dataclass(frozen=True)
class EmbeddingTable:
    """What an h5ad of slides, cases or profiles holds, read at once.

    ids: obs names; vectors: float32 N x D; columns: those of COLUMNS that the file has, as text, by name; kind: of the
    model that made the file ('' where it doesn't say); given: what vectors of a model of kind table are of.
    """

    path: str
    ids: list[str]
    vectors: np.ndarray
    columns: dict[str, list[str]]
    kind: str
    given: str = ""

    @classmethod
    def read(cls, path: str, with_vectors: bool = True) -> EmbeddingTable:
        """The table of a file; without vectors (N x 0) where only its columns are needed."""
        with open_h5(path) as handle:
            obs, kind, given_by = handle["obs"], *(_word(handle, f"uns/model/{key}") for key in ("kind", "given"))
            ids = as_text(obs[obs.attrs["_index"]][:])
            vectors = handle["X"][:] if with_vectors else np.zeros((len(ids), 0), np.float32)
            columns = {name: read_column(obs[name]) for name in COLUMNS if name in obs}
            return cls(path, ids, vectors, columns, kind, given_by)

    def only_finite(self) -> tuple[EmbeddingTable, list[str]]:
        """The rows whose embeddings hold no NaN and no infinity, and the ids of the others."""
        is_finite = are_finite(self.vectors)
        rows = np.flatnonzero(is_finite)
        columns = {name: [cells[row] for row in rows] for name, cells in self.columns.items()}
        kept = replace(self, ids=[self.ids[row] for row in rows], vectors=self.vectors[rows], columns=columns)
        return kept, [self.ids[row] for row in np.flatnonzero(~is_finite)]


def _word(handle: h5py.File, name: str) -> str:
    """A dataset of one word; '' where there is none."""
    return as_text(np.array([handle[name][()]], object))[0] if name in handle else ""


def are_finite(x: np.ndarray) -> np.ndarray:
    """True (bool N) for embeddings (float N x D) without NaN and infinite numbers."""
    return np.asarray(np.isfinite(x).all(1))


def shortened(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    n_hidden = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {n_hidden} more" if n_hidden > 0 else "")


def read_embeddings(path: str) -> tuple[list[str], np.ndarray]:
    """Ids (obs names) and X (float32 N x D) of slides.h5ad or cases.h5ad."""
    with open_h5(path) as handle:
        obs = handle["obs"]
        return as_text(obs[obs.attrs["_index"]][:]), handle["X"][:]


def read_columns(path: str, names: Sequence[str]) -> dict[str, list[str]]:
    """Those columns of obs that the file has, as text, by name; and its ids under `_index`."""
    with open_h5(path) as handle:
        obs = handle["obs"]
        columns = {"_index": as_text(obs[obs.attrs["_index"]][:])}
        for name in names:
            if name in obs:
                columns[name] = read_column(obs[name])
    return columns


def read_column(column: h5py.Dataset | h5py.Group) -> list[str]:
    """A column of obs as text: plain, or a categorical one (codes and categories)."""
    if isinstance(column, h5py.Group):
        categories = as_text(column["categories"][:])
        return [categories[code] if code >= 0 else "" for code in column["codes"][:]]
    return as_text(column[:])


def as_text(values: np.ndarray) -> list[str]:
    """Values of an HDF5 dataset as text."""
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values]


def read_block(path: str) -> tuple[list[str], np.ndarray, list[str], list[str]]:
    """Ids, embeddings (float32 N x D), slides (joined by ;) and numbers of patches of a block that `embed` wrote."""
    with open_h5(path) as handle:
        patches = [str(count) for count in handle["n_patches"][:]]
        return as_text(handle["ids"][:]), handle["embeddings"][:], as_text(handle["slides"][:]), patches


def read_every_column(path: str) -> tuple[dict[str, list[str]], np.ndarray]:
    """Every column of obs, as text, by name, with the ids under `_index`; and X (float32 N x D)."""
    with open_h5(path) as handle:
        names = as_text(handle["obs"].attrs["column-order"])
        vectors = handle["X"][:]
    return read_columns(path, names), vectors
