"""A series of the Imaging Data Commons becomes a slide, or says why not."""

import os
from pathlib import Path

import numpy as np
import pytest
from idc_bucket import UID, series_of
from molpath.acquire import web
from molpath.acquire.download import download_files
from molpath.common.files import read_tsv
from molpath.slides.inspection import inspect_slide


@pytest.fixture
def series(server, tmp_path) -> dict[str, bytes]:
    """A slide of two levels, as objects of the bucket idc-open-data."""
    pixels = np.random.default_rng(0).integers(0, 255, (512, 512, 3), np.uint8)
    objects = series_of(pixels, "1", tmp_path)
    server.files |= objects | {"/idc-open-data/uuid-10/3.dcm": b"of another series"}
    return objects


def download(folder: Path, objects, **changes):
    file = {"id": "a", "path": str(folder / "slides" / f"{UID}.1"), "url": "s3://idc-open-data/uuid-1/*", "md5": ""}
    file |= {"bytes": str(sum(map(len, objects.values())))} | changes
    service = web.Service(attempts=2, wait_s=0.01, timeout_s=5)
    notes = str(folder / "notes.tsv")
    download_files(files=[file], manifest=str(folder / "manifest.tsv"), service=service, notes=notes)
    return read_tsv(folder / "manifest.tsv").iloc[0]


@pytest.mark.parametrize("parts", [False, True])
def test_a_series_cut_and_resumed_becomes_a_slide(server, series, tmp_path, parts):
    """With the MD5 of each object, and with the ETag of an upload in parts, which is none."""
    server.page, first = 1, "/idc-open-data/uuid-1/1.dcm"
    server.multipart = set(series) if parts else set()
    server.faults[first] = [("cut", 1 << 17)]
    row = download(tmp_path, series)
    assert (row.status, row.bytes) == ("ok", str(sum(map(len, series.values()))))
    folder = tmp_path / "slides" / f"{UID}.1"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {Path(k).name: v for k, v in series.items()}
    assert [headers.get("Range", "") for _, path, headers in server.requests if path == first] == ["", "bytes=131072-"]
    assert not any(".part" in name for name in os.listdir(tmp_path / "slides"))
    slide = inspect_slide({"slide_id": "a", "case_id": "c", "path": str(folder), "mpp": "", "keep": "auto"})
    assert (slide["status"], slide["width"], slide["mpp"]) == ("ok", 512, "0.5")
    requests_before = len(server.requests)
    assert download(tmp_path, series).equals(row)
    assert len(server.requests) == requests_before


def test_after_a_failure_the_finished_objects_are_kept(server, series, tmp_path):
    second = "/idc-open-data/uuid-1/2.dcm"
    server.always[second] = 500
    with pytest.raises(web.Unreachable):
        download(tmp_path, series)
    assert os.listdir(tmp_path / "slides") == [f"{UID}.1.part"]
    (tmp_path / "slides" / f"{UID}.1.part" / "old.dcm").write_bytes(b"of an earlier version")
    server.always = {}
    assert download(tmp_path, series).status == "ok"
    assert server.count("/idc-open-data/uuid-1/1.dcm") == 1
    assert sorted(os.listdir(tmp_path / "slides" / f"{UID}.1")) == ["1.dcm", "2.dcm"]


@pytest.mark.parametrize("parts", [False, True])
def test_nothing_of_another_version_of_an_object_stays(server, series, tmp_path, parts):
    """A finished object and a part of one, both of a version that is gone, of the same size."""
    first, second = sorted(series)
    server.multipart = set(series) if parts else set()
    newer = dict(series)
    older = {path: contents[:-1] + bytes([contents[-1] ^ 1]) for path, contents in series.items()}
    server.files |= older
    server.faults[second] = [("cut", 1 << 10), 500, 500, 500, 500, 500, 500]
    with pytest.raises(web.Unreachable):
        download(tmp_path, series)
    server.faults, server.files = {}, server.files | newer
    if parts:  # the finished one has no MD5 to compare: its size and first bytes are right
        (tmp_path / "slides" / f"{UID}.1.part/1.dcm").unlink()
    assert download(tmp_path, series).status == "ok"
    folder = tmp_path / "slides" / f"{UID}.1"
    assert [(folder / name).read_bytes() for name in ("1.dcm", "2.dcm")] == [newer[first], newer[second]]
    assert sorted(os.listdir(folder)) == ["1.dcm", "2.dcm"]


def test_another_version_of_a_series_is_not_taken_for_this_one(server, series, tmp_path):
    row = download(tmp_path, series, bytes="12345")
    assert (row.status, row.reason) == ("set_aside", "wrong_size")
    assert "announced were 12345: another version of the series" in row.detail
    assert download(tmp_path, series).status == "ok"
    row = download(tmp_path, series, bytes="12345")
    assert (row.status, row.reason) == ("set_aside", "other_file")


def test_a_series_that_is_gone_is_set_aside(server, series, tmp_path):
    row = download(tmp_path, series, url="s3://idc-open-data/uuid-99/*")
    assert (row.status, row.reason) == ("set_aside", "not_found")
    assert "lists no object" in row.detail
