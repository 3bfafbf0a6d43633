"""What the config asks for, in numbers: what `snakemake plan` and `snakemake doctor` reckon with."""

from __future__ import annotations

import os
from typing import TypedDict

from .config import Config
from .downloads import Downloads
from .models import Models, Source
from .probing import Probing
from .targets import Targets


class GridNumbers(TypedDict, total=False):
    """A grid: patches per slide and pixels per patch, relative to 512 px at 20x without overlap."""

    name: str
    density: float
    area: float
    shards: list[str]


class FeatureNumbers(TypedDict):
    """Features to extract: width, size of the network, shards, and whether its weights are still to be fetched."""

    grid: GridNumbers
    encoder: str
    dim: int
    parameters: float
    input_size: int
    crops: int
    fetch: int
    shards: list[str]


class RunNumbers(TypedDict):
    """A run: pairs, epochs, what a step sees, parameters of the expression branch without its output layers."""

    name: str
    pairs: int
    epochs: int
    patches: int
    genes: int
    rna_parameters: int


class ModelNumbers(TypedDict):
    """A model: what it reads, how wide its embedding is (1,024 where only its weights know), how much it embeds."""

    name: str
    grid: GridNumbers | None
    dim: int
    width: int
    network: bool
    shards: list[str]
    slides: int
    cases: int


class TaskNumbers(TypedDict):
    """A task: samples, folds, classes, groups of protocols."""

    samples: int
    slides: int
    folds: int
    classes: int
    survival: bool
    groups: list[str]


class TuningNumbers(TypedDict):
    """A fine-tuned model: relative patches per slide, width of a patch, epochs."""

    name: str
    density: float
    dim: int
    epochs: int


class DownloadNumbers(TypedDict):
    """Files still to come: how many, bytes that their rows announce, and how many announce none."""

    files: int
    bytes: int
    unannounced: int


class PlanRequest(TypedDict):
    """All that molpath/preflight/plan.py reads. shards: kept slides of each shard."""

    shards: dict[str, int]
    downloads: dict[str, DownloadNumbers]
    grids: list[GridNumbers]
    features: list[FeatureNumbers]
    profiles: dict[str, int]
    stores: list[FeatureNumbers]
    runs: list[RunNumbers]
    models: list[ModelNumbers]
    tasks: list[TaskNumbers]
    transfers: list[TaskNumbers]
    prompts: int
    clusters: list[int]
    finetune: list[TuningNumbers]
    sweep: int
    permutations: int
    survival_permutations: int
    few_shot_fits: int


