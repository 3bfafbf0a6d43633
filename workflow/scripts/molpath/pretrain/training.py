"""The training loop: epochs over pairs, RankMe after each, the best kept; resumed where it was stopped."""

from __future__ import annotations

import collections
import json
import logging
import math
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import numpy as np
import torch

from ..common.files import atomic_path
from ..common.settings.pretrain import Training
from .data import MODALITIES, Batch, Loader, PairedData, split_epoch
from .description import Selected
from .distributed import World
from .left_state import left_state
from .network import Threads
from .readers import Bags, Slot
from .steps import backward, learning_rate_factor, random_state, rankme, set_random_state

log = logging.getLogger(__name__)
ALONE = World()
SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
#: Attributes of a Trainer that its state has under their names, and all that the state holds beside its stamp.
ATTRIBUTES = ("epoch", "step", "random", "sums", "history", "best")
STATE = {*ATTRIBUTES, "network", "log_temperature", "optimizer"}
#: Numbers of an epoch by name, a row of history.tsv.
Row = dict[str, float]


class Best(Selected):
    """What is kept with its weights, a state dict."""

    weights: dict[str, torch.Tensor]


class Chance(TypedDict):
    """States of the generators in the middle of an epoch: numpy's as JSON and, once saved, torch's by rank."""

    numpy: str
    torch: NotRequired[list[list[torch.Tensor]]]


class Stopped(Exception):
    """A signal came; the state is saved."""


class Untrained(Exception):
    """A branch of the kept weights took part in no step."""


class Diverged(Exception):
    """A loss or a gradient is not finite."""


def judged_slides(slide_ids: Iterable[str], settings: Training) -> list[str]:
    """Slides whose embeddings RankMe is of, in their order: all, or `rankme_slides` of them drawn by the seed."""
    slides, count = list(dict.fromkeys(slide_ids)), settings["rankme_slides"]
    if not 0 < count < len(slides):
        return slides
    chosen = np.random.default_rng([settings["seed"], count]).choice(len(slides), count, replace=False)
    return [slides[index] for index in np.sort(chosen)]


