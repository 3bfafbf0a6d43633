"""The plan of a run, added up by hand."""

from pathlib import Path

import pandas as pd
import pytest
from molpath.preflight.costs import BadCosts, read_costs
from molpath.preflight.gpus import UnknownGpu, choose_gpu
from molpath.preflight.plan import machine_of, plan_run
from molpath.preflight.plan_page import as_text, in_time, write_plan

SHIPPED = Path(__file__).resolve().parents[3] / "resources/costs"

COSTS = {
    "slide_bytes": 1e9,
    "patches_per_slide": 1000,
    "inspect_s": 1,
    "tissue_s": 2,
    "tile_s": 3,
    "read_patch_s": 0.01,
    "patches_per_resection": 2000,
    "patches_per_frozen": 500,
    "patches_per_biopsy": 100,
    "patches_per_mm2": 10,
    "encode_share": 0.5,
    "encode_share_fp32": 0.25,
    "encode_share_conv": 0.125,
    "unknown_gflop": 100,
    "rna_profile_s": 4,
    "dna_profile_s": 5,
    "train_share": 0.5,
    "embed_share": 0.1,
    "slide_encoder_parameters": 1e6,
    "copy_bytes": 1e6,
    "embed_flops": 1e9,
    "probe_job_s": 2,
    "logistic_s": 10,
    "cox_s": 20,
    "cluster_sample_s": 0.5,
    "finetune_step_s": 0.1,
    "slide_files_bytes": 1e6,
    "coordinates_bytes": 32,
}
ASSUMED = {"encode_share", "dna_profile_s"}
#: GPUs of round numbers: 2 TFLOP/s in half precision, 1 in fp32.
GPUS = "name\tmemory_gb\thalf_tflops\tfp32_tflops\nA100\t80\t2\t1\nH100\t80\t8\t4\n"
FINE = {"name": "20x_256px_0px_overlap", "density": 4.0, "area": 0.25}
MAIN = {"name": "20x_512px_0px_overlap", "density": 1.0, "area": 1.0}


TASK = {"samples": 100, "slides": 100, "folds": 5, "classes": 2, "survival": False, "groups": []}


@pytest.fixture
def tables(tmp_path, monkeypatch) -> dict[str, str]:
    """Costs of round numbers; a patch is at the least half and at the most twice as dear to read."""
    monkeypatch.setattr("molpath.preflight.gpus.visible_gpus", lambda: [])
    rows = ["cost\tvalue\tleast\tmost\tunit\tbasis\tsource"]
    for name, value in COSTS.items():
        ends = f"{value / 2}\t{value * 2}" if name == "read_patch_s" else "\t"
        rows.append(f"{name}\t{value}\t{ends}\tu\t{'assumed' if name in ASSUMED else 'measured'}\ts")
    networks = ["encoder\tpixels\ttoken_px\twidth\tblocks\thidden\tgated\tprefix\tgflop\tsource"]
    networks += ["vit\t160\t16\t8\t1\t32\tno\t1\t10\ts", "conv\t100\t\t\t\t\t\t\t4\ts"]
    (tmp_path / "costs.tsv").write_text("\n".join(rows) + "\n")
    (tmp_path / "gpus.tsv").write_text(GPUS)
    (tmp_path / "encoders.tsv").write_text("\n".join(networks) + "\n")
    return {name: str(tmp_path / f"{name}.tsv") for name in ("costs", "encoders", "gpus")}


@pytest.fixture
def request_of_all() -> dict:
    """Three shards of 2, 2 and 1 slides; the fine grid is needed of the last alone."""
    network = {"network": "vit", "precision": "fp16", "parameters": 5e7, "input_size": 0}
    feature = {"dim": 100, "crops": 1, "fetch": 1} | network
    return {
        "shards": {"00000": 2, "00001": 2, "00002": 1},
        "downloads": {
            "slides": {"files": 3, "bytes": 5e8, "unannounced": 2},
            "profiles": {"files": 7, "bytes": 4e8, "unannounced": 0},
        },
        "grids": [MAIN | {"shards": ["00000", "00001", "00002"]}, FINE | {"shards": ["00002"]}],
        "features": [feature | {"grid": FINE, "encoder": "vit", "shards": ["00002"]}],
        "profiles": {"rna": 10, "dna": 20},
        "stores": [feature | {"grid": MAIN, "encoder": "vit", "shards": ["00000"]}],
        "runs": [{"name": "r", "pairs": 4, "epochs": 5, "patches": 100, "genes": 10, "rna_parameters": 2e6}],
        "models": [
            {
                "name": "mean",
                "grid": FINE,
                "dim": 100,
                "width": 100,
                "network": False,
                "shards": ["00002"],
                "slides": 1,
                "cases": 1,
            },
            {
                "name": "table",
                "grid": None,
                "dim": 0,
                "width": 50,
                "network": False,
                "shards": [],
                "slides": 1,
                "cases": 1,
            },
        ],
        "tasks": [
            TASK | {"groups": ["frozen", "fewshot", "finetune"]},
            TASK | {"samples": 50, "slides": 9e6, "classes": 1, "survival": True, "groups": ["frozen", "finetune"]},
            TASK | {"groups": ["retrieval"]},
        ],
        "permutations": 3,
        "sweep": 2,
        "few_shot_fits": 6,
        "survival_permutations": 4,
        "transfers": [TASK],
        "prompts": 2,
        "clusters": [40],
        "finetune": [{"name": "threads", "density": 1.0, "dim": 100, "epochs": 2}],
    }


