"""contributions.h5 of a predictor, as maps and pictures read it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..common.files import open_h5
from ..interpret.places import Places

#: Panels of a map at most.
PANELS = 7


@dataclass(frozen=True)
class Contributions:
    """Of one slide: values (float64 N x K) of its patches, places where they are known; what they add up to.

    columns: K names; unit: of the values; case: of the slide, outputs (float64 K) of the case, constant (K) and others,
    the sum over patches of its other slides (K), which values and they add up to; about: model and task.
    """

    values: np.ndarray
    places: Places | None
    columns: list[str]
    unit: str
    case: str
    outputs: np.ndarray
    constant: np.ndarray
    about: str

    @property
    def others(self) -> np.ndarray:
        """Sum over the patches of the case's other slides (float64 K)."""
        with np.errstate(invalid="ignore"):  # a class that no training case has: minus infinity
            gaps = self.outputs - self.constant - self.values.sum(0)
        return np.where(np.abs(gaps) > 1e-4 * np.abs(self.values).sum(0), gaps, 0)

    def shown(self) -> list[int]:
        """Columns that are drawn: the highest outputs where there are too many, in their order."""
        return sorted(np.argsort(-self.outputs, kind="stable")[:PANELS].tolist())


def read_contributions(path: str, slide_id: str) -> Contributions | None:
    """A slide's part of contributions.h5; None where it has no patches."""
    with open_h5(path) as handle:
        if f"slides/{slide_id}" not in handle:
            return None
        group, attributes = handle[f"slides/{slide_id}"], handle.attrs
        case, places = str(group.attrs["case_id"]), None
        if "coords" in group:
            places = Places(group["coords"][:], int(group["coords"].attrs["patch_size_level0"]))
        return Contributions(
            group["contributions"][:].astype(float),
            places,
            handle["columns"].asstr()[:].tolist(),
            str(attributes["unit"]),
            case,
            handle[f"cases/{case}/output"][:],
            handle["constant"][:],
            f"{attributes['model']}/{attributes['task']}",
        )
