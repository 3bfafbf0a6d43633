"""What is looked at before new slides are predicted with a bundle: its bytes, its origin, and what it doesn't hold."""

from __future__ import annotations

import os

from ..common.bundles import AGAIN, CONFIG, CONTENTS, BadBundle, sums_of_needed, verify_files
from ..common.digests import sha256_of
from .bundle import BundleParts, facts_of, reported, source_of, value_of
from .config import Config, Places, fill_defaults
from .encoders import Encoders
from .finished_runs import WEIGHTS, cut_of, patches_of
from .grids import name_of_grid
from .preprocessing import SETTINGS, digest_in
from .problems import Problems
from .yaml_files import shipped_yaml

#: Of what identifies patches: what is compared as a whole, and the revision of weights, which count by their SHA-256.
COUNTED = ("grid", "revision")


class BundleChecks:
    """Checks of a bundle on a machine; own: its config. For a run's main process only, as every byte is read."""

    def __init__(self, parts: BundleParts, own: Config, places: Places, problems: Problems) -> None:
        self.parts, self.own, self.places, self.problems = parts, own, places, problems

    def run(self) -> None:
        """Every byte is as it was written, and what the bundle doesn't hold is here."""
        with reported(self.parts.folder, self.problems):
            verify_files(self.parts.folder)
            self.check_code()
            self.check_origin()
            for one in self.parts.needed:
                self.check_needed(one)

    def check_code(self) -> None:
        """Code that an encoder is, and no bundle holds, runs where this machine's config says so alone."""
        for name, entry in self.parts.entries("features", "encoders").items():
            adapter = entry.get("adapter", "")
            if ":" in adapter and value_of(self.own, ("features", "encoders", name, "adapter")) != adapter:
                wrong = f"its encoder {name} runs code that it does not hold, {adapter}"
                remedy = f"if you trust that code, write features/encoders/{name}/adapter: {adapter}"
                self.problems.add(f"{self.parts.folder}/{CONFIG}", wrong, remedy)

    def check_origin(self) -> None:
        """Raise BadBundle unless config.yaml makes of slides what each predictor was fitted on, by the same encoder."""
        folder = self.parts.folder
        schema: Config = shipped_yaml(self.places.shipped("schemas/config.schema.yaml"))
        config = self.parts.config_with(self.own)
        fill_defaults(config, schema, schema)
        encoders = Encoders(config, self.places)
        for name in self.parts.predictors:
            facts, model = facts_of(self.parts, name), name.partition("/")[0]
            entry = source_of(config, model)
            grid, encoder = config["tiles"]["grids"][entry["grid"]], entry["encoder"]
            ours = {
                "encoder": encoder,
                "grid": name_of_grid(grid),
                "patches": patches_of(name_of_grid(grid), encoder, encoders.facts_of(encoder)),
                "cut": cut_of(grid, config["tissue"]["method"]),
            }
            compare(f"{folder}/{CONFIG}", name, ours, facts)
            self.check_settings(name, facts)
            weights = f"{folder}/models/{model}/{WEIGHTS}"
            if os.path.isfile(weights) and sha256_of(weights) != facts["digests"]["slide_encoder"]:
                raise BadBundle(weights, f"another slide encoder than the one that {name} was fitted with", AGAIN)

    def check_settings(self, name: str, facts: Config) -> None:
        """Raise BadBundle unless config.yaml says what the predictor's own slides were prepared by, where it tells."""
        where, model = f"{self.parts.folder}/{CONFIG}", name.partition("/")[0]
        fitted = facts["patches"].get(SETTINGS)
        try:
            ours = digest_in(self.parts.config, model)
        except (KeyError, TypeError):
            ours = "none that are whole"
        if fitted is not None and fitted != ours:
            wrong = f"its settings are not those that {name} was fitted with (digest {ours}, and not {fitted})"
            raise BadBundle(where, wrong, AGAIN)

    def check_needed(self, one: Config) -> None:
        """A file of others is here, with the bundle's SHA-256; one that a rule fetches, once it is there."""
        where = f"config, key {one['key']}"
        named = self.places.find_given(value_of(self.own, tuple(one["key"].split("/"))) or "")
        path = named or (one["fetched"] and f"{self.places.resources}/{one['fetched']}")
        if path and os.path.exists(path):
            ours = sums_of_needed(path)
            other = [name for name, digest in sorted(one["files"].items()) if ours.get(name) != digest]
            if other:
                shown = f"{path}/{other[0]}".rstrip("/")
                wrong = f"{shown} has another SHA-256 than {self.parts.folder}/{CONTENTS} says"
                self.problems.add(where, wrong, f"name the file that the predictor was made with: {told(one)}")
        elif named or not one["fetched"]:
            wrong = f"no such file: {path}" if path else "empty, and the bundle doesn't hold weights of others"
            self.problems.add(where, wrong, f"get it from its source and name it here: {told(one)}")


def notes_of_settings(parts: BundleParts) -> list[str]:
    """A line on predictors that don't say by which settings their slides were prepared, or none."""
    silent = [name for name in parts.predictors if SETTINGS not in facts_of(parts, name)["patches"]]
    if not silent:
        return []
    return [
        f"note: {', '.join(silent)} of {parts.folder} don't say by which settings of tissue, tiles and features their "
        f"slides were prepared, so {CONFIG} is taken at its word: ask for a bundle of this version to have it compared"
    ]


def compare(where: str, name: str, ours: Config, facts: Config) -> None:
    """Raise BadBundle, naming what differs, unless a predictor was fitted on such patches."""
    theirs = facts["patches"]
    pairs = {"grid": (theirs["grid_name"], ours["grid"])}
    pairs |= {key: (theirs[key], ours[key]) for key in ("encoder", "cut")}
    pairs |= {key: (theirs["patches"].get(key), value) for key, value in ours["patches"].items() if key not in COUNTED}
    for key, (fitted, here) in pairs.items():
        if fitted != here:
            raise BadBundle(where, f"{key} is {here!r}, and {name} was fitted on patches of {fitted!r}", AGAIN)


def told(one: Config) -> str:
    """Name, revision, source and SHA-256 of a file that a bundle needs, in words."""
    parts = [one["name"], one["revision"] and f"revision {one['revision']}", one["source"]]
    digests = " ".join(digest for _, digest in sorted(one["files"].items())) if len(one["files"]) == 1 else ""
    return ", ".join(part for part in (*parts, digests and f"SHA-256 {digests}") if part)
