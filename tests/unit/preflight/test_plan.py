"""The plan of a run, added up by hand."""

from pathlib import Path

import pandas as pd
import pytest
from molpath.preflight.costs import BadCosts, read_costs
from molpath.preflight.plan import machine_of, plan_run
from molpath.preflight.plan_page import as_text, write_plan
from planned_costs import COSTS, FINE, MAIN, row

SHIPPED = Path(__file__).resolve().parents[3] / "resources/costs"


def test_hours_sizes_and_patches_by_hand(tables, request_of_all, tmp_path):
    table = plan_run(request_of_all, tables, tmp_path)
    assert row(table, "slides", "slides").cpu_hours == pytest.approx(5 * 1 / 3600)
    assert row(table, "acquire", "slides").download_gb == pytest.approx(0.5 + 2)
    assert row(table, "acquire", "profiles").download_gb == pytest.approx(0.4)
    assert row(table, "tissue", "slides").disk_gb == pytest.approx(5 * 1e6 / 1e9)
    assert row(table, "tiles", MAIN["name"]).patches == 5 * 1000
    features = row(table, "features", f"{FINE['name']} vit")
    assert features.patches == 1 * 1000 * 4
    assert features.patches_are == "estimated"
    assert features.cpu_hours == pytest.approx(4000 * 0.01 * 0.25 / 3600)
    assert features.gpu_hours == pytest.approx(4000 * 10e9 / 1e12 / 3600)  # half of 2 TFLOP/s
    assert features.download_gb == pytest.approx(5e7 * 4 / 1e9)
    assert features.disk_gb == pytest.approx((4000 * (200 + 16) + 5e7 * 4) / 1e9)
    assert features.assumed == "encode_share"
    assert features.cpu_hours_least == pytest.approx(features.cpu_hours / 2)
    assert features.cpu_hours_most == pytest.approx(features.cpu_hours * 2)
    assert row(table, "omics", "rna profiles").cpu_hours == pytest.approx(40 / 3600)
    assert row(table, "pretrain", f"store {MAIN['name']} vit").disk_gb == pytest.approx(
        2 * 2000 * 200 / 1e9
    )  # kept, too
    flops = 3 * 2 * (100 * 1e6 + 10 * 2e6) * 4 * 5
    assert row(table, "pretrain", "run r").gpu_hours == pytest.approx(flops / 1e12 / 3600)
    assert row(table, "embed", "mean").cpu_hours == pytest.approx(2 * 4000 * 200 / 1e6 / 3600)
    # 100 x 0.8 samples x 100 wide; five folds of 1 + 2 swept + 3 permuted and 6 few-shot fits, of survival 1 + 4.
    logistic = 5 * (1 + 2 + 3 + 6) * 0.8 * 100 * 100 * 2 / 1e6 * 10
    cox = 5 * (1 + 4) * 0.8 * 50 * 100 / 1e6 * 20
    assert row(table, "probe", "mean").units == 4  # jobs; fine-tuning has rows of its own
    assert row(table, "probe", "mean").cpu_hours == pytest.approx((4 * 2 + logistic + cox) / 3600)
    transfer = sum((1 + 2 + 3) * 100 * width * 2 / 1e6 * 10 for width in (100, 50))
    assert row(table, "probe", "transfers").cpu_hours == pytest.approx((2 * 2 + transfer) / 3600)
    assert row(table, "probe", "prompts").cpu_hours == pytest.approx(2 * 2 * 2 / 3600)
    assert row(table, "probe", "clusters").cpu_hours == pytest.approx((2 * 2 + 2 * 40 * 0.5) / 3600)
    # 2 epochs of 5 folds; the bags of the second task, 3.6 TB as float32, are read again in every epoch.
    steps = 0.8 * (100 + 50) * 2 * 5
    kept = 2**32 / (9e6 * 1000 * 100 * 4)
    reading = (100 * 1000 * 100 * 2 + 9e6 * 1000 * 100 * 2 * (kept + (1 - kept) * 10)) / 1e6
    tuned = row(table, "probe", "fine-tuned threads")
    assert (tuned.units, tuned.gpu_hours) == (2, pytest.approx((steps * 0.1 + reading) / 3600))
    total = table.iloc[-1]
    assert total.stage == "total"
    for name in ("cpu_hours", "gpu_hours", "disk_gb", "download_gb"):
        assert total[name] == pytest.approx(table[name][:-1].sum())


def test_patches_are_counted_where_tiling_is_done(tables, request_of_all, tmp_path):
    folder = tmp_path / "tiles" / MAIN["name"]
    folder.mkdir(parents=True)
    lines = ["slide_id\tstatus\tn_patches", "a\tok\t70", "b\tset_aside\t"]
    (folder / "00000.tsv").write_text("\n".join(lines) + "\n")
    table = plan_run(request_of_all, tables, tmp_path)
    tiles = row(table, "tiles", MAIN["name"])
    assert tiles.patches == 70 + 3 * 1000
    assert tiles.patches_are == "counted and estimated"
    store = row(table, "pretrain", f"store {MAIN['name']} vit")
    assert (store.patches, store.patches_are) == (70, "counted")
    assert row(table, "tiles", FINE["name"]).patches_are == "estimated"


