"""The whole workflow on a dozen generated cases: what comes out."""

import json
import re
import shutil
import subprocess
from urllib.parse import unquote

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from molpath.common.files import read_tsv

from .small_cohort import ENCODER, GRID, PAIRS, run


def test_quality_table_names_every_special_slide(cohort):
    table = read_tsv(cohort / "results/tables/slides.tsv").set_index("slide_id")
    aside = table[table.status == "set_aside"]
    reasons = sorted(aside.reason)
    assert len(aside) == 4, aside
    assert "no_resolution" in reasons
    assert "blank" in reasons
    assert "out_of_focus" in reasons
    assert {"truncated", "unreadable"} & set(reasons)
    assert (aside.detail != "").all()


def test_no_feature_is_made_past_the_limit_of_slides_set_aside(cohort, code, tmp_path):
    """Four of the cohort's slides are set aside; the table that says so is judged before any job of a GPU starts."""
    folder = tmp_path / "cohort"
    shutil.copytree(cohort, folder)
    shutil.rmtree(folder / "results/features")
    config = json.loads((folder / "config.json").read_text())
    config["slides"]["max_failed_fraction"] = 0.01
    (folder / "config.json").write_text(json.dumps(config))
    done = run(folder, code, "features", "--keep-going")
    assert done.returncode == 1
    assert re.search(r"4 of \d+ slides were set aside, more than max_failed_fraction = 0.01", done.stdout)
    assert "Encoding the patches" not in done.stdout
    assert not (folder / "results/features").exists()


def test_the_ledger_counts_what_is_on_disk_at_every_stage(cohort, code):
    """Files of single slides, the slides of the run and the embeddings against rows of the ledger; and the summary."""
    results = cohort / "results"
    ledger = read_tsv(results / "tables/ledger.tsv")
    kept = ledger[ledger.status == "ok"].groupby(["stage", "model"]).slide_id.agg(set)
    features = {path.stem for path in (results / "wsi" / GRID / f"features_{ENCODER}").glob("*.h5")}
    assert kept["tiles", ""] == kept["features", ""] == features
    assert kept["pretrain", "one"] == set(read_tsv(results / "tables/runs/one.tsv").slide_id)
    for model in ("mean", "random-s0", "threads-s0"):
        assert kept["embed", model] == set(anndata.read_h5ad(results / f"embed/{model}/slides.h5ad").obs_names)
    run_of = ledger[ledger.stage == "pretrain"]
    assert set(run_of.slide_id) == set(read_tsv(cohort / "slides.tsv").query("cohort == 'SYNTH-A'").slide_id)
    aside = set(read_tsv(results / "tables/slides.tsv").query("status == 'set_aside'").slide_id)
    assert set(ledger[ledger.status == "set_aside"].slide_id) == aside
    summary = run(cohort, code, "summary").stdout
    assert f"Set aside: {len(aside)} of {ledger.slide_id.nunique()} slides" in summary
    for line in (rf"features +{GRID}, {ENCODER} +{len(features)} ", rf"pretrain +one +{len(kept['pretrain', 'one'])} "):
        assert re.search(line, summary), summary


def test_pen_mark_costs_patches_and_no_slide(cohort):
    tiles = pd.concat(read_tsv(path) for path in sorted((cohort / f"results/tiles/{GRID}").glob("*.tsv")))
    dropped = tiles[tiles.n_dropped_quality.replace("", "0").astype(int) > 0]
    assert "ok" in set(dropped.status)


def test_patches_and_features_have_the_layout_others_read(cohort):
    wsi = cohort / "results/wsi"
    paths = sorted((wsi / GRID / f"features_{ENCODER}").glob("*.h5"))
    assert paths
    for path in paths:
        with h5py.File(path) as handle, h5py.File(wsi / GRID / "patches" / f"{path.stem}_patches.h5") as patches:
            assert handle["features"].dtype == np.float16
            assert handle["features"].chunks is None
            assert handle["coords"].dtype == np.int64
            np.testing.assert_array_equal(handle["coords"][:], patches["coords"][:])
            assert len(handle["features"]) == len(handle["coords"]) > 0
            assert patches["coords"].attrs["patch_size"] == 256
            assert "savetodir" not in patches["coords"].attrs


def test_omics_and_embeddings_are_annotated(cohort):
    rna = anndata.read_h5ad(cohort / "results/omics/SYNTH-A/rna.h5ad")
    assert {"case_id", "library_size", "genes_detected", "percent_mito", "size_factor"} <= set(rna.obs)
    assert "counts" in rna.layers
    assert float(rna.X.min()) >= 0
    for model, width in (("mean", 3), ("threads-s0", 16), ("random-s0", 16)):
        cases = anndata.read_h5ad(cohort / f"results/embed/{model}/cases.h5ad")
        assert cases.shape[1] == width
        assert np.isfinite(cases.X).all()


