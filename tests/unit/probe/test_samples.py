"""Embeddings of exactly the samples and slides that a task lists; what is missing or not a number is named."""

import json

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from molpath.common.files import read_tsv
from molpath.embed.embedding import write_block
from molpath.probe.embeddings import EmbeddingTable
from molpath.probe.jobs import run_probe
from molpath.probe.samples import load_samples, sites_of
from molpath.probe.tasks import BadTask, read_task

SETTINGS = {
    "C": 0.5,
    "max_iter": 10000,
    "cox": {"alpha": 0.07, "l1_ratio": 0.5, "max_iter": 100000},
    "permutations": 2,
    "bootstraps": 50,
    "seed": 0,
}


def write_embeddings(path, names, x, slides, sites=None, kind="mean"):
    obs = pd.DataFrame({"slides_used": slides, "n_patches": np.arange(len(names)) + 5}, index=names)
    if sites is not None:
        obs["site"], obs["case_id"] = pd.Categorical(sites), [name[:2] for name in names]
    data = anndata.AnnData(np.asarray(x, np.float32), obs=obs)
    data.uns["model"] = {"name": "m", "kind": kind}
    data.write_h5ad(path)
    return str(path)


class Cohort:
    """Cases of two slides each (07-0, 07-1); the label of the even ones is 0."""

    def __init__(self, folder, n=12, sites=None):
        rng = np.random.default_rng(0)
        self.folder, self.cases = folder, [f"{i:02d}" for i in range(n)]
        self.slides = [f"{case}-{j}" for case in self.cases for j in range(2)]
        self.vectors = dict(zip(self.slides, rng.normal(size=(2 * n, 4)), strict=True))
        self.sites = sites or dict.fromkeys(self.cases, "T0")
        self.listed = {case: [f"{case}-0", f"{case}-1"] for case in self.cases}
        self.reasons = dict.fromkeys(self.slides, "")
        self.unit = "case_id"

    def write(self):
        present = [s for s in self.slides if not self.reasons[s]]
        used = {c: [s for s in present if s.startswith(f"{c}-")] for c in self.cases}
        cases = [c for c in self.cases if used[c]]
        x = [np.mean([self.vectors[s] for s in used[c]], axis=0) for c in cases]
        by_slide = [self.vectors[s] for s in present]
        sites = [self.sites[s[:2]] for s in present]
        self.h5 = {
            "slides": write_embeddings(self.folder / "slides.h5ad", present, by_slide, present, sites),
            "cases": write_embeddings(self.folder / "cases.h5ad", cases, x, [";".join(used[c]) for c in cases]),
        }
        self.table = self.folder / "slides.tsv"
        rows = [(s, s[:2], "set_aside" if self.reasons[s] else "ok", self.reasons[s]) for s in self.slides]
        pd.DataFrame(rows, columns=["slide_id", "case_id", "status", "reason"]).to_csv(
            self.table, sep="\t", index=False
        )
        rows = [
            (c, s, str(int(c) % 2), "test" if int(c) % 4 < 2 else "train") for c in self.cases for s in self.listed[c]
        ]
        names = ["case_id", "slide_id", "y", "fold_0"]
        pd.DataFrame(rows, columns=names).to_csv(self.folder / "k=all.tsv", sep="\t", index=False)
        config = {
            "task_col": "y",
            "sample_col": self.unit,
            "label_dict": {0: "a", 1: "b"},
            "metrics": ["macro-ovr-auc"],
        }
        (self.folder / "config.yaml").write_text(json.dumps(config))
        return read_task("t--y", self.folder / "config.yaml", self.folder / "k=all.tsv")

    def load(self, **options):
        return load_samples(self.write(), **self.h5, **({"cohort": str(self.table)} | options))


def test_case_of_other_slides_gets_its_own_bag_or_the_job_stops(tmp_path):
    cohort = Cohort(tmp_path)
    cohort.listed["03"] = ["03-1"]
    with pytest.raises(BadTask, match=r"1 cases .* other slides .* 03 \(listed: 03-1; embedded: 03-0, 03-1\)"):
        cohort.load()
    write_block(str(tmp_path / "bags.h5"), [("03", cohort.vectors["03-1"], 77, ["03-1"])], {})
    task, x = cohort.load(bags=str(tmp_path / "bags.h5"))
    np.testing.assert_allclose(x[3], cohort.vectors["03-1"], rtol=1e-6)
    np.testing.assert_allclose(x[4], (cohort.vectors["04-0"] + cohort.vectors["04-1"]) / 2, rtol=1e-6)
    assert task.samples[3] == "03"
    assert task.patches["03"] == 77


def test_slides_set_aside_are_no_difference_between_bags(tmp_path):
    cohort = Cohort(tmp_path)
    cohort.reasons["03-0"] = "blank"
    task, x = cohort.load()
    np.testing.assert_allclose(x[3], cohort.vectors["03-1"], rtol=1e-6)
    assert len(task.samples) == 12


