"""Answers that services give against the rules of HTTP, or within them and seldom; each was taken for a file, or
stopped a job with a traceback, when it was first sent."""

import gzip
import json
from pathlib import Path

import pandas as pd
import pytest
from data_services import TOKEN
from molpath.acquire import s3, web
from molpath.acquire.web import AccessDenied, Unreachable
from molpath.common.downloads import downloaded_only
from molpath.common.files import write_tsv
from odd_server import CONTENTS, download, file_of

NEWER = b"II*\0" + CONTENTS[:3:-1]
SMALL = b"II*\0" + b"x" * 100
NOTHING = {"md5": "", "bytes": ""}


def cut_first(then):
    """400,000 bytes at the first request, `then` afterwards."""
    return lambda h, n: h.answer(200, CONTENTS, send=400_000, ETag='"v"') if n == 0 else then(h, n)


@pytest.mark.parametrize("facts", [{}, {"md5": ""}, NOTHING])
@pytest.mark.parametrize(
    "then",
    [
        lambda h, n: h.piece(CONTENTS, h.start and max(h.start, 700_000), ETag='"v"'),  # leaves a hole
        lambda h, n: h.piece(CONTENTS, h.start, h.start + 300_000, ETag='"v"'),  # never more than so much
        lambda h, n: h.answer(200, CONTENTS) if not h.start else h.answer(
            206, b"--X\r\n\r\n" + CONTENTS[h.start :] + b"\r\n--X--", Content_Type="multipart/byteranges; boundary=X"
        ),
    ],
    ids=["later-start", "short-pieces", "multipart"],
)  # fmt: skip
def test_pieces_that_do_not_fit_are_not_joined(odd, tmp_path, then, facts):
    file = file_of(odd(cut_first(then)), tmp_path, **facts)
    assert download(tmp_path, file).status["a.svs"] == "ok"
    assert Path(file["path"]).read_bytes() == CONTENTS


@pytest.mark.parametrize("header", ["ETag", "Last_Modified"])
def test_a_newer_version_is_not_appended_where_if_range_is_not_known(odd, tmp_path, header):
    versions = ['"1"', '"2"'] if header == "ETag" else [f"Mon, 0{i} Jan 2024 00:00:00 GMT" for i in (1, 8)]

    def answer(h, n):
        if n == 0:
            h.answer(200, CONTENTS, send=400_000, **{header: versions[0]})
        else:
            h.piece(NEWER, h.start, **{header: versions[1]})

    file = file_of(odd(answer), tmp_path, **NOTHING)
    assert download(tmp_path, file).status["a.svs"] == "ok"
    assert Path(file["path"]).read_bytes() == NEWER


def test_without_any_version_a_cut_file_without_md5_starts_again(odd, tmp_path):
    answer = lambda h, n: h.answer(200, CONTENTS, send=400_000) if n == 0 else h.piece(NEWER, h.start)  # noqa: E731
    file = file_of(odd(answer), tmp_path, **NOTHING)
    download(tmp_path, file)
    assert Path(file["path"]).read_bytes() == NEWER


@pytest.mark.parametrize("facts", [{}, {"md5": ""}])
def test_a_cut_without_a_length_is_resumed(odd, tmp_path, facts):
    def answer(h, n):
        h.piece(CONTENTS, h.start, length=False, send=300_000 if n < 3 else None, ETag='"v"')

    server = odd(answer)
    file = file_of(server, tmp_path, **facts)
    assert download(tmp_path, file).status["a.svs"] == "ok"
    assert [headers.get("Range") for _, headers in server.requests][1:] == [f"bytes={i}00000-" for i in (3, 6, 9)]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_file_that_is_shorter_than_announced_is_reported_without_a_length_too(odd, tmp_path, ranges):
    def answer(h, n):
        if ranges and h.start >= len(SMALL):
            h.answer(416)
        else:
            h.piece(SMALL, h.start * ranges, length=False)

    row = download(tmp_path, file_of(odd(answer), tmp_path)).loc["a.svs"]
    assert (row.reason, row.detail) == (
        "wrong_size",
        f"twice it has {len(SMALL)} bytes, announced were {len(CONTENTS)}",
    )


@pytest.mark.parametrize("status", [416, 204])
def test_answers_without_a_file_are_reported(odd, tmp_path, status):
    row = download(tmp_path, file_of(odd(lambda h, n: h.answer(status)), tmp_path)).loc["a.svs"]
    assert (row.reason, row.detail) == ("not_the_file", f"twice the answer is not a file (HTTP {status})")


@pytest.mark.parametrize("facts", [{}, NOTHING])
@pytest.mark.parametrize("kind", ["gzip", "x-gzip"])
def test_a_packed_file_stays_packed(odd, tmp_path, kind, facts):
    packed = gzip.compress(b"a\tb\n" * 1000)
    server = odd(lambda h, n: h.answer(200, packed, Content_Encoding=kind))
    file = file_of(server, tmp_path, "/a.maf.gz", packed, **facts)
    assert download(tmp_path, file).status["a.maf.gz"] == "ok"
    assert Path(file["path"]).read_bytes() == packed


