"""Blocks of embeddings: memory that doesn't grow with a bag, and bags that a killed job had embedded."""

import json
import os
import subprocess
import sys

import h5py
import numpy as np
import pytest
import torch
from molpath.common.files import fingerprint
from molpath.common.manifests import accepted, write_manifest
from molpath.embed import models
from molpath.embed.bags import Bags
from molpath.embed.embedding import embed_block
from molpath.embed.kept_bags import KeptBags, forget_others
from molpath.pretrain.network import SlideEncoder, SlideTransformer, build

SIZES = {"hidden": 32, "layers": 2, "heads": 3, "output": 16, "dropout": 0.1, "attention_dropout": 0.25}
PAPER = {"hidden": 1024, "layers": 3, "heads": 2, "output": 1024, "dropout": 0.1, "attention_dropout": 0.25}
EMBEDDING = """
import json, sys
from molpath.embed.bags import Bags
from molpath.embed.models import get_embed
folder, sizes, threads = sys.argv[1], json.loads(sys.argv[2]), 1
model = {"kind": "random", "slide_encoder": sizes, "seed": 0, "cases": "union"}
with get_embed(model, "", threads, Bags([f"{folder}/m.tsv"], folder)) as embed:
    vector, count = embed(["S0", "S1"])
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(peak * 1024, count, len(vector))
"""


