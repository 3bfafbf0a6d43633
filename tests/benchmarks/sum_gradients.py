"""Pretraining in several processes: gradients summed in one message, against torch's DistributedDataParallel.

Rows are `what, value, unit`. Both train the paper's slide encoder over gloo, a thread per process, step by step in
turns, and their gradients are compared. Figures of one run compare.

    .venv/bin/python tests/benchmarks/sum_gradients.py [--processes 2] [--slides 8] [--patches 256] [--repeats 15]
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow" / "scripts"))
WIDTH = 768


def timed(step) -> float:
    """Seconds of a step, which all processes start together."""
    dist.barrier()
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def compare(rank: int, arguments, store: str) -> None:
    """Time both in one of the processes; the first prints."""
    from molpath.pretrain.distributed import World
    from molpath.pretrain.network import SlideEncoder

    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=arguments.processes)
    world = World(rank, arguments.processes)
    torch.manual_seed(0)
    plain, wrapped = SlideEncoder(WIDTH), SlideEncoder(WIDTH)
    wrapped.load_state_dict(plain.state_dict())
    parallel = DistributedDataParallel(wrapped, gradient_as_bucket_view=True)
    for network in (plain, parallel):
        network.eval()  # dropout would draw differently
    torch.manual_seed(rank)
    lengths = [arguments.patches] * arguments.slides
    patches = torch.randn(sum(lengths), WIDTH)

    def step_plain() -> None:
        plain.zero_grad()
        plain(patches, lengths).square().mean().backward()
        world.add_gradients(plain.parameters())

    def step_wrapped() -> None:
        parallel.zero_grad()
        (
            parallel(patches, lengths).square().mean() * arguments.processes
        ).backward()  # it takes means, of a loss summed here

    def alone() -> None:
        plain.zero_grad()
        plain(patches, lengths).square().mean().backward()

    gradients: dict[str, list[torch.Tensor]] = {}
    for step, network in ((step_plain, plain), (step_wrapped, wrapped)) * 3:
        step()
        gradients.setdefault(step.__name__, []).append(torch.cat([p.grad.flatten() for p in network.parameters()]))
    seconds: dict[str, list[float]] = {}
    for _ in range(arguments.repeats):
        for step in (step_plain, step_wrapped, alone):
            seconds.setdefault(step.__name__, []).append(timed(step))
    if rank == 0:
        for name, times in seconds.items():
            print(f"{name}, median step\t{statistics.median(times):.3f}\ts", flush=True)
        ratio = statistics.median(b / a for a, b in zip(seconds["ours"], seconds["theirs"], strict=True))
        print(f"DistributedDataParallel over ours, median of pairs of steps\t{ratio:.3f}\tx")
        scale = gradients["ours"][0].abs().max()
        for name, (first, *later) in gradients.items():
            apart = max(float((other - first).abs().max() / scale) for other in later)
            print(f"{name}, gradients of the same batch in later steps, relative difference\t{apart:.1e}\t")
        apart = float((gradients["ours"][0] - gradients["theirs"][0]).abs().max() / scale)
        print(f"gradients of the two, relative difference\t{apart:.1e}\t", flush=True)
    dist.destroy_process_group()


def main() -> None:
    """Start the processes."""
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("processes", 2), ("slides", 8), ("patches", 256), ("repeats", 15)):
        parser.add_argument(f"--{name}", type=int, default=default)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(compare, (arguments, f"{folder}/store"), arguments.processes)


if __name__ == "__main__":
    main()
