"""What workflow/docs/outputs.md shows runs as it stands; the lines of SpatialData and LazySlide in test_export.py."""

import contextlib

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from molpath.export.tables import write_tables
from page_examples import DOCS, examples_of

from .test_tables import SCHEMA

EXAMPLES = examples_of("outputs.md")


@pytest.fixture
def study(tmp_path):
    """A folder with results of the names that the page uses."""
    place = tmp_path / "results/embed/mean"
    place.mkdir(parents=True)
    data = anndata.AnnData(np.float32([[1, 2], [3, 4]]), obs=pd.DataFrame(index=["01", "NA"]))
    data.write_h5ad(place / "cases.h5ad")
    (place / "cases.tsv").write_text("case_id\tstatus\tn_patches\n01\tok\t3\nNA\tset_aside\t\n")
    features = tmp_path / "results/wsi/20x_256px_0px_overlap/features_tiny"
    features.mkdir(parents=True)
    with h5py.File(features / "S1.h5", "w") as handle:
        handle["features"] = np.float16([[0.5, 1]])
    write_tables(tmp_path / "results", SCHEMA, tmp_path / "results/export/tables/tables.tsv")
    return tmp_path


def run(head, folder) -> dict:
    """Names that the block of a heading defines, run in a folder."""
    scope: dict = {}
    with contextlib.chdir(folder):
        exec(EXAMPLES[head], scope)
    return scope


def test_every_heading_has_an_example_of_two_lines():
    assert list(EXAMPLES) == ["AnnData", "TRIDENT", "Parquet", "Croissant", "SpatialData", "LazySlide"]
    assert all(len([line for line in text.splitlines() if line]) == 2 for text in EXAMPLES.values())
    assert "Patho-Bench itself was not run" in (DOCS / "outputs.md").read_text()


def test_examples_of_what_the_workflow_has_itself_run(study):
    cases = run("AnnData", study)["cases"]
    assert (cases.obs_names.tolist(), cases.X.tolist()) == (["01", "NA"], [[1, 2], [3, 4]])
    assert run("TRIDENT", study)["features"].tolist() == [[0.5, 1]]
    table = run("Parquet", study)["cases"]
    assert table.case_id.tolist() == ["01", "NA"]
    assert table.n_patches[0] == 3
    assert table.n_patches.isna().tolist() == [False, True]
