"""Runs of pretraining and models: which are used, what they read, what a run trains on."""

from __future__ import annotations

from ..common.kinds import FOREIGN, SCGPT_FILES, TUNABLE, WITH_COORDS
from .config import Config, Places, Row, Wildcards
from .encoders import Encoders
from .finished_runs import cut_of, finished_runs, leaked_cases, patches_of
from .grids import Grids
from .model_names import name_of_kind
from .profiles import Profiles
from .slides import Slides
from .tasks import Tasks

#: Grid folder and encoder: the place of features.
Source = tuple[str, str]


class Models:
    """Sections pretrain and embed of the config, and the supervised models of probe/finetune."""

    def __init__(
        self,
        config: Config,
        places: Places,
        slides: Slides,
        grids: Grids,
        encoders: Encoders,
        profiles: Profiles,
        tasks: Tasks,
    ) -> None:
        self.places, self.slides, self.grids, self.encoders = places, slides, grids, encoders
        self.profiles, self.tasks = profiles, tasks
        self.runs: dict[str, Config] = config["pretrain"]["runs"]
        self.entries: dict[str, Config] = config["embed"]["models"]
        self.supervised: dict[str, Config] = config["probe"]["finetune"]["models"]
        #: Folders of finished runs, by the models of kind threads that name one instead of a run of this config.
        self.finished = finished_runs(self.entries, places)
        self._tissue: str = config["tissue"]["method"]
        #: Names of models that embed, as the config lists them.
        self.used: list[str] = config["embed"]["use"]
        self._asked_runs: list[str] = config["pretrain"]["use"]
        self._asked_tuned: list[str] = config["probe"]["finetune"]["use"]
        defined = [item for item in config["features"]["use"] if item["grid"] in grids.names]
        self._asked_sources = [(grids.names[item["grid"]], item["encoder"]) for item in defined]
        # embed/cohorts names cohorts, or projects of a cohort that is larger than what tasks use of it.
        self.cohorts = set(config["embed"]["cohorts"])
        self.embedded = [row for row in slides.rows if self._embeds(row)]
        self.embedded_ids = {row.get("slide_id") for row in self.embedded}
        self.embedded_shards = sorted({slides.shard_of[row.get("slide_id")] for row in self.embedded})
        self._trained: dict[str, list[Row]] = {}
        self._shards: dict[Source, list[str]] = {}

    def _embeds(self, row: Row) -> bool:
        return not self.cohorts or not self.cohorts.isdisjoint((row.get("cohort"), row.get("project")))

    # Names.

    @property
    def tuned(self) -> list[str]:
        """Models of embed/models that are fine-tuned: those the config names, else those in use that can be."""
        if not self.tasks.tuned:
            return []
        used = [name for name in self.used if name in self.entries]
        return self._asked_tuned or [name for name in used if self.entries[name]["kind"] in TUNABLE]

    @property
    def finetuned(self) -> list[str]:
        """Names of all models that are fine-tuned, the supervised ones last."""
        return [*self.tuned, *self.supervised]

    @property
    def needed(self) -> list[str]:
        """Names of the models of embed/models that are embedded with or fine-tuned."""
        return list(dict.fromkeys([*self.used, *self.tuned]))

    def compared(self, wildcards: Wildcards | None = None) -> list[str]:
        """Models whose scores are compared: those in use, then those that are only fine-tuned."""
        return self.needed + (list(self.supervised) if self.tasks.tuned else [])

    @property
    def used_runs(self) -> list[str]:
        """Names of the runs that are trained: those asked for and those of needed `threads` models."""
        if self.places.of_new_slides:
            return []  # the study around it trains them
        models = [self.entries[name] for name in self.needed if name not in self.finished]
        return sorted({*self._asked_runs, *(model["run"] for model in models if model["kind"] == "threads")})

    @property
    def trained(self) -> list[str]:
        """Models in use that a run of this config trains."""
        return [name for name in self.with_attention if name not in self.finished]

    @property
    def with_attention(self) -> list[str]:
        """Models in use of kind threads: those that a run of this config trains, and finished ones from elsewhere."""
        return [name for name in self.used if self.entries[name]["kind"] == "threads"]

    def kinds(self, wildcards: Wildcards | None = None) -> dict[str, list[str]]:
        """Each compared model with its kind and its seed ('s0'; '' where the kind has no other model).

        Models that differ only in `seed`, their own or their run's, are one kind; nothing else is. A name says nothing.
        """
        names = self.compared()
        groups: list[tuple[Config, dict[int, str]]] = []
        for name in names:
            model, seed = self._without_seed(name), self._seed(name)
            # A copy, which has the seed of another one as well, adds nothing to a mean over seeds.
            members_of_group = next(
                (members for same, members in groups if same == model and seed not in members), None
            )
            if members_of_group is None:
                groups.append((model, members_of_group := {}))
            members_of_group[seed] = name
        kind_of: dict[str, list[str]] = {}
        for _, seeds in groups:
            members = list(seeds.values())
            kind = name_of_kind(members)
            used_kinds = {
                *(model_name for model_name in names if model_name not in members),
                *(kind for kind, _ in kind_of.values()),
            }
            kind = members[0] if kind in used_kinds else kind
            kind_of |= {name: [kind, f"s{seed}" if len(members) > 1 else ""] for seed, name in seeds.items()}
        return {name: kind_of[name] for name in names}

    def _seed(self, name: str) -> int:
        """The seed of a model: of its run where it is trained by one."""
        model = self.supervised.get(name) or self.entries[name]
        trained = model["kind"] == "threads" and name not in self.finished
        return int(self.runs[model["run"]]["training"]["seed"] if trained else model.get("seed", 0))

    def _without_seed(self, name: str) -> Config:
        """What a model is, but for its seed."""
        model = dict(self.supervised.get(name) or self.entries[name])
        model.pop("seed", None)
        if model.get("run") in self.runs and model["kind"] in ("threads", "random"):
            run = dict(self.runs[model["run"]])
            run["training"] = {key: value for key, value in run["training"].items() if key != "seed"}
            # An untrained model takes the sizes of its run alone.
            kept_keys = ("grid", "encoder", "slide_encoder")
            model["run"] = run if model["kind"] == "threads" else {key: run[key] for key in kept_keys}
        return model

    # What a run or model is.

    def run(self, wildcards: Wildcards) -> Config:
        """The pretraining run whose name is the wildcard, with its name and what identifies its patches elsewhere."""
        cut = cut_of(self.grids.entries[(run := self.runs[wildcards.run])["grid"]], self._tissue)
        return run | {"name": wildcards.run, "patches": self.patches_of(run) | {"cut": cut}}

    def patches_of(self, entry: Config) -> Config:
        """What decides which patches a run or model reads, the same in every study."""
        return patches_of(self.grids.names[entry["grid"]], entry["encoder"], self.encoders.facts_of(entry["encoder"]))

    def modalities(self, model: str) -> list[str]:
        """Modalities that a model of kind threads has a branch for."""
        finished = self.finished.get(model)
        return finished.modalities if finished else list(self.runs[self.entries[model]["run"]]["modalities"])

    def model(self, wildcards: Wildcards) -> Config:
        """The model whose name is the wildcard, with its name; a random one with its run's sizes."""
        model = self.entries[wildcards.model] | {"name": wildcards.model}
        random = model["kind"] == "random"
        sizes = {"slide_encoder": self.runs[model["run"]]["slide_encoder"]} if random else {}
        usual = "mean" if model["kind"] in WITH_COORDS else "union"
        return model | sizes | {"cases": model["cases"] or usual}

    def source(self, entry: Config) -> Source | None:
        """Grid folder and encoder that a run or model reads; None for a model of given vectors."""
        if entry.get("kind") == "table":
            return None
        if entry.get("run"):
            entry = self.runs[entry["run"]]
        return self.grids.names[entry["grid"]], entry["encoder"]

    def source_of_run(self, run: str) -> Source:
        """Grid folder and encoder that a run reads."""
        return self.grids.names[self.runs[run]["grid"]], self.runs[run]["encoder"]

    # What a run trains on.

    def trained_slides(self, run: str) -> list[Row]:
        """Rows of the kept slides a run trains on: of its cohorts, with a profile of a modality that the run reads.

        This is the one definition before a run; omics/pairs.tsv leaves out more (profiles that turn out unfit).
        """
        if run not in self._trained:
            entry = self.runs[run]
            rows = self.profiles.rows
            read = [row for row in rows if row.get("modality") in entry["modalities"]]
            profiled = {(row.get("case_id"), row.get("cohort")) for row in read}
            self._trained[run] = [
                row
                for row in self.slides.rows
                if row.get("cohort") in entry["cohorts"]
                and (row.get("case_id"), row.get("cohort")) in profiled
                and row.get("keep") != "no"
            ]
        return self._trained[run]

    def trained_cases(self) -> dict[str, str]:
        """Cases that a used run trains on, or a finished one trained on, with the run's name."""
        run_of_case = {row["case_id"]: run for run in self.used_runs for row in self.trained_slides(run)}
        return run_of_case | leaked_cases(self.finished, self.needed, self.slides.cases)

    def run_shards(self, run: str) -> list[str]:
        """Shards of the slides a run trains on."""
        return sorted({self.slides.shard_of[row["slide_id"]] for row in self.trained_slides(run)})

    def run_patches(self, wildcards: Wildcards) -> list[str]:
        """The shards of packed patches a run reads."""
        grid, encoder = self.source_of_run(wildcards.run)
        return [f"<results>/pretrain/store/{grid}/{encoder}/{shard}.npy" for shard in self.run_shards(wildcards.run)]

    def run_indices(self, wildcards: Wildcards) -> list[str]:
        """The indices of the shards a run reads."""
        return [path.replace(".npy", ".tsv") for path in self.run_patches(wildcards)]

    def run_sheet(self, wildcards: Wildcards) -> list[str]:
        """The slide sheet, for a run on a part of the pairs: they are taken evenly over its organs."""
        return [self.slides.sheet] if self.runs[wildcards.run]["fraction"] < 1 else []

    def run_checkpoint(self, wildcards: Wildcards) -> list[str]:
        """Files of the scGPT folder that a run's expression branch starts from; none where it starts at random."""
        return [self.places.given(path) for path in self.checkpoint_files(wildcards.run)]

    def checkpoint_files(self, run: str) -> list[str]:
        """Paths of these files."""
        entry = self.runs[run]
        folder = entry["rna_encoder"]["checkpoint"] if "rna" in entry["modalities"] else ""
        return [f"{self.places.find(folder)}/{name}" for name in SCGPT_FILES] if folder else []

    def run_rna(self, wildcards: Wildcards) -> list[str]:
        """Expression tables of the run's cohorts."""
        return self._run_tables(wildcards.run, "rna")

    def run_dna(self, wildcards: Wildcards) -> list[str]:
        """Flag tables of the run's cohorts."""
        return self._run_tables(wildcards.run, "dna")

    def _run_tables(self, run: str, modality: str) -> list[str]:
        """Tables of the run's cohorts for a modality it trains on."""
        if modality not in self.runs[run]["modalities"]:
            return []
        cohorts = self.profiles.cohorts(modality)
        return [
            f"<results>/omics/{cohort}/{modality}.h5ad" for cohort in self.runs[run]["cohorts"] if cohort in cohorts
        ]

    def run_threads(self, wildcards: Wildcards) -> int:
        """Cores of a run, from its config: the number decides the last bits of sums, so a machine must not."""
        return int(self.runs[wildcards.run]["training"]["threads"])

    def run_parts(self, wildcards: Wildcards | None = None) -> dict[str, Config]:
        """Cohorts and modalities of each used run: what decides which pairs it trains on."""
        return {name: {key: self.runs[name][key] for key in ("cohorts", "modalities")} for name in self.used_runs}

    # Features.

    def patch_readers(self) -> list[Config]:
        """Models that read patches of the slides of embed/cohorts: embedded with, fine-tuned, trained from scratch."""
        supervised = list(self.supervised.values()) if self.tasks.tuned else []
        return [self.entries[name] for name in self.needed] + supervised

    def used_sources(self) -> list[Source]:
        """Pairs of grid folder and encoder that must be extracted."""
        entries = [self.runs[name] for name in self.used_runs] + self.patch_readers()
        sources = (self.source(entry) for entry in entries)
        return sorted({*self._asked_sources, *(source for source in sources if source)})

    def source_shards(self, grid: str, encoder: str) -> list[str]:
        """Shards whose features are needed: of the slides that runs train on, and of those that models embed."""
        source = grid, encoder
        if source not in self._shards:
            parts = [self.run_shards(run) for run in self.used_runs if self.source_of_run(run) == source]
            parts += [list(self.slides.shards)] * (source in self._asked_sources)
            parts += [self.embedded_shards] * (source in map(self.source, self.patch_readers()))
            self._shards[source] = sorted({shard for part in parts for shard in part})
        return self._shards[source]

    def feature_manifests(self, grid: str, encoder: str) -> list[str]:
        """Manifests of the shards that are needed for a grid folder and an encoder."""
        return [f"<results>/features/{grid}/{encoder}/{shard}.tsv" for shard in self.source_shards(grid, encoder)]

    def weights(self, wildcards: Wildcards) -> list[str]:
        """What a model is made of beside patches: config and weights of its run, its table of vectors, or nothing."""
        model = self.entries[wildcards.model]
        if wildcards.model in self.finished:
            return [self.places.given(path) for path in self.finished[wildcards.model].files]
        if model["kind"] == "table":
            return [f"<results>/embed/{wildcards.model}/vectors.h5"]
        if model["kind"] in FOREIGN:
            return [self.places.given(self.places.find(model["weights"]))]
        if model["kind"] != "threads":
            return []
        run = f"<trained>/{model['run']}"
        return [f"{run}/config.json", f"{run}/model.safetensors"]
