"""Training cases of predictors described by Snakemake: given vectors and given features, no slide is opened."""

import json

import h5py
import numpy as np
import yaml
from molpath.predict.doubt import Reference
from projects import call_snakemake, write_table
from vector_study import write_study, write_task

CASES, WIDTH = 24, 6
MODELS = {
    "mine": {"kind": "table", "path": "vectors.tsv"},
    "mean": {"kind": "mean", "grid": "main", "encoder": "theirs"},
}


def write_features(folder):
    """Patches of a slide of each case; C0 has a second one unlike any other, and C5's are damaged. The slides' rows."""
    rng = np.random.default_rng(0)
    patches = {
        f"S{k}": (rng.normal(size=(12, WIDTH)) + rng.normal(size=WIDTH)).astype(np.float32) for k in range(CASES)
    }
    patches["S0b"] = patches["S0"] + 40
    patches["S5"][0, 0] = np.nan
    folder.mkdir()
    for name, values in patches.items():
        with h5py.File(folder / f"{name}.h5", "w") as handle:
            handle["features"] = values
            handle["coords"] = np.arange(2 * len(values)).reshape(-1, 2) * 256
    return [{"slide_id": name, "case_id": f"C{int(name[1:].rstrip('b')):05d}", "path": ""} for name in patches]


def test_training_cases_are_described(tmp_path, repository):
    vectors = write_study(tmp_path, cases=CASES, width=WIDTH, tasks=1)
    write_table(tmp_path / "slides.tsv", write_features(tmp_path / "theirs"))
    write_task(tmp_path / "task", [f"C{k:05d}" for k in range(CASES)], np.arange(CASES) % 2, 2, 3)
    config = {
        "slides": {"sheet": "slides.tsv", "slides_per_job": 9, "max_failed_fraction": 0.4},
        "tiles": {"grids": {"main": {"patch_size": 256}}},
        "features": {"encoders": {"theirs": {"adapter": "precomputed", "folder": "theirs"}}},
        "embed": {"models": MODELS, "use": ["mine", "mean"]},
        "probe": {"tasks": {"here--t": {"path": "task"}}, "use": ["here--t"]},
    }
    config["probe"]["predictors"] = [{"model": model, "task": "here--t"} for model in MODELS]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    folders = {model: tmp_path / f"results/probe/{model}/here--t/predictor" for model in MODELS}
    targets = [f"{folder.relative_to(tmp_path)}/reference.json" for folder in folders.values()]
    command = (tmp_path, repository / "workflow/Snakefile", "--configfile", "config.yaml", "--cores", "2")
    done = call_snakemake(*command, *targets)
    assert done.returncode == 0, done.stdout[-3000:]
    facts = {model: json.loads((folder / "reference.json").read_text()) for model, folder in folders.items()}
    # Given vectors: embeddings alone.
    assert [facts["mine"][key] for key in ("cases", "slides", "width", "task")] == [CASES, 0, WIDTH, "here--t"]
    reference = Reference.load(folders["mine"])
    near = np.sort(np.linalg.norm(vectors[:, None] - vectors[None], axis=2), axis=1)[:, 1:6].mean(1)
    np.testing.assert_allclose(reference.table["embedding:near"], near, rtol=1e-5)
    assert reference.kinds is None
    # Given features: patches, too.
    assert [facts["mean"][key] for key in ("cases", "slides")] == [CASES - 1, CASES]
    assert facts["mean"]["known_of_cases"]["patches:share"] == CASES - 1
    assert facts["mean"]["known_of_cases"]["focus:less"] == 0
    shares = Reference.load(folders["mean"]).table["patches:share"]
    assert shares[0] in (0, 1)  # of the two slides one is drawn
    assert shares.drop(0).max() < 0.5
