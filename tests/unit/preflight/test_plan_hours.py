"""Hours of a plan: by precision, kind of network, GPU and the clock."""

from pathlib import Path

import pytest
from molpath.preflight.gpus import UnknownGpu, choose_gpu
from molpath.preflight.plan import plan_run
from molpath.preflight.plan_page import in_time
from planned_costs import FINE, row

SHIPPED = Path(__file__).resolve().parents[3] / "resources/costs"


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
    other_hours = table[(table.stage != "total") & ~table.what.str.startswith("run ")].wall_hours.sum()
    assert table.iloc[-1].wall_hours == pytest.approx(other_hours + run.wall_hours)


def test_a_model_for_gpus_has_no_hours_on_cpus(tables, request_of_all, tmp_path):
    request_of_all["models"][0] |= {"network": True, "foreign": "gigapath", "gpu": "needed"}
    model = row(plan_run(request_of_all, tables, tmp_path), "embed", "mean")
    assert model.note == "needs a GPU"
    assert model.gpu_hours == pytest.approx(2 * 4000 * 2 * 86e6 / (2e12 * 0.1) / 3600)
    assert model.cpu_hours == pytest.approx(2 * 4000 * 200 / 1e6 / 3600), "bags are read nevertheless"


@pytest.mark.parametrize(
    ("requested", "visible", "name", "count"),
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
def test_the_gpu_that_the_plan_is_for(monkeypatch, requested, visible, name, count):
    monkeypatch.setattr("molpath.preflight.gpus.visible_gpus", lambda: visible)
    gpu = choose_gpu(SHIPPED / "gpus.tsv", {"gpu": "", "gpus": 0} | requested)
    assert (gpu.name, gpu.count) == (name, count)
    with pytest.raises(UnknownGpu, match=r"plan/gpu: 'GTX' is not in resources/costs/gpus.tsv; it has B200, H200"):
        choose_gpu(SHIPPED / "gpus.tsv", {"gpu": "GTX", "gpus": 0})


def test_hours_in_words():
    assert [in_time(hours) for hours in (0, 0.001, 0.5, 3.25, 72)] == ["0 min", "1 min", "30 min", "3.2 h", "3 days"]


def test_memory_of_bags_is_that_of_fine_tuning():
    from molpath.preflight.plan_probes import BAGS_IN_MEMORY
    from molpath.probe.finetune import TaskBags

    assert TaskBags({}, {}).left == BAGS_IN_MEMORY
