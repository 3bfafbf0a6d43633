"""Downloads against a server that fails as real ones do."""

import hashlib
import logging
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from data_services import TOKEN, Service, serving
from molpath.acquire import web
from molpath.acquire.download import download_files
from molpath.acquire.web import AccessDenied, Unreachable
from molpath.common.files import read_tsv

CONTENTS = random.Random(0).randbytes(3_000_000)


@pytest.fixture
def server():
    with serving() as service:
        service.files["/data/a"] = CONTENTS
        yield service


def file_of(server: Service, folder: Path, path="/data/a", contents=CONTENTS, **changes) -> dict:
    row = {"id": path.rsplit("/", 1)[-1], "path": str(folder / "files" / path.rsplit("/", 1)[-1])}
    row |= {"url": server.address + path, "md5": hashlib.md5(contents).hexdigest(), "bytes": str(len(contents))}
    return row | changes


def download(server: Service, folder: Path, *files: dict, attempts=3, **options):
    """The manifest's rows by id."""
    service = web.Service(attempts=attempts, wait_s=0.01, timeout_s=5, token_host=server.address)
    download_files(files=files, manifest=str(folder / "manifest.tsv"), service=service, **options)
    return read_tsv(folder / "manifest.tsv").set_index("id")


def ranges(server: Service) -> list[str]:
    return [headers.get("Range", "") for method, path, headers in server.requests if path == "/data/a"]


def test_a_file_arrives_whole_and_is_not_fetched_again(server, tmp_path):
    file = file_of(server, tmp_path)
    rows = download(server, tmp_path, file)
    assert Path(file["path"]).read_bytes() == CONTENTS
    assert rows.loc["a", ["status", "bytes", "md5"]].tolist() == ["ok", "3000000", hashlib.md5(CONTENTS).hexdigest()]
    assert os.listdir(tmp_path / "files") == ["a"]
    before = (tmp_path / "manifest.tsv").read_bytes()
    download(server, tmp_path, file)
    assert server.count("/data/a") == 1
    assert (tmp_path / "manifest.tsv").read_bytes() == before


def test_a_cut_body_is_resumed_where_it_ended(server, tmp_path):
    server.faults["/data/a"] = [("cut", 1 << 20), ("cut", 1 << 19)]
    assert download(server, tmp_path, file_of(server, tmp_path)).status["a"] == "ok"
    assert ranges(server) == ["", "bytes=1048576-", "bytes=1572864-"]


def test_many_cuts_are_no_reason_to_give_up_while_bytes_come(server, tmp_path):
    server.faults["/data/a"] = [("cut", 200_000)] * 12
    assert download(server, tmp_path, file_of(server, tmp_path), attempts=2).status["a"] == "ok"


def test_a_server_without_ranges_sends_all_again(server, tmp_path):
    server.ranges = False
    server.faults["/data/a"] = [("cut", 1_000_000)]
    assert download(server, tmp_path, file_of(server, tmp_path)).status["a"] == "ok"
    assert (tmp_path / "files/a").read_bytes() == CONTENTS


def test_without_md5_a_file_that_changed_meanwhile_is_fetched_from_its_start(server, tmp_path):
    """If-Range: the second answer is another version, so nothing of the first may stay."""
    newer = CONTENTS[::-1]
    server.faults["/data/a"] = [("cut", 1_000_000)]
    original = server.files["/data/a"]
    server.files = _ChangesAfterFirst({"/data/a": original}, newer)
    download(server, tmp_path, file_of(server, tmp_path, md5="", bytes=""))
    assert (tmp_path / "files/a").read_bytes() == newer


class _ChangesAfterFirst(dict):
    """Contents that are another at the second look."""

    def __init__(self, files, newer):
        super().__init__(files)
        self.newer = newer

    def __getitem__(self, path):
        value = super().__getitem__(path)
        self[path] = self.newer
        return value


def test_server_errors_pass_and_retry_after_is_kept(server, tmp_path):
    server.faults["/data/a"] = [503, (429, {"Retry_After": "1"})]
    started = time.monotonic()
    assert download(server, tmp_path, file_of(server, tmp_path)).status["a"] == "ok"
    assert time.monotonic() - started >= 1
    assert server.count("/data/a") == 3


def test_a_wrong_md5_once_is_fetched_again_and_twice_set_aside(server, tmp_path):
    server.files["/data/b"] = CONTENTS[:1000]
    server.files["/data/c"] = CONTENTS[:2000]
    server.faults |= {"/data/a": ["wrong"], "/data/b": ["wrong", "wrong"]}
    files = [file_of(server, tmp_path, f"/data/{n}", c) for n, c in (("a", CONTENTS), ("b", CONTENTS[:1000]))]
    rows = download(server, tmp_path, *files, file_of(server, tmp_path, "/data/c", CONTENTS[:2000], bytes="1999"))
    assert rows.status.to_dict() == {"a": "ok", "b": "set_aside", "c": "set_aside"}
    assert rows.reason.to_dict() == {"a": "", "b": "wrong_md5", "c": "wrong_size"}
    assert sorted(os.listdir(tmp_path / "files")) == ["a"]