def test_metrics_have_intervals_for_every_model_and_task(cohort):
    table = read_tsv(cohort / "results/tables/metrics.tsv")
    frozen = table[(table.group == "frozen") & table.protocol.isin(["logistic", "cox"])]
    config = json.loads((cohort / "config.json").read_text())
    assert set(frozen.task) == set(config["probe"]["use"])
    assert set(frozen.model) == set(config["embed"]["use"])
    assert {"mean", "lower", "upper"} <= set(frozen)


def test_protocols_outside_the_folds_have_their_numbers(cohort):
    """Transfer, prompts, clusters and retrieval of every model; survival among them."""
    table = read_tsv(cohort / "results/tables/metrics.tsv")
    for group, tasks, protocols in (
        ("transfer", set(PAIRS), {"logistic", "cox", "permuted"}),
        ("prompt", set(PAIRS), {"prompt_slides", "prompt_slides_permuted"}),
        ("cluster", {"synthetic--subtype"}, {"kmeans", "kmeans_permuted"}),
    ):
        of_group = table[table.group == group]
        assert set(of_group.task) == tasks
        assert set(of_group.model) == {"mean", "random-s0", "threads-s0"}
        assert protocols <= set(of_group[of_group.model == "mean"].protocol)
        assert (of_group.groupby(["model", "task"]).primary.apply(lambda flags: (flags == "1").any())).all()
    prompted = table[(table.group == "prompt") & (table.model == "threads-s0")]
    assert {"prompt_rna", "prompt_dna", "prompt_rna_permuted"} <= set(prompted.protocol)
    assert {"mAP@1", "mAP@5"} <= set(table[table.group == "retrieval"].metric)


def test_models_are_tuned_and_what_they_look_at_is_shown(cohort):
    task = cohort / "results/probe"
    for model in ("random-s0", "threads-s0", "abmil"):
        predictions = pd.read_parquet(task / model / "synthetic--immune/finetune/predictions.parquet")
        assert predictions.fold.nunique() > 1
        np.testing.assert_allclose(predictions.prob_0 + predictions.prob_1, 1, atol=1e-5)
    assert not (task / "mean/synthetic--immune/finetune").exists()  # nothing in it can be trained
    table = read_tsv(cohort / "results/tables/metrics.tsv")
    assert {"abmil", "threads-s0", "random-s0"} == set(table[table.group == "finetune"].model)
    rows = read_tsv(cohort / "results/tables/comparison.tsv")
    beside = rows[(rows.protocol == "finetune") & (rows.task == "synthetic--immune")]
    assert (beside[["abmil", "threads-s0", "random-s0"]] != "").all(axis=None)
    assert len(beside) == 1
    genes = read_tsv(task / "threads-s0/synthetic--immune/genes/directions.tsv")
    assert (genes.padj.astype(float) >= genes.p.astype(float)).all()
    compared = read_tsv(task / "abmil/synthetic--immune/finetune/expression.tsv")
    assert {"gene", "log2FC", "padj"} <= set(compared)
    with h5py.File(next((cohort / "results/wsi" / GRID / f"features_{ENCODER}").glob("D006-DX1.h5"))) as handle:
        corners = {tuple(place) for place in handle["coords"][:].tolist()}
    squares = json.loads((cohort / "results/figures/attention/threads-s0/D006-DX1.geojson").read_text())["features"]
    assert {tuple(square["geometry"]["coordinates"][0][0]) for square in squares} == corners
    for slide in ("D006-DX1", "D001-DX9"):  # the second was set aside, and its pictures say so
        assert (cohort / f"results/figures/top_patches/threads-s0/{slide}.png").stat().st_size > 0


FIGURES = ("tasks", "averages", "heatmap", "small_cohorts", "slide_encoder_gain", "c_sweep", "fewshot", "retrieval")
FIGURES += ("prompting", "transfer", "finetuning", "finetuning_tasks", "finetuning_gain")


