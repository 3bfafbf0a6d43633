"""Patch encoders: the table of those built in, those of the config, and their files of weights."""

from __future__ import annotations

from .config import Config, Places, Wildcards, shipped_yaml

#: Adapters that run no network, and so ask for no GPU.
WITHOUT_NETWORK = ("precomputed", "mean_colour")


class Encoders:
    """Section features of the config, and what is known of each built-in encoder."""

    def __init__(self, config: Config, places: Places) -> None:
        self.places = places
        self.entries: dict[str, Config] = config["features"]["encoders"]
        self.table = places.shipped("scripts/molpath/features/encoders.yaml")
        self.facts: dict[str, Config] = shipped_yaml(self.table)["encoders"]
        self.adapters = (*self.facts, "precomputed")
        # Local disk of a job: copies of slides, where the config wants them, and temporary files.
        copies_gb = config["features"]["scratch_gb"] if config["features"]["scratch"] else 0
        self.disk_mb = int(1000 * copies_gb) + 2000

    def encoder(self, wildcards: Wildcards) -> Config:
        """The encoder whose name is the wildcard, with its name and the paths of stain target and given features."""
        encoder = self.entries[wildcards.encoder] | {"name": wildcards.encoder}
        target = self.places.find_given(encoder["stain"]["target"])
        folder = self.places.find_given(encoder["folder"])
        return encoder | {"stain": encoder["stain"] | {"target": target}, "folder": folder}

    def weights(self, wildcards: Wildcards) -> list[str]:
        """What the encoder is made of: its weights, the config's or those a rule fetches, and the stains' target."""
        encoder = self.entries[wildcards.encoder]
        files = [encoder["weights"], encoder["stain"]["target"]]
        found = [self.places.given(self.places.find(name)) for name in files if name]
        return found if encoder["weights"] else self.fetched(encoder["adapter"]) + found

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
        asked = (entry["revision"] for entry in self.entries.values() if entry["adapter"] == wildcards.adapter)
        return next(filter(None, asked), "")

    def gpus(self, wildcards: Wildcards) -> int:
        """GPUs that extraction with the encoder pays for: none where no network runs."""
        return self.gpus_of(wildcards.encoder)

    def gpus_of(self, name: str) -> int:
        """The same by name."""
        return int(self.entries[name]["adapter"] not in WITHOUT_NETWORK)

    def facts_of(self, name: str) -> Config:
        """What is known of an entry's network: of its adapter, or by its name where features come from files."""
        encoder = self.entries[name]
        by_name = encoder["adapter"] == "precomputed" and name in self.facts
        adapter = name if by_name else encoder["adapter"]
        named = {key: value for key, value in encoder.items() if value not in ("", None)}
        return self.facts.get(adapter, {}) | named | {"adapter": adapter}
