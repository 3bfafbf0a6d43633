"""Over which new slides contributions of patches are drawn (predict/contributions), and what those jobs read."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from ..common.given_text import Refused, read_json
from ..common.kinds import FOREIGN, SUMS
from .config import Config, Wildcards, defaults_of
from .embedding import Embedding
from .models import Models
from .predict import COHORT, Predict, model_of
from .problems import Problems
from .slide_encoders import is_sum, sizes_of

#: Means every new slide.
ALL = "all"
#: Mean contribution of each head over training slides; saved with the predictor.
USUAL = "usual.json"


class Contributions:
    """Contributions of patches to what the predictors in use say about new slides; none without names."""

    def __init__(self, config: Config, models: Models, embedding: Embedding, predict: Predict) -> None:
        self.models, self.embedding, self.predict, self.places = models, embedding, predict, models.places
        self.requested: list[str] = config["predict"]["contributions"]
        self.rows = {str(row["slide_id"]): row for row in predict.rows if row.get("slide_id")}
        self._shard_of = {row.get("slide_id"): shard for shard, rows in predict.shards.items() for row in rows}

    @property
    def slides(self) -> list[str]:
        """The slides that are drawn, in the order of their sheet; those that it excludes are left out of all."""
        if ALL in self.requested:
            return [name for name, row in self.rows.items() if row.get("keep") != "no"]
        return [name for name in self.rows if name in self.requested]

    # What the rules read.

    def folder(self, wildcards: Wildcards) -> str:
        """Folder of the predictor."""
        return self.predict.parts.predictors.get(f"{wildcards.model}/{wildcards.task}", "<results>/none")

    def files(self, wildcards: Wildcards) -> list[str]:
        """Weights and description of the predictor."""
        return [f"{self.folder(wildcards)}/{name}" for name in ("model.safetensors", "predictor.json")]

    def usual(self, wildcards: Wildcards) -> str:
        """What heads bring on average in training slides."""
        return f"{self.folder(wildcards)}/{USUAL}"

    def entry(self, name: str) -> Config:
        """A predictor's model as the config of the new slides has it, with defaults."""
        model: Config = self.predict.config["embed"]["models"][name]
        return defaults_of("model") | model

    def model(self, wildcards: Wildcards) -> Config:
        """The model, with its name; a random one with its run's sizes."""
        entry = self.entry(wildcards.model) | {"name": wildcards.model}
        sizes = {"slide_encoder": self._sizes(wildcards.model, entry)} if entry["kind"] == "random" else {}
        return entry | sizes | {"cases": entry["cases"] or "union"}

    def _sizes(self, name: str, entry: Config) -> Any:
        """What is said about the slide encoder of a run; {} where nothing can be read."""
        if not self.predict.bundle:
            return sizes_of(self.models, name)
        if entry["kind"] == "threads":
            with contextlib.suppress(OSError, Refused, AttributeError):  # said where the bundle is checked
                return read_json(f"{entry['path']}/config.json").get("slide_encoder", {})
        return self.predict.config["pretrain"]["runs"].get(entry["run"], {}).get("slide_encoder", {})

    def sources(self, wildcards: Wildcards) -> list[str]:
        """Files of the model's weights, as embed_block reads them."""
        if not self.predict.bundle:
            return self.models.weights(wildcards)
        entry = self.entry(wildcards.model)
        if entry["kind"] in FOREIGN:
            return [self.places.given(self.places.find(entry["weights"]))]
        files = ("config.json", "model.safetensors") if entry["kind"] == "threads" else ()
        return [self.places.given(f"{entry['path']}/{file}") for file in files]

    def members(self, wildcards: Wildcards) -> dict[str, list[str]]:
        """All slides of each case that has a slide to be drawn: attention may go over all of them."""
        slides_of: dict[str, list[str]] = {str(self.rows[slide].get("case_id")): [] for slide in self.slides}
        for name, row in self.rows.items():
            if row.get("case_id") in slides_of:
                slides_of[str(row["case_id"])].append(name)
        return slides_of

    def manifests(self, wildcards: Wildcards) -> list[str]:
        """Feature manifests of those slides."""
        grid, encoder = self.predict.source(wildcards.model)
        shards = {self._shard_of[slide] for slides in self.members(wildcards).values() for slide in slides}
        return [f"{COHORT}/features/{grid}/{encoder}/{shard}.tsv" for shard in sorted(shards)]

    def training_manifests(self, wildcards: Wildcards) -> list[str]:
        """Feature manifests of the slides that this study embeds, those of training among them."""
        return self.embedding.manifests_of(wildcards.model, self.training_cases(wildcards))

    def training_cases(self, wildcards: Wildcards) -> dict[str, str]:
        """Case of each of those slides."""
        return {row["slide_id"]: row["case_id"] for row in self.models.embedded}

    def inspected(self, wildcards: Wildcards) -> str:
        """Inspection manifest of a new slide's shard."""
        return f"{COHORT}/slides/{self._shard_of[wildcards.slide]}.tsv"

    def assessed(self, wildcards: Wildcards) -> str:
        """Tissue manifest of a new slide's shard."""
        return f"{COHORT}/tissue/{self._shard_of[wildcards.slide]}.tsv"

    def slide_path(self, wildcards: Wildcards) -> str:
        """The file of a new slide."""
        return str(self.places.resolve(self.rows[wildcards.slide].get("path") or "", self.predict.path))

    # Targets.

    def maps(self, wildcards: Wildcards | None = None) -> list[str]:
        """Maps of each slide by each predictor, and the patches that add most, of slides that have a file."""
        return [
            f"<results>/figures/{kind}/{name}/{slide}.png"
            for name in self.predict.used
            for slide in self.slides
            for kind in ("contributions", "contributing_patches")
            if kind == "contributions" or self.rows[slide].get("path")
        ]

    # Checks.

    def check(self, problems: Problems) -> None:
        """Slides are new ones, and embeddings of the predictors are sums over patches."""
        if not self.predict.config:
            return  # said about predict/slides
        location = "config, key predict/contributions"
        for slide in self.requested:
            if slide != ALL:
                problems.knows(location, "slide of predict/slides", slide, list(self.rows))
        for name in self.predict.used if self.requested else []:
            folder = self.predict.parts.predictors[name]
            if not self.is_sum(model_of(name)):
                problems.add(
                    location,
                    f"{name}: its model's embedding is no sum over patches, so patches have no contributions",
                    f"name predictors of kinds {', '.join(SUMS)} (abmil) in predict/use, or empty this key",
                )
            elif self.predict.bundle and not os.path.isfile(f"{folder}/{USUAL}"):
                wrong = f"{folder} has no {USUAL}, needed to compare contributions with training slides"
                problems.add(location, wrong, "ask for a bundle of this version, or empty this key")

    def is_sum(self, name: str) -> bool:
        """True if a patch has an exact part in the model's embeddings."""
        entry = self.entry(name)
        return is_sum(entry["kind"], self._sizes(name, entry))
