"""What `snakemake bundle` writes into one folder: predictors, slide encoders trained here, and a config for both."""

from __future__ import annotations

import os

from ..common.bundles import SUMS
from ..common.kinds import FOREIGN
from .config import Config, Places, Wildcards
from .contributions import USUAL
from .finished_runs import CONFIG as RUN_CONFIG
from .finished_runs import WEIGHTS
from .models import Models
from .predict import model_of
from .predictors import Predictors
from .problems import Problems
from .slide_encoders import is_sum, sizes_of
from .tissue import Tissue

#: Files of a predictor.
OF_PREDICTOR = ("model.safetensors", "predictor.json", "card.md", "reference.safetensors", "reference.json")
#: Files of the folder of a run.
OF_RUN = (RUN_CONFIG, WEIGHTS, "sha256.txt", "model_card.md")


class Bundling:
    """Files, sections and names of the bundle of a study's predictors."""

    def __init__(self, config: Config, places: Places, models: Models, tissue: Tissue, predictors: Predictors) -> None:
        self.config, self.places, self.models, self.tissue = config, places, models, tissue
        self.names, self.preprocessing = predictors.names, predictors.preprocessing
        self.used = list(dict.fromkeys(model for model, _ in predictors.pairs))

    def files(self, wildcards: Wildcards | None = None) -> list[str]:
        """Files copied into the bundle."""
        return list(self._copied().values())

    def copied(self, wildcards: Wildcards | None = None) -> list[str]:
        """Their names there, in the same order."""
        return list(self._copied())

    def weights(self, wildcards: Wildcards | None = None) -> list[str]:
        """Other files and folders that the bundle lists by their SHA-256."""
        return [self.places.given(path) for _, path in self._named() if path]

    def target(self, wildcards: Wildcards | None = None) -> list[str]:
        """The bundle's list of checksums, which is written last."""
        return [f"<results>/bundle/{SUMS}"]

    def check(self) -> None:
        """Raises ProblemsFound where there is nothing to bundle, or nothing that new slides can be embedded by."""
        problems = Problems()
        if not self.names:
            wrong = "no predictor is configured, and a bundle needs at least one"
            problems.add("config, key probe/predictors", wrong, "name a model and a task: [{model: …, task: …}]")
        for name in self.used:
            if self.models.entries[name]["kind"] == "table":
                wrong = f"{name} is a table of given vectors, and nothing in a bundle computes those of new slides"
                problems.add("config, key probe/predictors", wrong, "name a model of another kind")
        problems.stop()

    def contents(self, wildcards: Wildcards | None = None) -> Config:
        """What bundle.json says, but for checksums: those of `needed` are of `weights`, in the same order."""
        return {"predictors": self.names, "needed": [file | {"given": bool(path)} for file, path in self._named()]}

    def _copied(self) -> dict[str, str]:
        """Path of each file by its name in the bundle."""
        path_of = {
            f"predictors/{name}/{file}": f"<results>/probe/{name}/predictor/{file}"
            for name in self.names
            for file in (*OF_PREDICTOR, *[USUAL] * self._has_sums(name))
        }
        for name in self.used:
            if self.models.entries[name]["kind"] == "threads":
                folder, finished = self._run_of(name)
                for file in OF_RUN:
                    if (
                        not finished
                        or file in (RUN_CONFIG, WEIGHTS, "sha256.txt")
                        or os.path.isfile(f"{folder}/{file}")
                    ):
                        path = f"{folder}/{file}"
                        path_of[f"models/{name}/{file}"] = self.places.given(path) if finished else path
        return path_of

    def _has_sums(self, predictor: str) -> bool:
        """True if a prediction is an exact sum over patches."""
        model = model_of(predictor)
        return is_sum(self.models.entries[model]["kind"], sizes_of(self.models, model))

    def _run_of(self, model: str) -> tuple[str, bool]:
        """Folder of a trained model's run, and whether it is a finished one from elsewhere."""
        if model in self.models.finished:
            return self.models.finished[model].folder, True
        return f"<results>/pretrain/runs/{self.models.entries[model]['run']}", False

    # Sections of the config.

    def sections(self, wildcards: Wildcards | None = None) -> Config:
        """A config by which new slides become embeddings of the predictors' models; no path of this machine."""
        return self.preprocessing.sections(self.used)

    # Weights from elsewhere.

    def _named(self) -> list[tuple[Config, str]]:
        """What the bundle needs and does not hold, with its path here; '' for what belongs to each study's slides."""
        named_files = [
            (
                _needed(f"{key}/weights", f"{self.tissue.section['method']} ({key})", "the file of weights"),
                entry["weights"],
            )
            for key, entry in self.tissue.given_weights().items()
        ]
        for name in dict.fromkeys(encoder for _, encoder in map(self.preprocessing.source, self.used)):
            named_files += self._of_encoder(name)
        for name in self.used:
            entry = self.models.entries[name]
            if entry["kind"] in FOREIGN:
                named_files.append(
                    (_needed(f"embed/models/{name}/weights", entry["kind"], "its repository"), entry["weights"])
                )
        return [(needed_file, self.places.find_given(path)) for needed_file, path in named_files]

    def _of_encoder(self, name: str) -> list[tuple[Config, str]]:
        """Weights, stain target or given features of a patch encoder."""
        encoders, entry = self.models.encoders, self.models.encoders.entries[name]
        key, facts = f"features/encoders/{name}", encoders.facts_of(name)
        named_files = []
        fetched = next(iter(encoders.to_fetch(name)), "")
        source = str(facts.get("hub") or facts.get("package") or "")
        if entry["adapter"] == "precomputed":
            named_files.append(
                (_needed(f"{key}/folder", name, "features that another tool makes of the new slides"), "")
            )
        elif entry["weights"] or fetched:
            needed_file = _needed(f"{key}/weights", entry["adapter"], source, str(facts.get("revision") or ""))
            needed_file["fetched"] = fetched.removeprefix(f"{self.places.resources}/")
            named_files.append((needed_file, entry["weights"] or fetched))
        if entry["stain"]["target"]:
            needed_file = _needed(
                f"{key}/stain/target",
                os.path.basename(entry["stain"]["target"]),
                "the target image of stain normalisation",
            )
            named_files.append((needed_file, entry["stain"]["target"]))
        return named_files


def _needed(key: str, name: str, source: str, revision: str = "") -> Config:
    return {"key": key, "name": name, "source": source, "revision": revision, "fetched": ""}
