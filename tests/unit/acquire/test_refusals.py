"""Files that a service refuses for ever while it sends the others, and answers that are no file."""

import hashlib
import os
from collections import namedtuple
from pathlib import Path

import pytest
from data_services import serving
from molpath.acquire import room, web
from molpath.acquire.download import download_files
from molpath.acquire.hosts import GIVEN_UP
from molpath.acquire.refused import list_refused
from molpath.acquire.transfer import NoRoom
from molpath.acquire.web import AccessDenied, Unreachable
from molpath.common.files import read_tsv

TIFF = b"II*\0" + bytes(range(256)) * 40


@pytest.fixture
def server():
    with serving() as service:
        service.files = {f"/data/{i:02d}": TIFF + bytes([i]) for i in range(12)}
        yield service


def files_of(server, folder: Path, **changes) -> list[dict]:
    return [
        {"id": path[-2:], "path": str(folder / f"files/{path[-2:]}.svs"), "url": server.address + path}
        | {"md5": hashlib.md5(contents).hexdigest(), "bytes": str(len(contents))}
        | changes
        for path, contents in sorted(server.files.items())
    ]


def download(server, folder: Path, files, host="", **options):
    """The manifest's rows by id."""
    service = web.Service(attempts=2, wait_s=0.01, timeout_s=5, token_host=host)
    manifest = folder / "manifest.tsv"
    manifest.unlink(missing_ok=True)
    download_files(files=files, manifest=str(manifest), service=service, **options)
    return read_tsv(manifest).set_index("id")


@pytest.mark.parametrize("connections", [1, 4])
@pytest.mark.parametrize(
    ("answer", "reason", "says"),
    [
        ((403, "not an open file"), "denied", "HTTP 403"),
        (500, "unreachable", "HTTP 500 after 2 attempts; the service sends other files"),
        ((400, "invalid uuid"), "bad_request", "HTTP 400 It says: invalid uuid"),
    ],
)
@pytest.mark.parametrize("bad", [["00"], ["11"], ["00", "01", "02"]])
def test_refused_files_are_set_aside_and_the_others_come(server, tmp_path, bad, answer, reason, says, connections):
    server.always = {f"/data/{name}": answer for name in bad}
    rows = download(server, tmp_path, files_of(server, tmp_path), connections=connections)
    assert sorted(rows.index[rows.reason == reason]) == bad
    assert (rows.status == "ok").sum() == 12 - len(bad)
    assert all(says in detail for detail in rows.detail[rows.status != "ok"])
    assert len(os.listdir(tmp_path / "files")) == 12 - len(bad)
    if reason != "unreachable":
        assert server.count(f"/data/{bad[0]}") == 1


def test_only_the_gdcs_own_refusals_name_its_portal(server, tmp_path):
    server.always = {"/data/00": (403, "not an open file")}
    detail = download(server, tmp_path / "a", files_of(server, tmp_path / "a")).detail["00"]
    assert "portal.gdc" not in detail
    assert "keep = no" in detail
    assert detail.endswith("It says: not an open file")
    assert (
        "portal.gdc" in download(server, tmp_path / "b", files_of(server, tmp_path / "b"), server.address).detail["00"]
    )


def test_a_second_run_asks_for_what_is_missing_and_for_nothing_else(server, tmp_path):
    server.always = {"/data/03": 500, "/data/07": (403, "no")}
    notes = str(tmp_path / "notes.tsv")
    download(server, tmp_path, files_of(server, tmp_path), notes=notes)
    requests_before = len(server.requests)
    rows = download(server, tmp_path, files_of(server, tmp_path), notes=notes)
    assert set(rows.index[rows.status != "ok"]) == {"03", "07"}
    # The one that is known to be there is asked for its first byte: the service is well.
    peeks = [path for _, path, headers in server.requests[requests_before:] if headers.get("Range") == "bytes=0-0"]
    assert len(set(peeks)) == 1
    assert {path for _, path, _ in server.requests[requests_before:]} == {"/data/03", "/data/07", *peeks}
    server.always = {}
    assert set(download(server, tmp_path, files_of(server, tmp_path), notes=notes).status) == {"ok"}


def test_a_service_that_refuses_everything_stops_the_job_and_names_the_files(server, tmp_path):
    server.always = {path: (403, "log in") for path in server.files}
    with pytest.raises(AccessDenied, match=r"refuses all 12 files.*00, 01, 02.*It says: log in") as refused:
        download(server, tmp_path, files_of(server, tmp_path))
    assert "portal.gdc" not in str(refused.value)
    assert not (tmp_path / "manifest.tsv").exists()


