"""Gene sets, the whole way on a small planted cohort: what is read, what is listed, maps."""

import json

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from molpath.common.files import read_tsv
from molpath.common.manifests import write_manifest
from molpath.embed.bags import Bags
from molpath.interpret import gene_set_reliability as reliability
from molpath.interpret.gene_prompts import raised_minus_lowered
from molpath.interpret.gene_set_files import BadGeneSets
from molpath.interpret.gene_set_maps import as_geojson, draw_gene_sets, levels_of, read_patch_scores, readable
from molpath.interpret.gene_set_reading import read_gene_sets
from molpath.interpret.gene_set_scores import score_gene_sets
from molpath.interpret.patch_maps import paint
from molpath.pretrain.network import load
from PIL import Image
from scipy.stats import spearmanr

from ..pretrain.cohort import train, write_cohort

ALPHAS = [0.1, 1, 10, 100, 1000]


CASES, GENES = 60, 40


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """60 pairs of one latent, a run on them, embeddings, and two sets: the genes that follow the latent, and others."""
    folder = tmp_path_factory.mktemp("planted")
    z = write_cohort(folder, cases=CASES, genes=GENES)[:, 0]
    train(folder)
    network = load(str(folder / "out"))[0]
    bags = Bags([folder / "m.tsv"], str(folder / "wsi"))
    with torch.inference_mode():
        x = np.stack([network.slide(torch.from_numpy(bags.read(f"S{i}").features))[0].numpy() for i in range(CASES)])
    for unit, names in (("slides", "S"), ("cases", "C")):
        obs = pd.DataFrame({"case_id": [f"C{i}" for i in range(CASES)]}, index=[f"{names}{i}" for i in range(CASES)])
        anndata.AnnData(x, obs=obs).write_h5ad(folder / f"{unit}.h5ad")
    weights = np.random.default_rng(99).normal(size=(1, GENES))[0]
    up, none = np.argsort(-weights)[:8], np.argsort(np.abs(weights))[:8]
    lines = [["UP", "x", *(f"G{i}" for i in up)], ["NONE", "x", *(f"G{i}" for i in none)], ["FEW", "x", "G1", "XYZ"]]
    (folder / "sets.gmt").write_text("".join("\t".join(line) + "\n" for line in lines))
    score_gene_sets(
        files=[str(folder / "sets.gmt")], tables=[str(folder / "rna.h5ad")], genes="", names=[], fewest=5, random=40,
        support=["A"], seed=0, scores=str(folder / "scores.h5"), listing=str(folder / "listing.tsv"),
    )  # fmt: skip
    return folder, z, x


def read(folder, kind="threads", **settings):
    outputs = {name: str(folder / f"{kind}-{name}") for name in ("sets", "scores", "patches")}
    chosen = {"support": ["A"], "trained": ["C1", "C2"], "permutations": 99, "seed": 0, "alphas": ALPHAS}
    chosen |= {"slides": ["S3", "gone"], "reference": ["S5", "S6", "S7"], "min_genes": 5}
    read_gene_sets(
        model={"name": "m", "kind": kind}, run_folder=str(folder / "out") if kind == "threads" else "", own=True,
        scores=str(folder / "scores.h5"), listing=str(folder / "listing.tsv"), slides=str(folder / "slides.h5ad"),
        cases=str(folder / "cases.h5ad"), tables=[str(folder / "rna.h5ad")], manifests=[folder / "m.tsv"],
        wsi=str(folder / "wsi"), settings=chosen | settings, outputs=outputs,
    )  # fmt: skip
    return read_tsv(outputs["sets"]), read_tsv(outputs["scores"]), outputs["patches"]


