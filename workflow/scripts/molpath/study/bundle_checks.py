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
            for file in self.parts.needed:
                self.check_needed(file)

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
            made_here = {
                "encoder": encoder,
                "grid": name_of_grid(grid),
                "patches": patches_of(name_of_grid(grid), encoder, encoders.facts_of(encoder)),
                "cut": cut_of(grid, config["tissue"]["method"]),
            }
            compare(f"{folder}/{CONFIG}", name, made_here, facts)
            self.check_settings(name, facts)
            weights = f"{folder}/models/{model}/{WEIGHTS}"
            if os.path.isfile(weights) and sha256_of(weights) != facts["digests"]["slide_encoder"]:
                raise BadBundle(weights, f"another slide encoder than the one that {name} was fitted with", AGAIN)

    def check_settings(self, name: str, facts: Config) -> None:
        """Raise BadBundle unless config.yaml says what the predictor's own slides were prepared by, where it tells."""
        config_path, model = f"{self.parts.folder}/{CONFIG}", name.partition("/")[0]
        fitted = facts["patches"].get(SETTINGS)
        try:
            digest = digest_in(self.parts.config, model)
        except (KeyError, TypeError):
            digest = "none that are whole"
        if fitted is not None and fitted != digest:
            wrong = f"its settings are not those that {name} was fitted with (digest {digest}, and not {fitted})"
            raise BadBundle(config_path, wrong, AGAIN)

    def check_needed(self, file: Config) -> None:
        """A file of others is here, with the bundle's SHA-256; one that a rule fetches, once it is there."""
        location = f"config, key {file['key']}"
        named = self.places.find_given(value_of(self.own, tuple(file["key"].split("/"))) or "")
        path = named or (file["fetched"] and f"{self.places.resources}/{file['fetched']}")
        if path and os.path.exists(path):
            sums = sums_of_needed(path)
            other = [name for name, digest in sorted(file["files"].items()) if sums.get(name) != digest]
            if other:
                shown = f"{path}/{other[0]}".rstrip("/")
                wrong = f"{shown} has another SHA-256 than {self.parts.folder}/{CONTENTS} says"
                self.problems.add(
                    location, wrong, f"name the file that the predictor was made with: {description_of(file)}"
                )
        elif named or not file["fetched"]:
            wrong = f"no such file: {path}" if path else "empty, and the bundle doesn't hold weights of others"
            self.problems.add(location, wrong, f"get it from its source and name it here: {description_of(file)}")


def notes_of_settings(parts: BundleParts) -> list[str]:
    """A line on predictors that don't say by which settings their slides were prepared, or none."""
    silent = [name for name in parts.predictors if SETTINGS not in facts_of(parts, name)["patches"]]
    if not silent:
        return []
    return [
        f"note: {', '.join(silent)} of {parts.folder} don't say by which settings of tissue, tiles and features their "
        f"slides were prepared, so {CONFIG} is taken at its word: ask for a bundle of this version to have it compared"
    ]


def compare(config_path: str, name: str, made_here: Config, facts: Config) -> None:
    """Raise BadBundle, naming what differs, unless a predictor was fitted on such patches."""
    fitted_on = facts["patches"]
    pairs = {"grid": (fitted_on["grid_name"], made_here["grid"])}
    pairs |= {key: (fitted_on[key], made_here[key]) for key in ("encoder", "cut")}
    pairs |= {
        key: (fitted_on["patches"].get(key), value) for key, value in made_here["patches"].items() if key not in COUNTED
    }
    for key, (fitted, current) in pairs.items():
        if fitted != current:
            raise BadBundle(config_path, f"{key} is {current!r}, and {name} was fitted on patches of {fitted!r}", AGAIN)


def description_of(file: Config) -> str:
    """Name, revision, source and SHA-256 of a file that a bundle needs, in words."""
    parts = [file["name"], file["revision"] and f"revision {file['revision']}", file["source"]]
    digests = " ".join(digest for _, digest in sorted(file["files"].items())) if len(file["files"]) == 1 else ""
    return ", ".join(part for part in (*parts, digests and f"SHA-256 {digests}") if part)
