"""The two files of a predictor: model.safetensors and predictor.json, each refused by name where a byte was changed."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..common.files import atomic_path, write_text
from ..common.given_files import check_safetensors
from ..common.given_text import Refused, read_json

WEIGHTS, FACTS = "model.safetensors", "predictor.json"
#: Version of predictor.json and of the names of tensors.
FORMAT = 1
KINDS = ("classes", "survival", "regression")
#: Keys of predictor.json that applying a predictor needs.
NEEDED = ("kind", "model", "task", "classes", "scale", "width", "training", "temperature", "digests", "files")
#: Dimensions and type of each tensor: outputs K, width D, folds F, scores M, event times E.
TENSORS = {
    "coefficients": ("KD", np.float64),
    "intercept": ("K", np.float64),
    "fold_coefficients": ("FKD", np.float64),
    "fold_intercept": ("FK", np.float64),
    "calibration_fold": ("M", np.int64),
    "calibration_case": ("M", np.int64),
    "calibration_label": ("M", np.int64),
    "calibration_score": ("M", np.float64),
    "baseline_times": ("E", np.float64),
    "baseline_hazard": ("E", np.float64),
}
#: Tensors with inf or -inf where a fold's training side lacks a class.
MAY_BE_INFINITE = ("fold_intercept", "calibration_score")
AGAIN = "copy the whole folder of the predictor again, or run its rule fit_predictor"


class BadPredictor(Exception):
    """Files of a predictor that are absent, were changed, or don't belong together; the message names the file."""


