"""New slides, which predictors are applied to: the config of a study of their own, and what each predictor reads."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from .bundle import read_bundle
from .bundle_checks import BundleChecks, notes_of_settings
from .config import Config, Places, Row, Wildcards
from .models import Models, Source
from .overruled import note_of
from .predictors import Predictors
from .problems import Problems
from .sheets import in_blocks, is_downloaded, problem_of, read_sheet

#: Folder of the results of the new slides.
COHORT = "<results>/predict/cohort"
#: Files of a predictor, and of what it knows of the cases it was fitted on, by the names of a job's inputs.
FILES = {
    "weights": "model.safetensors",
    "facts": "predictor.json",
    "reference": "reference.safetensors",
    "described": "reference.json",
}
#: What names of the rules of the new slides begin with, behind the prefix of an importing workflow.
NEW = "predict_"
#: Sections of a config that decide how slides become embeddings.
SHARED = ("tissue", "tiles", "features", "embed", "pretrain", "software", "accept_other_code")


class Parts(NamedTuple):
    """Sections of a config by which slides become embeddings, and folders of predictors by <model>/<task>."""

    config: Mapping[str, Any]
    predictors: Mapping[str, str]


class Predict:
    """Section predict of the config. Without predict/slides it asks for nothing."""

    def __init__(self, config: Config, places: Places, models: Models, predictors: Predictors) -> None:
        self.places, self.models, self.predictors = places, models, predictors
        self.section: Config = config["predict"]
        self._bootstraps = {key: config["probe"][key] for key in ("bootstraps", "seed")}
        self._note: str = config["report"]["note"]
        self.path = places.find_given(self.section["slides"])
        self.case_sheet = places.find_given(self.section["cases"])
        self.rows = read_sheet(self.path)
        self.cases = list(dict.fromkeys(row.get("case_id") or "" for row in self.rows))
        self.shards = in_blocks(self.rows if self.path else [], config["slides"]["slides_per_job"])
        #: Predictors from elsewhere with all that applies them; None for those of this study.
        self.bundle = read_bundle(places.find(self.section["bundle"]), places) if self.section["bundle"] else None
        self._config_of_study = config
        self.parts = self._own_parts(config)
        predictor_names = self.parts.predictors
        #: Predictors that are applied, as <model>/<task>.
        self.used = (
            [name for name in self.section["use"] or predictor_names if name in predictor_names] if self.path else []
        )
        #: Config of the study of the new slides; empty where there are none.
        self.config = self._config(config) if self.used else {}

    def _own_parts(self, config: Config) -> Parts:
        """What this study trains itself, or a bundle holds."""
        if self.bundle:
            return Parts(self.bundle.config_with(config), self.bundle.predictors)
        predictor_names = [name for name in self.predictors.names if model_of(name) in self.models.entries]
        folders = {name: f"<results>/probe/{name}/predictor" for name in predictor_names}
        return Parts({key: config[key] for key in SHARED}, folders)

    def _config(self, config: Config) -> Config:
        """The config of the new slides: their sheets, and no more than the models of the predictors in use need."""
        parts: Config = copy.deepcopy(dict(self.parts.config))
        entries = parts["embed"]["models"]
        models = {name: entries[name] for name in dict.fromkeys(map(model_of, self.used))}
        runs = {str(model["run"]) for model in models.values() if model.get("run")}
        sheets = {"sheet": self.path, "cases": self.case_sheet, "max_failed_fraction": 1}
        parts["slides"] = copy.deepcopy(config["slides"]) | parts.get("slides", {}) | sheets
        parts["tiles"] |= {"use": []}
        parts["features"] |= {"use": [], "compare": {}}
        parts["embed"] |= {"models": models, "use": list(models), "cohorts": [], "attention": []}
        trained = parts.get("pretrain", {}).get("runs", {})
        parts["pretrain"] = {"runs": {name: run for name, run in trained.items() if name in runs}}
        return parts

    def config_in(self, results: str) -> Config:
        """The same, with the folder of its results."""
        return self.config | {"pathvars": {"results": results}}

    # What each predictor reads.

    def source(self, model: str) -> Source:
        """Grid folder and encoder that a model reads."""
        if self.bundle:
            return self.bundle.source(model)
        return self.models.source(self.models.entries[model]) or ("", "")

    def inputs(self, wildcards: Wildcards) -> dict[str, Any]:
        """Files of a predictor, embeddings of the new cases and slides, and what happened to those slides."""
        folder = self.parts.predictors.get(f"{wildcards.model}/{wildcards.task}", "<results>/none")
        mark = self.places.given if self.bundle else str
        grid, encoder = self.source(wildcards.model)
        embedded = {
            f"{unit}_{kind}": f"{COHORT}/embed/{wildcards.model}/{unit}.{suffix}"
            for unit in ("slides", "cases")
            for kind, suffix in (("embedded", "h5ad"), ("fates", "tsv"))
        }
        manifests = [f"{COHORT}/features/{grid}/{encoder}/{shard}.tsv" for shard in self.shards]
        return {
            **{name: mark(f"{folder}/{file}") for name, file in FILES.items()},
            **embedded,
            "quality": f"{COHORT}/tables/slides.tsv",
            "features": manifests,
            "sheets": self.given(wildcards),
            "sources": [] if self.bundle else self.models.weights(wildcards),
        }

    def given(self, wildcards: Wildcards | None = None) -> list[str]:
        """Sheets of the new slides and cases, as inputs."""
        return [self.places.given(path) for path in (self.path, self.case_sheet) if path]

    def request(self, wildcards: Wildcards) -> dict[str, Any]:
        """What is asked of a predictor, and what identifies the patches of the new slides."""
        options = {key: self.section[key] for key in ("coverage", "by_class", "false_alarms")}
        return options | self._bootstraps | {"note": self._note}

    def origin(self, wildcards: Wildcards) -> dict[str, Any]:
        """How this study makes the embeddings of new slides; a bundle says it itself."""
        if self.bundle:
            return {}
        return {"model": self.models.model(wildcards), "patches": self.predictors.patches(wildcards)}

    def files(self, wildcards: Wildcards | None = None) -> list[str]:
        """Predictions of every predictor in use."""
        return [f"<results>/predict/{name}/predictions.tsv" for name in self.used]

    # The gallery of new slides.

    def gallery(self) -> list[str]:
        """The page, and the script for QuPath with its list."""
        names = ("gallery.html", "open_in_qupath.groovy", "open_in_qupath.json")
        return [f"<results>/predict/{name}" for name in names] * bool(self.used)

    def _sources(self) -> list[Source]:
        return sorted({self.source(model_of(name)) for name in self.used})

    def grids(self, wildcards: Wildcards | None = None) -> list[str]:
        """Grid folders whose patches predictors read."""
        return sorted({grid for grid, _ in self._sources()})

    def ledgers(self, wildcards: Wildcards | None = None) -> list[str]:
        """What became of the new slides as far as the patches of each model."""
        return [f"{COHORT}/tables/ledger/{grid}/{encoder}.tsv" for grid, encoder in self._sources()]

    def inspected(self, wildcards: Wildcards | None = None) -> list[str]:
        """Inspection manifests of the new slides."""
        return [f"{COHORT}/slides/{shard}.tsv" for shard in self.shards]

    def paths(self, wildcards: Wildcards | None = None) -> dict[str, str]:
        """The path of every new slide, '' of those without a file."""
        path_of = {row["slide_id"]: row.get("path") or "" for row in self.rows}
        return {name: str(self.places.resolve(path, self.path)) if path else "" for name, path in path_of.items()}

    def slides_of(self, rule: str, wildcards: Mapping[str, str]) -> int:
        """Slides of a job of a shard, of the new ones where its rule is theirs; 0 for other jobs."""
        shards = self.shards if NEW in rule else self.models.slides.shards
        return len(shards.get(wildcards.get("shard", ""), ()))

    # Checks.

    def check(self, problems: Problems) -> None:
        """Sheets, names, and new slides against those that this study knows. The sheet's rows are checked as those of
        any study, when the new slides' is made."""
        if not self.path:
            if keys := [key for key in ("cases", "bundle", "use", "contributions") if self.section[key]]:
                wrong = f"empty, and predict/{keys[0]} says what to do with new slides"
                problems.add("config, key predict/slides", wrong, f"name their sheet, or empty predict/{keys[0]}")
            return
        if self.bundle:
            BundleChecks(self.bundle, self._config_of_study, self.places, problems).run()
        predictor_names = self.parts.predictors
        for name in self.section["use"]:
            problems.knows("config, key predict/use", "predictor", name, predictor_names)
        if not predictor_names:
            remedy = "name some under probe/predictors: [{model: …, task: …}]"
            problems.add("config, key predict/slides", "there is no predictor to apply to them", remedy)
        if not self._check_sheets(problems):
            return
        training_sheet = self.models.slides.path
        if (
            training_sheet
            and os.path.exists(self.path)
            and os.path.exists(training_sheet)
            and os.path.samefile(self.path, training_sheet)
        ):
            wrong = f"{self.path} is slides/sheet, too: predictors would be applied to their training slides"
            problems.add("config, key predict/slides", wrong, "name a sheet of other slides")
            return
        self._check_rows(problems)
        for task in dict.fromkeys(name.partition("/")[2] for name in self.used):
            self._check_labels(task, problems)

    def _check_labels(self, task: str, problems: Problems) -> None:
        """Labels of the new sheets, where they have some, are classes that the predictor knows."""
        settings = self.models.tasks.settings(task) if task in self.models.tasks.entries else None
        names = settings.get("label_dict") if isinstance(settings, dict) else None
        if not settings or not isinstance(names, dict) or not self.models.tasks.may_have_classes(task):
            return
        column, known_labels = settings["task_col"], {str(word) for pair in names.items() for word in pair}
        for path in filter(None, (self.case_sheet, self.path)):
            rows = self.rows if path == self.path else read_sheet(path)
            wrong = [row for row in rows if row.get(column) and row[column] not in known_labels]
            if wrong:
                classes = ", ".join(map(str, names.values()))
                problems.add(
                    f"{path}, row {wrong[0]['#']}, column {column}",
                    f"{wrong[0][column]!r} is no class of {task}, whose labels are in a column of this name",
                    f"write one of: {classes}; empty the cell, or rename the column",
                )
            if rows and column in rows[0]:
                return

    def _check_sheets(self, problems: Problems) -> bool:
        """True where the sheets are there and can be read, and that of slides has rows."""
        before = len(problems.found)
        for key, path in (("slides", self.path), ("cases", self.case_sheet)):
            if path and not os.path.isfile(path):
                problems.add(f"config, key predict/{key}", f"no such file: {path}", "name a sheet that exists")
            elif path and (error := problem_of(path)):
                problems.add_table_error(error)
            elif path and not read_sheet(path):
                problems.add(path, "no rows below the header", f"write one row for each new {key.removesuffix('s')}")
        return len(problems.found) == before

    def _check_rows(self, problems: Problems) -> None:
        """No slide twice, none to be downloaded, and no name that means another file in this study."""
        training_rows = {row.get("slide_id"): row for row in self.models.slides.rows} if self.models.slides.path else {}
        first: dict[str, Row] = {}
        for row in self.rows:
            location, name = f"{self.path}, row {row['#']}", row.get("slide_id")
            path = self.places.resolve(row.get("path") or "", self.path)
            if is_downloaded(row):
                wrong = f"slide {name} is to be downloaded, which is done for slides/sheet only"
                problems.add(f"{location}, column url", wrong, "download it first, and empty the column")
            if path and path in first and name != first[path].get("slide_id"):
                first_row = first[path]
                wrong = f"{path} is slide {first_row.get('slide_id')} of row {first_row['#']}, too"
                problems.add(f"{location}, column path", wrong, "keep one row of it")
            first.setdefault(path, row)
            if name in training_rows and _other_file(path, self.models.slides.values_of(training_rows[name])["path"]):
                wrong = f"{name} is another file in {self.models.slides.path}, row {training_rows[name]['#']}"
                problems.add(f"{location}, column slide_id", wrong, "give the new slide a name of its own")

    def notes(self) -> list[str]:
        """Settings that a bundle decides, new cases that this study knows, those that it may know in other letters."""
        decided = []
        if self.bundle and self.path:
            decided = note_of(self.bundle, self._config_of_study, self.places) + notes_of_settings(self.bundle)
        return decided + self._in_other_letters() + self._known_cases()

    def _in_other_letters(self) -> list[str]:
        """New cases whose name resembles that of a training case."""
        training_cases = set(self.models.slides.cases)
        folded = {case.casefold(): case for case in self.models.slides.cases}
        alike = [case for case in self.cases if self.path and case not in training_cases and case.casefold() in folded]
        if not alike:
            return []
        more = f" (and {len(alike) - 1:,} more)" if len(alike) > 1 else ""
        return [
            f"note: {alike[0]} of {self.path} and {folded[alike[0].casefold()]} of {self.models.slides.source_name} "
            f"differ only in upper and lower case{more}: write them alike if they are one case, and it will be flagged"
        ]

    def _known_cases(self) -> list[str]:
        training_cases = set(self.models.slides.cases)
        known_cases = [case for case in self.cases if case in training_cases]
        if not self.path or not known_cases:
            return []
        named = ", ".join(known_cases[:3]) + (f" and {len(known_cases) - 3:,} more" if len(known_cases) > 3 else "")
        return [
            f"note: {len(known_cases):,} of the {len(self.cases):,} cases of {self.path} are also in "
            f"{self.models.slides.source_name} ({named}): what predictors were fitted on is flagged "
            "in_training and left out of external validation"
        ]


def model_of(predictor: str) -> str:
    """The model of a predictor <model>/<task>."""
    return predictor.partition("/")[0]


def _other_file(path: str, training_path: str) -> bool:
    return bool(path and training_path) and os.path.realpath(path) != os.path.realpath(training_path)