class Trainer:
    """Trains the branches of a run on its pairs.

    settings: section `training` of the run. `state`: path of the undeclared file that a stopped run leaves, after any
    step; it carries `stamp` and is refused if its own differs, or set aside if damaged. It holds all random
    states, so a resumed run ends like an uninterrupted one, bit for bit on CPUs.
    """

    def __init__(
        self,
        network: Threads,
        data: PairedData,
        vocabulary: Mapping[str, int],
        settings: Training,
        state: str,
        stamp: str,
        world: World | None = None,
    ):
        self.world = world or World()
        self.network, self.data, self.settings = network.to(self.world.device), data, settings
        self.state_path, self.stamp = Path(state), stamp
        branches = [name for name in MODALITIES if getattr(network, name) is not None]
        self.loader = Loader(data, settings, vocabulary, branches, self.world)
        self.steps = max(1, math.ceil(len(data.examples) / settings["batch_size"]))
        if settings["one_slide_per_case"]:
            counts = collections.Counter(example.case for example in data.examples)
            self.steps = max(self.steps, *counts.values())
        self.log_temperature = torch.nn.Parameter(
            torch.tensor(math.log(settings["temperature"]), device=self.world.device)
        )
        self.optimizer = torch.optim.AdamW(self._groups(), betas=(0.9, 0.999))
        self.judged = judged_slides([example.slide_id for example in data.examples], settings)
        self.epoch, self.step = 0, 0
        self.history: list[Row] = []
        self.random: Chance | None = None
        self.sums: dict[str, list[float]] = {}
        self.best: Best = {"rankme": -1.0, "epoch": -1, "weights": {}}
        self.terminate = False

    def _groups(self) -> list[dict[str, Any]]:
        rates, decay = self.settings["learning_rate"], self.settings["weight_decay"]
        groups = [
            {"params": list(branch.parameters()), "lr": rates[name], "peak": rates[name], "weight_decay": decay[name]}
            for name, branch in self.network.branches().items()
        ]
        if self.settings["learn_temperature"]:
            rate = rates["slide"]
            groups.append({"params": [self.log_temperature], "lr": rate, "peak": rate, "weight_decay": 0.0})
        return groups

    def run(self, each_epoch: Callable[[Row, float], None] = lambda row, seconds: None) -> None:
        """All epochs that are left; `each_epoch` gets a row of the history and its seconds.

        Raises Stopped after SIGTERM or SIGUSR1, with the state saved, Diverged, and Untrained.
        """
        self._resume()
        previous = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
        try:
            while self.epoch < self.settings["epochs"]:
                started = time.monotonic()
                self._train_epoch()
                self.epoch += 1
                if self.world.rank == 0:
                    each_epoch(self.history[-1], time.monotonic() - started)
                self._stop_if_asked()
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
        self._check_trained()
        self.last = {name: value.clone() for name, value in self.network.state_dict().items()}
        self.network.load_state_dict(self.best["weights"])
        self.network.eval()

    def _check_trained(self) -> None:
        """Every branch of the kept weights took part in a step: random weights are not a finished model."""
        rows = [row for row in self.history if row["epoch"] <= self.best["epoch"]]
        idle = [name for name in self.network.branches() if not any(f"{name}_gradient" in row for row in rows)]
        if idle:
            raise Untrained(
                f"in {len(rows)} epochs no step had two cases with a profile for branch {', '.join(idle)}, whose "
                "weights are still random: raise batch_size, turn one_slide_per_case off, or add profiles"
            )

    def _on_signal(self, *_: object) -> None:
        self.terminate = True

    def _stop_if_asked(self) -> None:
        """A signal reaches ranks at different steps; all stop after the same one."""
        if self.world.any(self.terminate):
            self._save()
            raise Stopped(
                f"stopped on request after {self.epoch} epochs and {self.step} of {self.steps} steps; "
                "start again to resume from here"
            )

    def _train_epoch(self) -> None:
        settings, epoch = self.settings, self.epoch
        rng = np.random.default_rng([settings["seed"], epoch])
        torch.manual_seed(settings["seed"] * 100_003 + epoch + self.world.rank * 1_000_003)
        order = rng.permutation(len(self.data.examples))
        batches = split_epoch(self.data.examples, order, self.steps, settings["one_slide_per_case"])
        if self.random:
            rng.bit_generator.state = json.loads(self.random["numpy"])
            set_random_state(self.random["torch"][self.world.rank], self.world.device)
        else:
            self.sums = {}
        self.network.train()
        with closing(self.loader.ahead(batches[self.step :], rng)) as ahead:
            for batch in ahead:
                self._train_step(batch)
                self.step += 1
                self.random = {"numpy": json.dumps(batch.after)}
                if self.step < self.steps:
                    self._stop_if_asked()
        if (epoch + 1) % settings["save_every"] == 0:
            self._save()  # before the epoch is judged, which takes memory and time of its own
        row: Row = {"learning_rate": self.optimizer.param_groups[0]["lr"]}
        if settings["learn_temperature"]:
            row["temperature"] = self.log_temperature.exp().item()
        self._judge(epoch + 1, row | {name: float(np.mean(values)) for name, values in self.sums.items()})
        self.step, self.random = 0, None

    @property
    def temperature(self) -> float | torch.Tensor:
        """Temperature of the loss: the config's, or the learned one."""
        return self.log_temperature.exp() if self.settings["learn_temperature"] else self.settings["temperature"]

    def _train_step(self, batch: Batch) -> None:
        self._set_rates(self.epoch * self.steps + self.step)
        self.optimizer.zero_grad(set_to_none=True)
        terms, accuracies = backward(self.network, batch, self.world, self.settings, self.temperature)
        if not terms:
            return
        used = {name: branch for name, branch in self.network.branches().items() if name in ("slide", *batch.profiles)}
        for branch in used.values():
            self.world.add_gradients(branch.parameters())
        metrics = {f"{name}_loss": float(term.detach()) for name, term in terms.items()} | accuracies
        norms = {
            name: float(torch.nn.utils.get_total_norm([p.grad for p in branch.parameters() if p.grad is not None]))
            for name, branch in used.items()
        }
        if not all(map(math.isfinite, [*metrics.values(), *norms.values()])):
            raise Diverged(
                f"epoch {self.epoch + 1}, step {self.step + 1}: {metrics}, gradient norms {norms}, "
                f"slides {', '.join(example.slide_id for example in batch.examples)}; lower the learning rate, try "
                "precision fp32, or check these slides' features and profiles"
            )
        self.optimizer.step()
        for name, value in (metrics | {f"{name}_gradient": norm for name, norm in norms.items()}).items():
            self.sums.setdefault(name, []).append(value)

    def _set_rates(self, step: int) -> None:
        settings = self.settings
        for group in self.optimizer.param_groups:
            floor = settings["final_learning_rate"] / group["peak"]
            warmup, total = settings["warmup_epochs"] * self.steps, settings["epochs"] * self.steps
            group["lr"] = group["peak"] * learning_rate_factor(step, warmup, total, floor)

    def _judge(self, epoch: int, row: Row) -> None:
        """RankMe of the judged slides' embeddings, dropout off; the best after warm-up is kept (or the last)."""
        rank = rankme(self.embed_judged())
        warm = epoch > self.settings["warmup_epochs"] or epoch == self.settings["epochs"]
        better = rank > self.best["rankme"] if self.settings["select"] == "rankme" else True
        if warm and better:
            weights = {name: value.clone() for name, value in self.network.state_dict().items()}
            self.best = {"rankme": rank, "epoch": epoch, "weights": weights}
        self.history.append({"epoch": epoch, **row, "rankme": rank, "kept": int(self.best["epoch"] == epoch)})

    @torch.inference_mode()
    def embed_judged(self) -> torch.Tensor:
        """Embeddings (slides x width) of `judged` from an evaluation pass over sampled patches."""
        self.network.eval()
        slides = self.judged
        rng = np.random.default_rng(self.settings["seed"])
        count, store, world = self.settings["patches"], self.data.store, self.world
        size = self.settings["micro_batch"] * world.size or self.settings["batch_size"]

        def draw(block: list[str], slot: Slot) -> Bags:
            firsts = world.share([store.first(slide_id, count, rng) for slide_id in block])
            bags = slot.start(store, world.share(block), count, firsts)
            bags.wait()
            return bags

        parts, blocks = [], [slides[first : first + size] for first in range(0, len(slides), size)]
        with closing(self.loader.ring.ahead(blocks, draw)) as ahead:
            for bags in ahead:
                if bags.lengths:
                    patches = bags.patches.to(world.device, non_blocking=True).float()
                    parts.append(self.network.slide(patches, bags.lengths).float())
                self._stop_if_asked()
        local_embeddings = torch.cat(parts) if parts else torch.zeros((0, self.network.width), device=world.device)
        return world.gather(local_embeddings, world.collect(len(local_embeddings)))

    def _save(self) -> None:
        chance = self.world.collect(random_state(self.world.device))
        if self.world.rank != 0:
            return
        state = {
            "stamp": self.stamp,
            "epoch": self.epoch,
            "step": self.step,
            "random": {**self.random, "torch": chance} if self.random else None,
            "sums": self.sums,
            "history": self.history,
            "best": self.best,
            "network": self.network.state_dict(),
            "log_temperature": self.log_temperature.detach(),
            "optimizer": self.optimizer.state_dict(),
        }
        with atomic_path(self.state_path) as temporary, open(temporary, "wb") as handle:
            torch.save(state, handle)

    def _resume(self) -> None:
        """Resume from the state of an earlier attempt; the first rank checks it, and the others follow."""
        verdict, state = "", dict[str, Any]()
        if self.world.rank == 0:
            fits = {name: value.shape for name, value in self.network.state_dict().items()}
            verdict, state = left_state(self.state_path, self.stamp, fits, STATE)
        if self.world.collect(verdict)[0] != "whole":
            return
        if self.world.rank != 0:
            state = torch.load(self.state_path, map_location="cpu", weights_only=True)
        self.network.load_state_dict(state["network"])
        self.log_temperature.data.copy_(state["log_temperature"])
        self.optimizer.load_state_dict(state["optimizer"])
        for name in ATTRIBUTES:
            setattr(self, name, state[name])
        log.info("resumed after %d epochs and %d steps", self.epoch, self.step)
