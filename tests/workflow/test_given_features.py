"""A user who has features only: no raw slide, the cohort of case files that hospitals have, one file replaced later."""

import os
import re

import h5py
import numpy as np
from molpath.common.files import read_tsv
from projects import call_snakemake, write_table

GRID = "20x_256px_0px_overlap"


def write_features(path, values):
    """A file in CLAM's layout."""
    with h5py.File(path, "w") as handle:
        handle["features"] = values.astype(np.float32)
        handle["coords"] = np.arange(2 * len(values)).reshape(-1, 2) * 256


def embed(folder, repository):
    """Run as far as embeddings."""
    return call_snakemake(
        folder, repository / "workflow/Snakefile", "embed", "--configfile", "config.yaml", "--cores", "2"
    )


def embedded(folder, repository):
    """The same; mean embedding by slide."""
    import anndata

    done = embed(folder, repository)
    assert done.returncode == 0, done.stdout[-3000:]
    data = anndata.read_h5ad(folder / "results/embed/mean/slides.h5ad")
    return dict(zip(data.obs_names, data.X, strict=True))


def test_features_without_raw_slides_and_one_replaced_by_an_older_file(tmp_path, repository):
    values = {f"S{number}": np.random.default_rng(number).normal(size=(9, 6)) for number in range(6)}
    values["S1"][4, 2] = np.nan
    values["S4"] = values["S4"][:, :3]
    (tmp_path / "theirs").mkdir()
    for name, features in values.items():
        write_features(tmp_path / "theirs" / f"{name}.h5", features)
    rows = [{"slide_id": name, "case_id": f"C{name}", "path": "", "cohort": "A"} for name in values]
    write_table(tmp_path / "slides.tsv", rows)
    (tmp_path / "config.yaml").write_text(
        "slides: {sheet: slides.tsv, slides_per_job: 3, max_failed_fraction: 0.4}\n"
        "tiles: {grids: {main: {patch_size: 256}}}\n"
        "features: {encoders: {theirs: {adapter: precomputed, folder: theirs}}, use: [{grid: main, encoder: theirs}]}\n"
        "embed: {models: {mean: {kind: mean, grid: main, encoder: theirs}}, use: [mean]}\n"
    )
    good = ["S0", "S2", "S3", "S5"]
    before = embedded(tmp_path, repository)
    assert sorted(before) == good
    for name in good:
        np.testing.assert_allclose(before[name], values[name].mean(0), atol=1e-6)
    aside = [read_tsv(tmp_path / "results/features" / GRID / "theirs" / f"0000{shard}.tsv") for shard in (0, 1)]
    assert aside[0].reason.tolist() == ["", "bad_features", ""]
    assert aside[1].detail[1].endswith("its features are 3 numbers wide, those of most files 6")

    write_features(tmp_path / "theirs" / "S3.h5", values["S3"] + 1)
    os.utime(tmp_path / "theirs" / "S3.h5", (10**9, 10**9))
    after = embedded(tmp_path, repository)
    np.testing.assert_allclose(after["S3"], values["S3"].mean(0) + 1, atol=1e-6)
    np.testing.assert_array_equal(after["S0"], before["S0"])

    # A folder that is wholly wrong stops the run before anything is embedded.
    for name in values:
        (tmp_path / "theirs" / f"{name}.h5").write_bytes(b"no features")
    kept = (tmp_path / "results/embed/mean/slides.h5ad").stat().st_mtime_ns
    done = embed(tmp_path, repository)
    assert done.returncode == 1
    assert "6 of 6 slides were set aside, more than max_failed_fraction = 0.4" in done.stdout
    assert "Embedding" not in done.stdout
    assert (tmp_path / "results/embed/mean/slides.h5ad").stat().st_mtime_ns == kept
    summary = done.stdout[done.stdout.index("What happened to the 6 slides") :]
    assert "6  features, bad_features" in summary
    assert re.search(r"embed +mean +0 +0 +6 not reached", summary), "what an earlier run embedded is not counted"
    assert f"results/tables/ledger/{GRID}/theirs.tsv.refused" in summary
