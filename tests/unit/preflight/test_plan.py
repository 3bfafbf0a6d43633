"""The plan of a run, added up by hand."""

from pathlib import Path

import pandas as pd
import pytest
from molpath.preflight.costs import BadCosts, read_costs
from molpath.preflight.plan import as_text, plan_run, write_plan

COSTS = {
    "slide_bytes": 1e9,
    "patches_per_slide": 1000,
    "inspect_s": 1,
    "tissue_s": 2,
    "tile_s": 3,
    "read_patch_s": 0.01,
    "encode_flops": 1e12,
    "token_px": 16,
    "rna_profile_s": 4,
    "dna_profile_s": 5,
    "train_flops": 1e12,
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
ASSUMED = {"encode_flops", "dna_profile_s"}
FINE = {"name": "20x_256px_0px_overlap", "density": 4.0, "area": 0.25}
MAIN = {"name": "20x_512px_0px_overlap", "density": 1.0, "area": 1.0}


TASK = {"samples": 100, "slides": 100, "folds": 5, "classes": 2, "survival": False, "groups": []}


@pytest.fixture
def costs(tmp_path) -> Path:
    rows = [f"{name}\t{value}\tu\t{'assumed' if name in ASSUMED else 'measured'}\ts" for name, value in COSTS.items()]
    path = tmp_path / "costs.tsv"
    path.write_text("# costs\ncost\tvalue\tunit\tbasis\tsource\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture
def request_of_all() -> dict:
    """Three shards of 2, 2 and 1 slides; the fine grid is needed of the last alone."""
    feature = {"dim": 100, "parameters": 5e7, "input_size": 160, "crops": 1, "fetch": 1}
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


def test_hours_sizes_and_patches_by_hand(costs, request_of_all, tmp_path):
    table = plan_run(request_of_all, read_costs(costs), tmp_path)
    assert row(table, "slides", "slides").cpu_hours == pytest.approx(5 * 1 / 3600)
    assert row(table, "acquire", "slides").download_gb == pytest.approx(0.5 + 2)
    assert row(table, "acquire", "profiles").download_gb == pytest.approx(0.4)
    assert row(table, "tissue", "slides").disk_gb == pytest.approx(5 * 1e6 / 1e9)
    assert row(table, "tiles", MAIN["name"]).patches == 5 * 1000
    features = row(table, "features", f"{FINE['name']} vit")
    assert features.patches == 1 * 1000 * 4
    assert features.patches_are == "estimated"
    assert features.cpu_hours == pytest.approx(4000 * 0.01 * 0.25 / 3600)
    assert features.gpu_hours == pytest.approx(4000 * 2 * 5e7 * 100 / 1e12 / 3600)  # 100 tokens of 16 px in 160 px
    assert features.download_gb == pytest.approx(5e7 * 4 / 1e9)
    assert features.disk_gb == pytest.approx((4000 * (200 + 16) + 5e7 * 4) / 1e9)
    assert features.assumed == "encode_flops"
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


def test_patches_are_counted_where_tiling_is_done(costs, request_of_all, tmp_path):
    folder = tmp_path / "tiles" / MAIN["name"]
    folder.mkdir(parents=True)
    lines = ["slide_id\tstatus\tn_patches", "a\tok\t70", "b\tset_aside\t"]
    (folder / "00000.tsv").write_text("\n".join(lines) + "\n")
    table = plan_run(request_of_all, read_costs(costs), tmp_path)
    tiles = row(table, "tiles", MAIN["name"])
    assert tiles.patches == 70 + 3 * 1000
    assert tiles.patches_are == "partly counted"
    store = row(table, "pretrain", f"store {MAIN['name']} vit")
    assert (store.patches, store.patches_are) == (70, "counted")
    assert row(table, "tiles", FINE["name"]).patches_are == "estimated"


def test_text_names_what_was_assumed_and_the_table_is_written(costs, request_of_all, tmp_path):
    known = read_costs(costs)
    text = as_text(plan_run(request_of_all, known, tmp_path), known)
    assert text.splitlines()[0].split()[:4] == ["stage", "what", "units", "patches"]
    assert text.splitlines()[-1].endswith("dna_profile_s = 5, encode_flops = 1e+12")
    write_plan(request=request_of_all, costs=str(costs), results=str(tmp_path), output=str(tmp_path / "plan.tsv"))
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


def test_bad_costs_are_named(costs):
    text = costs.read_text()
    costs.write_text(text.replace("tile_s\t3", "tile_s\tmuch"))
    with pytest.raises(BadCosts, match=r"row tile_s, column value: 'much'"):
        read_costs(costs)
    costs.write_text("\n".join(line for line in text.splitlines() if not line.startswith("cox_s")) + "\n")
    with pytest.raises(BadCosts, match="no row 'cox_s'"):
        read_costs(costs)["cox_s"]


def test_every_shipped_cost_has_a_basis_and_a_source():
    table = pd.read_csv(
        Path(__file__).resolve().parents[3] / "resources/costs/costs.tsv", sep="\t", comment="#", keep_default_na=False
    )
    assert set(table.cost) == set(COSTS)
    assert set(table.basis) == {"measured", "paper", "assumed"}
    assert (table.value > 0).all()
    assert (table.source != "").all()
    assert table.value[table.cost == "patches_per_slide"].iloc[0] * 47171 == pytest.approx(125148770, rel=1e-6)


def test_memory_of_bags_is_that_of_fine_tuning():
    from molpath.preflight.plan_probes import BAGS_IN_MEMORY
    from molpath.probe.finetune import TaskBags

    assert TaskBags({}, {}).left == BAGS_IN_MEMORY
