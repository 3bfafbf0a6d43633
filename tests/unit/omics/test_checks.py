"""Checks of profiles: they see what was planted into synthetic cohorts, and say nothing where nothing was."""

import anndata
import numpy as np
import pandas as pd
import pytest
from molpath.common.files import read_tsv
from molpath.common.h5ad import write_h5ad
from molpath.figures.omics import plot_omics
from molpath.omics.checks import check_profiles
from molpath.omics.flags import FLAGS


def make(folder, site=0.0, swapped=0, dosage=0.6, decay=1.5, seed=0):
    """Tables of 40 cases at four sites: `site` moves genes, `swapped` men have women's markers, copies raise genes,
    truncating changes lower them."""
    rng = np.random.default_rng(seed)
    cases = [f"TCGA-{'AB' if i < 20 else 'CD'}-{i:04d}" for i in range(40)]
    sites = ["AB" if i < 20 else "CD" for i in range(40)]
    genes = [*(f"G{i}" for i in range(200)), "RPS4Y1", "XIST"]
    copies = rng.choice([-2, -1, 0, 1, 2], (40, 20))
    values = rng.normal(5, 1, (40, len(genes)))
    values[:, :20] += dosage * copies
    truncated = rng.random((40, 20)) < 0.2
    values[:, :20] -= decay * truncated
    values[:20, 50:100] += site
    men = np.arange(40) % 2 == 0
    values[:, -2], values[:, -1] = np.where(men, 6, 0.1), np.where(men, 0.1, 7)
    wrong = np.flatnonzero(men)[:swapped]
    values[wrong, -2], values[wrong, -1] = 0.1, 7
    obs = pd.DataFrame({"case_id": cases, "cohort": "T", "outlier": False}, [f"{case}-rna" for case in cases])
    rna = anndata.AnnData(values.astype(np.float32), obs=obs)
    rna.var_names, rna.uns["value"] = genes, "log2_tpm_plus_1"
    hot = np.zeros((40, 20, len(FLAGS)), np.float32)
    for number, flag in {-2: 0, -1: 1, 1: 2, 2: 3}.items():
        hot[..., flag] = copies == number
    hot[..., FLAGS.index("large_coding")] = truncated
    dna = anndata.AnnData(hot.reshape(40, -1), obs=obs.set_axis([f"{case}-dna" for case in cases]))
    dna.var_names = [f"G{i}:{flag}" for i in range(20) for flag in FLAGS]
    dna.var["gene"] = np.repeat([f"G{i}" for i in range(20)], len(FLAGS))
    dna.layers["observed"], dna.uns["value"] = np.ones(dna.shape, np.uint8), "flags"
    for name, table in (("rna", rna), ("dna", dna)):
        write_h5ad(folder / f"{name}.h5ad", table)
    sexes = "".join(f"{case}\t{'Male' if man else 'f'}\n" for case, man in zip(cases, men, strict=True))
    (folder / "cases.tsv").write_text("case_id\tgender\n" + sexes)
    (folder / "slides.tsv").write_text("slide_id\tcase_id\tpath\n")
    return cases, sites


def check(folder):
    check_profiles(
        tables=[str(folder / "rna.h5ad"), str(folder / "dna.h5ad")],
        slides=str(folder / "slides.tsv"),
        cases=str(folder / "cases.tsv"),
        checks=str(folder / "checks.tsv"),
        profiles=str(folder / "profiles.tsv"),
    )
    return read_tsv(folder / "checks.tsv").set_index("check")


def test_a_clean_cohort_is_ok(tmp_path):
    _, sites = make(tmp_path)
    checks = check(tmp_path)
    assert checks.verdict.to_dict() == {
        "outliers in principal components": "ok",
        "variance between sites": "ok",
        "recorded and expressed sex": "ok",
        "expression against copy number": "ok",
        "expression against truncating changes": "ok",
    }
    profiles = read_tsv(tmp_path / "profiles.tsv")
    assert profiles.site.tolist() == sites
    assert profiles.sex.tolist() == profiles.expressed_sex.tolist()


@pytest.mark.parametrize(
    ("planted", "name", "value"),
    [
        ({"site": 2.0}, "variance between sites", None),
        ({"swapped": 2}, "recorded and expressed sex", "2"),
        ({"dosage": 0.0}, "expression against copy number", None),
        ({"decay": 0.0}, "expression against truncating changes", None),
    ],
)
def test_what_was_planted_is_seen(tmp_path, planted, name, value):
    make(tmp_path, **planted)
    checks = check(tmp_path)
    assert checks.verdict[name] == "look"
    assert set(checks.verdict.drop(name)) == {"ok"}
    assert value is None or checks.value[name] == value


def test_normal_profiles_of_a_case_are_not_held_against_its_tumours_copies(tmp_path):
    make(tmp_path)
    alone = check(tmp_path).loc["expression against copy number"]
    tumours = anndata.read_h5ad(tmp_path / "rna.h5ad")
    normals = anndata.AnnData(
        np.random.default_rng(1).normal(5, 1, tumours.shape).astype(np.float32),
        obs=tumours.obs.assign(sample_type="normal").set_axis([f"{case}-normal" for case in tumours.obs.case_id]),
        var=tumours.var,
    )
    both = anndata.concat([normals, tumours])  # the normal profile of each case comes first
    both.obs["sample_type"] = ["normal"] * 40 + [""] * 40
    both.uns["value"] = "log2_tpm_plus_1"
    write_h5ad(tmp_path / "rna.h5ad", both)
    assert check(tmp_path).loc["expression against copy number", ["n", "value"]].tolist() == [alone.n, alone.value]


def test_the_figure_is_the_same_every_time(tmp_path):
    make(tmp_path, site=2.0)
    check(tmp_path)
    for name in ("a.svg", "b.svg"):
        plot_omics(str(tmp_path / "profiles.tsv"), str(tmp_path / name), "synthetic")
    text = (tmp_path / "a.svg").read_text()
    assert text == (tmp_path / "b.svg").read_text()
    for word in ("synthetic", "RPS4Y1", ">AB<", ">female<"):
        assert word in text


def test_the_site_of_a_case_is_that_of_any_of_its_slides(tmp_path):
    """The first slide of a case had no site, and the site recorded with the second was ignored."""
    cases, _ = make(tmp_path)
    rows = [
        f"S{i}\t{case}\t{site}\n" for i, (case, site) in enumerate([(cases[0], " "), (cases[0], "X"), (cases[1], "Y")])
    ]
    (tmp_path / "slides.tsv").write_text("slide_id\tcase_id\tsite\n" + "".join(rows))
    check(tmp_path)
    assert read_tsv(tmp_path / "profiles.tsv").site.tolist()[:3] == ["X", "Y", "AB"]
