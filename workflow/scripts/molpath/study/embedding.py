"""Blocks of slides and cases to embed, bags of tasks, and the features they are made of."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from .config import Config, Wildcards
from .models import Models
from .sheets import in_blocks

#: Slides of each member of a block.
Members = dict[str, list[str]]


class Embedding:
    """What the jobs of stage embed read, by the wildcards `unit` and `block`.

    unit: slides and cases (blocks of those embedded), bags (cases of which a task lists other slides than are
    embedded; the block is the task), pretraining (slides that the model's run trains on; the block is the shard).
    """

    def __init__(self, config: Config, models: Models) -> None:
        self.models, self.slides, self.tasks = models, models.slides, models.tasks
        self.attention: list[str] = config["embed"]["attention"]
        self.slides_by_case: Members = {case: [] for case in self.slides.cases}
        for row in models.embedded:
            self.slides_by_case[row.get("case_id") or ""].append(row.get("slide_id", ""))
        size = config["embed"]["slides_per_job"]
        self.slide_blocks = in_blocks(models.embedded, size)
        self.case_blocks = in_blocks([case for case in self.slides.cases if self.slides_by_case[case]], size)
        self._profiles_per_job: int = config["embed"]["profiles_per_job"]
        self._bags: dict[str, Members] = {}

    def bags(self, task: str) -> Members:
        """Cases for which a task lists other slides than are embedded, with those listed: each gets a bag of its own.

        Empty for tasks of slides, and for those made in the run itself; the probe stops if such a task does so.
        """
        if task not in self._bags:
            settings = self.tasks.settings(task)
            listed: Members = {}
            if settings and settings.get("sample_col") == "case_id":
                for row in self.tasks.table(task):
                    if row.get(settings.get("task_col")) and row.get("slide_id") in self.models.embedded_ids:
                        listed.setdefault(row["case_id"], []).append(row["slide_id"])
            self._bags[task] = {
                case: sorted(set(slides))
                for case, slides in listed.items()
                if set(slides) != set(self.slides_by_case.get(case, slides))
            }
        return self._bags[task]

    def block_members(self, wildcards: Wildcards) -> Members:
        """Members of a block, each with its slides; a slide is its own only one."""
        unit, block = wildcards.unit, wildcards.block
        if unit == "bags":
            return self.bags(block)
        if unit == "cases":
            return {case: self.slides_by_case[case] for case in self.case_blocks[block]}
        return {slide: [slide] for slide in self.block_cases(wildcards)}

    def block_cases(self, wildcards: Wildcards) -> dict[str, str]:
        """Case of each member of a block; cases and bags are their own."""
        unit, block = wildcards.unit, wildcards.block
        if unit == "slides":
            return {row["slide_id"]: row["case_id"] for row in self.slide_blocks[block]}
        if unit == "pretraining":
            rows = self.models.trained_slides(self.models.entries[wildcards.model]["run"])
            return {row["slide_id"]: row["case_id"] for row in rows if self.slides.shard_of[row["slide_id"]] == block}
        return {case: case for case in self.block_members(wildcards)}

    def block_manifests(self, wildcards: Wildcards) -> list[str]:
        """Feature manifests of all slides of a block."""
        return self.manifests_of(wildcards.model, itertools.chain(*self.block_members(wildcards).values()))

    def manifests_of(self, model: str, slides: Iterable[str]) -> list[str]:
        """Feature manifests of the shards that hold `slides`; a table of given vectors reads none."""
        source = self.models.source(self.models.entries[model])
        if not source:
            return []
        return [f"<results>/features/{source[0]}/{source[1]}/{shard}.tsv" for shard in self.slides.shards_of(slides)]

    def attention_manifests(self, wildcards: Wildcards) -> list[str]:
        """Feature manifests of the slides whose attention is asked for."""
        return self.manifests_of(wildcards.model, self.attention)

    def blocks(self, wildcards: Wildcards) -> list[str]:
        """All blocks of slides or of cases of a model."""
        blocks = self.slide_blocks if wildcards.unit == "slides" else self.case_blocks
        return [f"<results>/embed/{wildcards.model}/{wildcards.unit}/{block}.h5" for block in blocks]

    def unit(self, wildcards: Wildcards) -> str:
        """Id column of the unit: slide_id or case_id."""
        return {"slides": "slide_id", "cases": "case_id"}[wildcards.unit]

    # Embeddings of the bags of tasks, for probes.

    def task_bags(self, wildcards: Wildcards) -> list[str]:
        """Embeddings of the task's bags, where it has some."""
        return self._bags_of(wildcards.model, wildcards.task)

    def transfer_train_bags(self, wildcards: Wildcards) -> list[str]:
        """Those of the task a transfer trains on."""
        return self._bags_of(wildcards.model, self.tasks.transfer_sides(wildcards)[0])

    def transfer_test_bags(self, wildcards: Wildcards) -> list[str]:
        """Those of the task a transfer is tested on."""
        return self._bags_of(wildcards.model, self.tasks.transfer_sides(wildcards)[1])

    def prompt_support_bags(self, wildcards: Wildcards) -> list[str]:
        """Those of the task that labels the support cohort."""
        return self._bags_of(wildcards.model, self.tasks.prompt_sides(wildcards)[0])

    def prompt_query_bags(self, wildcards: Wildcards) -> list[str]:
        """Those of the task that labels the queries."""
        return self._bags_of(wildcards.model, self.tasks.prompt_sides(wildcards)[1])

    def _bags_of(self, model: str, task: str) -> list[str]:
        return [f"<results>/embed/{model}/bags/{task}.h5"] if self.bags(task) else []

    # Profiles, in blocks of a cohort and modality.

    def _profile_blocks(self, cohort: str, modality: str) -> dict[str, list[str]]:
        rows = self.models.profiles.group(cohort, modality)
        return in_blocks(list(dict.fromkeys(row["profile_id"] for row in rows)), self._profiles_per_job)

    def profile_ids(self, wildcards: Wildcards) -> list[str]:
        """Profiles of a block."""
        return self._profile_blocks(wildcards.cohort, wildcards.modality)[wildcards.block]

    def is_of_this_study(self, wildcards: Wildcards) -> bool:
        """False for the folder of a finished run, whose profiles were normalised elsewhere."""
        return wildcards.model not in self.models.finished

    def profile_blocks(self, wildcards: Wildcards) -> list[str]:
        """All blocks of profiles of a model, for the branches that its run has."""
        return [
            f"<results>/embed/{wildcards.model}/profiles/{cohort}/{modality}/{block}.h5ad"
            for modality in self.models.modalities(wildcards.model)
            for cohort in self.models.profiles.cohorts(modality)
            for block in self._profile_blocks(cohort, modality)
        ]

    def prompt_profiles(self, wildcards: Wildcards) -> list[str]:
        """Embedded profiles, where the model has molecular branches."""
        trained = self.models.entries[wildcards.model]["kind"] == "threads"
        return [f"<results>/embed/{wildcards.model}/profiles.h5ad"] * trained
