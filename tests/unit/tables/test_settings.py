"""Settings of runs next to the paper's, with the defaults of the schema."""

from pathlib import Path

import pytest
import yaml
from molpath.common.files import read_tsv
from molpath.tables.settings import differs, list_settings, value_of
from schema_defaults import defaults_of

PUBLISHED = Path(__file__).resolve().parents[3] / "resources/published/settings.tsv"
FACTS = Path(__file__).resolve().parents[3] / "workflow/scripts/molpath/features/encoders.yaml"


def run_of(**changed) -> dict:
    """A run with the schema's defaults, its patch encoder and grid as rules hand them on."""
    encoder = yaml.safe_load(FACTS.read_text())["encoders"]["conch_v15"] | {"adapter": "conch_v15"}
    base = {"cohorts": ["GTEX", "TCGA", "MGH", "BWH"], "modalities": ["rna", "dna"], "fraction": 1.0}
    parts = {name: defaults_of(name) for name in ("slide_encoder", "rna_encoder", "dna_encoder", "training")}
    return base | parts | {"encoder": encoder, "grid": defaults_of("grid")} | changed


@pytest.fixture(scope="module")
def table_of_settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("settings")
    run = run_of()
    heads = run["slide_encoder"] | {"heads": 4}
    training = run["training"] | {"batch_size": 1200, "processes": 4}
    public = run_of(modalities=["rna"], slide_encoder=heads, training=training)
    outputs = {name: folder / name for name in ("table", "markdown", "latex")}
    list_settings(runs={"default": run, "public": public}, published=PUBLISHED, note="synthetic", outputs=outputs)
    return read_tsv(outputs["table"]).set_index(["key", "run"]), outputs


def test_what_differs_from_the_paper(table_of_settings):
    table, _ = table_of_settings
    assert (table.here != "").all(), table[table.here == ""]
    differing = table[table.differs == "yes"].index.tolist()
    assert sorted(differing) == [
        ("modalities", "public"),
        ("rna_encoder/checkpoint", "default"),
        ("rna_encoder/checkpoint", "public"),
        ("slide_encoder/heads", "public"),
        ("training/batch_size", "default"),
        ("training/processes", "default"),
    ]


def test_settings_of_a_branch_that_is_not_trained_are_not_used(table_of_settings):
    table, _ = table_of_settings
    for key in ("dna_encoder/layers", "training/learning_rate/dna", "training/weight_decay/dna"):
        assert table.loc[(key, "public")].here == "not used"
        assert table.loc[(key, "public")].differs == ""
        assert table.loc[(key, "default")].differs == "no"


def test_side_by_side(table_of_settings):
    _, outputs = table_of_settings
    markdown = outputs["markdown"].read_text()
    assert "| slide encoder, attention heads | 2 | 2 | 4 (differs) |  |" in markdown
    assert [line for line in markdown.splitlines() if line.startswith("##")] == [
        f"## Settings, {part} (synthetic)" for part in ("patch encoder", "pretraining", "architecture")
    ]
    assert "learning rate, slides & 0.00001 (uncertain) & 1e-05 & 1e-05" in outputs["latex"].read_text()


def test_values_and_differences():
    run = {"modalities": ["rna"], "encoder": {"adapter": "a"}, "rna_encoder": {"checkpoint": "/secret/place"}}
    assert value_of(run, "encoder/dim") == ""
    assert value_of(run, "rna_encoder/checkpoint") == "given"
    assert differs("306.11", "307") == "no"
    assert differs("1e-05", "0.00001") == "no"
    assert differs("0.1", "0") == "yes"
    assert differs("TCGA, GTEX", "GTEX, TCGA") == "no"
    assert differs("3", "") == differs("", "3") == ""
