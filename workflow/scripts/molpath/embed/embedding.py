"""Embeddings of a block of slides or cases, and of all of them together."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..common.digests import digest_of
from ..common.files import fingerprint, new_h5, open_h5, read_tsv
from ..common.finished import keep, restore
from ..common.kinds import WITH_COORDS
from ..common.progress import Progress
from ..common.settings.embed import Model
from .bags import Bags, union
from .models import get_pool, read_vectors

log = logging.getLogger(__name__)

#: Columns of the slide sheet that say something of a file, not of its slide.
OF_FILES = ("path", "mpp", "keep", "url", "md5", "bytes")


def embed_block(
    *,
    members: Mapping[str, Sequence[str]],
    cases: Mapping[str, str],
    model: Model,
    manifests: Sequence[str],
    sources: Sequence[str],
    wsi: str,
    output: str,
    finished: str,
    code: str,
    threads: int = 1,
    log_path: str | None = None,
) -> None:
    """Write `ids`, `embeddings` (float32 N x D), `n_patches` and `slides` of a block.

    members: slides of each slide or case of the block, by its id; cases: case of each id; sources: for threads the
    run's config.json and weights, for table the TSV, for slide encoders of others their weights. Slides that were set
    aside are left out, and a case without any other; so are, for a slide encoder that reads coordinates, slides whose
    features don't say where their patches lie. The same contents are taken from `finished`.
    """
    bags = Bags(manifests, wsi)
    present = {name: [s for s in slides if s in bags] for name, slides in members.items()}
    if model["kind"] == "table":
        vectors = read_vectors(sources[0])
        present = {name: list(members[name]) for name in members if cases[name] in vectors}
        rows = [(name, vectors[cases[name]], 0, slides) for name, slides in present.items()]
        write_block(output, rows)
        return
    if model["kind"] in WITH_COORDS:
        present = {name: placed_of(slides, bags, model["name"]) for name, slides in present.items()}
    present = {name: slides for name, slides in present.items() if slides}
    contents = {name: [(slide, bags.fingerprint(slide)) for slide in slides] for name, slides in present.items()}
    stamp = digest_of(contents, [fingerprint_of(path) for path in sources], dict(model), code)
    if restore(Path(finished) / stamp, {"block.h5": output}):
        log.info("same patches, weights and code: taken from .finished/%s", stamp)
        return
    pool = get_pool(model, str(sources[0]) if sources else "", threads)
    progress = Progress(log_path, f"embedding with {model['name']}", len(present), "bags")
    rows = []
    for name, slides in present.items():
        parts = [bags.read(slide, model["kind"] in WITH_COORDS) for slide in slides]
        together = model["cases"] == "union" or len(parts) == 1
        vector = pool(union(parts)) if together else np.mean([pool(part) for part in parts], axis=0)
        patches = sum(len(part.features) for part in parts)
        rows.append((name, vector, patches, slides))
        progress.step(1, patches)
    write_block(output, rows)
    keep(Path(finished) / stamp, {"block.h5": output})


def placed_of(slides: Sequence[str], bags: Bags, model: str) -> list[str]:
    """The slides whose patches have a known place; a slide encoder that reads coordinates can't embed the others."""
    placed = [slide for slide in slides if bags.is_placed(slide)]
    for slide in sorted(set(slides) - set(placed)):
        log.warning("%s is left out: its features don't say where its patches lie, and %s reads that", slide, model)
    return placed


def fingerprint_of(path: str) -> list[str]:
    """Fingerprint of a file, or of the files of a folder."""
    files = [Path(path)] if Path(path).is_file() else sorted(one for one in Path(path).rglob("*") if one.is_file())
    return [fingerprint(one) for one in files]


def write_block(path: str, rows: Sequence[tuple[str, np.ndarray, int, Sequence[str]]]) -> None:
    """Write (id, vector, patches, slides) rows as HDF5."""
    import h5py

    text = h5py.string_dtype()
    with new_h5(path) as handle:
        width = len(rows[0][1]) if rows else 0
        handle["embeddings"] = np.asarray([row[1] for row in rows], np.float32).reshape(len(rows), width)
        handle["n_patches"] = np.asarray([row[2] for row in rows], np.int64)
        handle.create_dataset("ids", data=[row[0] for row in rows], dtype=text)
        handle.create_dataset("slides", data=[";".join(row[3]) for row in rows], dtype=text)


def gather_embeddings(
    *, blocks: Sequence[str], sheet: str, unit: str, output: str, model: Model, cases_sheet: str = ""
) -> None:
    """Write slides.h5ad or cases.h5ad (`unit`: slide_id or case_id): X float32, obs from the slide sheet.

    obs has case_id, n_patches, slides_used and the sheet's further columns; of a case those in which its slides agree.
    """
    import anndata

    from ..common.h5ad import write_h5ad

    ids, vectors, patches, slides = [], [], [], []
    for path in blocks:
        with open_h5(path) as handle:
            if len(handle["ids"]):
                ids += [name.decode() for name in handle["ids"][:]]
                slides += [name.decode() for name in handle["slides"][:]]
                vectors.append(handle["embeddings"][:])
                patches.append(handle["n_patches"][:])
    if not vectors:
        raise ValueError(
            f"no {unit.removesuffix('_id')} has an embedding by {model['name']}: all slides were set aside, or their "
            "features don't say where patches lie (manifests of the stage features, and the logs, say which)"
        )
    obs = sheet_columns(read_tsv(sheet), unit).reindex(ids)
    if cases_sheet:
        clinical = read_tsv(cases_sheet).set_index("case_id")
        obs = obs.join(clinical[[c for c in clinical if c not in obs]], on="case_id")
    obs["n_patches"], obs["slides_used"] = np.concatenate(patches), slides
    data = anndata.AnnData(np.concatenate(vectors), obs=obs.fillna(""))
    data.uns["model"] = {"name": model["name"], "kind": model["kind"]}
    write_h5ad(output, data)


def sheet_columns(sheet: pd.DataFrame, unit: str) -> pd.DataFrame:
    """Columns of the slide sheet by slide; by case what its slides agree in, '' where they differ."""
    if unit == "slide_id":
        return sheet.drop(columns=[name for name in OF_FILES if name in sheet]).set_index("slide_id")
    table = sheet.drop(columns=[name for name in ("slide_id", *OF_FILES) if name in sheet])
    groups = table.groupby("case_id", sort=False)
    agree = groups.nunique() == 1
    found = groups.first().where(agree, "")
    for name in found:
        if differ := list(agree.index[~agree[name]]):
            log.info("column %s is empty for %d cases whose slides differ in it: %s", name, len(differ), differ[:5])
    found.insert(0, "case_id", found.index)
    found.index.name = None
    return found
