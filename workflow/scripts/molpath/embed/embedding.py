"""Embeddings of a block of slides or cases, and of all of them together."""

from __future__ import annotations

import logging
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd

from ..common.digests import digest_of
from ..common.files import new_h5, open_h5, read_tsv, write_tsv
from ..common.finished import keep, restore
from ..common.kinds import WITH_COORDS
from ..common.manifests import one_line, read_manifest
from ..common.progress import Progress
from ..common.reasons import EXCLUDED, OK, REASONS, SET_ASIDE
from ..common.settings.embed import Model
from .bags import Bags
from .given import Given
from .kept_bags import KeptBags, forget_others
from .models import Embed, get_embed, identity_of

log = logging.getLogger(__name__)

#: Columns of the slide sheet that describe a file, not its slide.
OF_FILES = ("path", "mpp", "keep", "url", "md5", "bytes")
#: The result of a member of a block.
FATE = ("status", "reason", "detail")


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
    cohort: str = "",
    threads: int = 1,
    promised_gpu: bool = False,
    log_path: str | None = None,
) -> None:
    """Write `ids`, `embeddings` (float32 N x D), `n_patches` and `slides` of a block, and members without one.

    members: slides of each slide or case of the block, by its id; cases: case of each id; sources: for threads the
    run's config.json and weights, for table its vectors, for slide encoders of others their weights; cohort: table of
    what was set aside before, read for a model of given vectors only. A case without any slide, and whatever else has
    no embedding, is listed in the block with reason and detail. The same contents are taken from `finished`, wherever
    the model's files are and whatever its name; a killed block resumes from its bags. promised_gpu: see get_embed.
    Raises OtherWeights.
    """
    bags = Bags(manifests, wsi)
    if model["kind"] == "table":
        write_block(output, *given_vectors(members, cases, sources[0], cohort))
        return
    present, without = sort_out(members, model, bags)
    if model["kind"] == "threads":
        bags.check_weights(sources[0], chain(*present.values()))
    contents = {name: [(slide, bags.fingerprint(slide)) for slide in slides] for name, slides in present.items()}
    stamp = digest_of(contents, without, identity_of(model, sources), code)
    bags_of = "-".join(Path(output).with_suffix("").parts[-3:])
    forget_others(Path(finished), bags_of, stamp)
    if restore(Path(finished) / stamp, {"block.h5": output}):
        log.info("same patches, weights and code: taken from .finished/%s", stamp)
        return
    with closing(KeptBags(Path(finished) / f"{bags_of}.{stamp}.bags")) as kept_bags:
        embed_new(present, kept_bags, model, sources, bags, threads, promised_gpu, log_path)
    write_block(output, [(name, *kept_bags.bags[name], slides) for name, slides in present.items()], without)
    keep(Path(finished) / stamp, {"block.h5": output})
    kept_bags.remove()


def embed_new(
    present: Mapping[str, Sequence[str]],
    kept_bags: KeptBags,
    model: Model,
    sources: Sequence[str],
    bags: Bags,
    threads: int,
    promised_gpu: bool,
    log_path: str | None,
) -> None:
    """Embed the members that a killed job did not finish, and store each as soon as it is done."""
    progress = Progress(log_path, f"embedding with {model['name']}", len(present), "bags", len(kept_bags.bags))
    new = {name: slides for name, slides in present.items() if name not in kept_bags.bags}
    if not new:
        return
    with get_embed(model, str(sources[0]) if sources else "", threads, bags, promised_gpu) as embed:
        for name, vector, patches in embed_bags(new, model, embed):
            kept_bags.add(name, vector, patches)
            progress.step(1, patches)


def sort_out(
    members: Mapping[str, Sequence[str]], model: Model, bags: Bags
) -> tuple[dict[str, list[str]], dict[str, tuple[str, str]]]:
    """Slides with patches of each member that has any, and reason and detail of each that has none.

    A slide encoder that reads coordinates can't use a slide whose features lack them.
    """
    present = {name: [slide for slide in slides if slide in bags] for name, slides in members.items()}
    reasons = dict(bags.aside)
    if model["kind"] in WITH_COORDS:
        placed = {name: placed_of(slides, bags, model["name"]) for name, slides in present.items()}
        unplaced = {slide for name, slides in present.items() for slide in slides} - {*chain(*placed.values())}
        reasons |= {slide: ("not_placed", f"{REASONS['not_placed']} ({model['name']})") for slide in unplaced}
        present = placed
    without = {name: together_of(members[name], reasons) for name, slides in present.items() if not slides}
    return {name: slides for name, slides in present.items() if slides}, without


