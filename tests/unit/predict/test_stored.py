"""What was kept is what is loaded; a changed byte is refused by the file's name."""

import dataclasses
import hashlib
import json

import numpy as np
import pandas as pd
import pytest
from molpath.predict.fitting import fit
from molpath.predict.predictor import BadPredictor, Predictor
from molpath.predict.stored import own_digest, text_of
from predictor_tasks import SETTINGS, World, regression_task, survival_task
from safetensors.numpy import load_file, save_file

RNG = 5


def fitted(kind):
    rng = np.random.default_rng(RNG)
    if kind == "survival":
        task, x = survival_task(rng, 60, 6)
    elif kind == "regression":
        task, x = regression_task(rng, 40, 6)
    else:
        task, x = World([1] * kind, 6, 1.5).task(rng, 50)
    predictor = fit(task, x, SETTINGS)
    facts = {"model": "m", "training": {"cases": sorted(task.cases.values())}, "digests": {"grid": "ä"}}
    return dataclasses.replace(predictor, facts=predictor.facts | facts), x


def kept(folder, kind=2):
    predictor, x = fitted(kind)
    predictor.save(folder / "model.safetensors", folder / "predictor.json")
    return predictor, x


@pytest.mark.parametrize("kind", [2, 4, "survival", "regression"])
def test_what_is_loaded_predicts_the_same(tmp_path, kind):
    predictor, x = kept(tmp_path, kind)
    loaded = Predictor.load(tmp_path)
    assert (loaded.kind, loaded.classes, loaded.name) == (predictor.kind, predictor.classes, "m/t")
    pd.testing.assert_frame_equal(loaded.predict(x, 0.8), predictor.predict(x, 0.8), check_exact=True)
    again = tmp_path / "again"
    again.mkdir()
    kept(again, kind)
    for name in ("model.safetensors", "predictor.json"):
        assert (again / name).read_bytes() == (tmp_path / name).read_bytes()
    loaded.save(again / "model.safetensors", again / "predictor.json")
    assert (again / "predictor.json").read_bytes() == (tmp_path / "predictor.json").read_bytes()


@pytest.mark.parametrize("name", ["model.safetensors", "predictor.json"])
def test_every_changed_byte_is_refused_by_name(tmp_path, name):
    kept(tmp_path)
    path = tmp_path / name
    whole = path.read_bytes()
    for place in [*range(0, len(whole), max(1, len(whole) // 150)), len(whole) - 1]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(BadPredictor, match=name):
            Predictor.load(tmp_path)
    for other in (whole[:-1], whole + b" ", b""):
        path.write_bytes(other)
        with pytest.raises(BadPredictor, match=name):
            Predictor.load(tmp_path)
    path.unlink()
    with pytest.raises(BadPredictor, match=f"{name}: no such file"):
        Predictor.load(tmp_path)


def rewritten(folder, facts=None, **tensors):
    """Both files written again by somebody who knows how their digests are made."""
    path = folder / "model.safetensors"
    facts_file = json.loads((folder / "predictor.json").read_text()) | (facts or {})
    classes = json.dumps(["a", "b"])
    kept = {name: value for name, value in (load_file(path) | tensors).items() if value is not None}
    save_file(kept, path, metadata={"classes": classes})
    facts_file["files"] = {"model.safetensors": hashlib.sha256(path.read_bytes()).hexdigest()}
    (folder / "predictor.json").write_text(text_of(facts_file | {"sha256": own_digest(facts_file)}))


WRONG = {
    "classes in another order": ({"classes": ["b", "a"]}, {}, "model.safetensors: its classes are .* in another order"),
    "another width": ({"width": 7}, {}, "model.safetensors: coefficients is 1 x 6, and D is 7"),
    "no finite number": (
        {},
        {"coefficients": np.full((1, 6), np.inf)},
        "coefficients holds numbers that are not finite",
    ),
    "nan": ({}, {"calibration_score": np.full(50, np.nan)}, "calibration_score holds numbers that are not finite"),
    "fp32": ({}, {"intercept": np.zeros(1, np.float32)}, "intercept is float32 of 1 dimensions"),
    "another shape": ({}, {"fold_intercept": np.zeros((3, 1))}, "fold_intercept is 3 x 1, and F is 20"),
    "a tensor too few": ({}, {"intercept": None}, "other tensors than a predictor's: intercept"),
    "a tensor too many": ({}, {"more": np.zeros(1)}, "other tensors than a predictor's: more"),
    "a missing case": ({}, {"calibration_case": np.full(50, 50)}, "calibration_case names one that is missing"),
    "another format": ({"format": 2}, {}, "predictor.json: of format 2; this version reads 1"),
    "no kind": ({"kind": "kernel"}, {}, r"predictor.json: lacks facts of a predictor \(kind\)"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_refused(tmp_path, name):
    facts, tensors, message = WRONG[name]
    kept(tmp_path)
    rewritten(tmp_path)
    Predictor.load(tmp_path)
    rewritten(tmp_path, facts, **tensors)
    with pytest.raises(BadPredictor, match=message):
        Predictor.load(tmp_path)


def test_another_predictors_weights_are_refused(tmp_path):
    kept(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    kept(other, 4)
    (tmp_path / "model.safetensors").write_bytes((other / "model.safetensors").read_bytes())
    with pytest.raises(
        BadPredictor, match="model.safetensors: changed, for its SHA-256 is not the one in predictor.json"
    ):
        Predictor.load(tmp_path)


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        *((2, "temperature", value) for value in (0, -1.5, "x", True, 10**400)),
        *((2, "scale", value) for value in ({}, {"unit": 0}, {"unit": -1.0}, None)),
        *((2, "training", value) for value in ({}, {"cases": 5}, None)),
        (2, "files", None),
        (2, "classes", [0, 1]),
        (2, "kind", "survival"),
        ("survival", "survival", {"cutoff": "x", "follow_up": 1.0, "times": []}),
    ],
)
def test_values_that_no_fit_leaves_are_refused_by_key(tmp_path, kind, key, value):
    """Whoever writes digests again can't turn probabilities round, or end a job with a traceback."""
    kept(tmp_path, kind)
    path = tmp_path / "predictor.json"
    facts = json.loads(path.read_text()) | {key: value}
    path.write_text(text_of(facts | {"sha256": own_digest(facts)}))
    named = "survival" if key == "kind" else key
    with pytest.raises(BadPredictor, match=f"predictor.json: its {named} can't be a predictor's"):
        Predictor.load(tmp_path)
