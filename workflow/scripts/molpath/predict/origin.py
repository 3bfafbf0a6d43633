"""Provenance of a predictor: digests of slide encoder, patch encoder, grid and model; its training cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

import numpy as np
import pandas as pd

from ..common.digests import digest_of, sha256_of
from ..common.manifests import read_manifests
from ..common.reasons import OK
from ..common.settings.embed import Model
from ..embed.models import NAMES
from ..probe.cohorts import case_of
from ..probe.embeddings import EmbeddingTable
from ..probe.samples import CASES_GIVEN
from ..probe.tasks import Task

#: Packages whose versions decide a fit.
SOFTWARE = ("numpy", "scipy", "scikit-learn", "scikit-survival", "safetensors")


def digests_of(
    model: Model, sources: Sequence[str], manifests: Sequence[str], patches: Mapping[str, Any]
) -> dict[str, str]:
    """Digests of slide_encoder, patch_encoder, grid and model: the same in every study whose embeddings are the same.

    model: its entry of the config; sources: its files, as the rule embed_block has them; manifests: of features of
    the slides; patches: of `Predictors.patches` ({} for given vectors). slide_encoder: SHA-256 of the weights, or of
    a model without weights 16 digits of its settings; patch_encoder: the first 16 digits of the SHA-256 of each file,
    as manifests have them ('' where there are none, as of given features); grid, model: 16 digits.
    """
    weights = weights_of(manifests)
    slide_encoder = encoder_digest(model, sources)
    encoder_facts = dict(patches.get("patches", {}))
    grid = digest_of(encoder_facts.pop("grid"), patches["cut"]) if patches else ""
    encoder_facts.pop("revision", None)  # of weights, which count by their contents
    settings = {key: value for key, value in model.items() if key not in NAMES}
    return {
        "slide_encoder": slide_encoder,
        "patch_encoder": weights,
        "grid": grid,
        "model": digest_of(settings, slide_encoder, weights, encoder_facts, grid),
    }


class OtherOrigin(Exception):
    """New slides were embedded in another way than those that a predictor was fitted on."""


def check_origin(
    facts: Mapping[str, Any], manifests: Sequence[str], sources: Sequence[str], origin: Mapping[str, Any]
) -> None:
    """Raise OtherOrigin unless new slides were embedded as those that the predictor was fitted on.

    facts: predictor.json; manifests: of the new slides' features; sources, and `model` and `patches` of origin: see
    digests_of. Without origin, that of a bundle, which states its digests itself, what manifests say is compared.
    """
    digests = digests_of(origin["model"], sources, manifests, origin["patches"]) if origin else {}
    trained_digests, encoded = facts["digests"], weights_of(manifests)
    encoder_digests = set(trained_digests["patch_encoder"].split("; "))
    wrong = ["patch_encoder"] * bool(encoded and not set(encoded.split("; ")) <= encoder_digests)
    compared = ["grid", "slide_encoder"] + ["model"] * (encoded == trained_digests["patch_encoder"])
    wrong += [name for name in compared if name in digests and digests[name] != trained_digests[name]]
    if wrong:
        digest = {**digests, "patch_encoder": encoded}[wrong[0]]
        raise OtherOrigin(
            f"predictor {facts['model']}/{facts['task']}: another {wrong[0].replace('_', ' ')} than that of its "
            f"training slides made these embeddings (digest {digest}, trained with {trained_digests[wrong[0]]}): apply "
            "it with its own, or fit it again"
        )


def weights_of(manifests: Sequence[str]) -> str:
    """Digests of weights that encoded the patches, joined by ;, as manifests of features have them."""
    rows = [row for row in read_manifests(manifests) if row["status"] == OK]
    return "; ".join(sorted({row.get("weights", "") for row in rows} - {""}))


def encoder_digest(model: Model, sources: Sequence[str]) -> str:
    """SHA-256 of a slide encoder's weights; of several files, or settings alone, 16 digits."""
    settings = {key: value for key, value in model.items() if key not in NAMES}
    if model["kind"] == "threads":
        return sha256_of(next(path for path in sources if path.endswith(".safetensors")))
    if model["kind"] == "table" or not sources:
        return digest_of(settings)
    source = Path(sources[0])
    if source.is_file():
        return sha256_of(source)
    files = sorted(path for path in source.rglob("*") if path.is_file())
    return digest_of(*[[path.relative_to(source).as_posix(), sha256_of(path)] for path in files])


def training_facts(task: Task, embedded: str, inspected: Sequence[str], missing: int) -> dict[str, Any]:
    """Training data of a predictor: cases, samples by class and site, slides with the identities of their files.

    embedded: h5ad of the task's unit; inspected: manifests of slides; missing: labelled samples without an embedding.
    """
    names = case_of(task)
    slides = slides_of(task, embedded)
    identity_of = {row["slide_id"]: row.get("identity", "") for row in read_manifests(inspected)}
    counted = pd.DataFrame({"case": names, "class": groups_of(task)})
    counted["site"] = [task.sites.get(name, "unknown") for name in task.samples]
    return {
        "cases": sorted(set(names)),
        "n_cases": len(set(names)),
        "n_samples": len(task.samples),
        "n_without_embedding": missing,
        "n_cases_by_class": count_cases(counted, "class"),
        "n_cases_by_site": {str(site): count_cases(part, "class") for site, part in counted.groupby("site", sort=True)},
        "slides": {slide: identity_of.get(slide, "") for slide in slides},
    }


def count_cases(rows: pd.DataFrame, column: str) -> dict[str, int]:
    """Cases by the value of a column."""
    return {str(name): int(part.case.nunique()) for name, part in rows.groupby(column, sort=True)}


def groups_of(task: Task) -> list[str]:
    """How cases are counted: by class, event, or all together."""
    if task.is_survival:
        return np.where(task.survival[1], "event", "censored").tolist()
    return [task.classes[code] for code in task.labels] if task.classes else ["all"] * len(task.samples)


def slides_of(task: Task, embedded: str) -> list[str]:
    """Slides that the embeddings are made of, sorted; none where vectors of cases were given."""
    table = EmbeddingTable.read(embedded, with_vectors=False)
    if (table.kind, table.given) in CASES_GIVEN:
        return []
    if task.unit == "slide_id":
        return sorted(task.samples)
    used = dict(zip(table.ids, table.columns.get("slides_used", []), strict=False))
    slides_of_samples = (task.slides.get(name) or used.get(name, "").split(";") for name in task.samples)
    return sorted({slide for slides in slides_of_samples for slide in slides if slide})


def scores_of(summary: pd.DataFrame, protocol: str) -> list[dict[str, Any]]:
    """Cross-validated scores of a protocol with their intervals, as summary.tsv of the frozen probes has them."""
    rows = summary[summary.protocol == protocol]
    scores = []
    for row in rows.itertuples():
        numbers = {name: as_number(getattr(row, name)) for name in ("mean", "lower", "upper")}
        scores.append({"metric": row.metric, **numbers, "interval": row.interval, "primary": str(row.primary) == "1"})
    return scores


def as_number(cell: str) -> float | None:
    """A cell's number; None where there is none."""
    value = float(cell) if cell not in ("", "nan") else np.nan
    return value if np.isfinite(value) else None


def software() -> dict[str, str]:
    """Versions of what fits a probe."""
    return {"python": python_version()} | {name: version(name) for name in SOFTWARE}