def test_an_address_under_which_nothing_is_found_any_more_stops_the_job(server, tmp_path):
    """As GTEx's slides, when their host moved: every slide would be set aside and the cohort go on with none."""
    server.files = {f"/data/{i:02d}": b"" for i in range(40)}
    files = files_of(server, tmp_path)
    server.files = {}
    with pytest.raises(Unreachable, match=r"correct column url if its address has changed"):
        download(server, tmp_path, files, connections=1)
    assert len(server.requests) == GIVEN_UP
    assert not (tmp_path / "manifest.tsv").exists()


def test_most_files_without_an_answer_are_no_cohort(server, tmp_path):
    server.always = {f"/data/{i:02d}": 500 for i in range(8)}
    with pytest.raises(Unreachable, match="no answer for most files, 8 of 12"):
        download(server, tmp_path, files_of(server, tmp_path))
    assert len(os.listdir(tmp_path / "files")) == 4


@pytest.mark.parametrize("md5", [True, False])
def test_a_page_of_html_is_no_slide(server, tmp_path, md5):
    server.pages = {"/data/05"}
    files = files_of(server, tmp_path, bytes="", **({} if md5 else {"md5": ""}))
    rows = download(server, tmp_path, files)
    assert rows.reason["05"] == "not_the_file"
    assert "page of a website (text/html" in rows.detail["05"]
    assert server.count("/data/05") == 2
    assert not (tmp_path / "files/05.svs").exists()
    server.pages = set()
    assert set(download(server, tmp_path, files).status) == {"ok"}


@pytest.mark.parametrize(
    ("contents", "says"),
    [
        (b"<!DOCTYPE html><html>moved</html>", "page of a website"),
        (b"", "it is empty"),
        (b"\x1f\x8b packed", "does not begin as a file that ends in .svs does"),
    ],
)
@pytest.mark.parametrize("length", [True, False])
def test_without_an_md5_the_first_bytes_decide(server, tmp_path, contents, says, length):
    """Whatever type the answer says it has, and with or without a length."""
    server.files["/data/05"], server.length, server.etag = contents, length, False
    rows = download(server, tmp_path, files_of(server, tmp_path, md5="", bytes=""))
    assert rows.reason["05"] == "not_the_file"
    assert says in rows.detail["05"]
    assert (rows.status == "ok").sum() == 11
    assert rows.bytes["06"] == str(len(TIFF) + 1)


def test_a_page_that_an_earlier_version_took_for_a_slide_is_reported(server, tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "files/05.svs").write_bytes(b"<html>moved</html>")
    rows = download(server, tmp_path, files_of(server, tmp_path, md5="", bytes=""))
    assert rows.reason["05"] == "other_file"
    assert "page of a website (HTML); remove it" in rows.detail["05"]


def test_finished_files_are_not_read_again(server, tmp_path, monkeypatch):
    notes, files = str(tmp_path / "notes.tsv"), files_of(server, tmp_path)
    before = download(server, tmp_path, files, notes=notes)
    read = []
    original = hashlib.file_digest
    monkeypatch.setattr(
        hashlib, "file_digest", lambda handle, kind: (read.append(handle.name), original(handle, kind))[1]
    )
    assert download(server, tmp_path, files, notes=notes).equals(before)
    assert read == []
    (tmp_path / "files/05.svs").write_bytes(server.files["/data/05"])  # as large, but written later
    with open(notes, "a") as handle:
        handle.write("123\tcut off by a ki")
    download(server, tmp_path, files, notes=notes)
    assert [Path(path).name for path in read] == ["05.svs"]


