"""Fine-tuning of a slide encoder on a task, every fold from the same start; patch features stay (section 7.10)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch

from ..common.settings.probe import Recipe
from ..embed.bags import Bags
from .probes import ProbeFailed
from .recipes import class_weights, cross_entropy, learning_rate, survival_nll, survival_risk, time_bins
from .tasks import Task
from .training_side import Trained

log = logging.getLogger(__name__)

#: Intervals of time of a survival task.
BINS = 4

Bag = Callable[[int], np.ndarray]
Loss = Callable[[torch.Tensor, int], torch.Tensor]


class FineTuning:
    """Training and prediction on one side each, for `Results.add`.

    make: the untrained classifier (torch module, float N x D to outputs). bag: patches (float32 N x D) of the sample
    at a position of the task. recipe: epochs, warmup_epochs, learning_rate, final_learning_rate, weight_decay, patches,
    precision. Random numbers follow `seed` and the fold: one CPU with the same threads gives the same bytes.
    """

    def __init__(
        self,
        task: Task,
        make: Callable[[], torch.nn.Module],
        bag: Bag,
        recipe: Recipe,
        *,
        seed: int = 7,
        sample_test: bool = False,
        device: torch.device | str = "cpu",
    ):
        self.task, self.make, self.bag, self.recipe = task, make, bag, recipe
        self.seed, self.sample_test, self.device = seed, sample_test, torch.device(device)

    def predict(self, fold: int, train: np.ndarray, test: np.ndarray) -> Trained:
        """Train on the samples at `train`; probabilities (float N x classes) or risk (float N) of both sides.

        Bags of the training side are predicted from at most as many patches as they were trained on. Raises ProbeFailed
        where it can teach nothing or training diverges.
        """
        loss_of = self._loss(train)
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(self.seed + fold)
            network = self.make().to(self.device)
            rng = np.random.default_rng([self.seed, fold])
            loss = self._train(network, train, loss_of, rng)
            limit = self.recipe["patches"] if self.sample_test else 0
            logits = self._logits(network, test, rng, limit)
            train_logits = self._logits(
                network, train, np.random.default_rng([self.seed, fold, 1]), self.recipe["patches"]
            )
        if not torch.isfinite(logits).all():
            raise ProbeFailed("diverged: predictions of the test side are not finite")
        return Trained(self._found(logits), self._found(train_logits), loss, self.recipe["epochs"] * len(train))

    def _found(self, logits: torch.Tensor) -> np.ndarray:
        """Probabilities (float64 N x classes) or risk (float64 N)."""
        predicted = survival_risk(logits) if self.task.is_survival else torch.softmax(logits, -1)
        return predicted.double().cpu().numpy()

    def _loss(self, train: np.ndarray) -> Loss:
        """Loss of the logits of the sample at a position; weights and bins are those of the training side."""
        task = self.task
        if task.is_survival:
            times, events = task.survival
            if not events[train].any():
                raise ProbeFailed("no event on the training side")
            edges = time_bins(times[train], events[train], BINS)
            bins = np.searchsorted(edges, times, side="right")
            return lambda logits, i: survival_nll(logits, int(bins[i]), bool(events[i]))
        if len(np.unique(task.labels[train])) < 2:
            raise ProbeFailed("the training side has one class only")
        weights = class_weights(task.labels[train], len(task.classes))
        return lambda logits, i: cross_entropy(logits, int(task.labels[i]), float(weights[task.labels[i]]))

    def _train(self, network: torch.nn.Module, train: np.ndarray, loss_of: Loss, rng: np.random.Generator) -> float:
        """All epochs, a bag per step; the last epoch's weights stay in the network. Returns its mean loss."""
        recipe = self.recipe
        optimiser = torch.optim.AdamW(network.parameters(), lr=0.0, weight_decay=recipe["weight_decay"])
        network.train()
        for epoch in range(recipe["epochs"]):
            total = torch.zeros((), device=self.device)
            for step, sample in enumerate(rng.permutation(train)):
                for group in optimiser.param_groups:
                    group["lr"] = learning_rate(epoch + step / len(train), recipe)
                loss = loss_of(self._forward(network, sample, recipe["patches"], rng), sample)
                optimiser.zero_grad(set_to_none=True)
                torch.autograd.backward(loss)
                optimiser.step()
                total += loss.detach()
            if not torch.isfinite(total):  # checked once per epoch: a check per step would make a GPU wait
                raise ProbeFailed(f"diverged in epoch {epoch + 1}: the loss is {total.item()}")
            log.info("epoch %d: mean loss %.4f", epoch + 1, total.item() / len(train))
        return total.item() / len(train)

    @torch.inference_mode()
    def _logits(self, network: torch.nn.Module, side: np.ndarray, rng: np.random.Generator, limit: int) -> torch.Tensor:
        """float32 N x outputs, of all patches of each bag (limit 0, the paper) or of drawn ones (Patho-Bench)."""
        network.eval()
        return torch.stack([self._forward(network, sample, limit, rng) for sample in side])

    def _forward(self, network: torch.nn.Module, sample: int, limit: int, rng: np.random.Generator) -> torch.Tensor:
        """Logits (float32) of a bag; of `limit` patches drawn without replacement where it has more (0: of all)."""
        patches = self.bag(int(sample))
        if limit and len(patches) > limit:
            patches = patches[rng.choice(len(patches), limit, replace=False)]
        tensor = torch.from_numpy(patches).to(self.device, non_blocking=True)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe["precision"] == "bf16"):
            return network(tensor).float()


class TaskBags:
    """Patches of a task's samples: the union of the slides it lists, of those that were accepted.

    Kept in memory up to `limit` bytes, as they are needed in every epoch of every fold; beyond that they are read
    again.
    """

    def __init__(self, bags: Bags, slides: Mapping[str, Sequence[str]], limit: int = 4 << 30):
        self.bags, self.left, self.all_slides = bags, limit, slides
        self.slides = {name: [slide_id for slide_id in members if slide_id in bags] for name, members in slides.items()}
        self.kept: dict[str, np.ndarray] = {}

    def accepted(self) -> list[str]:
        """Samples with an accepted slide."""
        return [name for name, members in self.slides.items() if members]

    def why_absent(self, name: str) -> str:
        """Why a sample has no patches: reasons of its slides, or that it has none with features."""
        reasons = {self.bags.aside[slide][0] for slide in self.all_slides.get(name, ()) if slide in self.bags.aside}
        return f"set aside: {', '.join(sorted(reasons))}" if reasons else "no slide of it has features"

    def check_weights(self, source: str) -> None:
        """Check the weights of all slides; raises OtherWeights (see Bags)."""
        self.bags.check_weights(source, [slide for slides in self.slides.values() for slide in slides])

    def fingerprints(self, name: str) -> list[str]:
        """Fingerprints of the feature files of a sample's slides."""
        return [self.bags.fingerprint(slide) for slide in self.slides[name]]

    def read(self, name: str) -> np.ndarray:
        """Patches (float32 N x D) of a sample, all slides together."""
        if name in self.kept:
            return self.kept[name]
        parts = [self.bags.read(slide).features for slide in self.slides[name]]
        patches = parts[0] if len(parts) == 1 else np.concatenate(parts)
        if patches.nbytes <= self.left:
            self.left -= patches.nbytes
            self.kept[name] = patches
        return patches