def text_of(facts: Mapping[str, Any]) -> str:
    """The canonical text of predictor.json."""
    return json.dumps(facts, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def own_digest(facts: Mapping[str, Any]) -> str:
    """SHA-256 of predictor.json without its key sha256: sorted keys, no blanks, UTF-8."""
    undigested = {key: value for key, value in facts.items() if key != "sha256"}
    text = json.dumps(undigested, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def write_predictor(
    tensors: Mapping[str, np.ndarray], facts: Mapping[str, Any], weights: str | Path, path: str | Path
) -> None:
    """Write both files; the facts get `format`, `files` (SHA-256 of the weights) and `sha256` (of themselves)."""
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(tensors[name], dtype) for name, (_, dtype) in TENSORS.items()}
    content = save(arrays, metadata={"classes": json.dumps(facts["classes"], ensure_ascii=False)})
    with atomic_path(weights) as temporary:
        temporary.write_bytes(content)
    full_facts = {**facts, "format": FORMAT, "files": {WEIGHTS: hashlib.sha256(content).hexdigest()}}
    write_text(path, text_of(full_facts | {"sha256": own_digest(full_facts)}))


def read_facts(path: Path) -> dict[str, Any]:
    """What predictor.json says, as it was written; raises BadPredictor."""
    if not path.is_file():
        raise BadPredictor(f"{path}: no such file; {AGAIN}")
    try:
        facts = read_json(str(path))
        same = facts.get("sha256") == own_digest(facts) and path.read_bytes() == text_of(facts).encode()
    except (OSError, ValueError, AttributeError) as error:
        raise BadPredictor(f"{path}: can't be read ({error}); {AGAIN}") from None
    if facts.get("format", FORMAT) != FORMAT:
        raise BadPredictor(f"{path}: of format {facts['format']!r}; this version reads {FORMAT}: fit it again")
    if not same:
        raise BadPredictor(f"{path}: changed since it was written (its SHA-256 is not the one that it states); {AGAIN}")
    missing = [key for key in NEEDED if key not in facts]
    if missing or facts["kind"] not in KINDS:
        raise BadPredictor(f"{path}: lacks facts of a predictor ({', '.join(missing) or 'kind'}); {AGAIN}")
    if wrong := oddities_of(facts):
        raise BadPredictor(f"{path}: its {', '.join(wrong)} can't be a predictor's; {AGAIN}")
    return facts


def oddities_of(facts: Mapping[str, Any]) -> list[str]:
    """Keys of predictor.json with values that no fit writes: an edited file can have valid digests."""
    scale, training, survival, temperature = (
        facts.get(key) for key in ("scale", "training", "survival", "temperature")
    )
    numbers = [survival.get(key) for key in ("cutoff", "follow_up")] if isinstance(survival, dict) else [None]
    times = survival.get("times") if isinstance(survival, dict) else None
    fine = {
        "scale": isinstance(scale, dict) and is_number(scale.get("unit")) and scale["unit"] > 0,
        "temperature": temperature is None or is_number(temperature) and temperature > 0,
        "training": isinstance(training, dict) and isinstance(training.get("cases"), list),
        "files": isinstance(facts["files"], dict),
        "classes": isinstance(facts["classes"], list) and all(isinstance(name, str) for name in facts["classes"]),
        "survival": facts["kind"] != "survival"
        or (isinstance(times, list) and all(map(is_number, [*numbers, *times]))),
    }
    return [key for key, is_valid in fine.items() if not is_valid]


def is_number(value: Any) -> bool:
    """True for a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def read_tensors(path: Path, facts: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The tensors that belong to the facts; raises BadPredictor where bytes, names, shapes, types or values differ."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise BadPredictor(f"{path}: no such file; {AGAIN}")
    try:
        check_safetensors(path)
        if hashlib.sha256(path.read_bytes()).hexdigest() != facts["files"].get(WEIGHTS):
            raise BadPredictor(f"{path}: changed, for its SHA-256 is not the one in {FACTS}; {AGAIN}")
        with safe_open(path, framework="numpy") as handle:
            tensors = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118 (no mapping)
            classes = json.loads((handle.metadata() or {}).get("classes", "null"))
    except (SafetensorError, Refused, ValueError) as error:
        raise BadPredictor(f"{path}: no complete safetensors file ({error}); {AGAIN}") from None
    if classes != facts["classes"]:
        raise BadPredictor(f"{path}: its classes are {classes}, those of {FACTS} {facts['classes']}, in another order")
    if wrong := fault_of(tensors, facts):
        raise BadPredictor(f"{path}: {wrong}; {AGAIN}")
    return tensors


def fault_of(tensors: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> str:
    """What is wrong with names, types, shapes and values of tensors; '' for nothing."""
    if set(tensors) != set(TENSORS):
        return f"holds other tensors than a predictor's: {', '.join(sorted(set(tensors) ^ set(TENSORS)))}"
    sizes = {"K": 1 if len(facts["classes"]) <= 2 else len(facts["classes"]), "D": facts["width"]}
    for name, (dimensions, dtype) in TENSORS.items():
        tensor = tensors[name]
        if tensor.dtype != dtype or tensor.ndim != len(dimensions):
            return f"{name} is {tensor.dtype} of {tensor.ndim} dimensions"
        for dimension, size in zip(dimensions, tensor.shape, strict=True):
            if sizes.setdefault(dimension, size) != size:
                return f"{name} is {' x '.join(map(str, tensor.shape))}, and {dimension} is {sizes[dimension]}"
        if np.isnan(tensor).any() or name not in MAY_BE_INFINITE and not np.isfinite(tensor).all():
            return f"{name} holds numbers that are not finite"
    return places_of(tensors, sizes, facts)


def places_of(tensors: Mapping[str, np.ndarray], sizes: Mapping[str, int], facts: Mapping[str, Any]) -> str:
    """What is wrong with the places that calibration names; '' for nothing."""
    limits = {"fold": sizes["F"], "case": len(facts["training"]["cases"]), "label": max(1, len(facts["classes"]))}
    for name, limit in limits.items():
        places = tensors[f"calibration_{name}"]
        if len(places) and not (places.min() >= 0 and places.max() < limit):
            return f"calibration_{name} names one that is missing"
    return ""
