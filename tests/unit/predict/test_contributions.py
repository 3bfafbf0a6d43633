"""What patches add to a prediction: sums, order, zero, memory, and planted patches that stand out."""

import json
import subprocess
import sys

import h5py
import numpy as np
import pytest
import torch
from molpath.predict.contributions import NotASum
from molpath.predict.linear import Linear, fit_classes
from molpath.pretrain.network import load
from sklearn.metrics import roc_auc_score

from ..pretrain.cohort import train, write_cohort
from .contribution_study import EDGE, KINDS, SIZES, embed, model_of, run, write_bags, write_predictor

MEMBERS = {"A": ["A1", "gone", "A2"], "B": ["B1"], "C": ["gone"]}
SLIDES = {"A1": 9, "A2": 23, "B1": 14, "T1": 11, "T2": 8, "T3": 5}
TRAINED = {"T1": "CT1", "T2": "CT2", "T3": "CT3", "A1": "A"}


def prepare(folder, name, cases="union", outputs=1, kind="classes", placed=True, seed=0, scale=1.0):
    """Bags, embeddings and a predictor of `outputs` outputs; model, sources, predictor, coords, embeddings."""
    rng = np.random.default_rng(seed)
    width, output = KINDS[name][2:]
    bags = {slide: rng.normal(0.3, 1, size=(count, width)) for slide, count in SLIDES.items()}
    places = write_bags(folder, bags, placed)
    model, sources = model_of(folder, name, cases)
    linear = Linear(scale * rng.normal(size=(outputs, output)), scale * rng.normal(size=outputs), 0.4)
    classes = {"classes": ["wild", "mutant"] if outputs == 1 else [f"c{i}" for i in range(outputs)]}.get(kind, [])
    predictor = write_predictor(folder, linear, kind, classes, ["CT1", "CT2", "CT3"])
    members = {"A": ["A1", "A2"], "B": ["B1"]} | {slide: [slide] for slide in ("T1", "T2", "T3")}
    return model, sources, predictor, places, embed(folder, model, sources, members)


@pytest.mark.parametrize("cases", ["union", "mean"])
@pytest.mark.parametrize("name", KINDS)
def test_contributions_add_up_to_the_logit(tmp_path, name, cases):
    outputs = 3 if name in ("mean", "threads, 3 heads") else 1
    model, sources, predictor, places, vectors = prepare(tmp_path, name, cases, outputs)
    path = run(tmp_path, model, sources, TRAINED, MEMBERS)
    with h5py.File(path) as handle:
        constant = handle["constant"][:]
        usual = predictor.logits(np.mean([vectors[slide] for slide in ("T1", "T2", "T3")], axis=0)[None])[0]
        np.testing.assert_allclose(constant, usual, rtol=1e-5, atol=1e-6)  # zero is the mean training slide
        assert set(handle["slides"]) == {"A1", "A2", "B1"}
        for case, slides in (("A", ("A1", "A2")), ("B", ("B1",))):
            values = np.concatenate([handle[f"slides/{slide}/contributions"][:] for slide in slides])
            assert values.dtype == np.float32
            total = constant + values.astype(float).sum(0)
            size = np.maximum(np.abs(constant), np.abs(values).sum(0))
            np.testing.assert_array_less(np.abs(total - predictor.logits(vectors[case][None])[0]), 1e-5 * size)
            np.testing.assert_allclose(handle[f"cases/{case}/output"][:], total, rtol=1e-4, atol=1e-6)
        assert "C" not in handle["cases"]
        assert handle["slides/A2/coords"][:].tolist() == places["A2"].tolist()
        assert handle["slides/A2/coords"].attrs["patch_size_level0"] == EDGE
        assert handle["columns"].asstr()[:].tolist() == (
            ["mutant against wild"] if outputs == 1 else ["c0", "c1", "c2"]
        )


@pytest.mark.parametrize(
    ("kind", "column", "unit"), [("survival", "risk", "log hazard"), ("regression", "value", "value")]
)
def test_risks_and_numbers_add_up_too(tmp_path, kind, column, unit):
    model, sources, predictor, _, vectors = prepare(tmp_path, "mean", kind=kind)
    with h5py.File(run(tmp_path, model, sources, TRAINED, MEMBERS)) as handle:
        total = handle["constant"][0] + handle["slides/B1/contributions"][:].astype(float).sum()
        assert total == pytest.approx(predictor.logits(vectors["B"][None])[0, 0], rel=1e-5)
        assert (handle["columns"].asstr()[:].tolist(), handle.attrs["unit"]) == ([column], unit)


