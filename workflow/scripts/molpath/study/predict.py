"""New slides, which predictors are applied to: the config of a study of their own, and what each predictor reads."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from .bundle import read_bundle
from .bundle_checks import BundleChecks
from .config import Config, Places, Row, Wildcards
from .models import Models, Source
from .predictors import Predictors
from .problems import Problems
from .sheets import in_blocks, is_downloaded, problem_of, read_sheet

#: Where the results of the new slides lie.
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
        known = self.parts.predictors
        #: Predictors that are applied, as <model>/<task>.
        self.used = [name for name in self.section["use"] or known if name in known] if self.path else []
        #: Config of the study of the new slides; empty where there are none.
        self.config = self._config(config) if self.used else {}

    def _own_parts(self, config: Config) -> Parts:
        """What this study trains itself, or a bundle holds."""
        if self.bundle:
            return Parts(self.bundle.config_with(config), self.bundle.predictors)
        known = [name for name in self.predictors.names if model_of(name) in self.models.entries]
        folders = {name: f"<results>/probe/{name}/predictor" for name in known}
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
        """Files of a predictor, embeddings of the new cases and slides, and what became of those slides."""
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
        asked = {key: self.section[key] for key in ("coverage", "by_class", "false_alarms")}
        return asked | self._bootstraps | {"note": self._note}

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
        given = {row["slide_id"]: row.get("path") or "" for row in self.rows}
        return {name: str(self.places.resolve(path, self.path)) if path else "" for name, path in given.items()}

    def slides_of(self, rule: str, wildcards: Mapping[str, str]) -> int:
        """Slides of a job of a shard, of the new ones where its rule is theirs; 0 for other jobs."""
        shards = self.shards if NEW in rule else self.models.slides.shards
        return len(shards.get(wildcards.get("shard", ""), ()))

    # Checks.

    def check(self, problems: Problems) -> None:
        """Sheets, names, and new slides against those that this study knows. The sheet's rows are checked as those of
        any study, when the new slides' is made."""
        if not self.path:
            if asked := [key for key in ("cases", "bundle", "use", "contributions") if self.section[key]]:
                wrong = f"empty, and predict/{asked[0]} says what to do with new slides"
                problems.add("config, key predict/slides", wrong, f"name their sheet, or empty predict/{asked[0]}")
            return
        if self.bundle:
            BundleChecks(self.bundle, self._config_of_study, self.places, problems).run()
        known = self.parts.predictors
        for name in self.section["use"]:
            problems.knows("config, key predict/use", "predictor", name, known)
        if not known:
            remedy = "name some under probe/predictors: [{model: …, task: …}]"
            problems.add("config, key predict/slides", "there is no predictor to apply to them", remedy)
        if not self._check_sheets(problems):
            return
        own = self.models.slides.path
        if own and os.path.exists(self.path) and os.path.exists(own) and os.path.samefile(self.path, own):
            wrong = f"{self.path} is slides/sheet, too: predictors would be shown what they were fitted on"
            problems.add("config, key predict/slides", wrong, "name a sheet of other slides")
            return
        self._check_rows(problems)
        for task in dict.fromkeys(name.partition("/")[2] for name in self.used):
            self._check_labels(task, problems)

    def _check_labels(self, task: str, problems: Problems) -> None:
        """Labels of the new sheets, where they have some, are classes that the predictor knows."""
        about = self.models.tasks.settings(task) if task in self.models.tasks.entries else None
        names = about.get("label_dict") if isinstance(about, dict) else None
        if not about or not isinstance(names, dict) or not self.models.tasks.may_have_classes(task):
            return
        column, known = about["task_col"], {str(word) for pair in names.items() for word in pair}
        for path in filter(None, (self.case_sheet, self.path)):
            rows = self.rows if path == self.path else read_sheet(path)
            wrong = [row for row in rows if row.get(column) and row[column] not in known]
            if wrong:
                classes = ", ".join(map(str, names.values()))
                problems.add(
                    f"{path}, row {wrong[0]['#']}, column {column}",
                    f"{wrong[0][column]!r} is no class of {task}, whose labels stand in a column of this name",
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
        """No slide twice, none to be downloaded, and no name that stands for another file in this study."""
        ours = {row.get("slide_id"): row for row in self.models.slides.rows} if self.models.slides.path else {}
        first: dict[str, Row] = {}
        for row in self.rows:
            where, name = f"{self.path}, row {row['#']}", row.get("slide_id")
            path = self.places.resolve(row.get("path") or "", self.path)
            if is_downloaded(row):
                wrong = f"slide {name} is to be downloaded, which is done for slides/sheet only"
                problems.add(f"{where}, column url", wrong, "download it first, and empty the column")
            if path and path in first and name != first[path].get("slide_id"):
                other = first[path]
                wrong = f"{path} is slide {other.get('slide_id')} of row {other['#']}, too"
                problems.add(f"{where}, column path", wrong, "keep one row of it")
            first.setdefault(path, row)
            if name in ours and _other_file(path, self.models.slides.values_of(ours[name])["path"]):
                wrong = f"{name} is another file in {self.models.slides.path}, row {ours[name]['#']}"
                problems.add(f"{where}, column slide_id", wrong, "give the new slide a name of its own")

    def notes(self) -> list[str]:
        """New cases that this study knows, and those that it may know in other letters."""
        return self._in_other_letters() + self._known_cases()

    def _in_other_letters(self) -> list[str]:
        """New cases that are no training case by their name, and look like one."""
        known = set(self.models.slides.cases)
        folded = {case.casefold(): case for case in self.models.slides.cases}
        near = [case for case in self.cases if self.path and case not in known and case.casefold() in folded]
        if not near:
            return []
        more = f" (and {len(near) - 1:,} more)" if len(near) > 1 else ""
        return [
            f"note: {near[0]} of {self.path} and {folded[near[0].casefold()]} of {self.models.slides.told} differ in "
            f"upper and lower case alone{more}: write them alike if they are one case: it is flagged then"
        ]

    def _known_cases(self) -> list[str]:
        known = set(self.models.slides.cases)
        both = [case for case in self.cases if case in known]
        if not self.path or not both:
            return []
        named = ", ".join(both[:3]) + (f" and {len(both) - 3:,} more" if len(both) > 3 else "")
        return [
            f"note: {len(both):,} of the {len(self.cases):,} cases of {self.path} stand in {self.models.slides.told}, "
            f"too ({named}): what predictors were fitted on is flagged in_training and left out of external validation"
        ]


def model_of(predictor: str) -> str:
    """The model of a predictor <model>/<task>."""
    return predictor.partition("/")[0]


def _other_file(path: str, known: str) -> bool:
    return bool(path and known) and os.path.realpath(path) != os.path.realpath(known)
