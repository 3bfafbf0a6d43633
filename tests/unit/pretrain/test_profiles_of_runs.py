"""Profiles that belong to a run, and such as only look like it: of another fit, of the same name."""

import json
from itertools import product

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from molpath.common.files import fingerprint
from molpath.common.kinds import EXPRESSION_REMEDIES, EXPRESSION_VALUES
from molpath.embed.attention import write_attention
from molpath.embed.bags import Bags, OtherWidth
from molpath.embed.models import get_embed
from molpath.embed.profiles import embed_profiles, gather_profiles
from molpath.interpret.gene_directions import placed
from molpath.omics.expression import DEFAULTS, NAMES, choose_kind, provenance
from molpath.pretrain.profiles import UnfitProfiles, read_tables
from molpath.pretrain.runs import digest_of_profiles
from molpath.pretrain.training import Untrained

from .cohort import RUN, train, write_cohort
from .test_reuse import steps  # noqa: F401

ON_RNA = RUN | {"modalities": ["rna"], "training": RUN["training"] | {"epochs": 1, "warmup_epochs": 0}}


def test_values_of_a_setting_are_those_that_are_written():
    provenances = {}
    for setting, kind in product(EXPRESSION_VALUES, NAMES):
        settings = DEFAULTS | {"value": setting}
        kinds = {kind} if setting == "log2_tpm" else {kind, "counts"}
        provenances.setdefault(setting, set()).add(
            provenance(choose_kind(kinds, setting), settings, None, "", "")["value"]
        )
    assert provenances["log2_tpm"] == {*EXPRESSION_VALUES["log2_tpm"], "zscore"}
    assert {name: tuple(values) for name, values in provenances.items() if name != "log2_tpm"} == {
        name: EXPRESSION_VALUES[name] for name in ("log2_cpm", "vst")
    }
    assert set(EXPRESSION_REMEDIES) == {value for values in EXPRESSION_VALUES.values() for value in values}


def as_vst(path, coefficients):
    data = anndata.read_h5ad(path)
    data.uns |= {"value": "vst", "vst_trend": "parametric", "vst_coefficients": np.array(coefficients)}
    data.write_h5ad(path)
    return list(data.obs_names)


def test_vst_of_another_fit_is_not_embedded_by_a_run_from_elsewhere(tmp_path):
    write_cohort(tmp_path, cases=4)
    names = as_vst(tmp_path / "rna.h5ad", [0.1, 2.0])
    described = json.loads(train(tmp_path, ON_RNA, dna=[])["config.json"])
    assert len(described["rna_encoder"]["fits"]) == 1
    inputs = {"table": str(tmp_path / "rna.h5ad"), "profiles": names, "run_folder": str(tmp_path / "out")}
    embed_profiles(**inputs, output=str(tmp_path / "o.h5ad"), own=False)
    assert len(anndata.read_h5ad(tmp_path / "o.h5ad")) == 4
    as_vst(tmp_path / "rna.h5ad", [0.2, 2.0])
    with pytest.raises(UnfitProfiles, match="holds vst by a fit of this study, and the run in .*out read vst by a fit"):
        embed_profiles(**inputs, output=str(tmp_path / "o.h5ad"), own=False)
    embed_profiles(**inputs, output=str(tmp_path / "o.h5ad"))  # another cohort of the same study


def rewrite(folder, change):
    table = pd.read_csv(folder / "pairs.tsv", sep="\t", dtype=str, keep_default_na=False)
    change(table).to_csv(folder / "pairs.tsv", sep="\t", index=False)


def test_slides_of_one_case_are_no_run(tmp_path):
    """They are no negatives of each other: without a step, random weights would be kept."""
    write_cohort(tmp_path, cases=4)
    rewrite(tmp_path, lambda table: table.assign(case_id="C0", profile_id="P0-" + table.modality))
    with pytest.raises(UnfitProfiles, match=r"fewer than two cases \(1\) have both a slide and a profile \(rna\)"):
        train(tmp_path)


def test_a_branch_with_profiles_of_one_case_is_refused(tmp_path):
    write_cohort(tmp_path, cases=4)
    rewrite(tmp_path, lambda table: table[(table.modality == "rna") | (table.case_id == "C0")])
    with pytest.raises(UnfitProfiles, match=r"fewer than two cases \(1\) .* profile \(dna\).*take dna out"):
        train(tmp_path)


def test_a_fraction_that_leaves_too_few_cases_is_named(tmp_path):
    write_cohort(tmp_path, cases=4)
    (tmp_path / "slides.tsv").write_text("slide_id\torgan\nS0\tx\n")
    with pytest.raises(UnfitProfiles, match=r"in the run's fraction \(0.25\) of the slides.*: raise fraction, add"):
        train(tmp_path, ON_RNA | {"fraction": 0.25}, dna=[], slides=str(tmp_path / "slides.tsv"))


def test_a_run_whose_steps_never_had_two_cases_is_refused(tmp_path):
    """Batches of one slide each."""
    write_cohort(tmp_path, cases=3)
    run = ON_RNA | {"training": ON_RNA["training"] | {"batch_size": 1}}
    with pytest.raises(Untrained, match="for branch slide, rna, whose weights are still random"):
        train(tmp_path, run, dna=[])
    assert not (tmp_path / "out/model.safetensors").exists()


