"""Histories, paths, lists, sheets and indices with gaps or oddities: each costs one file, or is reported."""

import hashlib
import json

import pandas as pd
import pytest
from data_services import serving as gdc_serving
from idc_bucket import write_index
from molpath.acquire import s3, web
from molpath.acquire.refused import list_refused
from molpath.acquire.sheets import write_sheets
from molpath.acquire.transfer import NoRoom
from molpath.common.files import read_tsv, write_tsv
from odd_server import CONTENTS, download, file_of

SMALL = b"II*\0" + b"x" * 100
NOTHING = {"md5": "", "bytes": ""}
OLD, NEW = "d570eccc-3c1c-4c4f-ae04-96be71fbe001", "0f8d8202-a1ca-4ea1-98b2-c20a6b084701"


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
    assert len(server.requests) == 1


def test_no_room_for_the_notes_is_reported_in_words(odd, tmp_path, monkeypatch):
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
    report = write_sheets(settings=settings, sheets=str(folder), downloads="downloads", service=service)
    return read_tsv(folder / "slides.tsv"), read_tsv(folder / "profiles.tsv"), report


def hit(file_id: str, name: str, **more) -> dict:
    case = {"submitter_id": "P 1/2", "samples": [{"submitter_id": "P 1/2-s", "sample_type": "Primary Tumor"}]}
    return {"file_id": file_id, "file_name": name, "file_size": 1, "md5sum": "a" * 32, "cases": [case]} | more


def test_names_of_the_gdc_become_names_that_sheets_may_have(tmp_path):
    cohort = {
        "projects": [], "programs": [], "sample_types": [], "access": ["open"], "strategy": "Diagnostic Slide",
        "paired_only": True, "folder": "",
    }  # fmt: skip
    hits_of = {"slides": [hit("s1", "a b.svs"), hit("s2", "..")], "profiles": [hit("r1", "x.tsv")]}
    with gdc_serving() as server:
        server.answers = {
            sheet: {"data": {"hits": hits, "pagination": {"total": len(hits)}}, "warnings": ["an old field"]}
            for sheet, hits in hits_of.items()
        }
        slides, profiles, _ = write(server, tmp_path, gdc={"T": cohort})
    assert slides[["slide_id", "case_id"]].values.tolist() == [["a_b", "P_1_2"]]
    assert profiles[["profile_id", "case_id"]].values.tolist() == [["P_1_2-s-rna", "P_1_2"]]


def test_overlapping_cohorts_and_shared_names_of_cases_are_reported(odd, tmp_path):
    section = {"collections": ["tcga_*"], "description": "", "folder": ""}
    settings = write_index(tmp_path / "index", [("tcga_x", "C", "1", "HE", "", "", "SM")])
    report = write(odd(), tmp_path, idc={"T": section, "U": section}, **settings)[2]
    assert any("repeats ids (1 in all, first C." in words for words in report.values())
    cohort = {
        "projects": [], "programs": [], "sample_types": [], "access": ["open"], "strategy": "Diagnostic Slide",
        "paired_only": True, "folder": "",
    }  # fmt: skip
    hits = {"slides": hit("s1", "a.svs"), "profiles": hit("r1", "x.tsv")}
    for name, listed in zip("AB", hits.values(), strict=True):
        listed["cases"][0]["project"] = {"project_id": name}
    with gdc_serving() as server:
        server.answers = {
            sheet: {"data": {"hits": [hit_of_sheet], "pagination": {"total": 1}}, "warnings": {}}
            for sheet, hit_of_sheet in hits.items()
        }
        report = write(server, tmp_path, gdc={"T": cohort})[2]
    assert any("projects share names of cases (1 in all, first P 1/2, in A, B)" in words for words in report.values())


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
    section = {"collections": ["tcga_*"], "description": "", "folder": ""}
    slides, _, _ = write(odd(), tmp_path, idc={"T": section}, **settings)
    assert slides.case_id.tolist() == ["C0", "C1", "C6"]
    assert slides.bytes.tolist() == ["", "", "6000006"]
    left = read_tsv(tmp_path / "left_out.tsv")
    assert left[["reason", "count"]].values.tolist() == [["the index has no case or address", "3"]]
