"""Checks of config and sheets before any job starts: every problem is collected, nothing is repaired."""

from __future__ import annotations

import os

from ..common.kinds import why_not_input_size
from .check_models import ModelChecks
from .check_sheets import SheetChecks
from .check_tasks import TaskChecks
from .config import Config
from .hints import did_you_mean, for_path
from .models import Models
from .omics import Omics
from .problems import Problems
from .sheets import will_be_there
from .tissue import Tissue


class Checks:
    """Checks of names, files and plausibility, by section."""

    def __init__(
        self,
        config: Config,
        models: Models,
        omics: Omics,
        tissue: Tissue,
        sheets: SheetChecks,
        tasks: TaskChecks,
        problems: Problems,
    ) -> None:
        self.config, self.models, self.omics, self.tissue = config, models, omics, tissue
        self.sheets, self.tasks, self.problems = sheets, tasks, problems
        self.places, self.slides, self.grids = models.places, models.slides, models.grids
        self.encoders, self.profiles = models.encoders, models.profiles

    def run(self) -> None:
        """All checks of sheets and names, then those that need valid names; raises ProblemsFound."""
        models = ModelChecks(self.config, self.models, self.sheets, self.problems)
        self.sheets.check_slides()
        self.sheets.check_case_sheet()
        self.sheets.check_profiles()
        self.check_tissue()
        self.check_grids()
        self.check_encoders()
        self.check_paths()
        self.check_downloads()
        models.check_models()
        models.check_embedded_cohorts()
        models.check_attention()
        self.tasks.check_benchmark()
        for name in self.config["pretrain"]["use"]:
            if self.problems.knows("config, key pretrain/use", "run", name, self.models.runs):
                models.check_checkpoint(name)
        self.problems.stop()
        self.check_omics()
        models.check_runs()
        self.tasks.check_used()
        self.tasks.check_protocols()
        models.check_finetuning()
        models.check_genes()
        reference = self.config["report"]["reference"]
        if reference:
            self.problems.knows("config, key report/reference", "model in use", reference, self.models.compared())
        self.problems.stop()
        models.check_decoding()
        self.problems.stop()

    def check_tissue(self) -> None:
        """The chosen method has what it needs, with a digest for each file of weights."""
        section = self.tissue.section
        if section["method"] == "contours":
            remedy = "name the folder of <slide>.geojson files, or choose another method"
            self.check_folder("config, key tissue/contours", section["contours"], remedy)
            for path, slides in self.tissue.shared_contours().items():
                wrong = f"{path} would be taken for slides {' and '.join(slides[:4])}"
                self.problems.add("config, key tissue/contours", wrong, "name each slide's file <slide_id>.geojson")
        for key, entry in self.tissue.given_weights().items():
            if not entry["weights"]:
                self.problems.add(
                    f"config, key {key}/weights",
                    f"empty, and method {section['method']} is a network",
                    "name its file of weights (workflow/docs/segmentation.md says where they come from)",
                )
                continue
            self.sheets.check_file(f"config, key {key}/weights", self.places.find(entry["weights"]), is_file=True)
            if not entry["sha256"]:
                self.problems.add(
                    f"config, key {key}/sha256",
                    f"empty, and {entry['weights']} is not opened without one",
                    f"write what `sha256sum {entry['weights']}` prints, after comparing it with its source",
                )
        if section["method"] == "fpn":
            self.check_fpn(section["fpn"], section["overlap"])

    def check_fpn(self, fpn: Config, overlap: int) -> None:
        """The tissue class is one of the network's, and its windows are wider than what they share."""
        if fpn["tissue_class"] >= max(2, fpn["classes"]):
            wrong = f"{fpn['tissue_class']} is none of {fpn['classes']} classes"
            self.problems.add("config, key tissue/fpn/tissue_class", wrong, "count from 0")
        if fpn["patch_size"] <= 2 * overlap:
            self.problems.add(
                "config, key tissue/overlap",
                f"windows of {fpn['patch_size']} pixels can't share {overlap} with each neighbour",
                "less than half of tissue/fpn/patch_size",
            )

    def check_grids(self) -> None:
        """No two grids share a folder; overlaps fit; pairs of grid and encoder to extract exist."""
        owner: dict[str, str] = {}
        for key, name in self.grids.names.items():
            location, grid = f"config, key tiles/grids/{key}", self.grids.entries[key]
            if owner.setdefault(name, key) != key:
                wrong = f"same folder {name} as grid {owner[name]!r}"
                self.problems.add(location, wrong, "give one of them a `label`")
            if grid["overlap"] >= grid["patch_size"]:
                self.problems.add(location, "overlap is not smaller than patch_size", "choose a smaller overlap")
            if grid["mpp"] and grid["scale"] != "mpp":
                self.problems.add(location, "mpp has no meaning with scale: magnification", "leave one of them out")
            if grid["mpp"] and grid["like"]:
                wrong = "mpp has no meaning with like: trident, which scales by nominal magnifications"
                self.problems.add(location, wrong, "leave one of them out")
            if grid["coords"]:
                remedy = "name the folder of <slide>_patches.h5 files, or leave it out"
                self.check_folder(f"{location}/coords", grid["coords"], remedy)
        for name in self.config["tiles"]["use"]:
            self.problems.knows("config, key tiles/use", "grid", name, self.grids.names)
        for item in self.config["features"]["use"]:
            for kind, names in (("grid", self.grids.names), ("encoder", self.encoders.entries)):
                self.problems.knows("config, key features/use", kind, item[kind], names)

    def check_encoders(self) -> None:
        """Adapters exist; weights, folders and targets of stains are there; one revision per adapter."""
        revisions: dict[str, str] = {}
        for name, encoder in self.encoders.entries.items():
            location, adapter, target = f"config, key features/encoders/{name}", encoder["adapter"], encoder["stain"]
            if adapter not in self.encoders.adapters and ":" not in adapter:
                hint = did_you_mean(adapter, self.encoders.adapters)
                remedy = f"{hint}one of {', '.join(self.encoders.adapters)}, or module:function"
                self.problems.add(f"{location}/adapter", f"unknown encoder {adapter!r}", remedy)
            network = self.encoders.facts.get(adapter, {}).get("network", "")
            if encoder["input_size"] and (reason := why_not_input_size(adapter, network, encoder["input_size"])):
                self.problems.add(f"{location}/input_size", reason, "leave it out, or name a size that it takes")
            if encoder["weights"]:
                self.sheets.check_file(f"{location}/weights", self.places.find(encoder["weights"]))
            if target["target"]:
                self.sheets.check_file(f"{location}/stain/target", self.places.find(target["target"]), is_file=True)
            elif target["method"] == "reinhard":
                self.problems.add(
                    f"{location}/stain/target",
                    "empty, and Reinhard's method has no reference of its own",
                    "name an image with the target staining",
                )
            if adapter == "precomputed":
                self.check_folder(f"{location}/folder", encoder["folder"], "name the folder of feature files")
            revision = encoder["revision"] if not encoder["weights"] else ""
            if revision and revisions.setdefault(adapter, revision) != revision:
                self.problems.add(
                    f"{location}/revision",
                    f"another entry fetches {adapter} at {revisions[adapter]}",
                    "give one revision for each adapter, or one of them as a file (`weights`)",
                )

    def check_folder(self, location: str, path: str, remedy: str) -> None:
        """A folder that the config names is there, and is one."""
        folder = self.places.find_given(path)
        if os.path.isfile(folder):
            self.problems.add(location, f"{path} is a file, and a folder is expected", remedy)
        elif not os.path.isdir(folder):
            self.problems.add(location, f"no such folder: {path!r}", for_path(path) or remedy)

    def check_paths(self) -> None:
        """A slide without a raw file makes sense only with features from another tool."""
        if any(encoder["adapter"] == "precomputed" for encoder in self.encoders.entries.values()):
            return
        for row in self.slides.rows:
            if self.slides.path and not row.get("path") and row.get("keep") != "no":
                self.problems.add(
                    f"{self.slides.path}, row {row['#']}, column path",
                    "empty, and no encoder reads features that another tool made",
                    "name the slide's file, or an encoder with `adapter: precomputed` and its `folder`",
                )
                break

    def check_downloads(self) -> None:
        """Downloads are written only below the folders meant for them, whatever a sheet from elsewhere says."""
        for sheet, rows in ((self.slides.path, self.slides.rows), (self.profiles.path, self.profiles.rows)):
            for row in rows:
                if will_be_there(row) and self.omics.downloads.outside(row, sheet):
                    self.problems.add(
                        f"{sheet}, row {row['#']}, column path",
                        f"{row['path']} would be written outside the folders of this study, or as code, settings or "
                        "results",
                        "give a path below the sheet's folder or the working directory, or name the folder under "
                        "acquire/folders",
                    )

    def check_omics(self) -> None:
        """Files, cohorts and panels that the section omics names; what a run trains on is fitted on itself."""
        omics, cohorts = self.omics.section, self.profiles.cohorts("rna")
        kind = f"cohort with rna in {self.profiles.path}"
        for cohort in omics["select"]:
            self.problems.knows("config, key omics/select", kind, cohort, cohorts)
        for key, path in self._omics_files().items():
            self.sheets.check_file(f"config, key omics/{key}", self.places.find(path), is_file=True)
        for cohort, reference in omics["fit_on"].items():
            location = f"config, key omics/fit_on/{cohort}"
            is_known = self.problems.knows(location, kind, reference, cohorts)
            if is_known and self.omics.reference(reference) != reference:
                self.problems.add(
                    location,
                    f"{reference} takes its parameters from {self.omics.reference(reference)} itself",
                    "name a cohort that is fitted on itself",
                )
        for row in self.profiles.rows:
            if row.get("panel") and row.get("modality") == "dna" and row["panel"] not in omics["panels"]:
                known_panels = ", ".join(sorted(omics["panels"])) or "none"
                self.problems.add(
                    f"{self.profiles.path}, row {row['#']}, column panel",
                    f"panel {row['panel']!r} has no genes",
                    f"name its file under omics/panels; there are: {known_panels}",
                )
                break
        unknown = sorted(set(omics["allow_leakage"]) - set(self.slides.cases))
        if unknown:
            wrong = f"no case {unknown[0]!r} in {self.slides.path}"
            self.problems.add("config, key omics/allow_leakage", wrong, "name cases of the slide sheet")

    def _omics_files(self) -> dict[str, str]:
        """Files that section omics names, by key."""
        omics = self.omics.section
        keys = ("gene_table", "transcripts", "dna_genes", "consequences", "so_terms")
        named = {key: omics[key] for key in keys if omics[key] and omics[key] != "as_given"}
        named |= {f"panels/{name}": path for name, path in omics["panels"].items()}
        named |= {f"select/{name}/list": entry["list"] for name, entry in omics["select"].items() if "list" in entry}
        return named | {f"gdc/{name}/sample_sheet": entry["sample_sheet"] for name, entry in omics["gdc"].items()}
