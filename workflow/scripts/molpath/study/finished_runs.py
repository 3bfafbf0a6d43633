"""Folders of finished runs that a model of kind threads names: from another study, or in the hub's layout."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence

from ..common.digests import DIGESTS, digest_of, listed_digests, sha256_of
from ..common.given_text import read_json
from .config import Config, Places
from .problems import Problems

#: Files of such a folder that a model needs.
CONFIG, WEIGHTS = "config.json", "model.safetensors"
#: Keys of a grid that choose among its patches, or say how their pixels are read.
CUT = ("scale", "like", "min_tissue", "drop", "max_dropped_fraction")
AGAIN = "take the whole folder of a run that this version trained (results/pretrain/runs/<run>), or its export"


class FinishedRun:
    """A folder with config.json, model.safetensors and their digests, as a run leaves it."""

    def __init__(self, folder: str, model: str) -> None:
        self.folder, self.model = folder, model

    @property
    def files(self) -> list[str]:
        """config.json, the weights and the digests of both."""
        return [f"{self.folder}/{name}" for name in (CONFIG, WEIGHTS, DIGESTS)]

    @functools.cached_property
    def description(self) -> Config:
        """What config.json says; nothing where it can't be read, which `check` reports."""
        try:
            document = read_json(self.files[0])
        except (OSError, ValueError):
            return {}
        return document if isinstance(document, dict) else {}

    @property
    def name(self) -> str:
        """The run as messages and leakage.tsv call it, wherever its folder is."""
        return f"{_section(self.description, 'run').get('name', '')} (model {self.model})".strip()

    @property
    def modalities(self) -> list[str]:
        """Modalities that the run has a branch for."""
        return [kind for kind in ("rna", "dna") if f"{kind}_encoder" in self.description]

    @property
    def value(self) -> str:
        """What the expression is that the run read, in the words of its table's uns (of EXPRESSION_VALUES); '' where it
        has no such branch, or doesn't say."""
        return str(_section(self.description, "rna_encoder").get("value", ""))

    @property
    def width(self) -> int:
        """Numbers of an embedding."""
        return int(_section(self.description, "slide_encoder").get("output", 0))

    def trains_on(self, case: str) -> bool:
        """True if the run trained on a case of this name."""
        return digest_of(case) in self._cases

    @functools.cached_property
    def _cases(self) -> frozenset[str]:
        return frozenset(self.description.get("cases", ()))

    @property
    def patches(self) -> Config:
        """What identifies the patches that the run read (of `patches_of`), and `cut` (of `cut_of`)."""
        return _section(_section(self.description, "run"), "patches")

    def fault(self) -> tuple[str, str] | None:
        """What is wrong with the folder itself, and what to do; None for a whole one."""
        if missing := [path for path in self.files if not os.path.isfile(path)]:
            wrong = f"no such file: {', '.join(missing)}"
            return wrong, "name the folder of a finished run; one on the hub, download first"
        listed = listed_digests(self.folder)
        if changed := [path for path in self.files[:2] if listed.get(os.path.basename(path)) != sha256_of(path)]:
            wrong = f"{', '.join(changed)} differ from their SHA-256 in {self.files[2]}"
            return wrong, "copy the folder again: it is damaged, or holds files of two runs"
        if not isinstance(self.patches.get("weights"), str) or not isinstance(self.description.get("cases"), list):
            return f"{self.files[0]} does not say patches and cases of a run, or can't be read", AGAIN
        return None

    def check(self, location: str, patches: Config, encoder_files: Sequence[str], problems: Problems) -> None:
        """The files are there and belong together, and the run read patches like `patches` (of `patches_of`).

        encoder_files: weights and stain target of this study's encoder; what doesn't exist yet is compared when patches
        are embedded.
        """
        if fault := self.fault():
            problems.add(f"{location}/path", *fault)
            return
        self._check_patches(location, self.patches, with_weights(patches, self.patches, encoder_files), problems)

    def _check_patches(self, location: str, run_patches: Config, patches: Config, problems: Problems) -> None:
        """Grid and encoder are the run's."""
        for kind, keys in (("grid", ["grid"]), ("encoder", [key for key in patches if key != "grid"])):
            if differ := [key for key in keys if run_patches.get(key) != patches[key]]:
                differences = "; ".join(f"{key} {run_patches.get(key)!r}, here {patches[key]!r}" for key in differ)
                wrong = f"another {kind} than that of the run in {self.files[0]}: {differences}"
                problems.add(
                    f"{location}/{kind}", wrong, f"name the {kind} whose patches the run read, or another model"
                )


def with_weights(patches: Config, run_patches: Config, files: Sequence[str]) -> Config:
    """`patches` with digests of the encoder's files in place of a revision; without either where neither is known.

    As the features' manifests have them: the first 16 digits of each SHA-256. A revision that is empty is the newest.
    """
    identity = {key: value for key, value in patches.items() if key != "revision"}
    if files and all(os.path.isfile(path) for path in files):
        weights = " ".join(sha256_of(path)[:16] for path in files)
        among = weights in run_patches["weights"].split("; ")  # a run may have read patches of several
        return identity | {"weights": run_patches["weights"] if among else weights}
    both_revisions = patches["revision"] and run_patches.get("revision")
    return identity | ({"revision": patches["revision"]} if both_revisions else {})


def _section(description: Config, name: str) -> Config:
    section = description.get(name)
    return section if isinstance(section, dict) else {}


def patches_of(grid: str, encoder: str, facts: Config) -> Config:
    """What decides which patches a run reads, and is the same in every study: of the grid (its folder's name, without
    a label) and the patch encoder (facts: of `Encoders.facts_of`, whose adapter is its own name for given features).
    """
    adapter = facts["adapter"]
    return {
        "grid": grid.split("_overlap-")[0].removesuffix("_overlap"),
        # Only its name tells apart what comes from files of an encoder that is not built in.
        "adapter": encoder if adapter == "precomputed" else adapter,
        "input_size": facts.get("input_size") or 0,
        "tokens": facts.get("tokens") or "",
        "crops": facts.get("crops", 1),
        "stain": facts["stain"]["method"],
        "decode": facts["decode"],
        "mean": facts["mean"],
        "std": facts["std"],
        "options": facts["options"],
        # Of fetched weights; the features' manifests have digests of all files, and so has config.json.
        "revision": "" if facts.get("weights") else facts.get("revision", ""),
    }


def cut_of(grid: Config, tissue: str) -> Config:
    """How a grid chooses its patches, and by which method tissue is found. Another way gives other patches of the same
    kind, which a model may well be given: nothing is compared, and a study that has the folder alone can do the same.
    """
    return {key: grid[key] for key in CUT} | {"tissue": tissue}


def finished_runs(entries: Mapping[str, Config], places: Places) -> dict[str, FinishedRun]:
    """The folder of each model of kind threads that names one."""
    return {
        name: FinishedRun(places.find(entry["path"]), name)
        for name, entry in entries.items()
        if entry["kind"] == "threads" and entry["path"]
    }


def leaked_cases(finished: Mapping[str, FinishedRun], models: Sequence[str], cases: Sequence[str]) -> dict[str, str]:
    """Those of `cases` that the finished run of one of the models trained on, with the run's name."""
    runs = [finished[model] for model in models if model in finished]
    return {case: run.name for run in runs for case in cases if run.trains_on(case)}