class Forecast:
    """Counts a study before it runs."""

    def __init__(
        self, config: Config, models: Models, downloads: Downloads, probing: Probing, targets: Targets
    ) -> None:
        self.config, self.models, self.downloads = config, models, downloads
        self.probing, self.targets, self.tasks = probing, targets, models.tasks

    def request(self) -> PlanRequest:
        """What the config asks for, in numbers."""
        slides, probe, profiles = self.models.slides, self.probing.section, self.models.profiles.rows
        features = self.features()
        widths = {(item["grid"]["name"], item["encoder"]): item["dim"] for item in features}
        by_modality = {kind: [row for row in profiles if row["modality"] == kind] for kind in ("rna", "dna")}
        tiles = self.targets.tile_shards()
        return {
            "shards": {shard: sum(row["keep"] != "no" for row in slides.values(shard)) for shard in slides.shards},
            "downloads": self.downloads_left(),
            "grids": [{**self.grid(name), "shards": shards} for name, shards in tiles.items()],
            "features": features,
            "profiles": {kind: len({row["profile_id"] for row in rows}) for kind, rows in by_modality.items()},
            "stores": self.stores(widths, features),
            "runs": [self.run(name) for name in self.models.used_runs],
            "models": [self.model(name, widths) for name in self.models.used],
            "tasks": [self.task(task) for task in probe["use"]],
            "transfers": [self.task(self.tasks.sides("transfer", name)[0]) for name in probe["transfer"]["use"]],
            "prompts": len(probe["prompt"]["use"]),
            "clusters": [self.task(task)["samples"] for task in probe["cluster"]["use"]],
            "finetune": self.finetuning(widths),
            "sweep": len(probe["C_sweep"]),
            "permutations": probe["permutations"],
            "survival_permutations": probe["survival_permutations"],
            "few_shot_fits": len(probe["shots"]) * probe["repeats"],
        }

    def grid(self, name: str) -> GridNumbers:
        """Patches per slide, and pixels that are read per patch: as many of the slide's as the patch covers."""
        grid = self.models.grids.by_name[name]
        magnification = 10 / grid["mpp"] if grid["mpp"] else grid["magnification"]
        step = (grid["patch_size"] - grid["overlap"]) / 512 * 20 / magnification
        edge = grid["patch_size"] / 512 * 20 / magnification
        return {"name": name, "density": step**-2, "area": edge**2}

    def features(self) -> list[FeatureNumbers]:
        """Every pair of grid and encoder that is extracted."""
        encoders, found = self.models.encoders, []
        for grid, name in self.models.used_sources():
            encoder = encoders.entries[name]
            facts = encoders.facts.get(encoder["adapter"], {})
            numbers: FeatureNumbers = {
                "grid": self.grid(grid),
                "encoder": name,
                "dim": facts.get("dim") or 1024,
                "parameters": (facts.get("parameters") or 0) * 1e6,
                "input_size": facts.get("input_size") or self.models.grids.by_name[grid]["patch_size"],
                "crops": encoder["crops"],
                "fetch": int(any(not os.path.exists(path) for path in encoders.to_fetch(name))),
                "shards": self.models.source_shards(grid, name),
            }
            found.append(numbers)
        return found

    def stores(self, widths: dict[Source, int], features: list[FeatureNumbers]) -> list[FeatureNumbers]:
        """Packed patches of every pair of grid and encoder that a run reads."""
        read: dict[Source, set[str]] = {}
        for run in self.models.used_runs:
            read.setdefault(self.models.source_of_run(run), set()).update(self.models.run_shards(run))
        pairs = zip(widths, features, strict=True)
        return [{**item, "shards": sorted(read[source])} for source, item in pairs if source in read]

    def run(self, name: str) -> RunNumbers:
        """A run's numbers."""
        run, rna = self.models.runs[name], self.models.runs[name]["rna_encoder"]
        layer = 4 * rna["width"] ** 2 + 2 * rna["width"] * rna["feedforward"]
        return {
            "name": name,
            "pairs": round(len(self.models.trained_slides(name)) * run["fraction"]),
            "epochs": run["training"]["epochs"],
            "patches": run["training"]["patches"],
            "genes": run["training"]["genes"] * ("rna" in run["modalities"]),
            "rna_parameters": rna["layers"] * layer if rna["kind"] == "scgpt" else 0,
        }

    def model(self, name: str, widths: dict[Source, int]) -> ModelNumbers:
        """A model's numbers."""
        model, embedded = self.models.entries[name], self.models.embedded
        source = self.models.source(model)
        run = self.models.runs[model["run"]] if model["run"] else None
        dim = widths.get(source, 0) if source else 0
        width = run["slide_encoder"]["output"] if run else dim or 1024
        if name in self.models.finished:
            width = self.models.finished[name].width
        return {
            "name": name,
            "grid": self.grid(source[0]) if source else None,
            "dim": dim,
            "width": width if model["kind"] in ("mean", "threads", "random") else 1024,
            "network": model["kind"] not in ("mean", "table"),
            "shards": list(self.models.embedded_shards) if source else [],
            "slides": len(embedded),
            "cases": len({row["case_id"] for row in embedded}),
        }

    def task(self, task: str) -> TaskNumbers:
        """A task's numbers. Files that a rule makes later are counted once they are there."""
        rows = self.tasks.table(task)
        settings = self.tasks.settings(task) if rows else {"sample_col": "case_id"}
        rows = [row for row in rows if row.get(settings["task_col"])]
        survival = settings.get("task_type") == "survival"
        return {
            "samples": len({row[settings["sample_col"]] for row in rows}),
            "slides": len({row.get("slide_id") or row["case_id"] for row in rows}),
            "folds": sum("fold_" in str(name) for name in rows[0]) if rows else 1,
            "classes": 1 if survival else len(settings.get("label_dict", ())),
            "survival": survival,
            "groups": self.tasks.entries[task]["groups"],
        }

    def finetuning(self, widths: dict[Source, int]) -> list[TuningNumbers]:
        """Numbers of fine-tuned models."""
        found: list[TuningNumbers] = []
        recipes = self.probing.section["finetune"]["recipes"]
        for name in self.models.finetuned if self.tasks.tuned else ():
            model = self.models.supervised.get(name) or self.models.entries[name]
            recipe = "threads" if model["kind"] == "random" else model["kind"]
            source = self.models.source(model)
            if source:
                density, epochs = self.grid(source[0])["density"], recipes[recipe]["epochs"]
                found.append({"name": name, "density": density, "dim": widths[source], "epochs": epochs})
        return found

    def downloads_left(self) -> dict[str, DownloadNumbers]:
        """Files still to come, by sheet."""
        slides, profiles = self.models.slides, self.models.profiles
        files = [
            (values["path"], row)
            for shard, rows in slides.shards.items()
            for values, row in zip(slides.values(shard), rows, strict=True)
            if values["path"] and values["keep"] != "no"
        ]
        resolve = self.models.places.resolve
        others = [(resolve(row["path"], profiles.path), row) for row in self.downloads.profile_rows()]
        found: dict[str, DownloadNumbers] = {}
        for kind, rows in (("slides", files), ("profiles", others)):
            sizes = [row.get("bytes") or "" for path, row in rows if not os.path.exists(path)]
            total = sum(map(int, filter(None, sizes)))
            found[kind] = {"files": len(sizes), "bytes": total, "unannounced": sizes.count("")}
        return found
