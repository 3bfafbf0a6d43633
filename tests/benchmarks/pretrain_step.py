"""Pretraining: a step of the slide encoder against plain PyTorch, the loader and its readers, and RankMe.

Rows are `what, value, unit`. Figures of one run compare; each computation has a process of its own, so that its
memory is its own. On a GPU a step of 300 bags in bf16 is measured too, against the device's peak.

    .venv/bin/python tests/benchmarks/pretrain_step.py [--batch 32] [--patches 2048] [--threads 2]
"""

import argparse
import contextlib
import functools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from plain_network import Plain
from torch import nn

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[1] / "workflow" / "scripts"))
WIDTH = 768
#: Dense bf16 peak of GPUs by a part of their name, TFLOP/s (vendor's data sheets).
PEAKS = {"H100": 989, "H200": 989, "A100": 312, "L40S": 362, "A10": 125, "L4": 121}


def lengths_of(batch: int, patches: int, ragged: bool) -> list[int]:
    """Patches of each bag: all full, or as a cohort's slides have them (log-normal, at most `patches`)."""
    if not ragged:
        return [patches] * batch
    drawn = np.random.default_rng(0).lognormal(np.log(1500 / 2048 * patches), 0.9, batch)
    return np.clip(drawn.astype(int), 16, patches).tolist()


def measure(arguments) -> None:
    """Median seconds, CPU seconds and growth of peak memory (MB) of steps of one kind; prints JSON."""
    torch.manual_seed(0)
    torch.set_num_threads(arguments.threads)
    lengths = lengths_of(arguments.batch, arguments.patches, arguments.ragged)
    if arguments.kind == "plain":
        network = Plain()
    else:
        from molpath.pretrain.network import SlideEncoder

        network = SlideEncoder(WIDTH)
        # What the first step imports is no part of a step.
        SlideEncoder(8, hidden=8, output=8)(torch.randn(4, 8), [4]).sum().backward()
    optimizer = torch.optim.AdamW(network.parameters(), 1e-5)
    bags = [torch.randn(length, WIDTH) for length in lengths]
    mask = torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]
    flat = nn.utils.rnn.pad_sequence(bags, batch_first=True) if arguments.kind == "plain" else torch.cat(bags)
    del bags
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds, busy = [], []
    for _ in range(arguments.repeats):
        started, began = time.perf_counter(), time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=arguments.bf16):
            output = network(flat, mask if arguments.kind == "plain" else lengths)
        output.float().square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - started)
        busy.append(time.process_time() - began)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(json.dumps({"seconds": statistics.median(seconds), "cpu": statistics.median(busy), "megabytes": grown}))


def measured(arguments, kind: str, *flags: str) -> dict:
    """`one` in a process of its own."""
    command = [sys.executable, __file__, "--kind", kind, "--batch", arguments.batch, "--patches", arguments.patches]
    command += ["--threads", arguments.threads, "--repeats", arguments.repeats, *flags]
    return json.loads(subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout)


def steps(arguments) -> float:
    """Rows of training steps; returns the seconds of ours in fp32."""
    full: dict[str, float] = {}
    for name, flags in (("full bags", ()), ("bags of a cohort", ("--ragged",))):
        rows = {}
        for kind in ("plain", "ours"):
            rows[kind] = measured(arguments, kind, *flags)
            show(f"{kind}, fp32, {name}", arguments.batch / rows[kind]["seconds"], "slides/s")
            show(f"{kind}, fp32, {name}", rows[kind]["megabytes"], "MB")
        show(f"ours over plain, fp32, {name}, speed", rows["plain"]["seconds"] / rows["ours"]["seconds"], "x")
        # On a machine that others use, CPU seconds say more than the clock.
        show(f"ours over plain, fp32, {name}, CPU seconds", rows["plain"]["cpu"] / rows["ours"]["cpu"], "x")
        show(f"ours over plain, fp32, {name}, memory", rows["ours"]["megabytes"] / rows["plain"]["megabytes"], "x")
        full = full or {kind: row["seconds"] for kind, row in rows.items()}
    low = measured(arguments, "ours", "--bf16")
    fast = torch.cpu._is_amx_tile_supported()
    show(f"ours, bf16 ({'AMX' if fast else 'no AMX'})", arguments.batch / low["seconds"], "slides/s")
    show("ours bf16 over plain fp32, speed", full["plain"] / low["seconds"], "x")
    show("ours bf16 over ours fp32, speed", full["ours"] / low["seconds"], "x")
    return full["ours"]