@pytest.mark.parametrize(
    "body", [b'{"message": "quota exceeded"}', b'<?xml version="1.0"?><Error/>', b"<!-- --><html>"]
)
def test_messages_are_no_tables(odd, tmp_path, body):
    server = odd(lambda h, n: h.answer(200, body, Content_Type="application/octet-stream"))
    row = download(tmp_path, file_of(server, tmp_path, "/a.tsv", **NOTHING)).loc["a.tsv"]
    assert row.reason == "not_the_file"


@pytest.mark.parametrize("status", [403, 500])
def test_a_bad_file_alone_in_its_job_is_set_aside_once_its_service_has_sent_another(odd, tmp_path, status):
    """The last shard of a sheet may hold one file: it stopped its job, and its cohort, in every run."""
    server = odd(lambda h, n: h.answer(200, SMALL))
    server.routes["/bad.svs"] = lambda h, n: h.answer(status)
    notes, bad = str(tmp_path / "digests.tsv"), file_of(server, tmp_path, "/bad.svs", SMALL)
    with pytest.raises((AccessDenied, Unreachable)):
        download(tmp_path, bad, notes=notes)
    download(tmp_path, file_of(server, tmp_path, "/good.svs", SMALL), notes=notes)
    assert download(tmp_path, bad, notes=notes).status["bad.svs"] == "set_aside"
    server.routes["*"] = server.routes["/bad.svs"]  # now it is the service
    with pytest.raises((AccessDenied, Unreachable)):
        download(tmp_path, bad, notes=notes)


def test_a_login_page_is_no_sign_of_life(odd, tmp_path):
    server = odd(lambda h, n: h.answer(302, Location="/login"))
    server.routes["/login"] = lambda h, n: h.answer(200, b"<html>log in", Content_Type="text/html")
    files = [file_of(server, tmp_path, f"/{i}.svs", SMALL) for i in range(30)]
    Path(files[0]["path"]).parent.mkdir()
    Path(files[0]["path"]).write_bytes(SMALL)
    with pytest.raises(Unreachable, match="29 of 30 files could not be fetched.*: twice the answer is a page"):
        download(tmp_path, *files, connections=1)


def test_a_cohort_of_profiles_that_lost_most_files_stops(tmp_path):
    rows = [{"profile_id": f"p{i}", "path": f"f{i}", "cohort": "A"} for i in range(10)]
    table = pd.DataFrame(
        [{"path": row["path"], "status": "set_aside", "reason": "denied", "detail": "x"} for row in rows]
    )
    write_tsv(tmp_path / "m.tsv", table[:5])
    assert len(downloaded_only(rows, [str(tmp_path / "m.tsv")])) == 5
    write_tsv(tmp_path / "m.tsv", table[:6])
    with pytest.raises(ValueError, match=r"6 of 10 files of cohort A could not be downloaded"):
        downloaded_only(rows, [str(tmp_path / "m.tsv")])


@pytest.mark.parametrize("status", [403, 404, 400, 500])
def test_no_login_query_or_token_is_revealed(odd, tmp_path, monkeypatch, caplog, status):
    """Not even where the service repeats them in its own words."""
    caplog.set_level(0)
    (tmp_path / "token").write_text(TOKEN)
    monkeypatch.setenv(web.TOKEN_FILE, str(tmp_path / "token"))

    def echo(h, n):
        words = f"{h.path} with {h.headers.get('X-Auth-Token')} is refused"
        h.answer(status, json.dumps({"message": words}).encode(), Content_Type="application/json")

    server = odd(echo)
    file = file_of(server, tmp_path)
    file["url"] = file["url"].replace("://", "://user:s3cretpassword@") + "?token=s3cretsignature"
    rows = ""
    try:
        rows = download(tmp_path, file, host=server.address).to_string()
    except (AccessDenied, Unreachable) as error:
        rows = str(error)
    assert any(TOKEN in str(headers) for _, headers in server.requests)
    for secret in ("s3cretpassword", "s3cretsignature", TOKEN):
        assert secret not in rows + caplog.text


def test_a_session_of_a_bucket_is_not_sent_on(odd, tmp_path, monkeypatch):
    other = odd(lambda h, n: h.answer(200, SMALL))
    bucket = odd(lambda h, n: h.answer(302, Location=f"{other.address}/stored"))
    for name, value in {s3.KEY: "A", s3.SECRET: "B", s3.SESSION: "session", s3.ENDPOINTS[0]: bucket.address}.items():
        monkeypatch.setenv(name, value)
    download(tmp_path, file_of(bucket, tmp_path, contents=SMALL, url="s3://b/a.svs"))
    assert any("session" in str(headers) for _, headers in bucket.requests)
    assert not any("session" in str(headers) for _, headers in other.requests)


def test_a_buckets_own_words_are_reported(odd, tmp_path, monkeypatch):
    words = b"<Error><Code>RequestTimeTooSkewed</Code><Message>The clocks differ too much</Message></Error>"
    bucket = odd(lambda h, n: h.answer(403, words, Content_Type="application/xml"))
    monkeypatch.setenv(s3.ENDPOINTS[0], bucket.address)
    with pytest.raises(AccessDenied, match="It says: The clocks differ too much"):
        download(tmp_path, file_of(bucket, tmp_path, url="s3://b/a.svs"))