def test_numbers_beyond_those_of_single_precision_keep_their_values(tmp_path):
    """A predictor of numbers of 1e45: each contribution is so many times that of numbers of 1."""
    arrays = []
    for name, scale in (("usual", 1.0), ("huge", 1e45)):
        (tmp_path / name).mkdir()
        model, sources, *_ = prepare(tmp_path / name, "mean", kind="regression", scale=scale)
        with h5py.File(run(tmp_path / name, model, sources, TRAINED, MEMBERS)) as handle:
            arrays.append(handle["slides/B1/contributions"][:])
    assert [array.dtype for array in arrays] == [np.float32, np.float64]
    np.testing.assert_allclose(arrays[1] * 1e-45, arrays[0], rtol=1e-5)
    assert np.abs(arrays[1]).max() > 1e40


def test_each_number_is_attention_times_what_the_vector_adds_to_the_usual(tmp_path):
    """By hand for three heads: of each, attention x coefficients . layer . (vector - mean pooled vector)."""
    model, sources, predictor, _, _ = prepare(tmp_path, "threads, 3 heads")
    network = load(str(tmp_path))[0].slide
    with torch.inference_mode():

        def parts(slide):
            with h5py.File(tmp_path / f"wsi/{slide}.h5") as handle:
                x = torch.from_numpy(handle["features"][:].astype(np.float32))
            return network.attention_weights(x), network.split(network.before(x)).chunk(3, dim=-1)

        pooled = [
            [share @ vectors for share, vectors in zip(*parts(slide), strict=True)] for slide in ("T1", "T2", "T3")
        ]
        mean = [sum(sums[head] for sums in pooled) / 3 for head in range(3)]
        layers, (shares, vectors) = network.after.weight.chunk(3, dim=1), parts("B1")
        way = torch.from_numpy(predictor.coefficients[0]).float() / 0.4
        expected = sum(shares[h] * ((vectors[h] - mean[h]) @ layers[h].T @ way) for h in range(3)).numpy()
    with h5py.File(run(tmp_path, model, sources, TRAINED, MEMBERS)) as handle:
        np.testing.assert_allclose(handle["slides/B1/contributions"][:, 0], expected, rtol=1e-3, atol=1e-6)
        entropies = -(shares * shares.log()).sum(1).numpy()
        np.testing.assert_allclose(handle["slides/B1"].attrs["effective_patches"], np.exp(entropies), rtol=1e-4)


def by_place(path, slide):
    """Contribution by the place of its patch."""
    with h5py.File(path) as handle:
        group = handle[f"slides/{slide}"]
        return dict(zip(map(tuple, group["coords"][:].tolist()), group["contributions"][:, 0], strict=True))


def test_a_permuted_bag_has_permuted_contributions(tmp_path):
    model, sources, *_ = prepare(tmp_path, "threads, 3 heads")
    old = by_place(run(tmp_path, model, sources, TRAINED, MEMBERS), "A2")
    order = np.random.default_rng(5).permutation(SLIDES["A2"])
    with h5py.File(tmp_path / "wsi/A2.h5", "r+") as handle:
        for name in ("features", "coords"):
            handle[name][...] = handle[name][:][order]
    rewrite_fingerprint(tmp_path, "A2")
    new = by_place(run(tmp_path, model, sources, TRAINED, MEMBERS, average=False), "A2")
    assert list(new) == [list(old)[k] for k in order]
    np.testing.assert_allclose([new[place] for place in old], list(old.values()), rtol=1e-4, atol=1e-7)


def rewrite_fingerprint(folder, slide):
    """The manifest's word for a feature file that a test changed."""
    from molpath.common.files import fingerprint

    lines = [line.split("\t") for line in (folder / "m.tsv").read_text().splitlines()]
    column = lines[0].index("fingerprint")
    for line in lines[1:]:
        if line[0] == slide:
            line[column] = fingerprint(folder / f"wsi/{slide}.h5")
    (folder / "m.tsv").write_text("".join("\t".join(line) + "\n" for line in lines))


def test_patches_that_are_not_those_of_the_embedding_are_refused(tmp_path):
    model, sources, *_ = prepare(tmp_path, "mean")
    bags = {slide: np.random.default_rng(9).normal(size=(count, 6)) for slide, count in SLIDES.items()}
    write_bags(tmp_path, bags)
    with pytest.raises(NotASum, match="case A: its patches add up to .* run embed again"):
        run(tmp_path, model, sources, TRAINED, MEMBERS)


def test_usual_slides_of_another_predictor_are_refused(tmp_path):
    model, sources, predictor, _, _ = prepare(tmp_path, "mean")
    run(tmp_path, model, sources, TRAINED, MEMBERS)
    write_predictor(tmp_path, Linear(-predictor.coefficients, predictor.intercept, 1.0), cases=["CT1"])
    with pytest.raises(ValueError, match="made for another predictor"):
        run(tmp_path, model, sources, TRAINED, MEMBERS, average=False)


def test_training_cases_without_patches_are_refused(tmp_path):
    model, sources, *_ = prepare(tmp_path, "mean")
    with pytest.raises(ValueError, match="no slide of the training cases"):
        run(tmp_path, model, sources, {"A1": "A", "gone": "CT1"}, MEMBERS)


