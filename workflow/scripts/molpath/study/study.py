"""A study: one config with its sheets, and everything that follows from them before a job runs."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from ..common.requests import DoctorRequest, PlanRequest
from .benchmark import Benchmark
from .bundling import Bundling
from .check_sheets import SheetChecks
from .check_tasks import TaskChecks
from .checks import Checks
from .comparisons import Comparisons
from .config import (
    Config,
    Places,
    fill_defaults,
    merge,
    not_finite,
)
from .confounders import Confounders
from .contributions import Contributions
from .demo import Demo
from .digests import Digests
from .displays import Displays
from .downloads import Downloads
from .embedding import Embedding
from .encoders import Encoders
from .endings import Endings
from .examination import Examination
from .exports import Exports
from .feature_check import FeatureCheck
from .first_page import FirstPage
from .forecast import Forecast
from .free_text import check_free_text
from .gene_sets import GeneSets
from .given_features import GivenFeatures
from .grids import Grids
from .imports import Imports
from .inventory import Inventory
from .launcher import Launcher
from .leakage import LeakageAudit
from .ledger import Ledger
from .methods import methods_of
from .models import Models
from .notes import notes_of
from .omics import Omics
from .opening import OWN_CONFIG, laid_over, map_of
from .outcome import Outcome
from .predict import Predict
from .predictors import Predictors
from .probing import Probing
from .problems import Problems, place
from .profiles import Profiles
from .providers import Parts, providers_of
from .retries import Retries
from .robustness import Robustness
from .slide_encoders import SlideEncoders
from .slides import Slides
from .summary import Summary
from .targets import Targets
from .tasks import Tasks
from .times import Times
from .tissue import Tissue
from .training import PretrainJobs
from .vectors import GivenVectors
from .yaml_files import keys_given_twice, load_yaml, shipped_yaml

#: Stages in the order of the data.
STAGES = ("slides", "tissue", "tiles", "features", "omics", "pretrain", "embed", "probe")
#: Families of environments that have a twin with a PyTorch built for CUDA.
TORCH_FAMILIES = ("segmentation", "features", "pretrain", "finetune")


class Study:
    """What a config and its sheets ask for. Parts are in the order of the data; each knows those before it.

    `config` gets the schema's defaults in place. Paths below `<results>/` are left for Snakemake to fill in.
    """

    def __init__(self, config: Config, places: Places | None = None, launcher: Launcher | None = None) -> None:
        self.config, self.places = config, places or Places()
        self.schema: Config = shipped_yaml(self.places.shipped("schemas/config.schema.yaml"))
        fill_defaults(config, self.schema, self.schema)
        self.problems, self.launcher = Problems(), launcher or Launcher()
        self._checked = False
        self.check_config()
        places, self.digest = self.places, Digests()
        self.times = Times(places)
        self.benchmark = Benchmark(places)
        self.benchmark.define_in(config["probe"], self.schema)
        self.tasks = Tasks(config, places, self.benchmark)
        self.slides = Slides(config, places, self.tasks.given_tables())
        self.tissue = Tissue(config, places, self.slides)
        self.grids = Grids(config, places, self.slides)
        self.encoders = Encoders(config, places)
        self.feature_check = FeatureCheck(config, places, self.slides, self.grids, self.encoders)
        self.given_features = GivenFeatures(self.encoders, self.slides, places)
        self.retries = Retries(places)
        self.profiles = Profiles(config, places)
        self.downloads = Downloads(config, places, self.slides, self.profiles)
        self.models = Models(config, places, self.slides, self.grids, self.encoders, self.profiles, self.tasks)
        self.vectors = GivenVectors(config, self.models)
        self.training = PretrainJobs(self.models, self.encoders)
        self.leakage = LeakageAudit(self.models)
        self.slide_encoders = SlideEncoders(self.models)
        self.omics = Omics(config, places, self.models, self.downloads)
        self.embedding = Embedding(config, self.models)
        self.probing = Probing(config, self.models)
        self.gene_sets = GeneSets(config, self.models, self.embedding)
        self.predictors = Predictors(config, self.models, self.embedding, self.probing)
        self.predict = Predict(config, places, self.models, self.predictors)
        self.contributions = Contributions(config, self.models, self.embedding, self.predict)
        self.bundling = Bundling(config, places, self.models, self.tissue, self.predictors)
        self.comparisons = Comparisons(config, self.models, self.embedding, self.probing, self.benchmark)
        self.confounders = Confounders(config, self.models, self.comparisons)
        self.robustness = Robustness(config, self.models, self.confounders)
        figures, tables = (shipped_yaml(places.shipped(f"report/{name}.yaml")) for name in ("figures", "tables"))
        parts = Parts(config, places, self.models, self.probing, self.comparisons, self.robustness, lambda: self.ledger)
        self.displays = Displays(figures, tables, providers_of(parts))
        pages = self.displays.pages
        self.targets = Targets(
            config,
            self.models,
            self.embedding,
            self.probing,
            self.gene_sets,
            self.predictors,
            self.comparisons,
            self.predict,
            self.contributions,
            pages,
            self.confounders,
            self.robustness,
        )
        self.exports = Exports(config, self.models, self.embedding, self.probing)
        self.ledger = Ledger(self.models, self.targets)
        self.summary = Summary(places, self.ledger, self.probing)
        self.imports = Imports(self.models, self.tissue, self.launcher, self.exports)
        self.endings = Endings(places.results, self.sheets())
        self.outcome = Outcome(places, self.summary, self.models, self.probing, self.predict, self.endings)
        self.first_page = FirstPage(config, self.models, self.probing, self.comparisons, self.displays, self.outcome)
        self.demo = Demo(places, self.slides, self.profiles, self.tasks)
        self.inventory = Inventory(config, places, self.models, self.tissue, self.vectors, self.gene_sets)
        self.forecast = Forecast(
            config, places, self.models, self.downloads, self.slide_encoders, self.probing, self.targets
        )
        self.examination = Examination(config, self.forecast, self.inventory, self.launcher)

    @classmethod
    def open(cls, path: str | Path, overrides: Mapping[str, Any] | None = None) -> Study:
        """The study of a config file laid over the workflow's own config, as `snakemake --configfile` does.

        The workflow's own is config/config.yaml of the working directory, where there is one. Sheets are looked up in
        the working directory, then beside the config file. Raises ProblemsFound where the config can't be read or does
        not fit its schema; `check()` looks at sheets and names.
        """
        is_overlay = os.path.exists(OWN_CONFIG) and not (os.path.exists(path) and os.path.samefile(OWN_CONFIG, path))
        files = [*[OWN_CONFIG] * is_overlay, str(path)]
        config: Config = {}
        for file in files:
            merge(config, map_of(file, load_yaml(file)))
        return cls(merge(config, copy.deepcopy(dict(overrides or {}))), Places(config_files=files))

    def check_config(self) -> None:
        """Config against its schema: unknown keys, wrong types, values out of range; raises ProblemsFound."""
        if self.places.provider:
            self.problems.add(
                f"--default-storage-provider {self.places.provider}",
                "storage plugins carry declared files only, and results/wsi holds others",
                "leave it out, keep results on a file system that all jobs share (workflow/docs/clusters.md), "
                "and see workflow/docs/data.md for slides in a bucket",
            )
        if lacking := self.launcher.without_conda():
            self.problems.add(*lacking)
        for error in Draft202012Validator(self.schema).iter_errors(self.config):
            self.problems.add_schema_error(f"config, key {place(error)}", error)
        self.problems.stop()
        for key in not_finite(self.config):
            self.problems.add(f"config, key {key}", "not a finite number", "write a number, or leave the key out")
        self.problems.stop()

    def check(self) -> None:
        """Every check of sheets, names and sense; raises ProblemsFound with all problems in one message."""
        problems = Problems()
        for file in dict.fromkeys(self.places.config_files):
            for line, key in keys_given_twice(file):
                problems.add(f"{file}, line {line}", f"key {key!r} occurs twice", "keep one: YAML takes the last")
        self.check_texts(problems)
        if not self.places.of_new_slides:
            self.check_borrowed(problems)
        sheets = SheetChecks(self.places, self.slides, self.profiles, problems)
        tasks = TaskChecks(self.config, self.models, problems)
        self.feature_check.check(problems)
        self.vectors.check(problems)
        self.gene_sets.check(sheets, problems)
        self.confounders.check(problems)
        self.robustness.check(problems)
        self.predictors.check(problems)
        self.predict.check(problems)
        self.contributions.check(problems)
        self.exports.check(problems)
        Checks(self.config, self.models, self.omics, self.tissue, sheets, tasks, problems).run()
        if not self.places.lint:
            self.times.check(self.inventory.every_file(), problems)
            problems.stop()
        self._checked = True

    def check_borrowed(self, problems: Problems) -> None:
        """The slide sheet is where the config that names it says, not next to another config."""
        name, sheet_path = self.config["slides"]["sheet"], self.slides.path
        files = [str(file) for file in self.places.config_files]
        namer = laid_over(files, "slides", "sheet") if name and len(files) > 1 and not os.path.exists(name) else ""
        expected_path = os.path.join(os.path.dirname(namer), name)
        if namer and os.path.exists(sheet_path) and os.path.abspath(sheet_path) != os.path.abspath(expected_path):
            problems.add(
                f"{namer}, key slides/sheet",
                f"no {name} in the working directory or beside this config; {sheet_path} belongs to another one",
                f"write {expected_path}, or name the path of your sheet",
            )
            problems.stop()

    def sheets(self) -> list[str]:
        """Slide, case and profile sheets and the tables of the tasks in use, as the user gives them."""
        sheets = [self.slides.path, *self.slides.case_sheet, self.profiles.path, *self.tasks.given_tables()]
        return [str(path) for path in sheets if path]

    def check_texts(self, problems: Problems) -> None:
        """Every text of the config, of the sheets and of the tasks in use."""
        named = [task for task in self.tasks.named() if task in self.tasks.entries]
        tasks = [(f"{self.tasks.folder(task)}/config.yaml", self.tasks.settings(task)) for task in named]
        check_free_text(self.config, self.sheets(), tasks, problems)

    def _check_once(self) -> None:
        """The config is consistent enough for a plan, which a notebook may ask for first."""
        if not self._checked:
            self.check()

    def notes(self) -> list[str]:
        """Notes that are no mistakes: encoders given other patches than they were made for, gated weights."""
        self._check_once()
        if self.places.of_new_slides:  # the study around it says the same
            return []
        return self.predict.notes() + notes_of(self.models) + self.vectors.notes() + self.imports.notes()

    def plan(self) -> PlanRequest:
        """What the config asks for, in numbers (molpath.preflight.plan turns them into hours and disk)."""
        self._check_once()
        return self.forecast.request()

    def about(self) -> dict[str, Any]:
        """What the page of the plan says about the study and of the Snakemake that made it."""
        return self.forecast.about() | {"snakemake": self.launcher.version}

    def methods(self) -> str:
        """A methods paragraph of what the config asks for."""
        return methods_of(self.config, self.models)

    def doctor(self) -> DoctorRequest:
        """What to check before a long run (see molpath.preflight.examination)."""
        self._check_once()
        return self.examination.request()

    # Small values that rules read.

    def script(self, name: str) -> str:
        """Sixteen digits that change when the code of a job script does; its time is new in every new clone."""
        return self.digest.of_file(self.places.shipped(f"scripts/{name}.py"))

    def accepts_other_code(self, stage: str) -> bool:
        """True if the config takes files of `stage` that an earlier version of the code made."""
        return stage in self.config["accept_other_code"]

    def environment(self, family: str) -> str:
        """A family's environment file as rule files name it; the twin for GPUs if the config says so."""
        twin = "-gpu" if self.config["software"]["torch"] == "gpu" and family in TORCH_FAMILIES else ""
        return f"../../envs/{family}{twin}.yaml"

    @property
    def image(self) -> str | None:
        """Container image with all environments, or None: conda makes them then."""
        return self.config["software"]["image"] or None

    def shipped(self, name: str) -> str:
        """Path of a file below `resources/` that ships."""
        return self.places.shipped(f"../resources/{name}")
