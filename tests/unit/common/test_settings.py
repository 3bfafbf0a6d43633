"""The types of the config's sections have the keys that the schema has, except those a rule adds or leaves out."""

from pathlib import Path
from types import ModuleType
from typing import get_type_hints, is_typeddict

import pytest
import yaml
from molpath.common.settings import acquire, embed, features, omics, pretrain, probe, tiles, tissue

SCHEMA = yaml.safe_load((Path(__file__).parents[3] / "workflow/schemas/config.schema.yaml").read_text())
MODULES = (acquire, embed, features, omics, pretrain, probe, tiles, tissue)

#: Type -> where its section is in the schema, below $defs; `*` means the entries of a map or a list.
SECTIONS = {
    tissue.Tissue: "tissue",
    tissue.Hsv: "tissue/hsv",
    tissue.Fpn: "tissue/fpn",
    tissue.Artefacts: "tissue/artefacts",
    tissue.Quality: "tissue/quality",
    tiles.Grid: "grid",
    features.Encoder: "encoder",
    features.Stain: "encoder/stain",
    omics.Rna: "omics",
    omics.Vst: "omics/vst",
    omics.Selection: "selection",
    omics.GdcDownload: "gdc_download",
    omics.Mutations: "omics/mutations",
    pretrain.Run: "run",
    pretrain.SlideEncoder: "slide_encoder",
    pretrain.RnaEncoder: "rna_encoder",
    pretrain.DnaEncoder: "dna_encoder",
    pretrain.Training: "training",
    pretrain.ByBranch: "training/learning_rate",
    embed.Model: "model",
    acquire.Acquire: "acquire",
    acquire.GdcCohort: "acquire/gdc/*",
    acquire.GtexCohort: "acquire/gtex/*",
    acquire.IdcCohort: "acquire/idc/*",
    acquire.Splits: "acquire/splits",
    probe.Probe: "probe",
    probe.Solvers: "probe",
    probe.Summary: "probe",
    probe.Clustering: "probe",
    probe.Cox: "probe/cox",
    probe.Pair: "probe/robustness/*",
    probe.CoxException: "probe/cox/exceptions/*",
    probe.FineTuneJob: "probe",
    probe.FineTune: "probe/finetune",
    probe.Recipe: "probe/finetune/recipes/threads",
}
#: Keys that rules add to what the config says.
ADDED = {
    tiles.Grid: {"name"},
    features.Encoder: {"name"},
    pretrain.Run: {"name", "patches"},
    embed.Model: {"name", "slide_encoder"},
    probe.Clustering: {"seeds"},
}
#: Keys of the config that are not handed to functions of this type.
OF_FOLDS = {
    *("C_sweep", "nested_C", "ridge_alphas", "mlp_hidden", "further", "site_folds", "neighbours", "shots"),
    *("repeats", "controls", "permutations", "survival_permutations", "permutations_within"),
}
SOLVERS = {"C", "max_iter", "plain", "scale", "cox"}
SUMMARY = {"bootstraps", "missing", "seed"}
NOT_OF_PROBES = {
    *("tasks", "use", "benchmark", "benchmark_groups", "transfer", "prompt", "cluster"),
    *("finetune", "genes", "expression", "gene_sets", "predictors", "confounders", "robustness"),
}
LEFT_OUT = {
    probe.Probe: NOT_OF_PROBES,
    probe.Clustering: NOT_OF_PROBES,
    probe.Solvers: NOT_OF_PROBES | OF_FOLDS | SUMMARY,
    probe.Summary: NOT_OF_PROBES | OF_FOLDS | SOLVERS,
    probe.FineTuneJob: (NOT_OF_PROBES - {"finetune"}) | OF_FOLDS | SOLVERS,
    probe.FineTune: {"models", "use"},
    omics.Rna: {
        *("sheet", "gene_table", "fit_on", "dna_genes", "consequences", "so_terms", "panels"),
        *("mutations", "duplicate_correlation", "allow_leakage", "gdc"),
    },
}


def keys_of_schema(place: str) -> set[str]:
    """Keys of a section of the schema."""
    first, *rest = place.split("/")
    section = SCHEMA["$defs"][first]
    for name in rest:
        section = (
            section["properties"][name] if name != "*" else section.get("additionalProperties", section.get("items"))
        )
    return set(section["properties"])


@pytest.mark.parametrize("kind", SECTIONS, ids=lambda kind: kind.__name__)
def test_a_type_has_the_keys_of_its_section(kind):
    expected = keys_of_schema(SECTIONS[kind]) - LEFT_OUT.get(kind, set()) | ADDED.get(kind, set())
    assert set(get_type_hints(kind)) == expected


def test_weight_decay_has_the_branches_of_the_learning_rate():
    assert keys_of_schema("training/weight_decay") == keys_of_schema("training/learning_rate")


def test_every_type_is_compared():
    def types_of(module: ModuleType) -> set[type]:
        return {member for member in vars(module).values() if is_typeddict(member)}

    assert set().union(*map(types_of, MODULES)) == set(SECTIONS)


def test_what_is_left_out_is_in_the_schema():
    for kind, names in LEFT_OUT.items():
        assert names <= keys_of_schema(SECTIONS[kind])
