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

from jsonschema import Draft202012Validator

from ..common.bundles import AGAIN, CONFIG, CONTENTS, LAYOUT, BadBundle, is_inside
from ..common.given_text import Refused, read_json
from .config import Config, Places
from .grids import name_of_grid
from .problems import Problems, place, short_message
from .yaml_files import load_yaml, shipped_yaml

PREDICTOR = "predictor.json"
#: Of a grid's defaults those that its name says.
GRID = {"mpp": None, "magnification": 20, "patch_size": 512, "overlap": 0, "label": ""}
#: Sections of a config that a bundle may have.
SECTIONS = ("tissue", "tiles", "features", "embed", "pretrain")
#: Names of predictors, <model>/<task>, as wildcards take them.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._=-]*")
#: What is each machine's own: where files lie, what is permitted, and what no result depends on.
OWN_KEYS = (
    *(("tissue", "weights"), ("tissue", "contours"), ("tissue", "artefacts", "weights"), ("tissue", "deadline_s")),
    *(("features", "scratch"), ("features", "scratch_gb")),
)
OWN_OF_ENCODERS = (("weights",), ("folder",), ("stain", "target"), ("batch_size",), ("workers",))
OWN_OF_MODELS = ("weights", "trust_remote_code")
OWN_SECTIONS = ("software", "accept_other_code")
NOT_AS_BUNDLES = "its predictors or the weights that it needs are not as bundles have them"
#: No bundle's config.yaml is longer, in bytes: as YAML, a few MiB more would be read for minutes.
LONGEST_CONFIG = 1 << 20


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
        for key in self.own_keys():
            value, section = value_of(own, key), config
            for name in key[:-1]:
                section = section.setdefault(name, {})
            section.pop(key[-1], None)  # whatever a stranger's bundle says of this machine
            if value:
                section[key[-1]] = value
        return config | {key: own[key] for key in OWN_SECTIONS}

    def source(self, model: str) -> tuple[str, str]:
        """Grid folder and encoder that a model reads."""
        entry = source_of(self.config, model)
        return name_of_grid(GRID | self.config["tiles"]["grids"][entry["grid"]]), entry["encoder"]

    def label_columns(self) -> list[str]:
        """Columns by which sheets of new slides label them, of every predictor."""
        labels = [facts_of(self, name).get("label", {}) for name in self.predictors]
        names = (name for label in labels for name in (label.get("task_col"), *label.get("extra_cols", [])))
        return list(dict.fromkeys(name for name in names if name))

    def own_keys(self) -> list[tuple[str, ...]]:
        """Keys whose values are this machine's."""
        keys = list(OWN_KEYS)
        keys += [("tiles", "grids", name, "coords") for name in self.entries("tiles", "grids")]
        encoders, models = self.entries("features", "encoders"), self.entries("embed", "models")
        keys += [("features", "encoders", name, *key) for name in encoders for key in OWN_OF_ENCODERS]
        return keys + [("embed", "models", name, key) for name in models for key in OWN_OF_MODELS]

    def entries(self, section: str, key: str) -> Config:
        """Entries of a section, by name."""
        section_entries: Config = self.config.get(section, {}).get(key, {})
        return section_entries


def source_of(config: Config, model: str) -> Config:
    """What names grid and encoder of a model: its entry, or that of the run whose sizes it has."""
    entry: Config = config["embed"]["models"][model]
    if entry.get("run"):
        entry = config["pretrain"]["runs"][entry["run"]]
    return entry


@contextlib.contextmanager
def reported(folder: str, problems: Problems) -> Iterator[None]:
    """What is wrong with a bundle becomes a problem."""
    try:
        yield
    except BadBundle as bad:
        problems.add(bad.where, bad.wrong, bad.remedy)
    except OSError as error:
        problems.add(str(error.filename or folder), (error.strerror or "can't be read").lower(), AGAIN)


def value_of(config: Config, key: tuple[str, ...]) -> Any:
    """A value of a config by its keys; None where there is none."""
    value: Any = config
    for name in key:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def read_bundle(folder: str, places: Places) -> BundleParts:
    """The parts of a bundle, read with care; raises ProblemsFound with what is wrong, by the file's name.

    Its bytes are compared with its checksums by `BundleChecks`: every job plans again, and needs no second look.
    """
    problems, parts = Problems(), None
    with reported(folder, problems):
        parts = _read(folder, places)
    problems.stop()
    assert parts
    return parts