def row(table: pd.DataFrame, stage: str, what: str) -> pd.Series:
    found = table[(table.stage == stage) & (table.what == what)]
    assert len(found) == 1, f"{stage} {what}"
    return found.iloc[0]


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
    known = read_costs(SHIPPED / "costs.tsv")
    for name, value in known.values.items():
        low, high = sorted((known.least[name], known.most[name]))
        assert low <= value <= high, name
    assert known["patches_per_slide"] * 47171 == pytest.approx(125148770, rel=1e-6)


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


@pytest.mark.parametrize(
    ("network", "precision", "input_size", "flops", "reached"),
    [
        ("vit", "bf16", 0, 10e9, 2e12 * 0.5),
        ("vit", "fp32", 160, 10e9, 1e12 * 0.25),
        ("conv", "fp32", 200, 4 * 4e9, 1e12 * 0.125),
        ("unknown", "fp16", 0, 100e9, 2e12 * 0.5),
        ("", "fp32", 0, 0, 1),
    ],
)
def test_precision_and_kind_of_network(
    tables, request_of_all, tmp_path, network, precision, input_size, flops, reached
):
    """A network in fp32 has a fraction of the peak in half precision; one of convolutions grows with the area."""
    request_of_all["features"][0] |= {"network": network, "precision": precision, "input_size": input_size, "crops": 2}
    features = row(plan_run(request_of_all, tables, tmp_path), "features", f"{FINE['name']} vit")
    assert features.gpu_hours == pytest.approx(4000 * 2 * flops / reached / 3600)
    assert features.note == ("work of this encoder isn't known" if network == "unknown" else "")


def test_hours_by_the_clock(tables, request_of_all, tmp_path):
    """Stages follow each other; runs share GPUs, and one process has one of them."""
    request_of_all["machine"] = {"gpu": "h100", "gpus": 4, "cores": 2}
    request_of_all["runs"] = [request_of_all["runs"][0] | {"name": name, "pairs": 4e6} for name in "abc"]
    table = plan_run(request_of_all, tables, tmp_path)
    assert row(table, "omics", "rna profiles").wall_hours == pytest.approx(40 / 3600 / 2)
    run = row(table, "pretrain", "run a")
    assert run.wall_hours == run.gpu_hours == pytest.approx(3 * 2 * (100e6 + 20e6) * 4e6 * 5 / 4e12 / 3600)
    others = table[(table.stage != "total") & ~table.what.str.startswith("run ")].wall_hours.sum()
    assert table.iloc[-1].wall_hours == pytest.approx(others + run.wall_hours)


def test_a_model_for_gpus_has_no_hours_on_cpus(tables, request_of_all, tmp_path):
    request_of_all["models"][0] |= {"network": True, "foreign": "gigapath", "gpu": "needed"}
    model = row(plan_run(request_of_all, tables, tmp_path), "embed", "mean")
    assert model.note == "needs a GPU"
    assert model.gpu_hours == pytest.approx(2 * 4000 * 2 * 86e6 / (2e12 * 0.1) / 3600)
    assert model.cpu_hours == pytest.approx(2 * 4000 * 200 / 1e6 / 3600), "bags are read all the same"


@pytest.mark.parametrize(
    ("asked", "visible", "name", "count"),
    [
        ({}, [], "A100", 1),
        ({}, ["NVIDIA H100 80GB HBM3"] * 8, "H100", 8),
        ({}, ["NVIDIA A10"], "A10", 1),
        ({"gpus": 2}, ["NVIDIA A100-SXM4-80GB"] * 4, "A100", 2),
        ({"gpu": "H100 PCIe", "gpus": 3}, [], "H100 PCIe", 3),
        ({"gpu": "rtx 4090"}, ["Tesla T4"], "RTX 4090", 1),
        ({}, ["NVIDIA GeForce GTX 1080"], "A100", 1),
    ],
)
def test_the_gpu_that_the_plan_is_for(monkeypatch, asked, visible, name, count):
    monkeypatch.setattr("molpath.preflight.gpus.visible_gpus", lambda: visible)
    gpu = choose_gpu(SHIPPED / "gpus.tsv", {"gpu": "", "gpus": 0} | asked)
    assert (gpu.name, gpu.count) == (name, count)
    with pytest.raises(UnknownGpu, match=r"plan/gpu: 'GTX' is not in resources/costs/gpus.tsv; it has B200, H200"):
        choose_gpu(SHIPPED / "gpus.tsv", {"gpu": "GTX", "gpus": 0})


def test_hours_in_words():
    assert [in_time(hours) for hours in (0, 0.001, 0.5, 3.25, 72)] == ["0 min", "1 min", "30 min", "3.2 h", "3 days"]


def test_memory_of_bags_is_that_of_fine_tuning():
    from molpath.preflight.plan_probes import BAGS_IN_MEMORY
    from molpath.probe.finetune import TaskBags

    assert TaskBags({}, {}).left == BAGS_IN_MEMORY
