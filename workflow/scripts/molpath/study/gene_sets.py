"""Settings of gene sets (probe/gene_sets): files, models, support cohorts, slides, and what jobs read."""

from __future__ import annotations

import os
from typing import Any

from .check_sheets import SheetChecks
from .config import Config, Wildcards
from .embedding import Embedding
from .finished_runs import leaked_cases
from .models import Models
from .problems import Problems
from .slide_encoders import is_sum, sizes_of

#: Slides of the support with which patches are compared.
REFERENCE = 32
#: Kinds of models, of those whose embedding is a sum over patches, that are asked.
SUMS = ("threads", "mean")


class GeneSets:
    """Section probe/gene_sets; nothing is asked without files."""

    def __init__(self, config: Config, models: Models, embedding: Embedding) -> None:
        self.section: Config = config["probe"]["gene_sets"]
        self.models, self.embedding, self.places = models, embedding, models.places
        self.seed, self.alphas = config["probe"]["seed"], config["probe"]["ridge_alphas"]
        self.slides: list[str] = self.section["slides"]

    @property
    def paths(self) -> list[str]:
        """The .gmt files."""
        return [self.places.find(path) for path in self.section["files"]]

    def files(self, wildcards: Wildcards | None = None) -> list[str]:
        """The same, as inputs."""
        return [self.places.given(path) for path in self.paths]

    @property
    def used(self) -> list[str]:
        """Models that are asked: those the config names, else the trained ones in use."""
        return list(self.section["models"] or self.models.with_attention) if self.section["files"] else []

    @property
    def support(self) -> list[str]:
        """Cohorts whose cases have directions fitted on them: those the config names, else all with expression."""
        return self.section["support"] or self.models.profiles.cohorts("rna")

    # What the rules read.

    def scoring(self, wildcards: Wildcards) -> dict[str, Any]:
        """How sets are scored in expression."""
        return {"names": self.section["sets"], "fewest": self.section["min_genes"]} | {
            "random": self.section["random"],
            "seed": self.seed,
            "support": self.support,
        }

    def support_tables(self, wildcards: Wildcards) -> list[str]:
        """Expression tables of the support."""
        return [f"<results>/omics/{cohort}/rna.h5ad" for cohort in self.support]

    def manifests(self, wildcards: Wildcards) -> list[str]:
        """Feature manifests of the slides that are mapped, and of the reference."""
        return self.embedding.manifests_of(wildcards.model, [*self.slides, *self.reference()]) if self.slides else []

    def reference(self) -> list[str]:
        """Slides of the support with which patches are compared: some, spread evenly over the sheet."""
        rows = [row["slide_id"] for row in self.models.embedded if row.get("cohort") in self.support]
        step = max(1, -(-len(rows) // REFERENCE))
        return rows[::step] if self.slides else []

    def reading(self, wildcards: Wildcards) -> dict[str, Any]:
        """How a model is asked, and which cases its weights have seen."""
        name = wildcards.model
        return {
            "support": self.support,
            "trained": self.trained(name),
            "permutations": self.section["permutations"],
            "min_genes": self.section["min_genes"],
            "seed": self.seed,
            "alphas": self.alphas,
            "slides": self.slides,
            "reference": self.reference(),
        }

    def trained(self, name: str) -> list[str]:
        """Cases of this study that a model was pretrained on."""
        entry = self.models.entries[name]
        if entry["kind"] != "threads":
            return []
        if name not in self.models.finished:
            return sorted({row["case_id"] for row in self.models.trained_slides(entry["run"])})
        return sorted(leaked_cases(self.models.finished, [name], self.models.slides.cases))

    # Targets.

    def tables(self) -> list[str]:
        """Which sets can be read, and scores of cases and slides, by every model that is asked."""
        return [f"<results>/probe/{name}/gene_sets/{file}.tsv" for name in self.used for file in ("sets", "scores")]

    def maps(self) -> list[str]:
        """Maps of named slides."""
        return [f"<results>/figures/gene_sets/{name}/{slide}.png" for name in self.used for slide in self.slides]

    # Checks.

    def check(self, sheets: SheetChecks, problems: Problems) -> None:
        """Files, models, cohorts and slides exist, and models have what they are asked for."""
        if not self.section["files"]:
            for key in ("sets", "models", "support", "slides"):
                if self.section[key]:
                    location = f"config, key probe/gene_sets/{key}"
                    problems.add(
                        location, "nothing reads it: files is empty", "name .gmt files in probe/gene_sets/files"
                    )
            return
        location = "config, key probe/gene_sets"
        for path in self.paths:
            if not os.path.isdir(path):
                sheets.check_file(f"{location}/files", path)
            else:
                problems.add(f"{location}/files", f"{path} is a folder", "name the .gmt files in it")
        cohorts = self.models.profiles.cohorts("rna")
        if not cohorts:
            problems.add(
                f"{location}/files", "no profile of modality rna is in omics/sheet", "add some, or empty files"
            )
        for cohort in self.section["support"]:
            problems.knows(f"{location}/support", "cohort with rna profiles", cohort, cohorts)
        if not self.used:
            problems.add(
                f"{location}/models", "no trained model is in embed/use", "name a model, or put one in embed/use"
            )
        self.check_models(f"{location}/models", problems)
        slides = {str(row["slide_id"]) for row in self.models.embedded if row.get("slide_id")}
        for slide in self.slides:
            problems.knows(f"{location}/slides", "embedded slide", slide, slides)

    def check_models(self, location: str, problems: Problems) -> None:
        """Models are in use, and those of mapped slides are sums over patches."""
        for name in self.used:
            if not problems.knows(location, "model in use", name, self.models.used):
                continue
            kind = self.models.entries[name]["kind"]
            if self.slides and not is_sum(kind, sizes_of(self.models, name), SUMS):
                problems.add(
                    location,
                    f"{name}: its embedding is no sum over patches, so that slides can't be mapped",
                    "name models of kind threads (abmil) or mean only, or empty probe/gene_sets/slides",
                )
