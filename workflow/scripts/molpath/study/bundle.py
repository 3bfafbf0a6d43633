"""A bundle: a folder of predictors with all that applies them elsewhere. It is read as files of strangers are.

bundle.json        version of the layout, predictors, weights of others that it doesn't hold
config.yaml        sections of a config by which new slides become embeddings
predictors/<model>/<task>/, models/<model>/    files of predictors and of slide encoders trained here
checksums.tsv      every other file with its bytes and SHA-256, below a line with the SHA-256 of that list
"""

from __future__ import annotations

import contextlib
import copy
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..common.bundles import (
    AGAIN,
    CONFIG,
    CONTENTS,
    LAYOUT,
    LONGEST,
    BadBundle,
    is_inside,
    sums_of_needed,
    verify_files,
)
from ..common.given_text import Refused, read_json
from .config import Config, Places, defaults_of
from .grids import name_of_grid
from .problems import Problems
from .yaml_files import load_yaml

#: Sections of a config that a bundle may have.
SECTIONS = ("tissue", "tiles", "features", "embed", "pretrain")
#: Names of predictors, <model>/<task>, as wildcards take them.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._=-]*")
#: What is each machine's own: where files lie, what is permitted, and what no result depends on.
OWN_KEYS = (
    *(("tissue", "weights"), ("tissue", "contours"), ("tissue", "artefacts", "weights")),
    *(("features", "scratch"), ("features", "scratch_gb")),
)
OWN_OF_ENCODERS = (("weights",), ("folder",), ("stain", "target"), ("batch_size",), ("workers",))
OWN_OF_MODELS = ("weights", "trust_remote_code")
OWN_SECTIONS = ("software", "accept_other_code")


@dataclass(frozen=True)
class BundleParts:
    """What a bundle holds.

    config: its sections, folders of models as they lie here. predictors: folder by <model>/<task>. needed: weights and
    other files that it names and does not hold; each has `key` (of the config), `name`, `source`, `revision`, `fetched`
    (a rule gets it) and `files` (SHA-256 by name; '' is the file itself).
    """

    folder: str
    config: Config
    predictors: dict[str, str]
    needed: list[Config]

    def config_with(self, own: Config) -> Config:
        """The sections, and what this machine's config says of it: where weights of others lie, what it permits."""
        config = copy.deepcopy(self.config)
        for key in self._own_keys():
            value, section = _value(own, key), config
            for name in key[:-1]:
                section = section.setdefault(name, {})
            section.pop(key[-1], None)  # whatever a stranger's bundle says of this machine
            if value:
                section[key[-1]] = value
        return config | {key: own[key] for key in OWN_SECTIONS}

    def check(self, own: Config, places: Places, problems: Problems) -> None:
        """Every byte is as it was written, and what the bundle doesn't hold is here; for a run's main process only."""
        with _reported(self.folder, problems):
            verify_files(self.folder)
            for one in self.needed:
                _check_needed(one, self.folder, own, places, problems)
            for name, entry in self._entries("features", "encoders").items():
                adapter = entry.get("adapter", "")
                if ":" in adapter and _value(own, ("features", "encoders", name, "adapter")) != adapter:
                    wrong = f"its encoder {name} runs code that it does not hold, {adapter}"
                    remedy = f"if you trust that code, write features/encoders/{name}/adapter: {adapter}"
                    problems.add(f"{self.folder}/{CONFIG}", wrong, remedy)

    def source(self, model: str) -> tuple[str, str]:
        """Grid folder and encoder that a model reads."""
        entry = self.config["embed"]["models"][model]
        entry = self.config["pretrain"]["runs"][entry["run"]] if entry.get("run") else entry
        return name_of_grid(defaults_of("grid") | self.config["tiles"]["grids"][entry["grid"]]), entry["encoder"]

    def _own_keys(self) -> list[tuple[str, ...]]:
        """Keys whose values are this machine's."""
        keys = list(OWN_KEYS)
        keys += [("tiles", "grids", name, "coords") for name in self._entries("tiles", "grids")]
        encoders, models = self._entries("features", "encoders"), self._entries("embed", "models")
        keys += [("features", "encoders", name, *key) for name in encoders for key in OWN_OF_ENCODERS]
        return keys + [("embed", "models", name, key) for name in models for key in OWN_OF_MODELS]

    def _entries(self, section: str, key: str) -> Config:
        found: Config = self.config.get(section, {}).get(key, {})
        return found


@contextlib.contextmanager
def _reported(folder: str, problems: Problems) -> Iterator[None]:
    """What is wrong with a bundle becomes a problem."""
    try:
        yield
    except BadBundle as bad:
        problems.add(bad.where, bad.wrong, bad.remedy)
    except OSError as error:
        problems.add(str(error.filename or folder), (error.strerror or "can't be read").lower(), AGAIN)


def _check_needed(one: Config, folder: str, own: Config, places: Places, problems: Problems) -> None:
    """A file of others is there, with the bundle's SHA-256; one that a rule fetches, once it is there."""
    where = f"config, key {one['key']}"
    named = places.find_given(_value(own, tuple(one["key"].split("/"))) or "")
    path = named or (one["fetched"] and f"{places.resources}/{one['fetched']}")
    if path and os.path.exists(path):
        ours = sums_of_needed(path)
        other = [name for name, digest in sorted(one["files"].items()) if ours.get(name) != digest]
        if other:
            wrong = f"{f'{path}/{other[0]}'.rstrip('/')} has another SHA-256 than {folder}/{CONTENTS} says"
            problems.add(where, wrong, f"name the file that the predictor was made with: {told(one)}")
    elif named or not one["fetched"]:
        wrong = f"no such file: {path}" if path else "empty, and the bundle doesn't hold weights of others"
        problems.add(where, wrong, f"get it from its source and name it here: {told(one)}")


