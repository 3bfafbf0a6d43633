"""Two processes on one batch (gloo): the loss of one process, and pre-emption without a lost bit."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import torch.distributed as dist
from molpath.common.devices import NoGpu
from molpath.pretrain.distributed import NoDevice, check_devices, launch, world

from .cohort import RUN, arguments, train, write_cohort
from .test_steps import still

LIBRARY = Path(__file__).resolve().parents[3] / "workflow/scripts"
JOB = """
import json, sys
sys.path.insert(0, sys.argv[2])
from molpath.pretrain.runs import pretrain_run
pretrain_run(**json.loads(sys.argv[1]))
"""


def start(folder, run, out, **environment):
    """The run as a job of its own, as a scheduler starts it."""
    values = arguments(folder, run, out)
    return subprocess.Popen(
        [sys.executable, "-c", JOB, json.dumps(values, default=str), str(LIBRARY)],
        env=os.environ | environment, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finish(job):
    _, errors = job.communicate(timeout=300)
    return job.returncode, errors


def test_two_processes_are_one_batch_and_survive_preemption(tmp_path):
    write_cohort(tmp_path, cases=15)
    run = still(RUN)
    run["training"] |= {"epochs": 30, "processes": 2}
    interrupted = start(tmp_path, run, "interrupted")
    deadline = time.monotonic() + 120
    while not (tmp_path / "state").exists():
        assert interrupted.poll() is None, finish(interrupted)
        assert time.monotonic() < deadline
        time.sleep(0.01)
    interrupted.send_signal(signal.SIGTERM)
    status, errors = finish(interrupted)
    assert status != 0
    assert "Stopped: stopped on request after" in errors
    assert (tmp_path / "state").exists()
    status, errors = finish(start(tmp_path, run, "interrupted"))
    assert status == 0, errors
    assert "resumed after" in errors

    own = f"{sys.executable} -m torch.distributed.run --standalone --nproc-per-node=$COUNT"
    status, errors = finish(start(tmp_path, run, "whole", MOLPATH_TORCHRUN=own, COUNT="2"))
    assert status == 0, errors
    for name in ("model.safetensors", "last.safetensors", "history.tsv"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "interrupted" / name).read_bytes()

    train(tmp_path, run | {"training": run["training"] | {"processes": 1}}, "alone")
    alone, two = (pd.read_csv(tmp_path / out / "history.tsv", sep="\t") for out in ("alone", "whole"))
    columns = ["rna_loss", "dna_loss", "rna_top1", "slide_gradient", "dna_gradient", "learning_rate"]
    np.testing.assert_allclose(two.loc[:5, columns], alone.loc[:5, columns], rtol=1e-5)


def test_a_process_without_a_device_ends_at_the_start(tmp_path, monkeypatch):
    """Four processes on a node that shows two GPUs: before they are started, or in each where others start them."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", lambda _: pytest.fail("a device was taken"))
    monkeypatch.setattr(dist, "init_process_group", lambda *_, **__: pytest.fail("the processes met"))
    message = r"4 processes of the training on this node, and 2 GPUs that they see: ask for a GPU per process"
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a process was started"))
    with pytest.raises(NoDevice, match=message):
        launch({"state": str(tmp_path / "state"), "promised_gpu": True}, 4)
    assert not list(tmp_path.iterdir())
    for name, value in {"WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "4", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(NoDevice, match=message), world():
        pass


def test_a_training_that_was_promised_gpus_does_not_take_the_cpu(monkeypatch):
    """One process, those of a node before they start, and each where others start them."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a process was started"))
    with pytest.raises(NoGpu, match="allow_cpu: true"), world(promised=True):
        pass
    with pytest.raises(NoGpu, match="allow_cpu: true"):
        launch({"promised_gpu": True}, 4)
    monkeypatch.setenv("WORLD_SIZE", "8")
    with pytest.raises(NoGpu, match="allow_cpu: true"), world(promised=True):
        pass
    monkeypatch.delenv("WORLD_SIZE")
    with world() as alone:
        assert alone.device.type == "cpu"


@pytest.mark.parametrize(
    ("own_device", "other_devices", "message"),
    [
        (
            False,
            {0: "cuda node01", 2: "cuda node02"},
            r"of 3 .* 1 see no GPU \(1 on .*\), the others one each: give",
        ),
        (
            True,
            {0: "cuda node01", 2: "cpu node02"},
            r"of 3 .* 1 see no GPU \(2 on node02\), the others one each: give",
        ),
    ],
)
def test_a_process_on_the_cpu_with_others_on_gpus_is_refused_in_all_of_them(
    monkeypatch, own_device, other_devices, message
):
    """NCCL and gloo would wait for each other until a timeout."""
    store = dist.HashStore()
    for rank, device in other_devices.items():
        store.set(f"device of {rank}", device)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: own_device)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: int(own_device))
    monkeypatch.setattr(torch.cuda, "set_device", lambda _: None)
    monkeypatch.setattr(dist, "rendezvous", lambda _: iter([(store, 1, 3)]))
    monkeypatch.setattr(dist, "init_process_group", lambda *_, **__: pytest.fail("the processes met"))
    for name, value in {"WORLD_SIZE": "3", "LOCAL_WORLD_SIZE": "1", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(NoDevice, match=message), world():
        pass
    assert store.get("device of 1").startswith(b"cuda" if own_device else b"cpu")


def test_processes_on_cpus_need_no_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    check_devices(4)


def test_two_runs_of_one_machine_take_two_gpus(monkeypatch):
    """What each of them computes on is held by nobody else; so are those of a run in several processes."""
    held = [0]

    @contextmanager
    def free(count):
        reserved = [index for index in range(8) if index not in held][:count]
        held.extend(reserved)
        yield reserved

    monkeypatch.setattr("molpath.common.devices.take_gpus", free)
    monkeypatch.setattr("molpath.pretrain.distributed.take_gpus", free)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 8)
    devices, started = [], []
    monkeypatch.setattr(torch.cuda, "set_device", devices.append)
    with world() as first, world() as second:
        assert [first.device.index, second.device.index] == [1, 2] == [device.index for device in devices]
    monkeypatch.setattr("molpath.pretrain.distributed.run_processes", lambda *options: started.append(options))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    launch({"promised_gpu": False}, 3)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-a,GPU-b,GPU-c,GPU-d,GPU-e,GPU-f,GPU-g,GPU-h")
    launch({"promised_gpu": False}, 2)
    assert [call[3] for call in started] == [{"CUDA_VISIBLE_DEVICES": "3,4,5"}, {"CUDA_VISIBLE_DEVICES": "GPU-g,GPU-h"}]