def _read(folder: str, places: Places) -> BundleParts:
    """The parts of a bundle whose bytes are as they were written."""
    path = f"{folder}/{CONTENTS}"
    if not os.path.isfile(path):
        raise BadBundle(str(folder), *_no_bundle(folder))
    contents = _json(path)
    layout = contents.get("layout") if isinstance(contents, dict) else None
    if not isinstance(layout, int) or layout < 1:
        raise BadBundle(path, "it doesn't say the version of its layout", AGAIN)
    if layout > LAYOUT:
        wrong = f"written by a newer version of the workflow (layout {layout}; this one reads {LAYOUT})"
        raise BadBundle(path, wrong, "update the workflow, or ask for a bundle of this version")
    names, needed = contents.get("predictors"), contents.get("needed")
    if not _names(names) or not isinstance(needed, list) or not all(_is_needed(file) for file in needed):
        raise BadBundle(path, NOT_AS_BUNDLES, AGAIN)
    predictors = {name: f"{folder}/predictors/{name}" for name in names}
    parts = BundleParts(str(folder), _sections(folder, places), predictors, needed)
    keys = {"/".join(key) for key in parts.own_keys()}
    if any(file["key"] not in keys or file["fetched"] and not is_inside(file["fetched"]) for file in needed):
        raise BadBundle(path, NOT_AS_BUNDLES, AGAIN)
    for name in names:
        check_agreement(parts, name)
    return parts


def _no_bundle(folder: str) -> tuple[str, str]:
    """What lies where a bundle should, and what to do."""
    remedy = "name a folder that `snakemake bundle` wrote"
    if os.path.isfile(folder):
        return "a file and no folder", f"if it is a bundle that was packed, unpack it (unzip), else {remedy}"
    if not os.path.isdir(folder):
        return "no such folder", remedy
    below = sorted(name for name in os.listdir(folder) if os.path.isfile(f"{folder}/{name}/{CONTENTS}"))
    return f"no bundle: there is no {CONTENTS} in it", f"name {folder}/{below[0]}" if below else remedy


def _json(path: str) -> Any:
    """A document of JSON."""
    try:
        return read_json(path)
    except Refused:
        raise BadBundle(path, "no JSON that can be read", AGAIN) from None


def facts_of(parts: BundleParts, name: str) -> Config:
    """predictor.json of a predictor."""
    facts: Config = _json(f"{parts.predictors[name]}/{PREDICTOR}")
    return facts


def _names(names: Any) -> bool:
    """True for a list of names of predictors."""
    return isinstance(names, list) and bool(names) and all(isinstance(n, str) and NAME.fullmatch(n) for n in names)


def _is_needed(entry: Any) -> bool:
    """True for what names a file that the bundle needs."""
    words = ("key", "name", "source", "revision", "fetched")
    if not isinstance(entry, dict) or not all(isinstance(entry.get(word), str) for word in words):
        return False
    files = entry.get("files")
    return isinstance(files, dict) and all(isinstance(digest, str) for digest in files.values())


def _sections(folder: str, places: Places) -> Config:
    """config.yaml of a bundle: sections of a config, the models' folders as they lie here."""
    path = f"{folder}/{CONFIG}"
    if not os.path.isfile(path):
        raise BadBundle(path, "no such file", AGAIN)
    if os.path.getsize(path) > LONGEST_CONFIG:
        raise BadBundle(path, f"larger than a config of any bundle ({LONGEST_CONFIG >> 20} MiB)", AGAIN)
    config = load_yaml(path)
    if not isinstance(config, dict):
        raise BadBundle(path, "not a map of sections", AGAIN)
    if unknown := sorted(map(str, config.keys() - set(SECTIONS))):
        raise BadBundle(path, f"section {unknown[0]} is none of a bundle's", f"it may have: {', '.join(SECTIONS)}")
    schema: Config = shipped_yaml(places.shipped("schemas/config.schema.yaml"))
    for error in Draft202012Validator(schema).iter_errors(config):
        raise BadBundle(path, f"key {place(error)}: {short_message(error)}", AGAIN)
    for name, model in config.get("embed", {}).get("models", {}).items():
        if path_inside := model.get("path"):
            if not is_inside(path_inside):
                raise BadBundle(path, f"the folder of model {name} lies outside of the bundle", AGAIN)
            model["path"] = f"{folder}/{path_inside}"
    return config


def check_agreement(parts: BundleParts, name: str) -> None:
    """Raise BadBundle unless config.yaml has the model, grid and encoder of a predictor, and that says its name."""
    path, config_path = f"{parts.predictors[name]}/{PREDICTOR}", f"{parts.folder}/{CONFIG}"
    try:
        encoder = parts.source(name.partition("/")[0])[1]
        has_encoder = encoder in parts.config["features"]["encoders"]
    except KeyError:
        has_encoder = False
    if not has_encoder:
        raise BadBundle(config_path, f"predictor {name} is of a model, grid or encoder that isn't in it", AGAIN)
    facts = _json(path)
    if not isinstance(facts, dict) or f"{facts.get('model')}/{facts.get('task')}" != name:
        raise BadBundle(path, f"not that of {name}", AGAIN)
    shape = {"patches": ("grid_name", "encoder", "patches", "cut"), "digests": ("slide_encoder",)}
    shape |= {"label": ("task_col", "sample_col", "label_dict"), "training": ("cases", "slides")}
    for key, below in shape.items():
        if not isinstance(facts.get(key), dict) or not facts[key].keys() >= set(below):
            raise BadBundle(path, f"it doesn't say its {key}", AGAIN)
    if not isinstance(facts["patches"]["patches"], dict):
        raise BadBundle(path, "it doesn't say its patches", AGAIN)