def loader(arguments, step: float) -> None:
    """Reading a batch from the packed store, against rows of h5 files at random, warm and single-threaded; then by
    several readers."""
    import h5py
    from molpath.pretrain.readers import Slot
    from molpath.pretrain.store import PatchStore

    rng, slides, rows = np.random.default_rng(0), arguments.batch, 3 * arguments.patches
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        whole = np.lib.format.open_memmap(folder / "0.npy", "w+", np.float16, (slides * rows, WIDTH))
        lines = ["slide_id\tstart\tcount\tcrc32"]
        for slide in range(slides):
            features = rng.standard_normal((rows, WIDTH), np.float32).astype(np.float16)
            whole[slide * rows : (slide + 1) * rows] = features
            lines.append(f"{slide}\t{slide * rows}\t{rows}\t0")
            with h5py.File(folder / f"{slide}.h5", "w") as handle:
                handle["whole"] = features
                # CLAM and TRIDENT append to their files: a chunk per row.
                handle.create_dataset("by_row", data=features, chunks=(1, WIDTH))
        whole.flush()
        (folder / "0.tsv").write_text("\n".join(lines) + "\n")
        store = PatchStore([folder / "0.npy"], [folder / "0.tsv"])

        slot, names = Slot(), [str(slide) for slide in range(slides)]

        def packed():
            return slot.start(store, names, arguments.patches, firsts(store, names, arguments.patches, rng))

        def at_random(layout):
            parts = []
            for slide in range(slides):
                with h5py.File(folder / f"{slide}.h5") as handle:
                    parts.append(handle[layout][np.sort(rng.choice(rows, arguments.patches, replace=False))])
            return torch.from_numpy(np.concatenate(parts))

        times = {}
        ways = {"packed store": packed, "random rows of contiguous h5": functools.partial(at_random, "whole")}
        ways["random rows of h5 as TRIDENT writes it"] = functools.partial(at_random, "by_row")
        for name, read in ways.items():
            read()
            started = time.perf_counter()
            for _ in range(2):
                read()
            times[name] = (time.perf_counter() - started) / 2
            show(f"reading a batch, {name}", times[name], "s")
        readers(store, names, arguments.patches)
    for name in list(ways)[1:]:
        show(f"packed store over {name}, speed", times[name] / times["packed store"], "x")
    if step:
        show("packed store's share of an fp32 step", 100 * times["packed store"] / step, "%")


def firsts(store, names, patches, rng) -> list[int]:
    """Where the samples of some slides begin."""
    return [store.first(name, patches, rng) for name in names]


def readers(store, names: list[str], patches: int, steps: int = 16) -> None:
    """Steps of all slides through the ring of the training, page cache warm and nothing computed: 1, 2, 4 readers.

    Rounds take turns and the best counts, for a machine's other work slows some of them.
    """
    from molpath.pretrain.readers import Ring

    rates: dict[int, float] = {}
    busy: dict[int, float] = {}
    rings = {count: Ring(count, torch.device("cpu")) for count in (1, 2, 4)}
    for rounds in range(4):
        for count, ring in rings.items():
            rng = np.random.default_rng(0)

            def draw(some, slot, rng=rng):
                bags = slot.start(store, some, patches, firsts(store, some, patches, rng))
                bags.wait()
                return bags

            started, began = time.perf_counter(), time.process_time()
            with contextlib.closing(ring.ahead([names] * steps, draw)) as ahead:
                size = sum(bags.patches.nbytes for bags in ahead) / 1e9
            if rounds:  # the first one fills the buffers' pages
                rates[count] = max(rates.get(count, 0.0), size / (time.perf_counter() - started))
                busy[count] = max(busy.get(count, 0.0), size / (time.process_time() - began))
    for count, rate in rates.items():
        label = f"reading ahead, warm, {count} reader{'s' * (count > 1)} on {os.cpu_count()} cores"
        show(label, rate, "GB/s")
        show(label, busy[count], "GB a CPU second")
    for count in (2, 4):
        show(f"{count} readers over one, speed", rates[count] / rates[1], "x")


