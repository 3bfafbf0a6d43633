"""Embedding with the folder of a run: what is embedded again, and patches of other weights, which are refused."""

import json
import re

import pandas as pd
import pytest
from molpath.embed import embedding
from molpath.embed.attention import write_attention
from molpath.embed.bags import OtherWeights
from molpath.embed.embedding import embed_block
from molpath.pretrain.artefacts import export

from .cohort import RUN, train, write_cohort


@pytest.fixture
def bags(monkeypatch):
    """Names of the bags that were embedded so far."""
    embedded, original = [], embedding.embed_bags

    def counted(*arguments):
        for row in original(*arguments):
            embedded.append(row[0])
            yield row

    monkeypatch.setattr(embedding, "embed_bags", counted)
    return embedded


def embed(folder, run, **model):
    """Bytes of a block of two slides by the run in a folder."""
    values = {"name": "m", "kind": "threads", "cases": "union", "path": str(run), "grid": "g", "encoder": "e"}
    embed_block(
        members={"S0": ["S0"], "S1": ["S1"]}, cases={"S0": "C0", "S1": "C1"}, model=values | model,
        manifests=[folder / "m.tsv"], sources=[f"{run}/config.json", f"{run}/model.safetensors"], wsi=folder / "wsi",
        output=folder / "block.h5", finished=folder / "f", code="c",
    )  # fmt: skip
    return (folder / "block.h5").read_bytes()


def encoded_with(folder, weights):
    """The features' manifest and the packed store say these weights of all slides."""
    for name in ("m.tsv", "index.tsv"):
        table = pd.read_csv(folder / name, sep="\t", dtype=str, keep_default_na=False)
        table.assign(weights=weights).to_csv(folder / name, sep="\t", index=False)


def test_a_moved_run_a_renamed_model_and_the_hubs_layout_embed_nothing(tmp_path, bags):
    write_cohort(tmp_path)
    train(tmp_path)
    first = embed(tmp_path, tmp_path / "out")
    assert bags == ["S0", "S1"]
    (tmp_path / "out").rename(tmp_path / "moved")
    assert embed(tmp_path, tmp_path / "moved", name="other", grid="theirs", encoder="tiny") == first
    export(str(tmp_path / "moved"), str(tmp_path / "hub"))
    assert embed(tmp_path, tmp_path / "hub", path="") == first
    train(tmp_path, RUN | {"name": "renamed"}, "moved")
    assert embed(tmp_path, tmp_path / "moved") == first
    assert bags == ["S0", "S1"]


def test_other_weights_in_the_same_folder_embed_again(tmp_path, bags):
    write_cohort(tmp_path)
    train(tmp_path)
    first = embed(tmp_path, tmp_path / "out")
    train(tmp_path, RUN | {"training": RUN["training"] | {"seed": 1}})
    assert embed(tmp_path, tmp_path / "out") != first
    assert bags == ["S0", "S1"] * 2


def test_features_of_other_weights_are_refused_by_name(tmp_path, bags):
    """The encoder has the same adapter, so planning finds nothing while its weights are still to be fetched."""
    write_cohort(tmp_path)
    encoded_with(tmp_path, "aaaa1111 9999")
    train(tmp_path)
    first = embed(tmp_path, tmp_path / "out")
    encoded_with(tmp_path, "bbbb2222 9999")
    message = re.escape(
        f"slide S0: S0.h5 was made with weights and stain target of SHA-256 bbbb2222 9999, and run toy of "
        f"{tmp_path / 'out'} read patches of aaaa1111 9999: name an encoder with those weights, or another model"
    )
    with pytest.raises(OtherWeights, match=message):
        embed(tmp_path, tmp_path / "out")
    with pytest.raises(OtherWeights, match=message):
        write_attention(
            slides=["gone", "S0"], manifests=[tmp_path / "m.tsv"], run_folder=str(tmp_path / "out"),
            wsi=tmp_path / "wsi", output=tmp_path / "attention.h5",
        )  # fmt: skip
    encoded_with(tmp_path, "aaaa1111 9999")
    assert embed(tmp_path, tmp_path / "out") == first
    assert bags == ["S0", "S1"]


def test_a_run_on_patches_of_unknown_weights_takes_no_others(tmp_path):
    """Features of other tools: nobody knows their weights, and the name of the encoder is compared before."""
    write_cohort(tmp_path)
    train(tmp_path)
    assert json.loads((tmp_path / "out/config.json").read_text())["run"]["patches"] == {"weights": ""}
    encoded_with(tmp_path, "bbbb2222")
    with pytest.raises(OtherWeights, match=r"read patches of \(unknown\)"):
        embed(tmp_path, tmp_path / "out")
