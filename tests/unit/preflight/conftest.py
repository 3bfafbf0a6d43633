"""What tests of this stage share."""

import pytest
from planned_costs import ASSUMED, COSTS, FINE, GPUS, MAIN, TASK


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
