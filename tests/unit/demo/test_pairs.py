"""The cohort of given features: files a user would have, the same for a seed, with the planted truth in them."""

import hashlib
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from molpath.common.files import read_tsv
from molpath.demo.genes import PROGRAMMES
from molpath.demo.pairs import CONFOUNDED, LATENTS, PRETRAINED, SITES, TASKS, write_pairs
from molpath.probe.confounders.battery import assess
from molpath.probe.tasks import read_task
from planted_confounders import SETTINGS, predicted


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    write_pairs(folder, seed=3, pretrained=300, probed=60)
    return folder


def digests(folder: Path) -> dict[str, str]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_seed_gives_the_same_bytes_and_another_gives_others(cohort, tmp_path):
    write_pairs(tmp_path / "same", seed=3, pretrained=300, probed=60)
    assert digests(tmp_path / "same") == digests(cohort)
    write_pairs(tmp_path / "other", seed=4, pretrained=300, probed=60)
    assert digests(tmp_path / "other")["features/P00001-1.h5"] != digests(cohort)["features/P00001-1.h5"]


def test_sheets_name_what_is_there(cohort):
    slides, profiles = read_tsv(cohort / "slides.tsv"), read_tsv(cohort / "profiles.tsv")
    assert len(slides) == 360
    assert (slides.path == "").all()
    assert {path.stem for path in (cohort / "features").iterdir()} == set(slides.slide_id)
    assert profiles.drop_duplicates("case_id").cohort.tolist() == slides.cohort.tolist()
    assert (slides.cohort == PRETRAINED).sum() == 300
    expression = pd.read_csv(cohort / "expression.tsv", sep="\t", index_col=0)
    assert set(expression.columns) == set(profiles.case_id)
    np.testing.assert_allclose((2**expression - 1).sum(), 1e6, rtol=1e-3)


def test_expression_follows_the_levels(cohort):
    truth = read_tsv(cohort / "truth.tsv").set_index("case_id").astype(float)
    expression = pd.read_csv(cohort / "expression.tsv", sep="\t", index_col=0)
    for number, programme in enumerate(LATENTS):
        score = expression.loc[PROGRAMMES[programme].split()].mean()
        for other in range(len(LATENTS)):
            r = np.corrcoef(score, truth.loc[score.index, f"latent_{other}"])[0, 1]
            assert r > 0.8 if other == number else abs(r) < 0.3, (programme, other)


def test_a_compact_focus_of_each_slide_is_reported_and_marked(cohort):
    patches = read_tsv(cohort / "patches.tsv")
    focus = {slide: set(map(int, part.patch)) for slide, part in patches.groupby("slide_id")}
    shares, inside, outside = [], [], []
    for slide in list(focus)[:40]:
        with h5py.File(cohort / "features" / f"{slide}.h5") as handle:
            features, coords = handle["features"][:], handle["coords"][:]
        marked = np.isin(np.arange(len(features)), list(focus[slide]))
        shares.append(marked.mean())
        norms = np.linalg.norm(features - features[~marked].mean(0), axis=1)
        inside.append(norms[marked].mean())
        outside.append(norms[~marked].mean())
        spread = np.ptp(coords[marked], axis=0).max() / 256
        assert spread <= 2 * np.sqrt(marked.sum()) + 2
    assert np.mean(shares) == pytest.approx(0.1, abs=0.03)
    assert np.mean(inside) > np.mean(outside)


def test_labels_follow_one_programme_each(cohort):
    truth = read_tsv(cohort / "truth.tsv").set_index("case_id").astype(float)
    for task, programme in TASKS.items():
        table = read_tsv(cohort / "tasks" / task / "k=all.tsv").set_index("case_id")
        level = truth.loc[table.index, f"latent_{LATENTS.index(programme)}"]
        assert ((level > 0).astype(int) == table[task].astype(int)).mean() > 0.7, "85 % by the noise"
        assert (table.filter(like="fold_") == "test").sum(axis=1).eq(1).all()


#: Of the cohort below, by the version before there were sites: the files that are drawn last are the same to the byte.
WITHOUT_SITES = "fdbdae02b06e88a984a26ca3f5c00f02f1e538feddfbca9048161ca9061e7454"


@pytest.fixture(scope="module")
def hospitals(tmp_path_factory):
    """600 probed cases, few others: their folder, and what a model that finds the levels would hold of each case."""
    folder = tmp_path_factory.mktemp("hospitals")
    write_pairs(folder, seed=3, pretrained=20, probed=600)
    truth = read_tsv(folder / "truth.tsv").set_index("case_id").astype(float)
    return folder, truth + 0.4 * np.random.default_rng(0).normal(size=truth.shape)


def test_sites_change_no_other_file(tmp_path):
    write_pairs(tmp_path, seed=3, pretrained=20, probed=150)
    names = ["truth.tsv", "patches.tsv", "mutations.tsv", "profiles.tsv"]
    names += [f"tasks/{task}/k=all.tsv" for task in (*TASKS, "dominant")]
    held = b"".join((tmp_path / name).read_bytes() for name in names)
    assert hashlib.sha256(held).hexdigest() == WITHOUT_SITES


def test_hospitals_see_cases_of_different_immune_levels(hospitals):
    slides = read_tsv(hospitals[0] / "slides.tsv").set_index("case_id")
    truth = read_tsv(hospitals[0] / "truth.tsv").set_index("case_id").astype(float)
    means = truth.groupby(slides.site).mean().loc[list(SITES)]
    immune = f"latent_{LATENTS.index('immune')}"
    assert means[immune].is_monotonic_increasing
    assert np.ptp(means[immune]) > 1.5
    assert np.ptp(means.drop(columns=immune).to_numpy(), axis=0).max() < 0.5
    assert slides.site.value_counts().to_dict() == dict.fromkeys(SITES, 155)


@pytest.mark.parametrize(
    ("name", "verdict"), [(CONFOUNDED, "explained"), ("KRAS_mutation", "independent"), ("immune", "partly")]
)
def test_the_confounded_task_is_named_and_no_other(hospitals, name, verdict):
    folder, x = hospitals
    task = read_task(name, folder / f"tasks/{name}/config.yaml", folder / f"tasks/{name}/k=all.tsv")
    vectors = x.loc[[task.cases[sample] for sample in task.samples]].to_numpy()
    guesses = predicted(task, vectors).assign(case_id=lambda rows: rows.sample_id.map(task.cases))
    table = read_tsv(folder / "slides.tsv").set_index("case_id")[["site"]]
    (row,) = assess(task, guesses, table, ["site"], SETTINGS, vectors, bootstraps=200).confounders.to_dict("records")
    assert row["verdict"] == verdict, row["reason"]
    assert row["score"] > 0.7, "the score alone would look good"
