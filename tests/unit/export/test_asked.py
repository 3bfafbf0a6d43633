"""The list that exports go by, and what is removed of earlier runs: no more than this workflow wrote."""

import json
import logging
import os
import socket
from pathlib import Path

import pytest
from molpath.common.files import read_tsv
from molpath.export.asked import read_outputs, remove_outdated, write_outputs
from molpath.export.stores import write_list
from projects import write_table


def test_outputs_are_listed_below_the_results(tmp_path):
    results = tmp_path / "my results"
    paths = [results / "tables/b.tsv", results / "a.tsv", tmp_path / "elsewhere/c.tsv", results / "ä ö.tsv", "x.tsv"]
    write_outputs(map(str, paths), results, results / "export/outputs.txt")
    assert (results / "export/outputs.txt").read_text() == "a.tsv\ntables/b.tsv\nä ö.tsv\n"
    assert read_outputs(results / "export/outputs.txt") == {"a.tsv", "tables/b.tsv", "ä ö.tsv"}


def test_a_run_without_a_plan_exports_nothing(tmp_path):
    with pytest.raises(ValueError, match="no job that writes a result is planned"):
        write_outputs(["elsewhere/a.tsv"], tmp_path / "results", tmp_path / "results/export/outputs.txt")
    assert not (tmp_path / "results").exists()


def test_what_is_removed_is_named_and_links_are_not_followed(tmp_path, caplog):
    for name in ("kept", "old", "elsewhere"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with caplog.at_level(logging.WARNING):
        removed = remove_outdated([tmp_path / name for name in ("old", "link", "kept")], [tmp_path / "kept"])
    assert removed == [tmp_path / "link", tmp_path / "old"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "kept"]
    assert (tmp_path / "elsewhere/file").exists()
    assert f"{tmp_path}/old is removed: the config and sheets don't ask for it now" in caplog.text


def write_store(folder: Path, name: str, slide: str | None) -> None:
    """A folder as SpatialData writes it, as far as its attributes."""
    (folder / name).mkdir(parents=True)
    attributes = {} if slide is None else {"molpath": {"slide_id": slide}}
    (folder / name / "zarr.json").write_text(json.dumps({"attributes": attributes, "node_type": "group"}))


@pytest.fixture
def stores(tmp_path) -> Path:
    """Two shards, of which the second was larger once, and what is left of that time beside what a user put there."""
    folder = tmp_path / "export/spatialdata"
    for slide in ("S1", "S2", "S9"):
        write_store(folder, f"{slide}.zarr", slide)
    write_store(folder, "S1_annotated.zarr", "S1")
    write_store(folder, "theirs.zarr", None)
    (folder / "notes.tsv").write_text("mine\n")
    for shard, slides in (("00000", ["S1"]), ("00001", ["S2", "S3"]), ("00002", ["S9"])):
        rows = [{"slide_id": s, "status": "ok", "file": f"{s}.zarr"} for s in slides]
        if shard == "00001":
            rows[1] = {"slide_id": "S3", "status": "left out", "file": ""}
        write_table(folder / f"{shard}.tsv", rows)
    return folder


def test_stores_and_shards_of_slides_that_left_the_sheet_are_removed(stores, caplog):
    with caplog.at_level(logging.WARNING):
        write_list([str(stores / "00000.tsv"), str(stores / "00001.tsv")], stores / "slides.tsv")
    listed = read_tsv(stores / "slides.tsv")
    assert listed.slide_id.tolist() == ["S1", "S2", "S3"]
    names = [
        "00000.tsv",
        "00001.tsv",
        "S1.zarr",
        "S1_annotated.zarr",
        "S2.zarr",
        "notes.tsv",
        "slides.tsv",
        "theirs.zarr",
    ]
    assert sorted(path.name for path in stores.iterdir()) == names
    assert f"{stores}/S9.zarr is removed" in caplog.text
    assert f"{stores}/00002.tsv is removed" in caplog.text


def test_stores_that_a_kill_left_of_slides_that_are_gone_are_removed(stores):
    name = f".tmp-{socket.gethostname()}@{os.getpid()}@S2.zarr"
    for leftover in (name, ".tmp-elsewhere@1@S9.zarr", ".tmp-elsewhere@1@replaced@S8.zarr"):
        (stores / leftover).mkdir()
    write_list([str(stores / "00000.tsv"), str(stores / "00001.tsv")], stores / "slides.tsv")
    assert [path.name for path in stores.glob(".tmp-*")] == [name]