def test_text_names_what_was_assumed_and_the_table_is_written(tables, request_of_all, tmp_path):
    request_of_all["machine"] = {"gpu": "", "gpus": 0, "cores": 4}
    machine = machine_of(request_of_all, tables)
    text = as_text(plan_run(request_of_all, tables, tmp_path), machine, read_costs(tables["costs"]))
    assert text.splitlines()[0].split()[:5] == ["stage", "what", "units", "left", "patches"]
    assert "for 1 x NVIDIA A100 (80 GB), none seen here: name yours (plan: gpu), and 4 cores" in text
    assert text.splitlines()[-1].endswith("dna_profile_s = 5, encode_share = 0.5")
    about = {"slides": 5, "cases": 4, "snakemake": "9.27"}
    state = {"release": None, "commit": "0123456789abcdef", "modified": False}
    paths = {"table": str(tmp_path / "plan.tsv"), "page": str(tmp_path / "plan.md")}
    write_plan(request=request_of_all, tables=tables, results=str(tmp_path), facts=about, state=state, **paths)
    page = (tmp_path / "plan.md").read_text()
    assert "5 slides of 4 cases." in page
    assert "NVIDIA A100 (80 GB)" in page
    assert "- encode_share: 0.5 u; s" in page
    assert page.endswith("- molpath 0123456789ab\n- Snakemake 9.27\n")
    widths = {line.count("|") for line in page.splitlines() if line.startswith("|")}
    assert widths == {9}, "a table of eight columns"
    written = pd.read_csv(tmp_path / "plan.tsv", sep="\t", keep_default_na=False)
    assert list(written.stage.unique()) == [
        "acquire",
        "slides",
        "tissue",
        "tiles",
        "features",
        "omics",
        "pretrain",
        "embed",
        "probe",
        "total",
    ]


def test_bad_costs_are_named(tables):
    costs = Path(tables["costs"])
    text = costs.read_text()
    costs.write_text(text.replace("tile_s\t3", "tile_s\tmuch"))
    with pytest.raises(BadCosts, match=r"row tile_s, column value: 'much'"):
        read_costs(costs)
    costs.write_text("\n".join(line for line in text.splitlines() if not line.startswith("cox_s")) + "\n")
    with pytest.raises(BadCosts, match="no row 'cox_s'"):
        read_costs(costs)["cox_s"]


def test_every_shipped_cost_has_a_basis_and_a_source():
    table = pd.read_csv(SHIPPED / "costs.tsv", sep="\t", comment="#", keep_default_na=False)
    assert set(table.cost) == set(COSTS)
    assert set(table.basis) == {"measured", "paper", "assumed"}
    assert (table.value > 0).all()
    assert (table.source != "").all()
    costs = read_costs(SHIPPED / "costs.tsv")
    for name, value in costs.values.items():
        low, high = sorted((costs.least[name], costs.most[name]))
        assert low <= value <= high, name
    assert costs["patches_per_slide"] * 47171 == pytest.approx(125148770, rel=1e-6)


def test_what_is_left_alone_is_counted(tables, request_of_all, tmp_path):
    """One of three shards has features, half of another; a run, half an embedding and two of four probes are done."""
    left = {"00001": 1, "00002": 1}
    request_of_all["features"][0] |= {"shards": ["00000", "00001", "00002"], "left": left}
    request_of_all["left"] = {"slides": {}, "tissue": {"00002": 1}}
    request_of_all["runs"][0]["left"] = False
    request_of_all["models"][0] |= {"left": 0.5, "probed": [["first", "frozen"], ["first", "fewshot"]]}
    request_of_all["tasks"][0]["name"] = "first"
    request_of_all["finetune"][0]["tuned"] = ["first"]
    request_of_all |= {"profiles_left": {"rna": 0, "dna": 20}, "clusters_left": 1}
    table = plan_run(request_of_all, tables, tmp_path)
    features = row(table, "features", f"{FINE['name']} vit")
    assert (features.units, features.left, features.patches) == (5, 2, 2 * 4000)
    assert (row(table, "slides", "slides").left, row(table, "slides", "slides").cpu_hours) == (0, 0)
    assert row(table, "tissue", "slides").cpu_hours == pytest.approx(2 / 3600)
    assert row(table, "pretrain", "run r").gpu_hours == 0
    assert row(table, "embed", "mean").cpu_hours == pytest.approx(2 * 4000 * 200 / 1e6 / 3600 / 2)
    cox = 5 * (1 + 4) * 0.8 * 50 * 100 / 1e6 * 20
    probes = row(table, "probe", "mean")
    assert (probes.units, probes.left, probes.cpu_hours) == (4, 2, pytest.approx((2 * 2 + cox) / 3600))
    assert row(table, "probe", "fine-tuned threads").left == 1
    assert row(table, "omics", "rna profiles").cpu_hours == 0
    assert row(table, "probe", "clusters").cpu_hours == pytest.approx((2 * 2 + 2 * 40 * 0.5) / 3600 / 2)


def test_biopsies_are_not_resections_and_tissue_is_measured(tables, request_of_all, tmp_path):
    request_of_all["kinds"] = {"00000": {"biopsy": 1, "resection": 1}, "00001": {"frozen": 2}, "00002": {"": 1}}
    tiles = row(plan_run(request_of_all, tables, tmp_path), "tiles", MAIN["name"])
    assert (tiles.patches, tiles.patches_are) == (100 + 2000 + 2 * 500 + 1000, "estimated")
    (tmp_path / "tissue").mkdir()
    (tmp_path / "tissue/00001.tsv").write_text("slide_id\tarea_mm2\na\t3.5\nb\t\n")
    request_of_all["grids"][1]["shards"] = ["00001"]
    table = plan_run(request_of_all, tables, tmp_path)
    tiles = row(table, "tiles", MAIN["name"])
    assert (tiles.patches, tiles.patches_are) == (100 + 2000 + 35 + 1000, "from tissue and estimated")
    assert row(table, "tiles", FINE["name"]).patches == 4 * 35