def test_a_full_disk_is_reported_before_the_first_byte(server, tmp_path, monkeypatch):
    files = files_of(server, tmp_path)
    usage = namedtuple("usage", "total used free")(1, 1, 3 * len(TIFF))
    monkeypatch.setattr(room.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(NoRoom, match=r"are to be downloaded.*are free\. Make room"):
        download(server, tmp_path, files)
    assert server.requests == []
    download(server, tmp_path, files[:2])
    download(server, tmp_path, files[:4])  # two of them are there


def test_a_disk_that_fills_meanwhile_is_reported_in_words(server, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(122, "Disk quota exceeded")

    monkeypatch.setattr("molpath.acquire.transfer.os.fsync", full)
    with pytest.raises(NoRoom, match=r"00\.svs\.part: Disk quota exceeded\. Make room or ask for more quota"):
        download(server, tmp_path, files_of(server, tmp_path)[:1])


def test_refused_files_of_all_jobs_are_one_list_and_one_command_tries_them_again(server, tmp_path):
    server.always = {"/data/03": 500, "/data/07": (403, "not an open file")}
    files, manifests = files_of(server, tmp_path), tmp_path / "downloads/manifests/slides"
    service = web.Service(attempts=2, wait_s=0.01, timeout_s=5)
    for block, part in (("00000", files[:6]), ("00001", files[6:10]), ("00002", files[10:])):
        download_files(files=part, manifest=str(manifests / f"{block}.tsv"), service=service)
    listed = list_refused(str(tmp_path / "downloads"), retry=False)
    assert listed.endswith("refused.tsv: 2 files (1 denied, 1 unreachable)")
    table = read_tsv(tmp_path / "downloads/refused.tsv")
    assert table[["kind", "block", "id", "reason"]].values.tolist() == [
        ["slides", "00000", "03", "unreachable"],
        ["slides", "00001", "07", "denied"],
    ]
    assert table.detail[1].endswith("It says: not an open file")
    assert "the next run requests them again, in 2 jobs" in list_refused(str(tmp_path / "downloads"), retry=True)
    assert sorted(path.name for path in (tmp_path / "downloads/retry/slides").iterdir()) == ["00000", "00001"]


def test_five_of_a_thousand_are_refused(server, tmp_path):
    """As `make bench` does with 11,000: all others come, and a second call asks for the five and a proof of life."""
    server.files = {f"/data/{i:04d}": TIFF[:64] + str(i).encode() for i in range(1000)}
    bad = {
        "/data/0000": 500,
        "/data/0001": (403, "no"),
        "/data/0500": 500,
        "/data/0998": (403, "no"),
        "/data/0999": 500,
    }
    server.always = bad
    files = [
        file | {"id": file["url"][-4:], "path": f"{tmp_path}/f/{file['url'][-4:]}"}
        for file in files_of(server, tmp_path)
    ]
    rows = download(server, tmp_path, files, notes=str(tmp_path / "notes.tsv"))
    assert (rows.status == "ok").sum() == 995
    assert sorted(rows.index[rows.status != "ok"]) == [path[-4:] for path in bad]
    assert len([path for path in (tmp_path / "f").iterdir() if path.suffix != ".part"]) == 995
    requests_before = len(server.requests)
    download(server, tmp_path, files, notes=str(tmp_path / "notes.tsv"))
    assert len({path for _, path, _ in server.requests[requests_before:]} - set(bad)) == 1


OLD, NEW = "d570eccc-3c1c-4c4f-ae04-96be71fbe001", "0f8d8202-a1ca-4ea1-98b2-c20a6b084701"


@pytest.fixture
def replaced(server, tmp_path) -> dict:
    """A file of a sheet made before release 31: the GDC has it under another UUID now."""
    server.add(NEW, "a.svs", TIFF, "TCGA-AA-0001", "TCGA-AA-0001-01Z")
    versions = ((OLD, "1", "superseded", "12.0"), (NEW, "2", "released", "31.0"))
    names = ("uuid", "version", "file_change", "data_release")
    server.history[OLD] = [dict(zip(names, version, strict=True)) for version in versions]
    return {
        "id": "a",
        "path": str(tmp_path / "a.svs"),
        "url": f"{server.address}/data/{OLD}",
        "md5": "0" * 32,
        "bytes": "7",
    }


def test_a_stale_uuid_is_renewed_and_noted(server, replaced, tmp_path):
    for _ in range(2):  # the second call finds it there, and has asked nobody for its bytes again
        row = download(server, tmp_path, [replaced], server.address).loc["a"]
        assert (row.status, row.bytes, row.md5) == ("ok", str(len(TIFF)), hashlib.md5(TIFF).hexdigest())
        assert row.detail == f"the GDC replaced it by {NEW} (version 2, release 31.0)"
    assert (tmp_path / "a.svs").read_bytes() == TIFF
    assert server.count(f"/data/{NEW}") == 1


def test_a_newer_version_of_another_name_is_reported_and_not_used(server, replaced, tmp_path):
    replaced["path"] = str(tmp_path / "b.svs")
    row = download(server, tmp_path, [replaced], server.address).loc["a"]
    assert (row.status, row.reason) == ("set_aside", "not_found")
    assert row.detail.endswith("which is named a.svs: `snakemake sheets` lists it again")
    assert server.count(f"/data/{NEW}") == 0


def test_only_the_gdc_is_asked_for_a_history(server, replaced, tmp_path):
    assert download(server, tmp_path, [replaced]).reason["a"] == "not_found"
    assert {path for _, path, _ in server.requests} == {f"/data/{OLD}"}
