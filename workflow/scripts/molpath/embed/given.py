"""Models of kind table: given vectors, copied into one file, and assigned to slides and cases."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..common.files import new_h5, open_h5, write_tsv
from ..common.task_sheets import sheet_of_tasks
from ..common.tsv import BadTable
from ..common.vectors import check_labels
from .given_arrays import read_vectors

log = logging.getLogger(__name__)


def take_vectors(*, path: str, ids: str, unit: str, output: str, labels: Sequence[str] = ()) -> None:
    """Write `ids`, `cases` (of slides, where known) and `embeddings` (float32 N x D) of given vectors.

    Attributes: unit, slide_id or case_id; file, the name of the table.

    labels: columns of tasks, which must not be among the numbers. Raises BadTable.
    """
    import h5py

    vectors = read_vectors(path, ids, unit)
    check_labels(path, vectors, labels)
    with new_h5(output) as handle:
        handle["embeddings"] = np.asarray(vectors.values, np.float32)
        handle.create_dataset("ids", data=vectors.ids, dtype=h5py.string_dtype())
        handle.create_dataset("cases", data=vectors.cases, dtype=h5py.string_dtype(), shape=(len(vectors.cases),))
        handle.attrs.update(unit=vectors.unit, file=os.path.basename(path))
    log.info(
        "%s: vectors of %d numbers, one for each of %d %ss",
        path,
        len(vectors.values[0]),
        len(vectors.ids),
        vectors.unit,
    )


def write_sheet(*, tables: Sequence[str], output: str) -> None:
    """Write the slide sheet of a study without slides."""
    write_tsv(output, pd.DataFrame(sheet_of_tasks(tables)))


@dataclass(frozen=True)
class Given:
    """Given vectors (float32 D) by case or slide (unit); case_of: of slides, if the table (file) says so."""

    unit: str
    vectors: Mapping[str, np.ndarray]
    case_of: Mapping[str, str] = field(default_factory=dict)
    file: str = ""

    @classmethod
    def read(cls, path: str) -> Given:
        """Those that `take_vectors` wrote."""
        with open_h5(path) as handle:
            ids = handle["ids"].asstr()[:].tolist()
            cases = handle["cases"].asstr()[:].tolist()
            vectors = dict(zip(ids, handle["embeddings"][:], strict=True))
            case_of = dict(zip(ids, cases, strict=True)) if cases else {}
            return cls(str(handle.attrs["unit"]), vectors, case_of, str(handle.attrs["file"]))

    def of(self, case: str, slides: Sequence[str]) -> tuple[np.ndarray | None, list[str]]:
        """The vector of a case, or the mean of those of its slides, and the slides it represents; None without any.

        Raises BadTable where the table says that a slide is of another case.
        """
        if self.unit == "case_id":
            return self.vectors.get(case), list(slides)
        with_vector = [slide for slide in slides if slide in self.vectors]
        for slide in with_vector:
            if self.case_of.get(slide, case) != case:
                problem = f"slide {slide} is of case {self.case_of[slide]} here, and of {case} in the study"
                raise BadTable(self.file, problem, "correct one of them")
        if not with_vector:
            return None, []
        return np.asarray(np.mean([self.vectors[slide] for slide in with_vector], axis=0)), with_vector