def test_case_whose_listed_slides_were_set_aside_is_missing_whatever_its_others_are(tmp_path, caplog):
    cohort = Cohort(tmp_path)
    cohort.listed["03"] = ["03-1"]
    cohort.reasons["03-1"] = "blank"
    task, _ = cohort.load()
    assert "03" not in task.samples
    assert "case_id 03 has no embedding: set aside: blank" in caplog.text


def test_missing_samples_are_listed_and_allowed_as_the_settings_say(tmp_path, caplog):
    cohort = Cohort(tmp_path)
    cohort.reasons |= {"03-0": "blank", "03-1": "out_of_focus"}
    task, x = cohort.load()
    assert "03" not in task.samples
    assert len(x) == 11
    assert "case_id 03 has no embedding: set aside: blank, out_of_focus" in caplog.text
    with pytest.raises(BadTask, match="1 of 12 case_ids have no embedding .*: 03. Add their slides"):
        cohort.load(missing="fail")
    cohort.cases.append("99")
    cohort.sites["99"], cohort.listed["99"] = "T0", ["99-0"]  # a case that the sheet doesn't know
    with pytest.raises(BadTask, match="1 of 13 case_ids have no embedding .*: 99. Add their slides"):
        cohort.load()
    assert len(cohort.load(missing="skip")[1]) == 11
    cohort.unit = "slide_id"
    with pytest.raises(BadTask, match="1 of 25 slide_ids have no embedding .*: 99-0"):
        cohort.load()


def test_vectors_of_a_table_may_not_be_missing(tmp_path):
    cohort = Cohort(tmp_path)
    task = cohort.write()
    slides = write_embeddings(tmp_path / "t.h5ad", cohort.slides[2:], np.ones((22, 3)), cohort.slides[2:], kind="table")
    cases = write_embeddings(tmp_path / "c.h5ad", cohort.cases[1:], np.ones((11, 3)), [""] * 11, kind="table")
    with pytest.raises(BadTask, match="1 of 12 case_ids have no embedding .*: 00"):
        load_samples(task, slides, cases, cohort=str(cohort.table))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_none_are_named(tmp_path, value):
    cohort = Cohort(tmp_path)
    cohort.vectors["05-1"] = np.array([0, value, 0, 0])
    with pytest.raises(BadTask, match=r"cases.h5ad: the embedding of 1 case holds NaN or infinite numbers: 05"):
        cohort.load()


def test_categories_and_text_of_obs_are_read(tmp_path):
    sites = {f"{i:02d}": f"T{i % 3}" for i in range(12)}
    task, _ = Cohort(tmp_path, sites=sites).load()
    assert task.sites == sites
    with h5py.File(tmp_path / "slides.h5ad") as handle:
        assert "categories" in handle["obs/site"]
    task.slides = {}  # a table of cases alone
    assert sites_of(task, EmbeddingTable.read(str(tmp_path / "slides.h5ad"))) == sites


@pytest.mark.parametrize(("telling", "value"), [(True, 1.0), (False, None)])
def test_site_that_predicts_the_label_is_reported(tmp_path, telling, value):
    n = 60
    sites = {f"{i:02d}": f"T{i % 2 if telling else i // 2 % 2}" for i in range(n)}
    cohort = Cohort(tmp_path, n=n, sites=sites)
    cohort.write()
    outputs = {name: tmp_path / f"{name}.tsv" for name in ("metrics", "summary", "predictions")}
    run_probe(
        task="t--y",
        config=tmp_path / "config.yaml",
        table=tmp_path / "k=all.tsv",
        model="m",
        group="frozen",
        settings=SETTINGS,
        cohort=str(cohort.table),
        **cohort.h5,
        **outputs,
    )
    summary = read_tsv(outputs["summary"])
    primary = summary[summary.primary == "1"].set_index("protocol")
    assert list(primary.index) == ["logistic", "site_only", "patch_count_only", "permuted"]
    remarked = "the site alone predicts the label" in primary.note["site_only"]
    assert remarked == telling
    if telling:
        assert float(primary["mean"]["site_only"]) == value
    else:
        assert float(primary["mean"]["site_only"]) == pytest.approx(0.5, abs=0.2)
    guesses = pd.read_parquet(outputs["predictions"])
    assert set(guesses.protocol) == {"logistic", "site_only", "patch_count_only"}
    first = guesses[(guesses.protocol == "site_only") & (guesses.sample_id == "01")].iloc[0]
    assert first.case_id == "01"
    before = {name: path.read_bytes() for name, path in outputs.items()}
    run_probe(
        task="t--y", config=tmp_path / "config.yaml", table=tmp_path / "k=all.tsv", model="m", group="frozen",
        settings=SETTINGS, cohort=str(cohort.table), **cohort.h5, **outputs,
    )  # fmt: skip
    assert {name: path.read_bytes() for name, path in outputs.items()} == before