def rank(arguments) -> None:
    """RankMe at the paper's 47,171 slides x 1,024 numbers."""
    from molpath.pretrain.steps import rankme

    torch.set_num_threads(arguments.threads)
    embeddings = torch.randn(47_171, 1024)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    rankme(embeddings)
    show("RankMe of 47,171 x 1,024", time.perf_counter() - started, "s")
    show("RankMe of 47,171 x 1,024", (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, "MB")


def accelerator(output: str) -> None:
    """A bf16 step of 300 bags of 2,048 patches on a GPU, and its share of the device's peak; JSON is written."""
    if not torch.cuda.is_available():
        print("# no GPU: its step is not measured", flush=True)
        return
    from molpath.pretrain.network import SlideEncoder

    network = SlideEncoder(WIDTH).cuda()
    optimizer = torch.optim.AdamW(network.parameters(), 1e-5)
    batch, patches = 300, 2048
    flat = torch.randn(batch * patches, WIDTH, device="cuda", dtype=torch.float16)
    seconds = []
    for _ in range(8):
        torch.cuda.synchronize()
        started = time.perf_counter()
        with torch.autocast("cuda", torch.bfloat16):
            outputs = network(flat.float(), [patches] * batch)
        outputs.float().square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    weights = sum(p.numel() for name, p in network.named_parameters() if p.dim() == 2 and not name.startswith("after"))
    first = network.before[0][0].weight.numel()
    # 2 operations a weight and patch forward, twice that backward; none towards the patches themselves.
    tera = (6 * weights - 2 * first) * batch * patches / 1e12
    device = torch.cuda.get_device_name()
    peak = next((value for name, value in PEAKS.items() if name in device), None)
    speed = tera / statistics.median(seconds[2:])
    result = {"device": device, "seconds": statistics.median(seconds[2:]), "tflops": speed, "peak_tflops": peak}
    result |= {"gigabytes": torch.cuda.max_memory_allocated() / 1e9, "share_of_peak": peak and speed / peak}
    Path(output).write_text(json.dumps(result, indent=2) + "\n")
    for name in ("seconds", "tflops", "share_of_peak", "gigabytes"):
        if result[name]:
            show(f"GPU step, 300 bags, bf16, {device}", result[name], name)


def show(label: str, value: float, unit: str) -> None:
    """One row."""
    print(f"{label}\t{value:.4g}\t{unit}", flush=True)


def main() -> None:
    """All rows, or one computation for a parent process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("batch", 32), ("patches", 2048), ("threads", 2), ("repeats", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--kind", choices=["plain", "ours"])
    parser.add_argument("--only", choices=["steps", "loader", "rankme", "gpu"])
    parser.add_argument("--ragged", action="store_true")
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--json", default="pretrain_step_gpu.json", help="where the GPU's row is written")
    arguments = parser.parse_args()
    if arguments.kind:
        measure(arguments)
        return
    step = steps(arguments) if arguments.only in (None, "steps") else 0.0
    if arguments.only in (None, "loader"):
        loader(arguments, step)
    if arguments.only in (None, "rankme"):
        rank(arguments)
    if arguments.only in (None, "gpu"):
        accelerator(arguments.json)


if __name__ == "__main__":
    main()