def test_a_planted_set_is_read_and_others_are_listed(planted):
    folder, z, _ = planted
    listing = read_tsv(folder / "listing.tsv").set_index("set")
    assert list(listing.status) == ["scored", "scored", "set aside"]
    assert "1 of its 2 genes were measured, and 5 are required" in listing.detail["FEW"]
    sets, scores, patches = read(folder)
    assert [*zip(sets.set, sets.way, strict=True)] == [
        (name, way) for name in ("UP", "NONE", "FEW") for way in ("regression", "prompt")
    ]
    table = sets.set_index(["set", "way"])
    assert table.verdict["UP", "regression"] == "read"
    assert float(table.spearman["UP", "regression"]) > 0.5
    assert set(table.verdict["NONE"]) <= {"not read", "no better than random sets"}
    assert set(table.verdict["FEW"]) == {"not asked"}
    assert set(sets.n_support) == {str(CASES)}
    assert set(sets.n_support_pretrained) == {"2"}
    of_slides = scores[(scores.unit == "slide") & (scores.set == "UP") & (scores.way == "regression")]
    assert spearmanr(of_slides.score.astype(float), z).statistic > 0.5
    assert list(of_slides.pretraining[:4]) == ["no", "yes", "yes", "no"]
    assert set(of_slides.side) == {"support, out of fold"}
    assert set(scores.set) == {"UP", "NONE"}
    patch_scores = read_patch_scores(patches, "S3")
    assert read_patch_scores(patches, "gone") is None
    assert patch_scores.scores.shape == (10, 4)
    assert patch_scores.places.coords[2].tolist() == [1024, 0]
    assert patch_scores.sets[readable(sets, patch_scores)[0]] == "UP"


def test_scores_never_come_from_a_cases_own_expression(planted, tmp_path):
    """What is measured of one case changes the scores of others, not its own."""
    folder, _, _ = planted
    before = read(folder)[1]
    with h5py.File(folder / "scores.h5", "r+") as handle:
        kept = handle["sets/000000/scores"][:]
        row = [name.decode() for name in handle["case_id"][:]].index("C7")
        changed = kept.copy()
        changed[row] += 3 * kept.std()
        # standardised in the same way: only this case's place among the others is another
        handle["sets/000000/scores"][...] = changed
    try:
        after = read(folder)[1]
    finally:
        with h5py.File(folder / "scores.h5", "r+") as handle:
            handle["sets/000000/scores"][...] = kept
    of_cases = (before.set == "UP") & (before.way == "regression") & (before.unit == "case")
    old, new = (table[of_cases].set_index("case_id").score.astype(float) for table in (before, after))
    order_kept = spearmanr(old.drop("C7"), new.drop("C7")).statistic
    assert order_kept < 1
    fold = reliability.folds_of(CASES, 0)
    cases = sorted(f"C{i}" for i in range(CASES))
    same = [case for case, its_fold in zip(cases, fold, strict=True) if its_fold == fold[cases.index("C7")]]
    # its own fold's direction was fitted without it: the same line, in units that the cohort's spread sets
    slope = np.polyfit(old[same], new[same], 1)
    np.testing.assert_allclose(new[same], np.polyval(slope, old[same]), atol=1e-9)


