"""Files of the user that a run reads and doesn't make: sheets, lists, tasks, weights."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import cast

from ..common.kinds import FOREIGN
from ..common.requests import EncoderTrial, SlideEncoderTrial
from ..common.settings.embed import Model
from ..common.settings.features import Encoder
from .config import Config, Places
from .gene_sets import GeneSets
from .models import Models
from .sheets import is_downloaded
from .times import files_below
from .tissue import Tissue
from .vectors import GivenVectors


class Inventory:
    """Given files by the config key that names them."""

    def __init__(
        self,
        config: Config,
        places: Places,
        models: Models,
        tissue: Tissue,
        vectors: GivenVectors,
        gene_sets: GeneSets,
    ) -> None:
        self.config, self.places, self.models, self.tissue = config, places, models, tissue
        self.vectors, self.gene_sets = vectors, gene_sets

    def encoders(self) -> list[EncoderTrial]:
        """Encoders in use: where their weights are, and where a rule would put them."""
        encoders, trials = self.models.encoders, list[EncoderTrial]()
        grids = {encoder: grid for grid, encoder in self.models.used_sources()}
        for name in sorted(grids):
            entry = encoders.entries[name]
            trials.append(
                {
                    "name": name,
                    "adapter": entry["adapter"],
                    "weights": self.places.find_given(entry["weights"]),
                    "folder": self.places.find_given(entry["folder"]),
                    "fetched": next(iter(encoders.fetched(entry["adapter"])), ""),
                    "revision": entry["revision"],
                    "config": cast(Encoder, encoders.settings_of(name)),
                    "files": encoders.files_of(name),
                    "edge": self.models.grids.by_name[grids[name]]["patch_size"],
                }
            )
        return trials

    def slide_encoders(self) -> list[SlideEncoderTrial]:
        """Slide encoders of others in use: entry of the config, weights, numbers of a patch (1,024 if not known)."""
        encoders: list[SlideEncoderTrial] = []
        for name in self.models.used:
            model = self.models.entries[name]
            if model["kind"] not in FOREIGN:
                continue
            source = self.models.source(model)
            facts = self.models.encoders.facts_of(source[1]) if source else {}
            weights = str(self.places.find(model["weights"]))
            encoders.append(
                {"name": name, "model": cast(Model, model), "weights": weights, "width": facts.get("dim") or 1024}
            )
        return encoders

    def weights(self) -> dict[str, str]:
        """Files of weights that the config names beside those of patch encoders."""
        named = {key: entry["weights"] for key, entry in self.tissue.given_weights().items()}
        for name in self.models.used:
            if self.models.entries[name]["kind"] in FOREIGN:
                named[f"embed/models/{name}"] = self.models.entries[name]["weights"]
        return {key: self.places.find(path) for key, path in named.items()}

    def given(self) -> dict[str, str]:
        """Every given file, marked as an input of the user."""
        slides, profiles, tasks = self.models.slides, self.models.profiles, self.models.tasks
        cases = next(iter(slides.case_sheet), "")
        named = {"slides/sheet": slides.path, "slides/cases": cases, "omics/sheet": profiles.path}
        for key in ("consequences", "so_terms", "dna_genes", "gene_table", "transcripts"):
            path = self.config["omics"][key]
            named[f"omics/{key}"] = self.places.find_given("" if path == "as_given" else path)
        for task in tasks.tested if self.models.needed else ():
            for file in ("config.yaml", "k=all.tsv"):
                named[f"probe/tasks/{task}/{file}"] = f"{tasks.folder(task)}/{file}"
        for encoder in self.encoders():
            key = f"features/encoders/{encoder['name']}"
            named[key] = encoder["weights"] or encoder["fetched"]
            target = self.models.encoders.entries[encoder["name"]]["stain"]["target"]
            named[f"{key}/stain"] = self.places.find_given(target)
        for name in self.models.needed:
            if self.models.entries[name]["kind"] == "table":
                paths = self.vectors.files_of(name)
                has_several = len(paths) > 1
                named |= {f"embed/models/{name}" + f"/{os.path.basename(path)}" * has_several: path for path in paths}
        for name in self.models.needed:
            if name in self.models.finished:
                for path in self.models.finished[name].files:
                    named[f"embed/models/{name}/{os.path.basename(path)}"] = path
        named |= {f"probe/gene_sets/files/{os.path.basename(path)}": path for path in self.gene_sets.paths}
        for run in self.models.used_runs:
            for path in self.models.checkpoint_files(run):
                named[f"pretrain/runs/{run}/{os.path.basename(path)}"] = path
        return {key: self.places.given(path) for key, path in (named | self.weights()).items() if path}

    def every_file(self) -> Iterator[str]:
        """The same, slides and profiles, and what folders of other tools hold: everything that jobs open and no rule
        makes."""
        slides, profiles, omics = self.models.slides, self.models.profiles, self.config["omics"]
        raw = (path for shard in slides.shards for path in slides.raw_paths(shard))
        yield from (part for path in raw if not self.places.is_made(path) for part in slides.parts_of(path))
        molecular = (self.places.resolve(row["path"], profiles.path) for row in profiles.rows if not is_downloaded(row))
        lists = [selection["list"] for selection in omics["select"].values() if selection.get("list")]
        named = (self.places.find(path) for path in (*omics["panels"].values(), *lists))
        paths = (*molecular, *named, *self.given().values())
        yield from (path for path in dict.fromkeys(map(str, paths)) if not self.places.is_made(path))
        encoders = self.models.encoders.entries
        folders = [encoders[name]["folder"] for name in {encoder for _, encoder in self.models.used_sources()}]
        folders += [grid["coords"] for grid in self.models.grids.entries.values()]
        folders += [self.tissue.section["contours"]] * (self.tissue.section["method"] == "contours")
        yield from files_below(self.places.find(folder) for folder in folders if folder)
