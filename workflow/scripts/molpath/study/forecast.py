"""What the config asks for, in numbers: what `snakemake plan` and `snakemake doctor` compute with."""

from __future__ import annotations

import os
from collections import Counter

from ..common.kinds import FOREIGN, GPU_ONLY
from ..common.requests import (
    DownloadNumbers,
    FeatureNumbers,
    GridNumbers,
    ModelNumbers,
    PlanRequest,
    RunNumbers,
    TaskNumbers,
    TuningNumbers,
)
from .config import Config, Places
from .downloads import Downloads
from .encoders import WITHOUT_NETWORK
from .left import Left, kind_of
from .models import Models, Source
from .probing import Probing
from .sheets import is_downloaded
from .slide_encoders import SlideEncoders
from .targets import Targets


class Forecast:
    """Counts a study before it runs."""

    def __init__(
        self,
        config: Config,
        places: Places,
        models: Models,
        downloads: Downloads,
        slide_encoders: SlideEncoders,
        probing: Probing,
        targets: Targets,
    ) -> None:
        self.config, self.places, self.models, self.downloads = config, places, models, downloads
        self.slide_encoders, self.probing, self.targets, self.tasks = slide_encoders, probing, targets, models.tasks

    def request(self) -> PlanRequest:
        """What the config asks for, in numbers, and what of it doesn't exist yet."""
        slides, probe = self.models.slides, self.probing.section
        kept_rows = {s: [row for row in rows if row.get("keep") != "no"] for s, rows in slides.shards.items()}
        self.left = Left(self.places.results, {s: [row["slide_id"] for row in rows] for s, rows in kept_rows.items()})
        features = self.features()
        widths = {(item["grid"]["name"], item["encoder"]): item["dim"] for item in features}
        profiles, profiles_left = self.profiles()
        return {
            "machine": self.config["plan"],
            "shards": {shard: len(rows) for shard, rows in kept_rows.items()},
            "kinds": {shard: dict(Counter(map(kind_of, rows))) for shard, rows in kept_rows.items()},
            "left": {
                "slides": self.left.of_shards("slides", kept_rows),
                "tissue": self.left.of_shards("tissue", kept_rows, "contours_geojson/{}.geojson"),
            },
            "downloads": self.downloads_left(),
            "grids": [self.tiling(name, shards) for name, shards in self.targets.tile_shards().items()],
            "features": features,
            "profiles": profiles,
            "profiles_left": profiles_left,
            "stores": self.stores(widths, features),
            "runs": [self.run(name) for name in self.models.used_runs],
            "models": [self.model(name, widths) for name in self.models.used],
            "tasks": [self.task(task) for task in probe["use"]],
            "transfers": [self.task(self.tasks.sides("transfer", name)[0]) for name in probe["transfer"]["use"]],
            "transfers_left": self.protocols_left("transfer"),
            "prompts": len(probe["prompt"]["use"]),
            "prompts_left": self.protocols_left("prompt"),
            "clusters": [self.task(task)["samples"] for task in probe["cluster"]["use"]],
            "clusters_left": self.protocols_left("cluster"),
            "finetune": self.finetuning(widths),
            "sweep": len(probe["C_sweep"]),
            "permutations": probe["permutations"],
            "survival_permutations": probe["survival_permutations"],
            "few_shot_fits": len(probe["shots"]) * probe["repeats"],
        }

    def about(self) -> dict[str, int]:
        """Slides and cases, for the head of the page."""
        return {"slides": len(self.models.slides.rows), "cases": len(self.models.slides.cases)}

    def tiling(self, name: str, shards: list[str]) -> GridNumbers:
        """A grid that is tiled."""
        slides_left = self.left.of_shards(f"tiles/{name}", shards, f"{name}/patches/{{}}_patches.h5")
        return {**self.grid(name), "shards": shards, "left": slides_left}

    def profiles(self) -> tuple[dict[str, int], dict[str, int]]:
        """Profiles by modality: all, and those of cohorts whose table is missing."""
        all_names: dict[str, set[str]] = {"rna": set(), "dna": set()}
        names_left: dict[str, set[str]] = {"rna": set(), "dna": set()}
        for kind, kind_names in all_names.items():
            for cohort in self.models.profiles.cohorts(kind):
                names = {row["profile_id"] for row in self.models.profiles.group(cohort, kind)}
                kind_names |= names
                if self.left.lacks(f"omics/{cohort}/{kind}.h5ad"):
                    names_left[kind] |= names
        return {kind: len(names) for kind, names in all_names.items()}, {
            kind: len(names) for kind, names in names_left.items()
        }

    def protocols_left(self, protocol: str) -> int:
        """Jobs of transfers, prompts or clusters, a model and a task each, whose metrics are missing."""
        paths = [path for path in self.probing.of_protocols() if path.endswith(f"/{protocol}/metrics.tsv")]
        return sum(map(self.left.lacks, paths))

    def grid(self, name: str) -> GridNumbers:
        """Patches per slide, and pixels that are read per patch: as many of the slide's as the patch covers."""
        grid = self.models.grids.by_name[name]
        magnification = 10 / grid["mpp"] if grid["mpp"] else grid["magnification"]
        step = (grid["patch_size"] - grid["overlap"]) / 512 * 20 / magnification
        edge = grid["patch_size"] / 512 * 20 / magnification
        return {"name": name, "density": step**-2, "area": edge**2}

    def features(self) -> list[FeatureNumbers]:
        """Every pair of grid and encoder that is extracted."""
        encoders, numbers_of_jobs = self.models.encoders, []
        for grid, name in self.models.used_sources():
            encoder = encoders.entries[name]
            facts = encoders.facts.get(encoder["adapter"], {})
            shards = self.models.source_shards(grid, name)
            numbers: FeatureNumbers = {
                "grid": self.grid(grid),
                "encoder": name,
                "dim": facts.get("dim") or 1024,
                "network": self.network(encoder["adapter"]),
                "reads": encoder["adapter"] != "precomputed",
                "precision": encoder["precision"] or facts.get("precision") or "fp32",
                "parameters": (facts.get("parameters") or 0) * 1e6,
                "input_size": encoder["input_size"] or 0,
                "crops": encoder["crops"],
                "fetch": int(any(not os.path.exists(path) for path in encoders.to_fetch(name))),
                "shards": shards,
                "left": self.left.of_shards(f"features/{grid}/{name}", shards, f"{grid}/features_{name}/{{}}.h5"),
            }
            numbers_of_jobs.append(numbers)
        return numbers_of_jobs

    def network(self, adapter: str) -> str:
        """Name by which the plan knows a network."""
        if adapter in WITHOUT_NETWORK:
            return ""
        return adapter if adapter in self.models.encoders.facts else "unknown"

    def stores(self, widths: dict[Source, int], features: list[FeatureNumbers]) -> list[FeatureNumbers]:
        """Packed patches of every pair of grid and encoder that a run reads."""
        read: dict[Source, set[str]] = {}
        for run in self.models.used_runs:
            read.setdefault(self.models.source_of_run(run), set()).update(self.models.run_shards(run))
        pairs = zip(widths, features, strict=True)
        return [
            {
                **item,
                "shards": sorted(read[(grid, name)]),
                "left": self.left.of_shards(f"pretrain/store/{grid}/{name}", sorted(read[(grid, name)])),
            }
            for (grid, name), item in pairs
            if (grid, name) in read
        ]

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
            "processes": run["training"]["processes"],
            "precision": run["training"]["precision"],
            "left": self.left.lacks(f"pretrain/runs/{name}/model.safetensors"),
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
            "foreign": model["kind"] if model["kind"] in FOREIGN else "",
            "gpu": self.gpu_of(name),
            "shards": list(self.models.embedded_shards) if source else [],
            "slides": len(embedded),
            "cases": len({row["case_id"] for row in embedded}),
            "left": self.left.share(f"embed/{name}/{unit}.h5ad" for unit in ("slides", "cases")),
            "probed": [
                [task, group]
                for task in self.probing.used
                for group in self.tasks.entries[task]["groups"]
                if not self.left.lacks(f"probe/{name}/{task}/{group}/metrics.tsv")
            ],
        }

    def gpu_of(self, name: str) -> str:
        """Whether embedding with a model needs a GPU, uses one, or does without."""
        if self.models.entries[name]["kind"] in GPU_ONLY:
            return "needed"
        return "used" if self.slide_encoders.gpus_of(name) else ""

    def task(self, task: str) -> TaskNumbers:
        """A task's numbers. Files that a rule makes later are counted once they are there."""
        rows = self.tasks.table(task)
        settings = self.tasks.settings(task) if rows else {"sample_col": "case_id"}
        rows = [row for row in rows if row.get(settings["task_col"])]
        survival = settings.get("task_type") == "survival"
        return {
            "name": task,
            "samples": len({row[settings["sample_col"]] for row in rows}),
            "slides": len({row.get("slide_id") or row["case_id"] for row in rows}),
            "folds": sum("fold_" in str(name) for name in rows[0]) if rows else 1,
            "classes": 1 if survival else len(settings.get("label_dict", ())),
            "survival": survival,
            "groups": self.tasks.entries[task]["groups"],
        }

    def finetuning(self, widths: dict[Source, int]) -> list[TuningNumbers]:
        """Numbers of fine-tuned models."""
        numbers_of_tasks: list[TuningNumbers] = []
        recipes = self.probing.section["finetune"]["recipes"]
        for name in self.models.finetuned if self.tasks.tuned else ():
            model = self.models.supervised.get(name) or self.models.entries[name]
            recipe = "threads" if model["kind"] == "random" else model["kind"]
            source = self.models.source(model)
            if source:
                density, epochs = self.grid(source[0])["density"], recipes[recipe]["epochs"]
                tuned = [
                    task
                    for task in self.tasks.tuned
                    if not self.left.lacks(f"probe/{name}/{task}/finetune/metrics.tsv")
                ]
                numbers = {"name": name, "density": density, "dim": widths[source], "epochs": epochs}
                numbers_of_tasks.append({**numbers, "tuned": tuned})  # type: ignore[typeddict-item]
        return numbers_of_tasks

    def downloads_left(self) -> dict[str, DownloadNumbers]:
        """Files still to be downloaded, by sheet; those of the demo are made."""
        slides, profiles = self.models.slides, self.models.profiles
        files = [
            (values["path"], row)
            for shard, rows in slides.shards.items()
            for values, row in zip(slides.values(shard), rows, strict=True)
            if values["path"] and values["keep"] != "no" and is_downloaded(row)
        ]
        resolve = self.models.places.resolve
        profile_files = [(resolve(row["path"], profiles.path), row) for row in self.downloads.profile_rows()]
        numbers: dict[str, DownloadNumbers] = {}
        for kind, rows in (("slides", files), ("profiles", profile_files)):
            sizes = [row.get("bytes") or "" for path, row in rows if not os.path.exists(path)]
            total = sum(map(int, filter(None, sizes)))
            numbers[kind] = {"files": len(sizes), "bytes": total, "unannounced": sizes.count("")}
        return numbers