def _value(config: Config, key: tuple[str, ...]) -> Any:
    """A value of a config by its keys; None where there is none."""
    value: Any = config
    for name in key:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def told(one: Config) -> str:
    """Name, revision, source and SHA-256 of a file that a bundle needs, in words."""
    parts = [one["name"], one["revision"] and f"revision {one['revision']}", one["source"]]
    digests = " ".join(digest for _, digest in sorted(one["files"].items())) if len(one["files"]) == 1 else ""
    return ", ".join(part for part in (*parts, digests and f"SHA-256 {digests}") if part)


def read_bundle(folder: str) -> BundleParts:
    """The parts of a bundle, read with care; raises ProblemsFound with what is wrong, by the file's name.

    Its bytes are compared with its checksums by `BundleParts.check`: every job plans again, and needs no second look.
    """
    problems, found = Problems(), None
    with _reported(folder, problems):
        found = _read(folder)
    problems.stop()
    assert found
    return found


def _read(folder: str) -> BundleParts:
    """The parts of a bundle whose bytes are as they were written."""
    path = f"{folder}/{CONTENTS}"
    if not os.path.isfile(path):
        what = f"no bundle: there is no {CONTENTS} in it" if os.path.isdir(folder) else "no such folder"
        raise BadBundle(str(folder), what, "name a folder that `snakemake bundle` wrote")
    contents = _json(path)
    layout = contents.get("layout") if isinstance(contents, dict) else None
    if not isinstance(layout, int) or layout < 1:
        raise BadBundle(path, "it doesn't say the version of its layout", AGAIN)
    if layout > LAYOUT:
        wrong = f"written by a newer version of the workflow (layout {layout}; this one reads {LAYOUT})"
        raise BadBundle(path, wrong, "update the workflow, or ask for a bundle of this version")
    names, needed = contents.get("predictors"), contents.get("needed")
    if not _names(names) or not isinstance(needed, list) or not all(_is_needed(one) for one in needed):
        raise BadBundle(path, "its predictors or the weights that it needs are not as bundles have them", AGAIN)
    predictors = {name: f"{folder}/predictors/{name}" for name in names}
    parts = BundleParts(str(folder), _sections(folder), predictors, needed)
    for name in names:
        check_agreement(parts, name)
    return parts


def _json(path: str) -> Any:
    """A document of JSON."""
    try:
        return read_json(path)
    except Refused:
        raise BadBundle(path, "no JSON that can be read", AGAIN) from None


def _names(names: Any) -> bool:
    """True for a list of names of predictors."""
    return isinstance(names, list) and bool(names) and all(isinstance(n, str) and NAME.fullmatch(n) for n in names)


def _is_needed(one: Any) -> bool:
    """True for what names a file that the bundle needs."""
    words = ("key", "name", "source", "revision", "fetched")
    if not isinstance(one, dict) or not all(isinstance(one.get(word), str) for word in words):
        return False
    files = one.get("files")
    return isinstance(files, dict) and all(isinstance(digest, str) for digest in files.values())


def _sections(folder: str) -> Config:
    """config.yaml of a bundle: sections of a config, the models' folders as they lie here."""
    path = f"{folder}/{CONFIG}"
    if not os.path.isfile(path) or os.path.getsize(path) > LONGEST:
        raise BadBundle(path, "no such file, or no config", AGAIN)
    config = load_yaml(path)
    if not isinstance(config, dict) or not all(isinstance(config.get(key, {}), dict) for key in SECTIONS):
        raise BadBundle(path, "not a map of sections", AGAIN)
    if unknown := sorted(map(str, config.keys() - set(SECTIONS))):
        raise BadBundle(path, f"section {unknown[0]} is none of a bundle's", f"it may have: {', '.join(SECTIONS)}")
    models = config.get("embed", {}).get("models", {})
    for name, model in models.items() if isinstance(models, dict) else ():
        if isinstance(model, dict) and model.get("path"):
            if not isinstance(model["path"], str) or not is_inside(model["path"]):
                raise BadBundle(path, f"the folder of model {name} lies outside of the bundle", AGAIN)
            model["path"] = f"{folder}/{model['path']}"
    return config


def check_agreement(parts: BundleParts, name: str) -> None:
    """Raise BadBundle unless a predictor was made of what config.yaml makes of slides, and says its own name."""
    path, where = f"{parts.predictors[name]}/predictor.json", f"{parts.folder}/{CONFIG}"
    try:
        grid, encoder = parts.source(name.partition("/")[0])
    except (KeyError, TypeError, AttributeError):
        wrong = f"predictor {name} is of a model, grid or encoder that isn't in it"
        raise BadBundle(where, wrong, AGAIN) from None
    facts = _json(path)
    if not isinstance(facts, dict) or f"{facts.get('model')}/{facts.get('task')}" != name:
        raise BadBundle(path, f"not that of {name}", AGAIN)
