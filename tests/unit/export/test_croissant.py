"""Croissant: files by SHA-256, tables as record sets; mlcroissant reads it back, where it can be installed."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from environments import make_environment
from molpath.export.croissant import id_of, write_croissant
from molpath.export.tables import write_tables
from page_examples import examples_of

SCHEMA = Path(__file__).parents[3] / "workflow/schemas/results.yaml"
READER = """
import json, sys
import mlcroissant
from mlcroissant._src.structure_graph.nodes.metadata import Metadata
data = mlcroissant.Dataset(sys.argv[1])
plain = lambda value: value.decode() if isinstance(value, bytes) else value.item() if hasattr(value, "item") else value
found = {each.id: [{k.split("/")[1]: plain(v) for k, v in row.items()} for row in data.records(each.id)]
         for each in data.metadata.record_sets}
issues = data.metadata.ctx.issues
print(json.dumps({"records": found, "errors": sorted(issues.errors), "warnings": sorted(issues.warnings)}))
"""
DESCRIPTION = "Tables of one run. Note of its user: synthetic."


@pytest.fixture
def results(tmp_path) -> Path:
    """A results folder with a table whose ids look like numbers, provenance and crate."""
    folder = tmp_path / "results"
    (folder / "tables").mkdir(parents=True)
    (folder / "tables/slides.tsv").write_text(
        "slide_id\tcase_id\tstatus\twidth\tmpp\tage (y)\n01\tNA\tok\t100\t0.25\t61\n1e5\tC2\tok\t\t\t\n"
    )
    (folder / "embed").mkdir()
    (folder / "embed/a b.h5ad").write_bytes(b"bytes")
    (folder / "tables/of_an_earlier_run.tsv").write_text("model\ngone\n")
    names = ["tables/slides.tsv", "embed/a b.h5ad"]
    files = {
        name: {"bytes": (folder / name).stat().st_size, "sha256": sha256(folder / name)}
        for name in [*names, "tables/of_an_earlier_run.tsv"]
    }
    (folder / "provenance.json").write_text(json.dumps({"files": files}))
    root = {"@id": "./", "datePublished": "2026-11-30T12:00:00+00:00", "description": DESCRIPTION}
    (folder / "ro-crate-metadata.json").write_text(json.dumps({"@graph": [{"@id": "other"}, root]}))
    write_tables(folder, SCHEMA, folder / "export/tables/tables.tsv", names)
    listed = [*names, "export/tables/tables.tsv"]
    (folder / "export/outputs.txt").write_text("\n".join(listed) + "\n")
    write_croissant(
        outputs=str(folder / "export/outputs.txt"),
        provenance=str(folder / "provenance.json"),
        crate=str(folder / "ro-crate-metadata.json"),
        tables=str(folder / "export/tables/tables.tsv"),
        note="synthetic",
        output=str(folder / "croissant.json"),
    )
    return folder


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_files_are_listed_with_size_and_digest(results):
    metadata = json.loads((results / "croissant.json").read_text())
    listed = {entry["name"]: entry for entry in metadata["distribution"]}
    assert set(listed) == {"tables/slides.tsv", "embed/a b.h5ad", "export/tables/tables-slides.parquet"}
    assert not any(" " in entry["@id"] for entry in listed.values())
    for name, listing in listed.items():
        assert listing["sha256"] == sha256(results / name)
        assert listing["contentSize"] == f"{(results / name).stat().st_size} B"
    assert listed["embed/a b.h5ad"]["contentUrl"] == "embed/a%20b.h5ad"
    assert (metadata["name"], metadata["description"]) == ("molpath-results-synthetic", DESCRIPTION)
    assert str(results) not in (results / "croissant.json").read_text()


def test_columns_are_fields_with_types_and_words(results):
    (table,) = json.loads((results / "croissant.json").read_text())["recordSet"]
    assert (
        table["description"]
        == "Each row is one slide of the sheet, with the findings of inspection and quality control."
    )
    fields = {field["source"]["extract"]["column"]: field for field in table["field"]}
    kinds = {name: field["dataType"] for name, field in fields.items()}
    text = dict.fromkeys(["slide_id", "case_id", "status", "age (y)"], "sc:Text")
    assert kinds == text | {"width": "sc:Integer", "mpp": "cr:Float64"}
    assert fields["mpp"]["description"] == "Resolution of level 0 in µm per pixel."


def test_no_two_names_have_one_identifier():
    names = ["a b", "a  b", "a%b", "a_x20_b", "a_x5f_x20_b", 'a"b', "a<b>", "a\\b", "a_b", "x_x", "é"]
    assert len({id_of(name) for name in names}) == len(names)
    assert [id_of(name) for name in ("a b", "a_b", "x_x", "é")] == ["a_x20_b", "a_b", "x_x", "é"]
    assert not [name for name in names if set(id_of(name)) & set(' %"<>\\')]


@pytest.fixture(scope="module")
def mlcroissant(tmp_path_factory) -> Path:
    """Python of an environment with mlcroissant; skips where that can't be installed."""
    return make_environment(tmp_path_factory.mktemp("mlcroissant"), "mlcroissant==1.1.1", "pyarrow==26.0.1")


@pytest.mark.slow
def test_mlcroissant_reads_every_record_as_it_is(results, mlcroissant):
    example = examples_of("outputs.md")["Croissant"].replace("embed-cases", "tables-slides")
    command = [mlcroissant, "-c", f"{example}\nprint(len(list(records)))"]
    done = subprocess.run(command, cwd=results.parent, capture_output=True, text=True)
    assert done.stdout.split() == ["2"], done.stderr[-3000:]
    command = [mlcroissant, "-c", READER, results / "croissant.json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["errors"] == []
    assert [word for word in report["warnings"] if "citeAs" not in word and "version" not in word] == []
    first, second = report["records"]["tables-slides"]
    assert first == {
        "slide_id": "01", "case_id": "NA", "status": "ok", "width": 100, "mpp": 0.25, "age_x20_(y)": "61",
    }  # fmt: skip
    assert (second["slide_id"], second["case_id"], second["age_x20_(y)"]) == ("1e5", "C2", None)
