"""Patch encoders: the table of those built in, those of the config, and their files of weights."""

from __future__ import annotations

import re

from .config import Config, Places, Wildcards
from .yaml_files import shipped_yaml

#: Adapters that run no network, and so ask for no GPU.
WITHOUT_NETWORK = ("precomputed", "mean_colour")
#: Main memory in MB: the job's own libraries, CUDA's besides, and a reader with its tiles.
LIBRARIES_MB, CUDA_MB, READER_MB = 1200, 2000, 350
#: MB for each million float32 parameters while weights are loaded, measured: GigaPath's 1,135 million take 4,800 MB.
WEIGHTS_MB = 4.3
#: MB of activations of a core that encodes: 16 patches through a small network, more for each million parameters; at
#: so many pixels, and more with their square and with crops (ViT-L: 240 MB, five crops 940, 448 pixels 750).
ACTIVATIONS_MB, ACTIVATIONS_MB_A_MILLION, ACTIVATIONS_PX = 150, 0.25, 224
#: Patches per batch where the config leaves it to the machine, and batches in memory.
BATCH, BATCHES = 256, 4
#: Memory for an unknown network.
UNKNOWN_MILLIONS = 350
#: MB of a job that only looks at files of features.
FILES_MB = 2000


class Encoders:
    """Section features of the config, and what is known about each built-in encoder."""

    def __init__(self, config: Config, places: Places) -> None:
        self.places = places
        self.entries: dict[str, Config] = config["features"]["encoders"]
        self.table = places.shipped("scripts/molpath/features/encoders.yaml")
        self.facts: dict[str, Config] = shipped_yaml(self.table)["encoders"]
        self.adapters = (*self.facts, "precomputed")
        # Local disk of a job: copies of slides, where the config asks for them, and temporary files.
        copies_gb = config["features"]["scratch_gb"] if config["features"]["scratch"] else 0
        self.disk_mb = int(1000 * copies_gb) + 2000
        self.gpu_build: bool = config["software"]["torch"] == "gpu"
        self.allow_cpu: bool = config["software"]["allow_cpu"]

    def encoder(self, wildcards: Wildcards) -> Config:
        """The encoder whose name is the wildcard, with its name and the paths of stain target and given features."""
        return self.settings_of(wildcards.encoder)

    def settings_of(self, name: str) -> Config:
        """The same by name."""
        encoder = self.entries[name] | {"name": name}
        target = self.places.find_given(encoder["stain"]["target"])
        folder = self.places.find_given(encoder["folder"])
        return encoder | {"stain": encoder["stain"] | {"target": target}, "folder": folder}

    def weights(self, wildcards: Wildcards) -> list[str]:
        """What the encoder is made of: its weights, the config's or those a rule fetches, and the stains' target."""
        return [self.places.given(path) for path in self.files_of(wildcards.encoder)]

    def files_of(self, name: str) -> list[str]:
        """The same by the encoder's name."""
        encoder = self.entries[name]
        given_files = [self.places.find(path) for path in (encoder["weights"], encoder["stain"]["target"]) if path]
        return given_files if encoder["weights"] else self.fetched(encoder["adapter"]) + given_files

    def fetched(self, adapter: str) -> list[str]:
        """The file that a rule fetches for a built-in encoder; none for the others."""
        facts = self.facts.get(adapter, {})
        if "package" in facts:
            return [f"{self.places.resources}/encoders/{adapter}.safetensors"]
        return [f"{self.places.resources}/encoders/hub/{adapter}"] if "hub" in facts else []

    def to_fetch(self, name: str) -> list[str]:
        """The same for an entry of the config, unless that names weights of its own."""
        encoder = self.entries[name]
        return [] if encoder["weights"] else self.fetched(encoder["adapter"])

    def revision(self, wildcards: Wildcards) -> str:
        """Commit on the hub that the config asks for, for an adapter's weights; empty takes the table's."""
        revisions = (entry["revision"] for entry in self.entries.values() if entry["adapter"] == wildcards.adapter)
        return next(filter(None, revisions), "")

    def gpus(self, wildcards: Wildcards) -> int:
        """GPUs that extraction with the encoder needs: none where no network runs."""
        return self.gpus_of(wildcards.encoder)

    def gpus_of(self, name: str) -> int:
        """The same by name."""
        return int(self.entries[name]["adapter"] not in WITHOUT_NETWORK)

    def may_run_on_cpu(self, wildcards: Wildcards) -> bool:
        """False where a job that has a GPU must use it."""
        return self.allow_cpu or not self.gpus(wildcards)

    def memory_mb(self, wildcards: Wildcards, attempt: int, threads: int) -> int:
        """Main memory that extraction with the encoder takes on the grid; more with each attempt.

        Weights are held whole in float32 while they are loaded, also for a GPU; on the CPU each core has activations.
        """
        entry = self.entries[wildcards.encoder]
        if entry["adapter"] == "precomputed":
            return FILES_MB * attempt
        match = re.search(r"_(\d+)px_", wildcards.grid)
        edge = int(match[1]) if match else 512
        readers = entry["workers"] or max(1, threads - 1)
        batches = BATCHES * (entry["batch_size"] or BATCH) * edge**2 * 3 / 1e6
        needed = LIBRARIES_MB + readers * READER_MB + batches
        if self.gpus(wildcards):
            facts = self.facts_of(wildcards.encoder)
            millions = facts.get("parameters", UNKNOWN_MILLIONS)
            larger = entry["crops"] * max(1, (facts.get("input_size") or ACTIVATIONS_PX) / ACTIVATIONS_PX) ** 2
            on_cpu = threads * (ACTIVATIONS_MB + ACTIVATIONS_MB_A_MILLION * millions) * larger
            needed += WEIGHTS_MB * millions + (CUDA_MB if self.gpu_build and not self.allow_cpu else on_cpu)
        return -(-int(needed) // 500) * 500 * attempt

    def facts_of(self, name: str) -> Config:
        """What is known about an entry's network: of its adapter, or by its name where features come from files."""
        encoder = self.entries[name]
        by_name = encoder["adapter"] == "precomputed" and name in self.facts
        adapter = name if by_name else encoder["adapter"]
        named = {key: value for key, value in encoder.items() if value not in ("", None)}
        named |= {} if named.get("input_size") else {"input_size": self.facts.get(adapter, {}).get("input_size")}
        return self.facts.get(adapter, {}) | named | {"adapter": adapter}