def test_figures_of_scores_are_there_with_their_numbers(cohort):
    results = cohort / "results"
    for name in FIGURES:
        assert "synthetic" in (results / f"figures/{name}.svg").read_text(), name
        assert (results / f"figures/{name}.png").read_bytes().startswith(b"\x89PNG"), name
        assert len(read_tsv(results / f"figures/{name}.tsv")), name
    for path in (results / "figures").glob("*.svg"):
        assert path.with_suffix(".png").is_file(), path.name
    metrics = read_tsv(results / "tables/metrics.tsv")
    first = metrics[(metrics.primary == "1") & (metrics.group == "frozen") & metrics.protocol.isin(["logistic", "cox"])]
    first = first.astype({"mean": float, "n_fits": int, "n_empty": int})
    complete = first[first.n_fits - first.n_empty >= 0.8 * first.n_fits]  # a Cox model without coefficients is no score
    assert set(first.task) - set(complete.task) <= {"synthetic--OS"}
    expected = complete.groupby("model")["mean"].mean()
    averages = read_tsv(results / "figures/averages.tsv")
    averages = averages[averages.family == "all"].set_index("model")["mean"].astype(float)
    assert averages.to_dict() == pytest.approx(expected.to_dict())
    gain = read_tsv(results / "figures/finetuning_gain.tsv")
    assert set(zip(gain.model, gain.baseline, strict=True)) == {("threads-s0", "random-s0")}
    assert set(read_tsv(results / "figures/slide_encoder_gain.tsv").baseline) == {"mean"}
    cohorts = read_tsv(results / "tables/cohorts.tsv")
    assert set(cohorts[cohorts.block != "frozen"].model) == {"abmil", "random-s0", "threads-s0"}
    assert len(set(read_tsv(results / "tables/protocols.tsv").table)) == 5
    for name in ("cohorts", "protocols"):
        assert r"\begin{table}" in (results / f"tables/{name}.tex").read_text()
        assert "| model |" in (results / f"tables/{name}.md").read_text()


def test_tables_of_the_cohort_and_its_tasks_count_what_is_there(cohort):
    tables = cohort / "results/tables"
    pairs = read_tsv(cohort / "results/omics/pairs.tsv")
    trained = pairs[(pairs.status == "paired") & (pairs.cohort == "SYNTH-A")].slide_id.nunique()
    assert len(read_tsv(tables / "runs/one.tsv")) == trained
    sites = read_tsv(tables / "sites.tsv")
    assert sites[["runs", "cohort", "site", "slides"]].to_numpy().tolist() == [
        ["one", "SYNTH-A", "not given", str(trained)]
    ]
    tasks = read_tsv(tables / "task_statistics.tsv").set_index("task")
    listed = read_tsv(cohort / "tasks/listed/k=all.tsv")
    assert tasks.loc["synthetic--listed", ["cases", "slides", "split"]].tolist() == [str(len(listed))] * 2 + [
        "official"
    ]
    labels = read_tsv(tables / "labels.tsv")
    assert labels[labels.task == "synthetic--listed"].samples.astype(int).sum() == len(listed)
    datasets = read_tsv(tables / "datasets.tsv")
    assert datasets.set_index("cohort").use.to_dict() == {"SYNTH-A": "pretraining", "SYNTH-B": "evaluation"}
    assert datasets.slides.astype(int).sum() == len(read_tsv(cohort / "slides.tsv"))
    settings = read_tsv(tables / "settings.tsv").set_index("key")
    assert settings.loc["slide_encoder/heads", ["here", "differs"]].tolist() == ["2", "no"]
    assert settings.loc["training/batch_size", ["here", "differs"]].tolist() == ["6", "yes"]
    assert set(read_tsv(tables / "maps/threads-s0.tsv").slide_id) == set(read_tsv(tables / "runs/one.tsv").slide_id)
    for kind in ("md", "tex"):
        assert all("synthetic" in path.read_text() for path in tables.glob(f"*.{kind}"))


def test_a_run_on_half_of_the_slides_makes_a_curve(cohort, code, tmp_path):
    """Two runs that differ in their part of the data, and slides of pretraining that are not embedded otherwise."""
    copy = tmp_path / "copy"
    shutil.copytree(cohort, copy)
    config = json.loads((copy / "config.json").read_text())
    config["pretrain"]["runs"]["half"] = config["pretrain"]["runs"]["one"] | {"fraction": 0.5}
    config["embed"]["models"]["threads-half"] = {"kind": "threads", "run": "half"}
    config["embed"] |= {"use": ["threads-s0", "threads-half"], "cohorts": ["SYNTH-B"], "attention": []}
    task = config["probe"]["tasks"]["synthetic--subtype"] | {"groups": ["frozen"]}
    config["probe"] = {"tasks": {"synthetic--subtype": task}, "use": ["synthetic--subtype"], "permutations": 0}
    (copy / "config.json").write_text(json.dumps(config))
    done = run(copy, code, "results/tables/scaling.tsv", "results/figures/maps/threads-half.svg")
    assert done.returncode == 0, done.stdout[-6000:]
    tables = copy / "results/tables"
    scaling = read_tsv(tables / "scaling.tsv").query("scope == 'all'").set_index("run")
    metrics = read_tsv(tables / "metrics.tsv").query("protocol == 'logistic' and primary == '1'").set_index("model")
    for name, model in (("one", "threads-s0"), ("half", "threads-half")):
        assert scaling["mean"][name] == metrics["mean"][model]
        assert int(scaling.slides[name]) == len(read_tsv(tables / f"runs/{name}.tsv"))
    assert int(scaling.slides["half"]) == round(int(scaling.slides["one"]) / 2)
    blocks = sorted((copy / "results/embed/threads-half/pretraining").glob("*.h5"))
    assert blocks
    assert set(read_tsv(tables / "maps/threads-half.tsv").slide_id) == set(read_tsv(tables / "runs/half.tsv").slide_id)