def test_prompts_move_profiles_as_the_branch_does(planted):
    folder = planted[0]
    network, description = load(str(folder / "out"))
    data = anndata.read_h5ad(folder / "rna.h5ad")[:4].copy()
    data.var["spread"] = 2.0
    moves = raised_minus_lowered(network, description, data, [["G1", "G5"]])
    ids = {word: i for i, word in enumerate(description["rna_encoder"]["vocabulary"])}
    scale = description["rna_encoder"]
    by_hand = []
    for sign in (1, -1):
        values = np.asarray(data.X).copy()
        values[:, [1, 5]] += 2.0 * sign
        for i, gene in enumerate(data.var_names):
            values[:, i] = (values[:, i] - scale["mean"][gene]) / scale["deviation"][gene]
        tokens = torch.tensor([[ids["<cls>"], *(ids[gene] for gene in data.var_names)]] * 4)
        with torch.inference_mode():
            shown = torch.cat([torch.full((4, 1), -2.0), torch.from_numpy(values)], 1)
            vectors = network.rna(tokens, shown).numpy()
        by_hand.append(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    np.testing.assert_allclose(moves[:, 0], by_hand[0] - by_hand[1], atol=1e-5)


def test_a_model_without_an_expression_branch_is_read_by_regression_alone(planted):
    folder = planted[0]
    sets, scores, _ = read(folder, "mean", slides=[], reference=[])
    prompts = sets[sets.way == "prompt"].set_index("set")
    assert set(prompts.verdict) == {"not asked"}
    assert prompts.detail["UP"] == "the model has no expression branch"
    assert set(scores.way) == {"regression"}


def test_too_small_a_support_is_reported(planted):
    with pytest.raises(BadGeneSets, match="0 cases of B have a profile and an embedding.*20 are needed"):
        read(planted[0], support=["B"])


def test_files_without_a_usable_set_are_reported(planted, tmp_path):
    (tmp_path / "a.gmt").write_text("FEW\tx\tG1\n")
    with pytest.raises(BadGeneSets, match="no set of .*a.gmt can be scored: FEW: 1 of its 1 genes were measured"):
        score_gene_sets(
            files=[str(tmp_path / "a.gmt")], tables=[str(planted[0] / "rna.h5ad")], genes="", names=[], fewest=5,
            random=4, seed=0, support=["A"], scores=str(tmp_path / "s.h5"), listing=str(tmp_path / "l.tsv"),
        )  # fmt: skip


def test_maps_and_geojson_say_the_same(planted):
    patch_scores = read_patch_scores(read(planted[0])[2], "S3")
    document = as_geojson(patch_scores, (100, 50))
    assert json.loads(json.dumps(document)) == document
    first = document["features"][1]
    assert first["geometry"]["coordinates"][0][0] == [412, -50]
    assert first["properties"]["measurements"]["UP (regression)"] == pytest.approx(patch_scores.scores[1, 0], rel=1e-4)
    canvas = paint(patch_scores.places, levels_of(patch_scores, 0), "RdBu_r", (10, 100), (5120, 512))
    top, low = patch_scores.scores[:, 0].argmax(), patch_scores.scores[:, 0].argmin()
    assert canvas[5, 10 * top + 5, 0] > canvas[5, 10 * top + 5, 2] or patch_scores.scores[top, 0] <= 0
    assert canvas[5, 10 * low + 5, 2] > canvas[5, 10 * low + 5, 0] or patch_scores.scores[low, 0] >= 0


def test_a_map_is_drawn_and_says_so_where_there_is_none(planted, tmp_path):
    folder = planted[0]
    read(folder)
    (tmp_path / "thumbnails").mkdir()
    Image.fromarray(np.full((70, 256, 3), 230, np.uint8)).save(tmp_path / "thumbnails/S3.jpg")
    rows = [
        {"slide_id": "S3", "status": "ok", "detail": "", "width": 5120, "height": 1024, "mpp": 0.5},
        {"slide_id": "gone", "status": "set_aside", "reason": "blank", "detail": "almost no tissue"},
    ]
    write_manifest(tmp_path / "inspected.tsv", rows, ["width", "height", "mpp"])
    write_manifest(tmp_path / "assessed.tsv", rows, [])
    nothing = read_tsv(folder / "threads-sets").assign(verdict="not read")
    nothing.to_csv(tmp_path / "none.tsv", sep="\t", index=False)
    sizes = {}
    for name, slide, sets in (("map", "S3", folder / "threads-sets"), ("none", "S3", tmp_path / "none.tsv")):
        draw_gene_sets(
            scores=str(folder / "threads-patches"), sets=str(sets), slide_id=slide, wsi=str(tmp_path), note="synthetic",
            inspected=str(tmp_path / "inspected.tsv"), assessed=str(tmp_path / "assessed.tsv"),
            picture=str(tmp_path / f"{name}.png"), patches=str(tmp_path / f"{name}.geojson"),
        )  # fmt: skip
        sizes[name] = Image.open(tmp_path / f"{name}.png").size
        assert len(json.loads((tmp_path / f"{name}.geojson").read_text())["features"]) == 10
    assert sizes["map"][0] > sizes["none"][0]  # a panel per set next to the slide
    draw_gene_sets(
        scores=str(folder / "threads-patches"), sets=str(tmp_path / "none.tsv"), slide_id="gone", wsi=str(tmp_path),
        note="", inspected=str(tmp_path / "inspected.tsv"), assessed=str(tmp_path / "assessed.tsv"),
        picture=str(tmp_path / "gone.png"), patches=str(tmp_path / "gone.geojson"),
    )  # fmt: skip
    assert json.loads((tmp_path / "gone.geojson").read_text())["features"] == []
