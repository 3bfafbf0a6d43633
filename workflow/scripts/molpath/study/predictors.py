"""Which probes are fitted on every labelled case and kept (probe/predictors), and what their jobs read."""

from __future__ import annotations

from typing import Any

from .config import Config, Wildcards
from .embedding import Embedding
from .finished_runs import cut_of
from .models import Models
from .preprocessing import SETTINGS, Preprocessing
from .probing import Probing
from .problems import Problems

#: Keys of section probe that decide a fit and what is said about it.
PROBE_KEYS = ("C", "max_iter", "plain", "scale", "cox", "ridge_alphas", "missing", "seed")


class Predictors:
    """Pairs of a model and a task, each a predictor named <model>/<task>."""

    def __init__(self, config: Config, models: Models, embedding: Embedding, probing: Probing) -> None:
        self.models, self.embedding, self.probing, self.tasks = models, embedding, probing, models.tasks
        self.entries: list[Config] = config["probe"]["predictors"]
        #: What is predicted with them, here: another section checks the rest of it.
        self._predict: Config = config["predict"]
        self._tissue: str = config["tissue"]["method"]
        self.preprocessing = Preprocessing(config, models)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Model and task of each, as the config lists them."""
        return list(dict.fromkeys((entry["model"], entry["task"]) for entry in self.entries))

    @property
    def names(self) -> list[str]:
        """Their names: <model>/<task>."""
        return [f"{model}/{task}" for model, task in self.pairs]

    def files(self, wildcards: Wildcards | None = None) -> list[str]:
        """Description of each predictor, which its weights and card are written with."""
        return [f"<results>/probe/{name}/predictor/predictor.json" for name in self.names]

    def references(self, wildcards: Wildcards | None = None) -> list[str]:
        """Description of the training cases of each, which their numbers are written with."""
        return [f"<results>/probe/{name}/predictor/reference.json" for name in self.names]

    # What the rules read.

    def shards(self, wildcards: Wildcards) -> list[str]:
        """Shards of the slides that a task's embeddings are made of; none for a table of given vectors."""
        if self.models.source(self.models.entries[wildcards.model]) is None:
            return []
        return self.probing.task_shards(wildcards.task) or self.models.embedded_shards

    def manifests(self, wildcards: Wildcards) -> list[str]:
        """Feature manifests of those slides: they say which weights encoded the patches."""
        source = self.models.source(self.models.entries[wildcards.model])
        return [f"<results>/features/{source[0]}/{source[1]}/{s}.tsv" for s in self.shards(wildcards)] if source else []

    def inspected(self, wildcards: Wildcards) -> list[str]:
        """Inspection manifests of those slides, with their identities."""
        return [f"<results>/slides/{shard}.tsv" for shard in self.shards(wildcards)]

    def assessed(self, wildcards: Wildcards) -> list[str]:
        """Tissue manifests of those slides, with the numbers of their quality."""
        return [f"<results>/tissue/{shard}.tsv" for shard in self.shards(wildcards)]

    def describing(self, wildcards: Wildcards) -> dict[str, Any]:
        """Settings that decide which training cases are described, and what is drawn of them."""
        return {key: self.probing.settings[key] for key in ("missing", "seed")}

    def settings(self, wildcards: Wildcards) -> dict[str, Any]:
        """Settings of the frozen probe that decide the fit."""
        return {key: value for key, value in self.probing.settings.items() if key in PROBE_KEYS}

    def patches(self, wildcards: Wildcards) -> Config:
        """What identifies the patches that the model reads, the same in every study; empty for given vectors."""
        model = self.models.entries[wildcards.model]
        if model["kind"] == "table":
            return {}
        entry = self.models.runs[model["run"]] if model.get("run") else model
        return {"grid_name": self.models.grids.names[entry["grid"]], "encoder": entry["encoder"]} | {
            "patches": self.models.patches_of(entry),
            "cut": cut_of(self.models.grids.entries[entry["grid"]], self._tissue),
            SETTINGS: self.preprocessing.digest(wildcards.model),
        }

    # Checks.

    def check(self, problems: Problems) -> None:
        """Models and tasks are in use, tasks have frozen probes, and new slides can get the model's embeddings."""
        for number, entry in enumerate(self.entries):
            location = f"config, key probe/predictors/{number}"
            if problems.knows(f"{location}/model", "model in use", entry["model"], self.models.used):
                self.check_model(location, entry["model"], problems)
            self.check_task(location, entry["task"], problems)

    def check_model(self, location: str, model: str, problems: Problems) -> None:
        """New slides can be embedded by the model: given vectors can't be computed here."""
        if self.models.entries[model]["kind"] == "table" and self._predict["slides"]:
            problems.add(
                f"{location}/model",
                f"{model} is a table of given vectors, and nothing here computes those of new slides (predict/slides)",
                "name a model of another kind, or empty predict/slides",
            )

    def check_task(self, location: str, task: str, problems: Problems) -> None:
        """The task is probed with folds of its own."""
        for protocol in ("transfer", "prompt"):
            if task in self.probing.section[protocol]["tasks"] and task not in self.tasks.entries:
                problems.add(
                    f"{location}/task",
                    f"{task} is a {protocol}, which joins two tasks",
                    "name the task whose cases are to be trained on",
                )
                return
        if not problems.knows(f"{location}/task", "task in use", task, self.probing.used):
            return
        if task in self.tasks.entries and "frozen" not in self.tasks.entries[task]["groups"]:
            groups = ", ".join(self.tasks.entries[task]["groups"])
            problems.add(
                f"{location}/task",
                f"{task} has no frozen probes (groups: {groups}), whose scores a predictor states",
                f"add frozen to probe/tasks/{task}/groups",
            )
        self.check_classes(location, task, problems)

    def check_classes(self, location: str, task: str, problems: Problems) -> None:
        """No class name contains a separator of cells or of classes of a set."""
        has_classes = task in self.tasks.entries and self.tasks.may_have_classes(task)
        settings = self.tasks.settings(task) if has_classes else None
        names = settings.get("label_dict") if isinstance(settings, dict) else None
        for name in names.values() if isinstance(names, dict) else ():
            if separator := next((mark for mark in ";\t\r\n" if mark in str(name)), ""):
                problems.add(
                    f"{location}/task",
                    f"class {name!r} of {task} holds {separator!r}, which separates classes of a set or cells",
                    f"write another name into label_dict of {self.tasks.entries[task]['path']}/config.yaml",
                )