def test_a_task_is_probed_on_the_slides_it_lists(cohort):
    listed = read_tsv(cohort / "tasks/listed/k=all.tsv")
    with h5py.File(cohort / "results/embed/mean/bags/synthetic--listed.h5") as handle:
        bags = dict(zip(handle["ids"].asstr()[:], handle["slides"].asstr()[:], strict=True))
    several = read_tsv(cohort / "slides.tsv").groupby("case_id").slide_id.nunique()
    expected = set(several[several > 1].index)
    assert set(bags) <= expected
    assert bags
    assert all(slide in set(listed.slide_id) for slide in bags.values())
    split = read_tsv(cohort / "results/probe/splits/synthetic--listed/k=all.tsv")
    assert split.fold_0.tolist() == listed.side.tolist()
    summary = read_tsv(cohort / "results/probe/mean/synthetic--listed/frozen/summary.tsv")
    protocols = {"logistic", "logistic_C=0.01", "logistic_C=adaptive", "site_only", "patch_count_only", "permuted"}
    assert set(summary.protocol) == protocols
    assert set(summary.n_samples.astype(int) + summary.n_missing.astype(int)) == {len(listed)}


def test_frozen_probes_in_the_layout_of_pathobench(cohort, code):
    done = run(cohort, code, "pathobench")
    assert done.returncode == 0, done.stdout[-3000:]
    place = cohort / "results/pathobench"
    rows = pd.read_csv(place / "results_summary.csv")
    assert set(rows.experiment) == {"linprobe", "coxnet"}
    for row in rows[rows.metric.isin(["bacc", "cindex"])].itertuples():
        folder = place / row.source / row.task / f"{row.model}_{row.experiment}" / row.hyperparameters
        summary = json.loads((folder / "test_metrics_summary.json").read_text())
        mean = summary[row.metric]["mean"]
        assert (np.isnan(row.mean) and mean is None) or mean == pytest.approx(row.mean)
        assert len(list((folder / "test_metrics").iterdir())) in (3, 100)


def test_what_made_the_results_is_written_down(cohort, code):
    """Inputs, weights and every kind of result are in provenance.json; the crate says the same and no path of here."""
    results = cohort / "results"
    provenance = json.loads((results / "provenance.json").read_text())
    assert {"slides/sheet", "omics/sheet", "probe/tasks/synthetic--OS/k=all.tsv"} <= set(provenance["inputs"])
    assert provenance["seeds"]["pretrain/runs/one/training/seed"] == 0
    environments = ("acquire", "slides", "features", "omics", "pretrain", "probe", "finetune", "report")
    assert {f"{name}.yaml" for name in environments} <= set(provenance["environments"])
    kinds = {name.split("/")[0] for name in provenance["files"]}
    assert kinds == {"config.yaml", "slides", "tissue", "tiles", "features", "omics"} | {
        "pretrain", "embed", "probe", "tables", "figures",
        "gallery.html", "open_in_qupath.groovy", "open_in_qupath.json",
    }  # fmt: skip
    for name in ("pretrain/runs/one/model.safetensors", "embed/mean/cases.h5ad"):
        assert provenance["files"][name]["bytes"] == (results / name).stat().st_size
    assert "probe/mean/synthetic--OS/frozen/predictions.parquet" in provenance["files"]
    crate = json.loads((results / "ro-crate-metadata.json").read_text())
    (action,) = [entity for entity in crate["@graph"] if entity["@type"] == "CreateAction"]
    assert {unquote(part["@id"]) for part in action["result"]} == set(provenance["files"])
    for name in ("provenance.json", "ro-crate-metadata.json", "job_times.tsv"):
        assert str(cohort) not in (results / name).read_text()
    jobs = read_tsv(results / "job_times.tsv").job
    assert "pretrain/runs/one" in set(jobs)
    head = subprocess.run(["git", "-C", code, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout
    assert (provenance["workflow"]["commit"], provenance["workflow"]["modified"]) == (head.strip(), False)


def test_no_result_reveals_where_it_was_made(cohort):
    """No folder of this machine is in a result, except for the config, which holds the paths that the user wrote."""
    results = cohort / "results"
    outputs = [path for path in results.rglob("*") if path.is_file() and "logs" not in path.parts]
    files = [path for path in outputs if path not in (results / "config.yaml", results / "report.html")]
    assert len(files) > 200
    assert not [path.relative_to(results) for path in files if str(cohort).encode() in path.read_bytes()]
