"""Answers that services give against the rules of HTTP, or within them and seldom; each was taken for a file, or
stopped a job with a traceback, when it was first sent."""

import gzip
import hashlib
import json
import random
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest
from data_services import TOKEN
from data_services import serving as gdc_serving
from idc_bucket import write_index
from molpath.acquire import s3, web
from molpath.acquire.download import download_files
from molpath.acquire.refused import list_refused
from molpath.acquire.sheets import write_sheets
from molpath.acquire.transfer import NoRoom
from molpath.acquire.web import AccessDenied, Unreachable
from molpath.common.downloads import downloaded_only
from molpath.common.files import read_tsv, write_tsv

CONTENTS = b"II*\0" + random.Random(0).randbytes(1_000_000)
NEWER = b"II*\0" + CONTENTS[:3:-1]
SMALL = b"II*\0" + b"x" * 100
NOTHING = {"md5": "", "bytes": ""}
OLD, NEW = "d570eccc-3c1c-4c4f-ae04-96be71fbe001", "0f8d8202-a1ca-4ea1-98b2-c20a6b084701"


@pytest.fixture(autouse=True)
def local(monkeypatch):
    for name in (s3.KEY, s3.SECRET, s3.SESSION, *s3.ENDPOINTS, *s3.REGIONS, web.TOKEN_FILE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        path = self.path.split("?")[0]
        number = sum(1 for asked, _ in self.server.asked if asked == path)
        self.server.asked.append((path, dict(self.headers)))
        self.server.routes.get(path, self.server.routes.get("*", lambda h, n: h.answer(404)))(self, number)

    @property
    def start(self) -> int:
        asked = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(asked[1]) if asked else 0

    def answer(self, status, body=b"", send=None, length=True, **headers):
        """An answer, cut off after `send` bytes."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if length:
            self.send_header("Content-Length", str(len(body)))
        self.close_connection = not length or send is not None
        self.end_headers()
        self.wfile.write(body[:send])

    def piece(self, contents, start, end=None, **more):
        """Bytes `start` to `end` of `contents`, as 206 where they are not all."""
        end = len(contents) if end is None else min(end, len(contents))
        if start or end < len(contents):
            more["Content_Range"] = f"bytes {start}-{end - 1}/{len(contents)}"
        self.answer(206 if "Content_Range" in more else 200, contents[start:end], **more)


@pytest.fixture
def odd():
    """Servers that answer as their `routes` say; `asked` holds path and headers."""
    servers = []

    def start(everything=None, **routes):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.asked, server.routes = [], routes | ({"*": everything} if everything else {})
        server.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def file_of(server, folder: Path, path="/a.svs", contents=CONTENTS, **changes) -> dict:
    row = {"id": path[1:], "path": str(folder / "files" / path[1:]), "url": server.address + path}
    return row | {"md5": hashlib.md5(contents).hexdigest(), "bytes": str(len(contents))} | changes


def download(folder: Path, *files: dict, host="", attempts=3, **options):
    service = web.Service(attempts=attempts, wait_s=0.01, timeout_s=5, token_host=host)
    download_files(files=files, manifest=str(folder / "manifest.tsv"), service=service, **options)
    return read_tsv(folder / "manifest.tsv").set_index("id")


def cut_first(then):
    """400,000 bytes at the first request, `then` afterwards."""
    return lambda h, n: h.answer(200, CONTENTS, send=400_000, ETag='"v"') if n == 0 else then(h, n)


@pytest.mark.parametrize("known", [{}, {"md5": ""}, NOTHING])
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
def test_pieces_that_do_not_fit_are_not_put_together(odd, tmp_path, then, known):
    file = file_of(odd(cut_first(then)), tmp_path, **known)
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


@pytest.mark.parametrize("known", [{}, {"md5": ""}])
def test_a_cut_without_a_length_is_gone_on_with(odd, tmp_path, known):
    def answer(h, n):
        h.piece(CONTENTS, h.start, length=False, send=300_000 if n < 3 else None, ETag='"v"')

    server = odd(answer)
    file = file_of(server, tmp_path, **known)
    assert download(tmp_path, file).status["a.svs"] == "ok"
    assert [headers.get("Range") for _, headers in server.asked][1:] == [f"bytes={i}00000-" for i in (3, 6, 9)]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_file_that_is_shorter_than_announced_is_told_without_a_length_too(odd, tmp_path, ranges):
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
def test_answers_without_a_file_are_told(odd, tmp_path, status):
    row = download(tmp_path, file_of(odd(lambda h, n: h.answer(status)), tmp_path)).loc["a.svs"]
    assert (row.reason, row.detail) == ("not_the_file", f"twice the answer is no file (HTTP {status})")


@pytest.mark.parametrize("known", [{}, NOTHING])
@pytest.mark.parametrize("kind", ["gzip", "x-gzip"])
def test_a_packed_file_stays_packed(odd, tmp_path, kind, known):
    packed = gzip.compress(b"a\tb\n" * 1000)
    server = odd(lambda h, n: h.answer(200, packed, Content_Encoding=kind))
    file = file_of(server, tmp_path, "/a.maf.gz", packed, **known)
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
def test_no_login_query_or_token_is_told(odd, tmp_path, monkeypatch, caplog, status):
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
    told = ""
    try:
        told = download(tmp_path, file, host=server.address).to_string()
    except (AccessDenied, Unreachable) as error:
        told = str(error)
    assert any(TOKEN in str(headers) for _, headers in server.asked)
    for secret in ("s3cretpassword", "s3cretsignature", TOKEN):
        assert secret not in told + caplog.text


def test_a_session_of_a_bucket_is_not_sent_on(odd, tmp_path, monkeypatch):
    other = odd(lambda h, n: h.answer(200, SMALL))
    bucket = odd(lambda h, n: h.answer(302, Location=f"{other.address}/stored"))
    for name, value in {s3.KEY: "A", s3.SECRET: "B", s3.SESSION: "session", s3.ENDPOINTS[0]: bucket.address}.items():
        monkeypatch.setenv(name, value)
    download(tmp_path, file_of(bucket, tmp_path, contents=SMALL, url="s3://b/a.svs"))
    assert any("session" in str(headers) for _, headers in bucket.asked)
    assert not any("session" in str(headers) for _, headers in other.asked)


def test_a_buckets_own_words_are_told(odd, tmp_path, monkeypatch):
    words = b"<Error><Code>RequestTimeTooSkewed</Code><Message>The clocks differ too much</Message></Error>"
    bucket = odd(lambda h, n: h.answer(403, words, Content_Type="application/xml"))
    monkeypatch.setenv(s3.ENDPOINTS[0], bucket.address)
    with pytest.raises(AccessDenied, match="It says: The clocks differ too much"):
        download(tmp_path, file_of(bucket, tmp_path, url="s3://b/a.svs"))


def as_json(value):
    return lambda h, n: h.answer(200, json.dumps(value).encode(), Content_Type="application/json")


@pytest.mark.parametrize(
    ("history", "facts", "status"),
    [
        ({"message": "none"}, {}, "set_aside"),
        ([None], {}, "set_aside"),
        ([{"uuid": None, "version": "2", "file_change": "released"}], {}, "set_aside"),
        ([{"uuid": NEW, "version": "2", "file_change": "released"}], {"file_size": None, "md5sum": None}, "ok"),
    ],
)
def test_odd_histories_cost_one_file(odd, tmp_path, history, facts, status):
    server = odd(lambda h, n: h.answer(404))
    server.routes |= {f"/history/{OLD}": as_json(history), "/good.svs": lambda h, n: h.answer(200, SMALL)}
    server.routes[f"/files/{NEW}"] = as_json({"data": {"file_name": "a.svs", "file_size": 1, "md5sum": "x"} | facts})
    server.routes[f"/data/{NEW}"] = server.routes["/good.svs"]
    stale = file_of(server, tmp_path, contents=SMALL, url=f"{server.address}/data/{OLD}")
    rows = download(tmp_path, stale, file_of(server, tmp_path, "/good.svs", SMALL), host=server.address)
    assert rows.status.tolist() == [status, "ok"]


def test_paths_that_can_not_be_cost_one_file(odd, tmp_path):
    server = odd(lambda h, n: h.answer(200, SMALL))
    folder = tmp_path / "files"
    (folder / "folder.svs").mkdir(parents=True)
    (folder / "part.svs.part").mkdir()
    (folder / "plain").write_text("")
    names = ["folder.svs", "part.svs", "plain/below.svs", f"{'n' * 249}.svs", f"{'n' * 300}.svs"]
    files = [
        file_of(server, tmp_path, f"/{i}", SMALL, **NOTHING) | {"path": str(folder / name)}
        for i, name in enumerate(names)
    ]
    rows = download(tmp_path, file_of(server, tmp_path, "/good.svs", SMALL), *files)
    assert rows.reason.tolist() == ["", *["other_file"] * 5]


def test_two_rows_of_one_path_fetch_it_once(odd, tmp_path):
    server = odd(lambda h, n: h.answer(200, CONTENTS))
    files = [file_of(server, tmp_path, id=name) for name in "abcd"]
    assert set(download(tmp_path, *files).status) == {"ok"}
    assert len(server.asked) == 1


def test_no_room_for_the_notes_is_said_in_words(odd, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("molpath.acquire.digest_notes.DigestNotes._note", full)
    with pytest.raises(NoRoom, match=r"a\.svs: No space left on device\. Make room"):
        download(tmp_path, file_of(odd(lambda h, n: h.answer(200, CONTENTS)), tmp_path))


def test_a_request_that_took_too_long_is_made_again_and_a_wrong_address_is_not(odd, tmp_path):
    server = odd(lambda h, n: h.answer(408) if n == 0 else h.answer(200, SMALL))
    rows = download(
        tmp_path,
        file_of(server, tmp_path, contents=SMALL),
        *(file_of(server, tmp_path, f"/{i}.svs", url=url) for i, url in enumerate(["http:///b.svs", "http://[::1/c"])),
    )
    assert rows.reason.tolist() == ["", "bad_request", "bad_request"]


def test_what_a_killed_job_left_is_no_manifest(tmp_path):
    row = {"id": "a", "path": "p", "status": "set_aside", "reason": "denied", "detail": "", "bytes": "", "md5": ""}
    write_tsv(tmp_path / "manifests/slides/00000.tsv", pd.DataFrame([row]))
    (tmp_path / "manifests/slides/.tmp-host@1@00001.tsv").write_text("id\tpath\tstatus\na\n")
    assert "1 files (1 denied)" in list_refused(str(tmp_path), retry=True)
    assert [path.name for path in (tmp_path / "retry/slides").iterdir()] == ["00000"]


def listing(*names: str, end="") -> bytes:
    md5 = hashlib.md5(SMALL).hexdigest()
    entries = (f"<Contents><Key>u/{n}</Key><ETag>{md5}</ETag><Size>{len(SMALL)}</Size></Contents>" for n in names)
    return f"<ListBucketResult>{''.join(entries)}{end}</ListBucketResult>".encode()


@pytest.mark.parametrize(
    ("lists", "reason"),
    [
        (listing("1.dcm", "1.dcm"), ""),
        (listing("1.dcm", end="<NextContinuationToken>x</NextContinuationToken>"), "unreachable"),
        (b"<html><body>Log in</body></html>", "unreachable"),
    ],
)
def test_odd_lists_of_a_bucket(odd, tmp_path, monkeypatch, lists, reason):
    bucket = odd(lambda h, n: h.answer(200, SMALL))
    bucket.routes["/b/"] = lambda h, n: h.answer(200, lists)
    monkeypatch.setenv(s3.ENDPOINTS[0], bucket.address)
    good = file_of(bucket, tmp_path, "/good.svs", SMALL, url="s3://b/good.svs")
    rows = download(tmp_path, good, file_of(bucket, tmp_path, "/series", url="s3://b/u/*", **NOTHING))
    assert rows.reason["series"] == reason
    assert reason or rows.bytes["series"] == str(len(SMALL))


def write(server, folder, **sections):
    settings = {"gdc": {}, "gtex": {}, "idc": {}, "gdc_api": server.address} | sections
    service = web.Service(2, 0.01, 5, server.address)
    told = write_sheets(settings=settings, sheets=str(folder), downloads="downloads", service=service)
    return read_tsv(folder / "slides.tsv"), read_tsv(folder / "profiles.tsv"), told


def hit(file_id: str, name: str, **more) -> dict:
    case = {"submitter_id": "P 1/2", "samples": [{"submitter_id": "P 1/2-s", "sample_type": "Primary Tumor"}]}
    return {"file_id": file_id, "file_name": name, "file_size": 1, "md5sum": "a" * 32, "cases": [case]} | more


def test_names_of_the_gdc_become_names_that_sheets_may_have(tmp_path):
    cohort = {
        "projects": [], "programs": [], "sample_types": [], "access": ["open"], "strategy": "Diagnostic Slide",
        "paired_only": True, "folder": "",
    }  # fmt: skip
    found = {"slides": [hit("s1", "a b.svs"), hit("s2", "..")], "profiles": [hit("r1", "x.tsv")]}
    with gdc_serving() as server:
        server.answers = {
            sheet: {"data": {"hits": hits, "pagination": {"total": len(hits)}}, "warnings": ["an old field"]}
            for sheet, hits in found.items()
        }
        slides, profiles, _ = write(server, tmp_path, gdc={"T": cohort})
    assert slides[["slide_id", "case_id"]].values.tolist() == [["a_b", "P_1_2"]]
    assert profiles[["profile_id", "case_id"]].values.tolist() == [["P_1_2-s-rna", "P_1_2"]]


def test_overlapping_cohorts_and_shared_names_of_cases_are_told(odd, tmp_path):
    wanted = {"collections": ["tcga_*"], "description": "", "folder": ""}
    settings = write_index(tmp_path / "index", [("tcga_x", "C", "1", "HE", "", "", "SM")])
    told = write(odd(), tmp_path, idc={"T": wanted, "U": wanted}, **settings)[2]
    assert any("1 ids stand there more than once, first C." in words for words in told.values())
    cohort = {
        "projects": [], "programs": [], "sample_types": [], "access": ["open"], "strategy": "Diagnostic Slide",
        "paired_only": True, "folder": "",
    }  # fmt: skip
    hits = {"slides": hit("s1", "a.svs"), "profiles": hit("r1", "x.tsv")}
    for name, one in zip("AB", hits.values(), strict=True):
        one["cases"][0]["project"] = {"project_id": name}
    with gdc_serving() as server:
        server.answers = {
            sheet: {"data": {"hits": [one], "pagination": {"total": 1}}, "warnings": {}} for sheet, one in hits.items()
        }
        told = write(server, tmp_path, gdc={"T": cohort})[2]
    assert any("one name in several projects, first P 1/2 (A, B)" in words for words in told.values())


def test_gaps_in_the_index_cost_one_slide(odd, tmp_path):
    """Null or zero size, no case, no address, no collection; the same series twice."""
    rows = [("tcga_x", f"C{i}", str(i), "HE", "", "", "SM") for i in range(7)]
    settings = write_index(tmp_path / "index", [*rows, rows[6]])
    index = pd.read_parquet(settings["idc_index"])
    for row, (column, value) in enumerate(
        [("series_size_MB", 0.0), ("series_size_MB", None), ("PatientID", None), ("PatientID", ".."),
         ("series_aws_url", None), ("collection_id", None)]
    ):  # fmt: skip
        index.loc[row, column] = value
    index.to_parquet(settings["idc_index"])
    wanted = {"collections": ["tcga_*"], "description": "", "folder": ""}
    slides, _, _ = write(odd(), tmp_path, idc={"T": wanted}, **settings)
    assert slides.case_id.tolist() == ["C0", "C1", "C6"]
    assert slides.bytes.tolist() == ["", "", "6000006"]
    left = read_tsv(tmp_path / "left_out.tsv")
    assert left[["reason", "count"]].values.tolist() == [["the index has no case or address", "3"]]