def test_a_profile_id_in_two_cohorts_is_refused(tmp_path):
    """Pairs name profiles by it: those of A would take the values of B, which are all 0."""
    write_cohort(tmp_path, cases=4)
    data = anndata.read_h5ad(tmp_path / "rna.h5ad")
    data.X[:] = 0
    data.obs["cohort"] = "B"
    data.write_h5ad(tmp_path / "b.h5ad")
    with pytest.raises(UnfitProfiles, match=r"b.h5ad has profile P0-rna, which .*rna.h5ad has too: give each profile"):
        read_tables([str(tmp_path / "rna.h5ad"), str(tmp_path / "b.h5ad")])


def test_expression_and_mutations_of_one_profile_id_stay_apart(tmp_path):
    write_cohort(tmp_path, cases=4)
    names, blocks = [f"P{i}" for i in range(4)], []
    train(tmp_path, RUN | {"training": ON_RNA["training"]})
    for kind in ("rna", "dna"):
        data = anndata.read_h5ad(tmp_path / f"{kind}.h5ad")
        data.obs_names = names
        data.write_h5ad(tmp_path / f"{kind}.h5ad")
        blocks.append(str(tmp_path / f"{kind}-block.h5ad"))
        inputs = {"table": str(tmp_path / f"{kind}.h5ad"), "profiles": names, "run_folder": str(tmp_path / "out")}
        embed_profiles(**inputs, output=blocks[-1])
    gather_profiles(blocks=blocks, output=str(tmp_path / "p.h5ad"))
    assert anndata.read_h5ad(tmp_path / "p.h5ad").obs_names.is_unique
    placed_rows, vectors = placed(str(tmp_path / "p.h5ad"), names)
    expected = anndata.read_h5ad(blocks[0]).X.astype(float)
    assert placed_rows.all()
    np.testing.assert_allclose(vectors, expected / np.linalg.norm(expected, axis=1, keepdims=True))
    with pytest.raises(UnfitProfiles, match="profile rna:P0 is in two cohorts"):
        gather_profiles(blocks=[blocks[0], blocks[0]], output=str(tmp_path / "p.h5ad"))


def unpaired(data):
    other = data[:1].copy()
    other.obs_names = ["unpaired"]
    return anndata.concat([data, other], uns_merge="same")


def other_column(data):
    data.obs["age"] = 1
    return data


def other_value(data):
    data.X[2, 3] += 1
    return data


def other_genes(data):
    return data[:, list(reversed(data.var_names))].copy()


@pytest.mark.parametrize("kind", ["rna", "dna"])
@pytest.mark.parametrize(("change", "again"), [
    (unpaired, False), (other_column, False), (other_value, True), (other_genes, True),
])  # fmt: skip
def test_a_run_depends_on_its_own_profiles_and_their_genes(tmp_path, kind, change, again):
    write_cohort(tmp_path, cases=4)
    paired = set(pd.read_csv(tmp_path / "pairs.tsv", sep="\t").profile_id)
    before = digest_of_profiles(str(tmp_path / f"{kind}.h5ad"), paired)
    change(anndata.read_h5ad(tmp_path / f"{kind}.h5ad")).write_h5ad(tmp_path / f"{kind}.h5ad")
    assert (digest_of_profiles(str(tmp_path / f"{kind}.h5ad"), paired) != before) == again


def test_an_unpaired_profile_trains_nothing(tmp_path, steps):  # noqa: F811
    write_cohort(tmp_path, cases=4)
    first = train(tmp_path, ON_RNA, dna=[])
    trained = len(steps)
    unpaired(anndata.read_h5ad(tmp_path / "rna.h5ad")).write_h5ad(tmp_path / "rna.h5ad")
    assert train(tmp_path, ON_RNA, dna=[]) == first
    assert len(steps) == trained > 0


def test_patches_of_another_width_are_named_with_their_slide_and_the_run(tmp_path):
    write_cohort(tmp_path, cases=4)
    train(tmp_path, ON_RNA, dna=[])
    before = fingerprint(tmp_path / "wsi/S1.h5")
    with h5py.File(tmp_path / "wsi/S1.h5", "a") as handle:
        del handle["features"]
        handle["features"] = np.zeros((10, 7), np.float16)
    manifest = tmp_path / "m.tsv"
    manifest.write_text(manifest.read_text().replace(before, fingerprint(tmp_path / "wsi/S1.h5")))
    bags = Bags([str(tmp_path / "m.tsv")], str(tmp_path / "wsi"))
    message = r"slide S1: .*S1.h5 has 7 numbers per patch, and "
    run = message + r"the run in .*out reads patches of encoder e, which have 6: name the encoder"
    with (
        get_embed({"kind": "threads"}, str(tmp_path / "out/config.json"), 1, bags) as embed,
        pytest.raises(OtherWidth, match=run),
    ):
        embed(["S1"])
    with (
        get_embed({"kind": "mean"}, "", 1, bags) as embed,
        pytest.raises(OtherWidth, match=message + "slide S0 before it"),
    ):
        embed(["S0", "S1"])
    with pytest.raises(OtherWidth, match=message.replace(".*S1", "S1") + "the run in"):
        write_attention(
            slides=["S1"], manifests=[tmp_path / "m.tsv"], run_folder=str(tmp_path / "out"), wsi=str(tmp_path / "wsi"),
            output=str(tmp_path / "a.h5"),
        )  # fmt: skip