def embed_bags(
    members: Mapping[str, Sequence[str]], model: Model, embed: Embed
) -> Iterator[tuple[str, np.ndarray, int]]:
    """Id, vector and number of patches of each member (`members`: its slides), as soon as it is embedded.

    A case of several slides is one bag of them all, or for cases = mean the mean of its slides.
    """
    for name, slides in members.items():
        if model["cases"] == "union" or len(slides) == 1:
            yield name, *embed(slides)
        else:
            vectors, counts = zip(*(embed([slide]) for slide in slides), strict=True)
            yield name, np.mean(vectors, axis=0), sum(counts)


def given_vectors(members: Mapping[str, Sequence[str]], cases: Mapping[str, str], path: str, cohort: str):
    """Rows of a block of given vectors, reason and detail of each member without one, and the unit of the vectors.

    path: what `take_vectors` wrote. cohort: tables/slides.tsv: a slide that was set aside before needs no vector; any
    other without one has `no_vector`. What the sheet excludes (keep = no) has no embedding, even where there is a
    vector. A case whose slides have vectors gets their mean.
    """
    table = Given.read(path)
    cohort_rows = read_manifest(cohort) if cohort else []
    reasons = {row["slide_id"]: (row["reason"], row["detail"]) for row in cohort_rows if row["status"] != OK}
    rows, without = [], {}
    for name, slides in members.items():
        included = [slide for slide in slides if reasons.get(slide, ("",))[0] != EXCLUDED]
        vector, used_slides = table.of(cases[name], included)
        if vector is not None and (included or not slides):
            rows.append((name, vector, 0, used_slides))
        elif all(slide in reasons for slide in slides):
            without[name] = together_of(slides, reasons)
        else:
            owner = f"case {cases[name]}" if table.unit == "case_id" else f"slide {', '.join(slides)}"
            without[name] = ("no_vector", f"the table of vectors has no row of {owner}")
    return rows, without, table.unit