def test_a_file_the_service_does_not_have_is_set_aside_and_the_rest_continues(server, tmp_path):
    rows = download(server, tmp_path, file_of(server, tmp_path, "/data/gone"), file_of(server, tmp_path))
    assert rows.reason.to_dict() == {"gone": "not_found", "a": ""}


def test_another_file_in_its_place_is_left_alone(server, tmp_path):
    file = file_of(server, tmp_path)
    Path(file["path"]).parent.mkdir()
    Path(file["path"]).write_bytes(b"mine")
    rows = download(server, tmp_path, file)
    assert rows.reason["a"] == "other_file"
    assert Path(file["path"]).read_bytes() == b"mine"
    assert server.requests == []


def test_a_service_that_is_down_stops_the_job_and_keeps_what_arrived(server, tmp_path):
    server.files |= {f"/data/{i}": b"x" for i in range(20)}
    server.faults = {f"/data/{i}": [500] * 9 for i in range(20)} | {"/data/a": [None, *[500] * 99]}
    files = [file_of(server, tmp_path), *(file_of(server, tmp_path, f"/data/{i}", b"x") for i in range(20))]
    with pytest.raises(Unreachable, match="start again"):
        download(server, tmp_path, *files, connections=1)
    assert (tmp_path / "files/a").exists()
    assert not (tmp_path / "manifest.tsv").exists()
    assert server.count("/data/19") == 0


@pytest.mark.parametrize("token", ["", "expired-token-abcdef"])
def test_no_access_says_what_to_do_and_no_token(server, tmp_path, monkeypatch, caplog, token):
    caplog.set_level(logging.DEBUG)
    server.tokens["/data/a"] = {TOKEN}
    if token:
        (tmp_path / "token").write_text(token + "\n")
        monkeypatch.setenv(web.TOKEN_FILE, str(tmp_path / "token"))
    with pytest.raises(AccessDenied) as refused:
        download(server, tmp_path, file_of(server, tmp_path))
    assert "GDC_TOKEN_FILE" in str(refused.value)
    assert ("expired" in str(refused.value)) == bool(token)
    assert not token or token not in str(refused.value) + caplog.text


def test_the_token_goes_to_its_service_and_to_nobody_else(server, tmp_path, monkeypatch, caplog):
    """Not to where the service redirects, not to another service of the sheet, and not into log or manifest."""
    caplog.set_level(logging.DEBUG)
    (tmp_path / "token").write_text(TOKEN + "\n")
    monkeypatch.setenv(web.TOKEN_FILE, str(tmp_path / "token"))
    server.tokens["/data/a"] = {TOKEN}
    with serving() as other:
        other.files |= {"/stored": CONTENTS, "/data/theirs": CONTENTS}
        other.faults["/stored"] = [503]
        server.redirects["/data/moved"] = f"{other.address}/stored?signature=secret-signature"
        moved, foreign = file_of(server, tmp_path, "/data/moved"), file_of(other, tmp_path, "/data/theirs")
        rows = download(server, tmp_path, file_of(server, tmp_path), moved, foreign)
        assert set(rows.status) == {"ok"}
        assert len(other.requests) == 3
        assert not any(TOKEN in str(headers) for _, _, headers in other.requests)
    assert any(headers.get("X-Auth-Token") == TOKEN for _, _, headers in server.requests)
    assert TOKEN not in caplog.text + (tmp_path / "manifest.tsv").read_text()
    assert "secret-signature" not in caplog.text


FETCH = """
import sys
from molpath.acquire.download import download_files
from molpath.acquire.web import Service
file = dict(zip(("id", "path", "url", "md5", "bytes"), sys.argv[2:]))
download_files(files=[file], manifest=sys.argv[1], service=Service(3, 0.01, 30))
"""


def test_after_a_kill_the_part_is_resumed(server, tmp_path, repository):
    """The first process waits for bytes that don't come and is killed; the second asks for the rest only."""
    file = file_of(server, tmp_path)
    server.faults["/data/a"] = [("cut", 1 << 21), (503, {"Retry_After": "60"})]
    command = [sys.executable, "-c", FETCH, str(tmp_path / "manifest.tsv"), *file.values()]
    environment = os.environ | {"PYTHONPATH": str(repository / "workflow/scripts")}
    first = subprocess.Popen(command, env=environment)
    deadline = time.monotonic() + 20
    while server.count("/data/a") < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert os.listdir(tmp_path / "files") == ["a.part"]
    subprocess.run(command, env=environment, check=True)
    assert ranges(server)[-1] == "bytes=2097152-"
    assert (tmp_path / "files/a").read_bytes() == CONTENTS


def test_a_download_is_on_the_disk_before_it_has_its_name_and_the_name_after(server, tmp_path, monkeypatch):
    calls, fsync, replace = [], os.fsync, os.replace

    def flush(descriptor):
        calls.append(("fsync", os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}"))))
        fsync(descriptor)

    def rename(source, target):
        calls.append(("rename", os.path.basename(target)))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", flush)
    monkeypatch.setattr(os, "replace", rename)
    download(server, tmp_path, file_of(server, tmp_path))
    assert calls[:3] == [("fsync", "a.part"), ("rename", "a"), ("fsync", "files")]
