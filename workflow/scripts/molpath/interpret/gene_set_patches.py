"""Scores of patches of some slides along the directions of gene sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import h5py
import numpy as np

from ..common.files import new_h5
from ..common.settings.embed import Model
from ..embed.bags import Bags
from ..embed.pooling import Pooling, pooling_of
from ..probe.embeddings import EmbeddingTable
from .gene_set_cases import Support
from .gene_set_files import BadGeneSets
from .gene_set_reliability import FOLDS, Directions
from .patch_parts import Reference, anatomy_of, patch_scores


def write_patches(
    path: str,
    model: Mapping[str, Any],
    run_folder: str,
    bags: Bags,
    slides: str,
    directions: Mapping[str, Directions],
    columns: Sequence[tuple[str, int]],
    names: Sequence[str],
    support: Support,
    settings: Mapping[str, Any],
) -> None:
    """Write a group per slide, `slides/<id>`: `scores` (float32 N x K), `coords` (int64 N x 2, `patch_size_level0`).

    `columns/set` and `columns/way` name the K columns. Slides that were set aside, or whose patches have no
    coordinates, have no group. `directions` (float32 K x D): for all but the support; a slide's score is its embedding
    of length 1 times them, plus `intercepts`.
    """
    table = EmbeddingTable.read(slides, with_vectors=False)
    case_of = dict(zip(table.ids, table.columns.get("case_id", table.ids), strict=True))
    with new_h5(path) as handle:
        for key, values in (("set", [names[i] for _, i in columns]), ("way", [way for way, _ in columns])):
            handle.create_dataset(f"columns/{key}", data=values, dtype=h5py.string_dtype())
        overall = np.stack([directions[way].coefficients[FOLDS, i] for way, i in columns])
        handle["directions"] = (overall * np.sqrt(overall.shape[1])).astype(np.float32)
        handle["intercepts"] = np.array([directions[way].intercepts[FOLDS, i] for way, i in columns], np.float32)
        mapped = [slide for slide in settings["slides"] if slide in bags and bags.is_placed(slide)]
        if not mapped:
            return
        pooling = pooling_by(model, run_folder, overall.shape[1])
        reference_slides = (slide for slide in settings["reference"] if slide in bags)
        reference = Reference.of(anatomy_of(pooling, bags.read(slide).features) for slide in reference_slides)
        for slide in mapped:
            bag = bags.read(slide, with_coords=True)
            fold = support.fold_of([case_of.get(slide, slide)])[0]
            fold_directions = np.stack([directions[way].coefficients[fold, i] for way, i in columns])
            group = handle.create_group(f"slides/{slide}")
            scores = patch_scores(
                anatomy_of(pooling, bag.features), fold_directions * np.sqrt(fold_directions.shape[1]), reference
            )
            group["scores"] = scores.astype(np.float32)
            group["coords"] = bag.coords
            group["coords"].attrs["patch_size_level0"] = bag.edge


def pooling_by(model: Mapping[str, Any], run_folder: str, width: int) -> Pooling:
    """How a model pools patches (of `width` numbers under a mean). Raises BadGeneSets where it is no sum over them."""
    pooling = pooling_of(cast(Model, model), [f"{run_folder}/config.json"], width)
    if pooling is None:
        raise BadGeneSets(
            f"patches of {model['name']} have no exact share of its embedding: clear probe/gene_sets/slides"
        )
    return pooling