@pytest.mark.parametrize("name", ["mean", "random"])
def test_planted_patches_stand_out(tmp_path, name):
    """Focal signal: a sixth of the patches of half of the slides are along one direction; new slides are predicted."""
    rng = np.random.default_rng(0)
    labels, mark = np.arange(120) % 2, np.array([1, -1, 0.5, 0, 0, 0]) * 2
    bags = {f"S{i}": rng.normal(size=(36, 6)) for i in range(120)}
    planted = {f"S{i}": (rng.random(36) < 1 / 6) & bool(label) for i, label in enumerate(labels)}
    for slide, rows in planted.items():
        bags[slide][rows] += mark
    check_planted(tmp_path, name, bags, planted, labels, 80, model_of(tmp_path, name))


def test_planted_patches_stand_out_from_a_trained_network(tmp_path):
    z = write_cohort(tmp_path, cases=60, patches=24, share=0.2)[:, 0]
    train(tmp_path)
    bags, planted = {}, {}
    for i, high in enumerate(z > 0):
        with h5py.File(tmp_path / f"wsi/S{i}.h5") as handle:
            bags[f"S{i}"] = handle["features"][:]
        planted[f"S{i}"] = (bags[f"S{i}"][:, 0] > 2) & high  # what marks the patches that carry the latent
    model = {"name": "m", "kind": "threads", "cases": "union"}
    sources = [str(tmp_path / f"out/{name}") for name in ("config.json", "model.safetensors")]
    check_planted(tmp_path, "", bags, planted, (z > 0).astype(int), 40, (model, sources))


def check_planted(folder, name, bags, planted, labels, trained, model_files):
    """AUC of contributions for planted patches of new positive slides is 0.8 or more on average."""
    model, sources = model_files
    write_bags(folder, bags)
    slides = list(bags)
    vectors = embed(folder, model, sources, {slide: [slide] for slide in slides})
    x = np.stack([vectors[slide] for slide in slides[:trained]])
    unit = float(np.sqrt((x**2).mean()))
    settings = {"C": 1.0, "max_iter": 1000, "plain": False, "scale": "none", "seed": 0}
    write_predictor(folder, fit_classes(x / unit, labels[:trained], 2, settings, unit), cases=slides[:trained])
    path = run(folder, model, sources, {s: s for s in slides}, {s: [s] for s in slides[trained:]})
    aucs = []
    with h5py.File(path) as handle:
        for slide, label in zip(slides[trained:], labels[trained:], strict=True):
            if label and 0 < planted[slide].sum() < len(planted[slide]):
                aucs.append(roc_auc_score(planted[slide], handle[f"slides/{slide}/contributions"][:, 0]))
    assert len(aucs) > 5
    assert np.mean(aucs) >= 0.8


BIG = """
import json, re, sys
sys.path.insert(0, sys.argv[1])
from molpath.predict.contributions import contribute_patches
contribute_patches(**json.loads(sys.argv[2]))
# Of this process alone: getrusage counts what its parent held, too.
print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
"""


@pytest.mark.slow
def test_memory_is_bounded_for_a_slide_of_200_000_patches(tmp_path, repository):
    """Patches of 768 numbers alone would be 614 MB as fp32, their hidden vectors as much for each head."""
    rng = np.random.default_rng(0)
    some = rng.normal(size=(2000, 768)).astype(np.float16)
    bags = {"A": np.tile(some, (100, 1)), "T": some[:20]}
    write_bags(tmp_path, bags)
    sizes = SIZES | {"heads": 4, "hidden": 96, "output": 16, "layers": 1}
    model = {"name": "m", "kind": "random", "cases": "union", "seed": 0, "slide_encoder": sizes}
    vectors = embed(tmp_path, model, [], {"A": ["A"]})
    predictor = write_predictor(
        tmp_path, Linear(rng.normal(size=(3, 16)), np.zeros(3), 1.0), classes="abc", cases=["CT"]
    )
    path = run(tmp_path, model, [], {"T": "CT"}, {"T": ["T"]})
    same = {"predictor": str(tmp_path / "predictor"), "model": model, "sources": [], "wsi": str(tmp_path / "wsi")}
    same |= {"usual": str(tmp_path / "predictor/usual.json"), "manifests": [str(tmp_path / "m.tsv")], "output": path}
    same |= {"embedded": str(tmp_path / "cases.h5ad"), "members": {"A": ["A"]}}
    command = [sys.executable, "-c", BIG, str(repository / "workflow/scripts"), json.dumps(same)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1e6  # kB
    with h5py.File(path) as handle:
        values = handle["slides/A/contributions"][:]
        assert values.shape == (200_000, 3)
        total = handle["constant"][:] + values.astype(float).sum(0)
        np.testing.assert_allclose(total, predictor.logits(vectors["A"][None])[0], rtol=1e-4, atol=1e-5)
