"""The training loop: epochs over pairs, RankMe after each, the best kept; taken up again where it was stopped."""

from __future__ import annotations

import logging
import math
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..common.files import atomic_path
from .network import Threads
from .objectives import contrastive_loss, learning_rate_factor, rankme
from .pairs_data import Example, PairedData, bags, gene_tokens

log = logging.getLogger(__name__)


class Stopped(Exception):
    """SIGTERM came; the state is saved."""


class Trainer:
    """Trains the branches of a run on its pairs.

    settings: section `training` of the run. `state`: path of the undeclared file that a stopped run leaves; it carries
    `stamp` and is refused if its own differs. Randomness follows from seed and epoch alone, so a run that was stopped
    and taken up again ends as if it never was.
    """

    def __init__(self, network: Threads, data: PairedData, vocabulary, settings, state: str, stamp: str):
        self.network, self.data, self.vocabulary, self.settings = network, data, vocabulary, settings
        self.state_path, self.stamp = Path(state), stamp
        self.steps = max(1, math.ceil(len(data.examples) / settings["batch_size"]))
        self.optimizer = torch.optim.AdamW(self._groups(), weight_decay=settings["weight_decay"], betas=(0.9, 0.999))
        self.epoch, self.history = 0, []
        self.best: dict[str, Any] = {"rankme": -1.0, "epoch": -1, "weights": None}
        self.terminate = False

    def _groups(self) -> list[dict[str, Any]]:
        rates = self.settings["learning_rate"]
        branches = {"slide": self.network.slide, "rna": self.network.rna, "dna": self.network.dna}
        return [
            {"params": list(branch.parameters()), "lr": rates[name], "peak": rates[name]}
            for name, branch in branches.items()
            if branch is not None
        ]

    def run(self, each_epoch=lambda epoch: None) -> None:
        """All epochs that are left. Raises Stopped after SIGTERM, with the state saved."""
        self._resume()
        previous = signal.signal(signal.SIGTERM, self._on_term)
        try:
            while self.epoch < self.settings["epochs"]:
                self._train_epoch()
                self.epoch += 1
                each_epoch(self.epoch)
                if self.terminate or self.epoch % self.settings["save_every"] == 0:
                    self._save()
                if self.terminate:
                    raise Stopped(f"SIGTERM after epoch {self.epoch}; start again to go on from here")
        finally:
            signal.signal(signal.SIGTERM, previous)
        self.network.load_state_dict(self.best["weights"])
        self.network.eval()

    def _on_term(self, *_) -> None:
        self.terminate = True

    def _train_epoch(self) -> None:
        settings, epoch = self.settings, self.epoch
        rng = np.random.default_rng([settings["seed"], epoch])
        torch.manual_seed(settings["seed"] * 100_003 + epoch)
        self.network.train()
        order = rng.permutation(len(self.data.examples))
        sums: dict[str, list[float]] = {"rna": [], "dna": []}
        for step in range(self.steps):
            self._set_rates(epoch * self.steps + step)
            batch = [self.data.examples[i] for i in order[step :: self.steps]]
            losses = self.losses(batch, rng)
            if not losses:
                continue
            self.optimizer.zero_grad(set_to_none=True)
            sum(losses.values()).backward()
            self.optimizer.step()
            for name, loss in losses.items():
                sums[name].append(float(loss.detach()))
        row = {"epoch": epoch + 1, "learning_rate": self.optimizer.param_groups[0]["lr"]}
        row |= {f"{name}_loss": float(np.mean(values)) for name, values in sums.items() if values}
        self._judge(row)

    def _set_rates(self, step: int) -> None:
        settings = self.settings
        for group in self.optimizer.param_groups:
            floor = settings["final_learning_rate"] / group["peak"]
            warmup, total = settings["warmup_epochs"] * self.steps, settings["epochs"] * self.steps
            group["lr"] = group["peak"] * learning_rate_factor(step, warmup, total, floor)

    def losses(self, batch: list[Example], rng: np.random.Generator) -> dict[str, torch.Tensor]:
        """One contrastive term a modality over the rows of the batch that have it (two cases at least)."""
        settings = self.settings
        patches, mask = bags(self.data.store, [one.slide_id for one in batch], settings["patches"], rng)
        cases = torch.tensor([one.case for one in batch])
        with torch.autocast("cpu", torch.bfloat16, enabled=settings["precision"] == "bf16"):
            slides = self.network.slide(patches, mask)
            found = {}
            for name in ("rna", "dna"):
                rows = [i for i, one in enumerate(batch) if getattr(one, name) >= 0]
                if getattr(self.network, name) is None or len(set(cases[rows].tolist())) < 2:
                    continue
                profiles = self._profiles(name, [getattr(batch[i], name) for i in rows], rng)
                found[name] = contrastive_loss(slides[rows], profiles, cases[rows], settings["temperature"])
        return found

    def _profiles(self, name: str, rows: list[int], rng: np.random.Generator) -> torch.Tensor:
        if name == "dna":
            return self.network.dna(torch.from_numpy(self.data.flags[rows]))
        values, tokens = self.data.rna_values[rows], self.data.rna_tokens
        return self.network.rna(*gene_tokens(values, tokens, self.vocabulary, self.settings["genes"], rng))

    def _judge(self, row: dict[str, Any]) -> None:
        """RankMe of all slides' embeddings, dropout off; the best after warm-up is kept (or the last)."""
        rank = rankme(self.embed_all())
        warm = row["epoch"] > self.settings["warmup_epochs"] or row["epoch"] == self.settings["epochs"]
        better = rank > self.best["rankme"] if self.settings["select"] == "rankme" else True
        if warm and better:
            weights = {name: value.clone() for name, value in self.network.state_dict().items()}
            self.best = {"rankme": rank, "epoch": row["epoch"], "weights": weights}
        self.history.append(row | {"rankme": rank, "kept": int(self.best["epoch"] == row["epoch"])})

    @torch.inference_mode()
    def embed_all(self) -> torch.Tensor:
        """Embeddings (slides x width) of every training slide from an evaluation pass over sampled patches."""
        self.network.eval()
        slides = list(dict.fromkeys(one.slide_id for one in self.data.examples))
        rng = np.random.default_rng(self.settings["seed"])
        size = self.settings["batch_size"]
        parts = []
        for first in range(0, len(slides), size):
            patches, mask = bags(self.data.store, slides[first : first + size], self.settings["patches"], rng)
            parts.append(self.network.slide(patches, mask).float())
        return torch.cat(parts)

    def _save(self) -> None:
        state = {
            "stamp": self.stamp,
            "epoch": self.epoch,
            "history": self.history,
            "best": self.best,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        with atomic_path(self.state_path) as temporary, open(temporary, "wb") as handle:
            torch.save(state, handle)

    def _resume(self) -> None:
        if not self.state_path.exists():
            return
        state = torch.load(self.state_path, map_location="cpu", weights_only=True)
        if state["stamp"] != self.stamp:
            log.info("%s was left by other data, settings or code: started anew", self.state_path)
            os.remove(self.state_path)
            return
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch, self.history, self.best = state["epoch"], state["history"], state["best"]
        log.info("taken up again after epoch %d", self.epoch)
