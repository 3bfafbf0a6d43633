"""Checks of runs and models: what each needs by its kind, and what is in use."""

from __future__ import annotations

import os

from ..common.kinds import EXPRESSION_VALUES, FOREIGN, GPU_ONLY, SCGPT_FILES, TUNABLE, WITH_COORDS, expression_remedy
from .check_sheets import SheetChecks
from .config import Config
from .models import Models
from .problems import Problems
from .weights_notes import slide_encoder_remedy

#: Keys that only models of some kinds read; keys of other kinds would be ignored silently.
KEYS_OF = {
    **dict.fromkeys(FOREIGN, ("grid", "encoder", "weights", "trust_remote_code")),
    "mean": ("grid", "encoder"),
    "random": ("run", "seed"),
    "table": ("path", "ids", "unit"),
    "threads": ("run",),
}
#: Those of a model of kind threads that is a finished run's folder.
KEYS_OF_FINISHED = ("path", "grid", "encoder")
ALL_KEYS = sorted({key for keys in (*KEYS_OF.values(), KEYS_OF_FINISHED) for key in keys})


class ModelChecks:
    """Sections pretrain and embed, fine-tuning, and tables of genes."""

    def __init__(self, config: Config, models: Models, sheets: SheetChecks, problems: Problems) -> None:
        self.config, self.models, self.sheets, self.problems = config, models, sheets, problems
        self.places, self.slides, self.profiles = models.places, models.slides, models.profiles

    def check_source(self, location: str, entry: Config) -> None:
        """Grid and encoder of an entry exist."""
        for kind, names in (("grid", self.models.grids.names), ("encoder", self.models.encoders.entries)):
            self.problems.knows(f"{location}/{kind}", kind, entry[kind], names)

    def check_models(self) -> None:
        """Each model has what its kind needs; names in use exist."""
        models = self.models
        for name, model in models.entries.items():
            location = f"config, key embed/models/{name}"
            keys = KEYS_OF_FINISHED if name in models.finished else KEYS_OF[model["kind"]]
            called = f"kind {model['kind']}" + (" with a path" if name in models.finished else "")
            for key in ALL_KEYS:
                if model[key] and key not in keys:
                    self.problems.add(f"{location}/{key}", f"{called} reads no {key}", f"it reads: {', '.join(keys)}")
            if model["kind"] in WITH_COORDS and model["cases"] == "union":
                wrong = f"{model['kind']} reads coordinates of patches, and slides of a case share no coordinates"
                self.problems.add(f"{location}/cases", wrong, "set cases: mean, or leave it empty")
            if model["kind"] in ("mean", *FOREIGN):
                self.check_source(location, model)
                if model["kind"] in FOREIGN and name in self._needed():
                    self.check_foreign(location, model)
            elif name in models.finished:
                self.check_finished(location, name)
            elif model["kind"] in ("threads", "random"):
                run_exists = self.problems.knows(f"{location}/run", "run", model["run"], models.runs)
                if run_exists and model["kind"] == "threads" and name in self._needed():
                    self.check_checkpoint(model["run"])
            elif not model["path"]:
                self.problems.add(f"{location}/path", "empty", "name a table of vectors (config/README.md)")
            else:
                for key in ("path", *["ids"] * bool(model["ids"])):
                    self.sheets.check_file(f"{location}/{key}", self.places.find(model[key]))
        used_lists = (("embed/use", models.used), ("probe/finetune/use", self.config["probe"]["finetune"]["use"]))
        for key, names in used_lists:
            for name in names:
                self.problems.knows(f"config, key {key}", "model", name, models.entries)
        for name, published in self.config["report"]["published"].items():
            location = f"config, key report/published/{name}"
            self.problems.knows(location, "model", name, {**models.entries, **models.supervised})
            self.problems.knows(location, "model of the paper", published, models.tasks.benchmark.models)

    def check_foreign(self, location: str, model: Config) -> None:
        """A slide encoder of others that is in use: its weights are there, and a GPU where it needs one."""
        self.sheets.check_file(
            f"{location}/weights",
            self.places.find(model["weights"] or "(empty)"),
            slide_encoder_remedy(model["kind"], model["weights"]),
        )
        if model["kind"] in GPU_ONLY and not self.models.encoders.gpu_build:
            self.problems.add(
                f"{location}/kind",
                f"{model['kind']} runs on a GPU only, and this config uses a CPU build of PyTorch",
                "set software: {torch: gpu}, or take it out of embed/use",
            )

    def check_finished(self, location: str, name: str) -> None:
        """A model that is a finished run's folder: whole, and of the grid and encoder that its entry names."""
        before = len(self.problems.found)
        self.check_source(location, self.models.entries[name])
        if len(self.problems.found) == before and name in self._needed() and not self.places.lint:
            entry = self.models.entries[name]
            patches, files = self.models.patches_of(entry), self.models.encoders.files_of(entry["encoder"])
            self.models.finished[name].check(location, patches, files, self.problems)
            run_value, config_value = self.models.finished[name].value, self.config["omics"]["value"]
            if run_value and run_value not in EXPRESSION_VALUES[config_value] and self.profiles.cohorts("rna"):
                wrong = f"the run read expression as {run_value}, which omics/value {config_value} doesn't give"
                self.problems.add(f"{location}/path", wrong, expression_remedy(run_value))

    def _needed(self) -> set[str]:
        """Needed models, also while names in use may be wrong."""
        return {*self.models.used, *self.models.tuned}

    def check_decoding(self) -> None:
        """Patches of a grid that is `like: trident` are not decoded to half scale, which TRIDENT doesn't do."""
        for grid, encoder in self.models.used_sources():
            if self.models.grids.by_name[grid]["like"] and self.models.encoders.entries[encoder]["decode"] != "exact":
                self.problems.add(
                    f"config, key features/encoders/{encoder}/decode",
                    f"half gives other pixels than TRIDENT's, and grid {grid} is like: trident",
                    "decode: exact, or an entry of its own for that grid",
                )

    def check_embedded_cohorts(self) -> None:
        """embed/cohorts names cohorts or projects of the sheet, embed/attention its slides."""
        sheet_names = {row.get(column) or "" for row in self.slides.rows for column in ("cohort", "project")} - {""}
        absent = [repr(name) for name in self.config["embed"]["cohorts"] if name not in sheet_names]
        if absent and self.slides.rows:
            self.problems.add(
                "config, key embed/cohorts",
                f"no cohort or project of {self.slides.path} is called {', '.join(absent)}",
                f"add slides of it, or leave it out; the sheet has: {', '.join(sorted(sheet_names)) or 'none'}",
            )
        path_of = {str(row["slide_id"]): row.get("path") for row in self.slides.rows if row.get("slide_id")}
        for slide in self.config["embed"]["attention"]:
            location = "config, key embed/attention"
            if self.problems.knows(location, f"slide of {self.slides.path}", slide, path_of) and not path_of[slide]:
                wrong = f"slide {slide} has no raw file, and the map is drawn on it"
                self.problems.add(location, wrong, f"fill in its path in {self.slides.path}, or leave it out here")

    def check_attention(self) -> None:
        """Every model in embed/attention has attention over patches; a transformer has none."""
        if not self.config["embed"]["attention"]:
            return
        for name in self.models.with_attention:
            entry = self.models.finished.get(name)
            run = entry.description if entry else self.models.runs.get(self.models.entries[name]["run"], {})
            sizes = run.get("slide_encoder", {})
            if isinstance(sizes, dict) and sizes.get("kind") == "transformer":
                self.problems.add(
                    f"config, key embed/models/{name}",
                    "embed/attention asks for its attention over patches, and its slide encoder is a transformer",
                    "empty embed/attention, or take the model out of embed/use",
                )

    def check_checkpoint(self, run: str) -> None:
        """The expression branch's public weights that a used run starts from are there."""
        location = f"config, key pretrain/runs/{run}/rna_encoder/checkpoint"
        files = self.models.checkpoint_files(run)
        if files and self.models.runs[run]["rna_encoder"]["kind"] != "scgpt":
            self.problems.add(
                location, "weights of scGPT fit no other network", "take `kind: scgpt`, or leave it empty"
            )
        is_reported = any(problem.startswith(f"{location}:") for problem in self.problems.found)
        missing = [path for path in files if not os.path.exists(path)]
        if missing and not is_reported:
            self.problems.add(
                location,
                f"no such file: {', '.join(missing)}",
                f"put scGPT's {', '.join(SCGPT_FILES)} there (github.com/bowang-lab/scGPT links to them)",
            )

    def check_runs(self) -> None:
        """Grid, encoder and cohorts of each run exist; its profiles are fit to train on."""
        cohorts = {row.get("cohort") or "" for row in self.slides.rows}
        for name, run in self.models.runs.items():
            location = f"config, key pretrain/runs/{name}"
            self.check_source(location, run)
            for cohort in [] if self.places.of_new_slides else run["cohorts"]:
                self.problems.knows(f"{location}/cohorts", f"cohort of {self.slides.path}", cohort, cohorts)
            self.check_sizes(location, run)
            if name in self.models.used_runs:
                self.check_profiles_of(name, location)

    def check_sizes(self, location: str, run: Config) -> None:
        """Networks of these sizes can be built: heads divide a width evenly, and one head keeps it."""
        slide, rna = run["slide_encoder"], run["rna_encoder"]
        parted = [("slide_encoder", "hidden", slide)] if slide["kind"] == "transformer" else []
        if "rna" in run["modalities"] and rna["kind"] == "scgpt":
            parted.append(("rna_encoder", "width", rna))
        for section, key, sizes in parted:
            if sizes[key] % sizes["heads"]:
                self.problems.add(
                    f"{location}/{section}/heads",
                    f"{sizes['heads']} heads can't share {key} {sizes[key]} evenly",
                    f"take a number of heads that divides {sizes[key]}, or another {key}",
                )
        if slide["kind"] == "abmil" and slide["heads"] == 1 and slide["output"] != slide["hidden"]:
            self.problems.add(
                f"{location}/slide_encoder/output",
                f"with one head the embedding has the hidden width {slide['hidden']}, not {slide['output']}",
                f"set output to {slide['hidden']}, hidden to {slide['output']}, or take several heads",
            )

    def check_profiles_of(self, name: str, location: str) -> None:
        """A used run has profiles of each modality, and no z-scores."""
        run = self.models.runs[name]
        fits = set(run["cohorts"]) <= {row.get("cohort") or "" for row in self.slides.rows}
        for modality in run["modalities"]:
            if not set(run["cohorts"]) & set(self.profiles.cohorts(modality)):
                sheet = self.profiles.path or "omics/sheet (empty)"
                self.problems.add(
                    f"{location}/modalities",
                    f"no {modality} profile of {', '.join(run['cohorts'])} in {sheet}",
                    f"leave out {modality}, or add profiles",
                )
                fits = False
        if fits and not self.models.trained_slides(name):
            self.problems.add(
                f"{location}/cohorts",
                f"no case of {', '.join(run['cohorts'])} has both a slide that is kept and a profile of it",
                f"compare case_id and cohort of {self.slides.path} and {self.profiles.path or 'omics/sheet (empty)'}",
            )
        for row in self.profiles.rows:
            if row.get("unit") == "zscore" and row.get("cohort") in run["cohorts"]:
                self.problems.add(
                    f"{self.profiles.path}, row {row['#']}, column unit",
                    f"run {name} would train on z-scores, which were scaled over their own cohort",
                    "give counts or TPM, or take the cohort out of the run",
                )
                break

    def check_finetuning(self) -> None:
        """Named models can be fine-tuned; supervised ones have a grid, an encoder and a name of their own."""
        models, tasks = self.models, self.models.tasks
        for name in self.config["probe"]["finetune"]["use"]:
            kind = models.entries[name]["kind"]
            if kind not in TUNABLE:
                wrong = f"{name} is of kind {kind}, which can't be fine-tuned"
                self.problems.add("config, key probe/finetune/use", wrong, f"name models of kind {', '.join(TUNABLE)}")
        for name, model in models.supervised.items():
            location = f"config, key probe/finetune/models/{name}"
            self.check_source(location, model)
            if name in models.entries:
                self.problems.add(location, "a model of embed/models has this name", "give it another one")
        if any("finetune" in task["groups"] for task in tasks.entries.values()) and not models.finetuned:
            self.problems.add(
                "config, key probe/tasks",
                "a task has group finetune, and no model in use can be fine-tuned",
                f"use a model of kind {', '.join(TUNABLE)}, or name one under probe/finetune/models",
            )

    def check_genes(self) -> None:
        """Tables of genes name models and tasks in use, each once, and there is expression to look at."""
        checked: set[tuple[str, str, str]] = set()
        for item in self.config["probe"]["expression"]:
            names = item["model"], item["task"], item["group"]
            if names in checked:
                wrong = f"{', '.join(names)} occurs twice"
                self.problems.add("config, key probe/expression", wrong, "keep one: the table has one place")
            checked.add(names)
        for key in ("genes", "expression"):
            for item in self.config["probe"][key]:
                self.check_gene_table(key, item)

    def check_gene_table(self, key: str, item: Config) -> None:
        """One entry of probe/genes or probe/expression."""
        location, models, tasks = f"config, key probe/{key}", self.models, self.models.tasks
        model_names = models.compared() if key == "expression" else models.used
        right = self.problems.knows(location, "model in use", item["model"], model_names)
        right &= self.problems.knows(location, "task in use", item["task"], self.config["probe"]["use"])
        if not self.profiles.cohorts("rna"):
            self.problems.add(location, "there are no rna profiles", "give omics/sheet, or leave it out")
        if not right:
            return
        if tasks.predicts_number(item["task"]):
            self.problems.add(location, f"{item['task']} predicts a number", "name a task of classes or survival")
        model = models.entries.get(item["model"], {})
        on_rna = model.get("kind") == "threads" and "rna" in models.modalities(item["model"])
        if key == "genes" and not on_rna:
            wrong = f"{item['model']} has no expression branch"
            self.problems.add(location, wrong, "name a model of kind threads whose run trains on rna")
        if key == "expression" and item["group"] not in tasks.entries[item["task"]]["groups"]:
            wrong = f"{item['task']} has no group {item['group']}"
            self.problems.add(location, wrong, "add it to the task's groups, or name another")
