"""What a job of features takes of the machine: device, locks, readers; what it says of its precision."""

import multiprocessing
import os
import shutil
import tempfile
import time

import pytest
import torch
from filelock import FileLock
from molpath.common import devices
from molpath.common.devices import NoGpu, gpu_was_given, take_device
from molpath.features.devices import is_out_of_memory, reader_count, state_precision

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
JPEG, OTHER = ["jpeg_tiles"], ["openslide"]


@pytest.fixture
def without_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture
def locks(tmp_path, monkeypatch):
    """The folder of locks."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_job_that_was_promised_a_gpu_doesnt_take_the_cpu(without_gpu):
    with pytest.raises(NoGpu, match="allow_cpu: true"), take_device(promised=True):
        pass
    with take_device() as device:
        assert device.type == "cpu"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SLURM_JOB_GPUS", "0", True),
        ("CUDA_VISIBLE_DEVICES", "GPU-5fd4f087", True),
        ("CUDA_VISIBLE_DEVICES", "", False),
        ("CUDA_VISIBLE_DEVICES", "-1", False),
        ("CUDA_VISIBLE_DEVICES", "NoDevFiles", False),
    ],
)
def test_schedulers_say_that_a_gpu_was_given(monkeypatch, name, value, expected):
    for other in devices.GIVEN:
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, value)
    assert gpu_was_given() is expected


def take_and_wait(folder, to_parent, forks=False):
    """In a process of its own: takes a lock, says so, and stays."""
    tempfile.tempdir = folder
    held = devices._free(["gpu-a"], 1)
    if forks:
        child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(0,))
        child.start()
        child.join()
    to_parent.send(list(held))
    time.sleep(60)


@pytest.fixture
def holder(locks):
    """Starts a process that holds gpu-a until it is killed."""
    started = []

    def start(**options):
        parent, child = multiprocessing.Pipe()
        arguments = (str(locks), child)
        process = multiprocessing.get_context("fork").Process(target=take_and_wait, args=arguments, kwargs=options)
        process.start()
        started.append(process)
        child.close()  # so that a process that fails ends the waiting
        assert parent.recv() == [0]
        return process

    yield start
    for process in started:
        process.kill()
        process.join()


def test_a_killed_job_releases_its_gpu(locks, holder):
    """Another process takes the next one while it lives, and this one as soon as it was killed."""
    process = holder()
    assert list(devices._free(["gpu-a", "gpu-b"], 1)) == [1]
    process.kill()
    process.join()
    assert list(devices._free(["gpu-a", "gpu-b"], 1)) == [0]


def test_a_child_that_ends_leaves_the_lock_to_its_parent(locks, holder):
    """Readers of slides are forked while the job holds its GPU."""
    holder(forks=True)
    assert list(devices._free(["gpu-a", "gpu-b"], 1)) == [1]


def test_programs_that_a_job_starts_dont_inherit_its_lock(locks):
    (lock,) = devices._free(["gpu-a"], 1).values()
    path = f"molpath-device-gpu-a-{os.getuid()}.lock"
    held = [entry for entry in os.listdir("/proc/self/fd") if path in os.path.realpath(f"/proc/self/fd/{entry}")]
    assert [os.get_inheritable(int(entry)) for entry in held] == [False]
    lock.release()


def as_another_user(folder):
    """In a process of its own: takes a lock as `nobody`; exits with the index of its device."""
    tempfile.tempdir = folder
    os.setuid(65534)
    os._exit(min(devices._free(["gpu-a", "gpu-b"], 1)))


@pytest.mark.skipif(os.getuid() != 0, reason="becoming another user takes root")
def test_users_have_locks_of_their_own():
    """In a folder like /tmp, writable by all, nobody is stopped by a file that another user left or holds."""
    folder = tempfile.mkdtemp(dir="/tmp")
    os.chmod(folder, 0o1777)
    held = FileLock(os.path.join(folder, "molpath-device-gpu-a-0.lock"))
    with held:
        process = multiprocessing.get_context("fork").Process(target=as_another_user, args=(folder,))
        process.start()
        process.join(30)
    assert process.exitcode == 0
    assert sorted(os.listdir(folder)) == ["molpath-device-gpu-a-0.lock", "molpath-device-gpu-a-65534.lock"]
    shutil.rmtree(folder)


def test_a_link_is_no_lock(locks):
    (locks / f"molpath-device-gpu-a-{os.getuid()}.lock").symlink_to(locks / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        devices._free(["gpu-a"], 1)
    assert not (locks / "elsewhere").exists()


def test_slices_of_a_gpu_are_counted_apart(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: type("P", (), {"uuid": "parent"}))
    names = set()
    for visible in ("MIG-aa", "MIG-bb", "0", ""):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        names |= set(devices.device_names())
    assert names == {"MIG-aa", "MIG-bb", "parent"}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", True),
        ("cuDNN error: CUDNN_STATUS_ALLOC_FAILED", True),
        ("CUDA error: out of memory", True),
        ("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes", True),
        ("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED", False),
    ],
)
def test_errors_that_mean_no_memory(message, expected):
    assert is_out_of_memory(RuntimeError(message)) is expected


@pytest.mark.parametrize(
    ("device", "threads", "millions", "formats", "expected"),
    [
        (CPU, 8, 4.65, JPEG, 2),  # a small network: reading is a quarter of the work
        (CPU, 8, 4.65, OTHER, 5),
        (CPU, 8, 1135, JPEG, 1),  # minutes per patch: one reader waits for it
        (CPU, 8, 0, JPEG, 4),  # unknown
        (CPU, 1, 4.65, OTHER, 1),
        (CUDA, 8, 1135, JPEG, 2),
        (CUDA, 8, 1135, OTHER, 7),
        (CUDA, 8, 303, JPEG, 7),
        (CUDA, 16, 303, [*JPEG, *OTHER], 15),
        (CUDA, 8, 0, JPEG, 7),
    ],
)
def test_readers_keep_up_with_the_encoder(device, threads, millions, formats, expected):
    assert reader_count(device, 0, threads, millions, formats) == expected
    assert reader_count(device, 3, threads, millions, formats) == 3


def test_tf32_is_off_and_recorded():
    torch.backends.cudnn.allow_tf32 = True
    assert state_precision(CPU, "fp32") == "CPU, float32 without TF32"
    assert state_precision(CPU, "bf16") == "CPU, bf16 (autocast), the rest float32"
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_tf32


def test_a_job_takes_as_many_gpus_as_it_needs_and_all_at_once(locks, monkeypatch):
    """While one of three is held, a job that needs three holds none of the others either."""
    names = ["gpu-a", "gpu-b", "gpu-c"]
    (other,) = devices._free(names, 1).values()

    def let_go(seconds):
        nonlocal other
        free = devices._free(["gpu-b", "gpu-c"], 2)  # the waiting job keeps nobody from these
        for lock in (other, *free.values()):
            lock.release()

    monkeypatch.setattr(devices.time, "sleep", let_go)
    monkeypatch.setattr(devices, "device_names", lambda: names)
    with devices.take_gpus(3) as indices:
        assert indices == [0, 1, 2]
    with devices.take_gpus(2) as indices:
        assert indices == [0, 1]
