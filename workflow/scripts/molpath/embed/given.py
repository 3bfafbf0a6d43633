"""Models of kind table: vectors that others made, taken as one file, and given to slides and cases."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..common.files import new_h5, open_h5, write_tsv
from ..common.task_sheets import sheet_of_tasks
from ..common.vectors import check_labels
from .given_arrays import read_vectors

log = logging.getLogger(__name__)


def take_vectors(*, path: str, ids: str, unit: str, output: str, labels: Sequence[str] = ()) -> None:
    """Write `ids` and `embeddings` (float32 N x D) of given vectors; attribute `unit`: slide_id or case_id.

    labels: columns of tasks that may not stand among the numbers. Raises BadTable.
    """
    import h5py

    found = read_vectors(path, ids, unit)
    check_labels(path, found, labels)
    with new_h5(output) as handle:
        handle["embeddings"] = np.asarray(found.values, np.float32)
        handle.create_dataset("ids", data=found.ids, dtype=h5py.string_dtype())
        handle.attrs["unit"] = found.unit
    log.info(
        "%s: vectors of %d numbers, one for each of %d %ss", path, len(found.values[0]), len(found.ids), found.unit
    )


def write_sheet(*, tables: Sequence[str], output: str) -> None:
    """Write the slide sheet of a study without slides."""
    write_tsv(output, pd.DataFrame(sheet_of_tasks(tables)))


@dataclass(frozen=True)
class Given:
    """Given vectors (float32 D) by case or slide (unit)."""

    unit: str
    vectors: Mapping[str, np.ndarray]

    @classmethod
    def read(cls, path: str) -> Given:
        """Those that `take_vectors` wrote."""
        with open_h5(path) as handle:
            ids = handle["ids"].asstr()[:].tolist()
            return cls(str(handle.attrs["unit"]), dict(zip(ids, handle["embeddings"][:], strict=True)))

    def of(self, case: str, slides: Sequence[str]) -> tuple[np.ndarray | None, list[str]]:
        """The vector of a case, or the mean of those of its slides, and the slides it stands for; None without any."""
        if self.unit == "case_id":
            return self.vectors.get(case), list(slides)
        with_vector = [slide for slide in slides if slide in self.vectors]
        if not with_vector:
            return None, []
        return np.asarray(np.mean([self.vectors[slide] for slide in with_vector], axis=0)), with_vector