def write_slides(folder, patches, dim, count):
    rows = []
    for index in range(count):
        with h5py.File(folder / f"S{index}.h5", "w") as handle:
            handle.create_dataset("features", (patches, dim), np.float16, chunks=(min(512, patches), dim))
            for start in range(0, patches, 5000):
                rng = np.random.default_rng([index, start])
                part = handle["features"][start : start + 5000]
                handle["features"][start : start + 5000] = rng.normal(size=part.shape)
        facts = {"n_patches": patches, "dim": dim, "file": f"S{index}.h5", "bytes": 1}
        facts["fingerprint"] = fingerprint(folder / f"S{index}.h5")
        rows.append(accepted(f"S{index}", **facts) | {"dataset": "features"})
    write_manifest(folder / "m.tsv", rows, list(rows[0])[4:])


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's record of a process's memory is Linux's")
def test_a_bag_of_30_000_patches_is_embedded_within_1_gb(tmp_path):
    """36 kB per patch, 1.4 GB with torch's own: every layer of the whole bag was in memory."""
    import json

    write_slides(tmp_path, 15_000, 768, 2)
    done = subprocess.run(
        [sys.executable, "-c", EMBEDDING, str(tmp_path), json.dumps(PAPER)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    peak, count, width = map(int, done.stdout.split())
    assert (count, width) == (30_000, 1024)
    assert peak < 1e9, f"{peak / 1e6:.0f} MB"


@pytest.mark.parametrize("kind", [SlideEncoder, SlideTransformer])
def test_blocks_give_what_the_whole_bag_gives(monkeypatch, kind):
    torch.manual_seed(0)
    sizes = SIZES if kind is SlideEncoder else SIZES | {"heads": 4}
    network = kind(12, *(sizes[name] for name in SIZES)).eval()
    x = 3 * torch.randn(1000, 12)
    with torch.no_grad():
        whole = network(x)[0]
        monkeypatch.setattr("molpath.pretrain.network.CPU_ROWS", 70)
        torch.testing.assert_close(network.embed_blocks(x.split(300)), whole, atol=1e-6, rtol=0)
        torch.testing.assert_close(network(x)[0], whole, atol=1e-6, rtol=0)
        torch.testing.assert_close(network(x, [900, 60, 40])[:1], network(x[:900]), atol=1e-6, rtol=0)


def test_a_case_is_one_bag_of_its_slides(tmp_path):
    write_slides(tmp_path, 9000, 6, 2)
    bags = Bags([tmp_path / "m.tsv"], tmp_path)
    model = {"kind": "random", "slide_encoder": SIZES, "seed": 3, "cases": "union"}
    with models.get_embed(model, "", 1, bags) as embed:
        vector, count = embed(["S0", "S1"])
    whole = torch.from_numpy(np.concatenate([bags.read(name).features for name in ("S0", "S1")]))
    network = build({"slide_encoder": {**SIZES, "input": 6}}, 3).eval()
    with torch.no_grad():
        parts = network.slide.split(network.slide.before(whole)).chunk(3, -1)
        scores = [torch.softmax(head(part), 0) for head, part in zip(network.slide.attention, parts, strict=True)]
        pooled = torch.cat([share @ part for share, part in zip(scores, parts, strict=True)])
        expected = network.slide.after(pooled)
    assert count == 18_000
    np.testing.assert_allclose(vector, expected.numpy(), atol=1e-6)
    with models.get_embed({"kind": "mean"}, "", 1, bags) as embed:
        mean, count = embed(["S0", "S1"])
    np.testing.assert_allclose(mean, whole.double().mean(0).numpy(), atol=1e-6)
    assert count == 18_000


def block(folder, model):
    members = {f"S{index}": [f"S{index}"] for index in range(4)} | {"C": ["S0", "S1"]}
    embed_block(
        members=members, cases={name: name for name in members}, model=model | {"name": "m"},
        manifests=[folder / "m.tsv"], sources=[], wsi=folder, output=folder / "block.h5", finished=folder / "f",
        code="c", log_path=str(folder / "log"),
    )  # fmt: skip
    return (folder / "block.h5").read_bytes()


@pytest.mark.parametrize("cases", ["union", "mean"])
def test_a_killed_block_resumes_with_the_bag_at_which_it_was_killed(tmp_path, monkeypatch, cases):
    write_slides(tmp_path, 40, 6, 4)
    model = {"kind": "random", "slide_encoder": SIZES, "seed": 3, "cases": cases}
    whole = block(tmp_path, model)
    assert not list((tmp_path / "f").glob("*.bags"))
    for left in (tmp_path / "f").iterdir():
        left.rename(tmp_path / f"elsewhere-{left.name}")
    shapes = []
    blocks = Bags.blocks

    def counted(self, slides, *more):
        if len(shapes) == 2:
            raise MemoryError
        shapes.append(slides)
        return blocks(self, slides, *more)

    monkeypatch.setattr(Bags, "blocks", counted)
    with pytest.raises(MemoryError):
        block(tmp_path, model)
    monkeypatch.setattr(
        Bags, "blocks", lambda self, slides, *more: shapes.append(slides) or blocks(self, slides, *more)
    )
    (partial,) = (tmp_path / "f").glob("*.bags")
    orphan = partial.with_name(partial.name.replace(".", ".of-other-weights", 1))
    orphan.write_bytes(b"")
    with open(partial, "ab") as handle:
        handle.write(partial.read_bytes()[:50])  # torn by the kill
    assert block(tmp_path, model) == whole
    assert not orphan.exists()
    progress = json.loads((tmp_path / "log.progress").read_text())
    assert (progress["done"], progress["total"]) == (5, 5)
    own = [["S0", "S1"]] if cases == "union" else [["S0"], ["S1"]]
    assert shapes == [["S0"], ["S1"], ["S2"], ["S3"], *own]  # no bag twice except the case's slides
    assert not partial.exists()


def test_a_damaged_line_is_dropped_with_what_follows(tmp_path):
    kept = KeptBags(tmp_path / "x.bags")
    for index in range(3):
        kept.add(f"S{index}", np.full(4, index, np.float32), index)
    kept.close()
    lines = (tmp_path / "x.bags").read_bytes().splitlines(keepends=True)
    (tmp_path / "x.bags").write_bytes(lines[0] + lines[1].replace(b"S1", b"S7") + lines[2])
    again = KeptBags(tmp_path / "x.bags")
    again.close()
    assert list(again.bags) == ["S0"]
    assert (tmp_path / "x.bags").read_bytes() == lines[0]


def test_bags_of_a_task_with_a_longer_name_are_kept(tmp_path):
    own, older, left = (tmp_path / f"m-bags-{name}.bags" for name in ("er.0a", "er.v2.0a", "er.0b"))
    for path in (own, older, left):
        path.touch()
    forget_others(tmp_path, "m-bags-er", "0a")
    assert [path.exists() for path in (own, older, left)] == [True, True, False]