def together_of(slides: Sequence[str], reasons: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    """Reason and detail of a member from its slides: the first slide's reason, and each slide's detail if several."""
    fates = [reasons.get(slide, ("no_features", "no row in the manifests of stage features")) for slide in slides]
    if len(slides) == 1:
        return fates[0]
    details = "; ".join(f"{slide}: {reason}, {detail}" for slide, (reason, detail) in zip(slides, fates, strict=True))
    return (fates[0][0], details) if fates else ("no_features", "the case has no slide to embed")


def placed_of(slides: Sequence[str], bags: Bags, model: str) -> list[str]:
    """The slides with known patch positions; a slide encoder that reads coordinates can't embed the others."""
    placed = [slide for slide in slides if bags.is_placed(slide)]
    for slide in sorted(set(slides) - set(placed)):
        log.warning("%s is left out: its features have no patch coordinates, which %s reads", slide, model)
    return placed


def write_block(
    path: str,
    rows: Sequence[tuple[str, np.ndarray, int, Sequence[str]]],
    without: Mapping[str, tuple[str, str]],
    given_unit: str = "",
) -> None:
    """Write (id, vector, patches, slides) rows as HDF5; without: reason and detail of members without an embedding.

    given_unit: slide_id or case_id, for given vectors.
    """
    import h5py

    text = h5py.string_dtype()
    with new_h5(path) as handle:
        handle.attrs["given"] = given_unit
        width = len(rows[0][1]) if rows else 0
        handle["embeddings"] = np.asarray([row[1] for row in rows], np.float32).reshape(len(rows), width)
        handle["n_patches"] = np.asarray([row[2] for row in rows], np.int64)
        handle.create_dataset("ids", data=[row[0] for row in rows], dtype=text)
        handle.create_dataset("slides", data=[";".join(row[3]) for row in rows], dtype=text)
        missing_rows = [[name, reason, one_line(detail)] for name, (reason, detail) in without.items()]
        handle.create_dataset("without", data=np.array(missing_rows, object).reshape(len(missing_rows), 3), dtype=text)


def gather_embeddings(
    *,
    blocks: Sequence[str],
    sheet: str,
    unit: str,
    output: str,
    manifest: str,
    model: Model,
    cases_sheet: str = "",
    may_be_empty: bool = False,
) -> None:
    """Write slides.h5ad or cases.h5ad (`unit`: slide_id or case_id): X float32, obs from the slide sheet.

    obs has case_id, n_patches, slides_used and the sheet's further columns; of a case those in which its embedded
    slides agree. manifest: a row for each slide or case that was to be embedded, with status, reason, detail, case_id,
    n_patches. may_be_empty: an empty embedding (X 0 x 0) is a result, too, for a manifest that says why.
    """
    import anndata

    from ..common.h5ad import write_h5ad

    ids, vectors, patches, slides = [], [], [], []
    without: dict[str, list[str]] = {}
    for path in blocks:
        with open_h5(path) as handle:
            given_unit = str(handle.attrs.get("given", ""))
            without |= {name: fate for name, *fate in handle["without"].asstr()[:].tolist()}
            if len(handle["ids"]):
                ids += [name.decode() for name in handle["ids"][:]]
                slides += [name.decode() for name in handle["slides"][:]]
                vectors.append(handle["embeddings"][:])
                patches.append(handle["n_patches"][:])
    rows = read_tsv(sheet)
    counts = dict(zip(ids, np.concatenate(patches).tolist() if patches else [], strict=True))
    write_embedded(manifest, unit, rows[[*dict.fromkeys([unit, "case_id"])]].drop_duplicates(unit), counts, without)
    if not vectors and not may_be_empty:
        raise ValueError(
            f"no {unit.removesuffix('_id')} has an embedding by {model['name']}: all slides were set aside, or their "
            "features lack patch coordinates (see the manifests of stage features, and the logs)"
        )
    obs = sheet_columns(rows, unit, used_of(rows, ids, slides)).reindex(ids)
    if cases_sheet:
        clinical = read_tsv(cases_sheet).set_index("case_id")
        obs = obs.join(clinical[[c for c in clinical if c not in obs]], on="case_id")
    obs["n_patches"] = np.concatenate(patches) if patches else np.zeros(0, np.int64)
    obs["slides_used"] = slides
    x = np.concatenate(vectors) if vectors else np.zeros((0, 0), np.float32)
    data = anndata.AnnData(x, obs=obs.fillna(""))
    data.uns["model"] = {"name": model["name"], "kind": model["kind"], "given": given_unit}
    write_h5ad(output, data)


def write_embedded(
    path: str, unit: str, sheet: pd.DataFrame, counts: Mapping[str, int], without: Mapping[str, Sequence[str]]
) -> None:
    """Write the manifest of the requested embeddings, in the order of the sheet (columns `unit` and case_id)."""
    rows = []
    for item in sheet.to_dict("records"):
        name = item[unit]
        fate = (OK, "", "") if name in counts else (SET_ASIDE, *without.get(name, ()))
        if len(fate) == 3:  # else it was not to be embedded (embed/cohorts)
            rows.append(item | dict(zip(FATE, fate, strict=True)) | {"n_patches": counts.get(name, "")})
    columns = [unit, *FATE, *["case_id"] * (unit != "case_id"), "n_patches"]
    write_tsv(path, pd.DataFrame(rows, columns=columns))


def used_of(sheet: pd.DataFrame, ids: Sequence[str], slides: Sequence[str]) -> set[str]:
    """Slides used for embeddings (`slides`: of each of `ids`, joined by ;). A case's given vector that names none
    represents all its slides that the sheet keeps."""
    unnamed = sheet.case_id.isin([name for name, names in zip(ids, slides, strict=True) if not names])
    is_kept = sheet["keep"] != "no" if "keep" in sheet else True
    return {*chain(*(names.split(";") for names in slides)), *sheet.slide_id[unnamed & is_kept]}


def sheet_columns(sheet: pd.DataFrame, unit: str, used: Container[str]) -> pd.DataFrame:
    """Columns of the slide sheet by slide; by case the values on which its slides in `used` agree, '' if they differ.

    Slides that weren't embedded and empty cells are ignored.
    """
    if unit == "slide_id":
        return sheet.drop(columns=[name for name in OF_FILES if name in sheet]).set_index("slide_id")
    table = sheet[[slide in used for slide in sheet.slide_id]]
    table = table.drop(columns=[name for name in ("slide_id", *OF_FILES) if name in table])
    groups = table.mask(table == "").groupby("case_id", sort=False)
    differs = groups.nunique() > 1
    agreed = groups.first().mask(differs, "").fillna("")
    for name in agreed:
        if differ := list(differs.index[differs[name]]):
            log.info("column %s is empty for %d cases whose slides differ in it: %s", name, len(differ), differ[:5])
    agreed.insert(0, "case_id", agreed.index)
    agreed.index.name = None
    return agreed
