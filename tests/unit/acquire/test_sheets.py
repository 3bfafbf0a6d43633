"""Sheets from what the services list: filters, paging, pairs, order; expected rows are written out here."""

import gzip
import hashlib

import pytest
from data_services import DIAGNOSTIC, STAR, serving
from molpath.acquire import web
from molpath.acquire.gdc import choose, profile_rows, query_files, slide_rows
from molpath.acquire.left_out import LeftOut
from molpath.acquire.sheets import write_sheets
from molpath.acquire.web import AccessDenied, Unreachable
from molpath.common.files import read_tsv

GDC = {
    "projects": ["TCGA-XX"], "programs": [], "sample_types": ["Primary Tumor"], "access": ["open"],
    "strategy": "Diagnostic Slide", "paired_only": True, "folder": "",
}  # fmt: skip


@pytest.fixture
def server():
    """Three cases: A with two slides and two aliquots, B without expression, C of another project; and others."""
    with serving() as service:
        a, b, c = "TCGA-AA-0001", "TCGA-BB-0002", "TCGA-CC-0003"
        service.add("f9", f"{a}-01Z-00-DX2.U2.svs", b"slide 2", a, f"{a}-01Z", **DIAGNOSTIC)
        service.add("f1", f"{a}-01Z-00-DX1.U1.svs", b"slide 1", a, f"{a}-01Z", **DIAGNOSTIC)
        service.add("f2", f"{b}-01Z-00-DX1.U3.svs", b"slide 3", b, f"{b}-01Z", **DIAGNOSTIC)
        service.add("f3", f"{c}-01Z-00-DX1.U4.svs", b"slide 4", c, f"{c}-01Z", project="CPTAC-3", **DIAGNOSTIC)
        frozen = DIAGNOSTIC | {"experimental_strategy": "Tissue Slide"}
        service.add("f4", f"{a}-01A-01-TS1.U5.svs", b"slide 5", a, f"{a}-01A", **frozen)
        service.add("e8", "x8.tsv", b"counts 8", a, f"{a}-01A", **STAR)
        service.add("e2", "x2.tsv", b"counts 2", a, f"{a}-01A", **STAR)
        service.add("e3", "x3.tsv", b"counts 3", a, f"{a}-11A", sample_type="Solid Tissue Normal", **STAR)
        service.add("e4", "x4.tsv", b"counts 4", b, f"{b}-01A", access="controlled", **STAR)
        yield service


def write(server, folder, gdc=None, gtex=None, attempts=2, **more):
    settings = {"gdc": gdc or {}, "gtex": gtex or {}, "idc": {}, "gdc_api": server.address + "/"} | more
    service = web.Service(attempts, 0.01, 5, server.address)
    report = write_sheets(settings=settings, sheets=str(folder), downloads="resources/downloads", service=service)
    return read_tsv(folder / "slides.tsv"), read_tsv(folder / "profiles.tsv"), report


def test_gdc_lists_diagnostic_slides_of_cases_with_expression(server, tmp_path):
    slides, profiles, _ = write(server, tmp_path, {"TCGA": GDC})
    first = {
        "slide_id": "TCGA-AA-0001-01Z-00-DX1.U1", "case_id": "TCGA-AA-0001",
        "path": "resources/downloads/TCGA/f1/TCGA-AA-0001-01Z-00-DX1.U1.svs", "cohort": "TCGA", "site": "AA",
        "organ": "Breast", "project": "TCGA-XX", "specimen": "FFPE", "sample_id": "TCGA-AA-0001-01Z",
        "sample_type": "tumour", "url": f"{server.address}/data/f1", "md5": hashlib.md5(b"slide 1").hexdigest(),
        "bytes": "7",
    }  # fmt: skip
    assert slides.to_dict("records")[0] == first
    assert slides.slide_id.tolist() == ["TCGA-AA-0001-01Z-00-DX1.U1", "TCGA-AA-0001-01Z-00-DX2.U2"]
    assert profiles.profile_id.tolist() == ["TCGA-AA-0001-01A-rna", "TCGA-AA-0001-01A-rna-2"]
    assert profiles.path.tolist() == [f"resources/downloads/TCGA/{f}/x{f[1]}.tsv" for f in ("e2", "e8")]
    assert set(profiles.format) == {"gdc_star"}
    assert set(profiles.unit) == {"counts"}


def test_what_is_asked_for_decides(server, tmp_path):
    """Frozen slides; any sample type; without pairing; another folder, as gdc-client fills it."""
    section = GDC | {"strategy": "Tissue Slide", "sample_types": [], "paired_only": False, "folder": "/data/gdc"}
    slides, profiles, _ = write(server, tmp_path, {"T": section | {"projects": [], "programs": ["TCGA"]}})
    assert slides[["path", "specimen"]].values.tolist() == [["/data/gdc/f4/TCGA-AA-0001-01A-01-TS1.U5.svs", "frozen"]]
    assert profiles.sample_type.tolist() == ["tumour", "tumour", "normal"]


def test_pages_are_joined_and_the_order_of_answers_does_not_matter(server, tmp_path):
    write(server, tmp_path / "whole", {"TCGA": GDC})
    server.page = 1
    server.records.reverse()
    server.faults["/files"] = [503]
    write(server, tmp_path / "paged", {"TCGA": GDC})
    for name in ("slides.tsv", "profiles.tsv"):
        assert (tmp_path / "paged" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert server.count("/files") == 2 + 1 + 3 + 3


def test_a_list_cut_short_is_no_sheet(server, tmp_path):
    server.page = 0
    with pytest.raises(Unreachable, match="0 of 5 files"):
        list(query_files(web.Service(2, 0.01, 5), server.address, {"data_type": ["Slide Image"]}, LeftOut()))
    with pytest.raises(Unreachable):
        write(server, tmp_path, {"TCGA": GDC})
    assert list(tmp_path.iterdir()) == []


def test_a_project_that_does_not_exist_is_named(server, tmp_path):
    with pytest.raises(ValueError, match="acquire/gdc/TCGA"):
        write(server, tmp_path, {"TCGA": GDC | {"projects": ["TCGA-YY"]}})


def test_writing_again_reports_what_changed(server, tmp_path):
    _, _, report = write(server, tmp_path, {"TCGA": GDC})
    assert report[str(tmp_path / "slides.tsv")] == "2 rows"
    del server.records[0]
    _, _, report = write(server, tmp_path, {"TCGA": GDC})
    assert report[str(tmp_path / "slides.tsv")] == "1 rows (0 new, 1 gone)"


@pytest.fixture
def gtex(server):
    """Slides of three specimens; RNA of one of them, of one without a slide, and of a cell line."""
    names = ("GTEX-111CU-1826", "GTEX-111CU-0226", "GTEX-ZZZZ1-0001")
    server.images = [
        {"tissueSampleId": name, "subjectId": name[:10], "tissueSiteDetail": "Skin - Sun Exposed"} for name in names
    ]
    rows = (
        ("GTEX-111CU-1826-SM-5GZYN", "RNASEQ"),
        ("GTEX-111CU-0226-SM-XXXXX", "WGS"),
        ("GTEX-QQQQ1-0011-SM-AAAAA", "RNASEQ"),
        ("K-562-SM-2AXVE", "RNASEQ"),
    )
    text = "SAMPID\tSMTS\tSMAFRZE\n" + "".join(f"{name}\tSkin\t{freeze}\n" for name, freeze in rows)
    server.files["/samples.txt"] = text.encode()
    server.files |= {f"/images/{name}": b"II*\0" for name in names}
    server.files["/bulk/tpm.gct.gz"] = gzip.compress(b"#1.2\n")
    return {
        "api": server.address, "slide_list": "", "images": f"{server.address}/images", "folder": "",
        "samples": f"{server.address}/samples.txt", "tpm": f"{server.address}/bulk/tpm.gct.gz", "tpm_md5": "",
        "paired_only": True,
    }  # fmt: skip


def test_gtex_lists_specimens_with_slide_and_rna(server, gtex, tmp_path):
    server.page = 2
    slides, profiles, _ = write(server, tmp_path, gtex={"GTEX": gtex})
    columns = ["slide_id", "case_id", "path", "organ", "url"]
    assert slides[columns].values.tolist() == [
        ["GTEX-111CU-1826", "GTEX-111CU", "resources/downloads/GTEX/GTEX-111CU-1826.svs", "Skin"]
        + [f"{server.address}/images/GTEX-111CU-1826"]
    ]
    columns = ["profile_id", "case_id", "format", "path", "column", "unit"]
    assert profiles[columns].values.tolist() == [
        ["GTEX-111CU-1826-SM-5GZYN-rna", "GTEX-111CU", "gct", "resources/downloads/GTEX/tpm.gct.gz"]
        + ["GTEX-111CU-1826-SM-5GZYN", "tpm"]
    ]


def test_the_portals_csv_replaces_its_api(server, gtex, tmp_path):
    write(server, tmp_path / "api", gtex={"GTEX": gtex})
    text = '"Tissue Sample ID","Tissue","Subject ID","Sex"\n' + "".join(
        f'"{image["tissueSampleId"]}","{image["tissueSiteDetail"]}","{image["subjectId"]}","male"\n'
        for image in server.images
    )
    (tmp_path / "portal.csv").write_text(text)
    write(server, tmp_path / "csv", gtex={"GTEX": gtex | {"slide_list": str(tmp_path / "portal.csv")}})
    assert (tmp_path / "csv/slides.tsv").read_bytes() == (tmp_path / "api/slides.tsv").read_bytes()
    (tmp_path / "portal.csv").write_text("Id,Tissue\n")
    with pytest.raises(ValueError, match="Tissue Sample ID, Subject ID"):
        write(server, tmp_path, gtex={"GTEX": gtex | {"slide_list": str(tmp_path / "portal.csv")}})


def test_a_missing_token_file_is_reported_at_once(monkeypatch, tmp_path):
    monkeypatch.setenv(web.TOKEN_FILE, str(tmp_path / "none"))
    with pytest.raises(AccessDenied, match="GDC_TOKEN_FILE names"):
        web.Service()


def test_slides_of_a_project_are_listed_together():
    sample = {"submitter_id": "S", "sample_type": "Primary Tumor"}
    hits = [
        {"file_name": f"{name}.svs", "file_id": name, "file_size": 1, "md5sum": "0" * 32}
        | {"cases": [{"submitter_id": name, "project": {"project_id": project}, "samples": [sample]}]}
        for name, project in (("a", "TCGA-LUAD"), ("b", "TCGA-BRCA"), ("c", "TCGA-LUAD"), ("d", "TCGA-BRCA"))
    ]
    rows = slide_rows(chosen(hits), "TCGA", "Diagnostic Slide", "folder", "https://api")
    assert [row["slide_id"] for row in rows] == ["b", "d", "a", "c"]


def chosen(hits, *types):
    """The files that are kept, of any kind of tissue where none is named."""
    return choose(hits, "A", "profiles", types, LeftOut())


def file_of(name, *samples, **more):
    """What the GDC says of a file of (case, sample, sample_type) each."""
    cases = {}
    for case, sample, kind in samples:
        cases.setdefault(case, []).append({"submitter_id": sample, "sample_type": kind} | more)
    listed = [
        {"submitter_id": case, "project": {"project_id": "P"}, "samples": of_case} for case, of_case in cases.items()
    ]
    return {"file_name": name, "file_id": name, "file_size": 1, "md5sum": "0" * 32, "cases": listed}


def test_pools_are_no_profile_of_their_first_case(caplog):
    first, two, tumour = "C3L-00004", ("C3N-01200", "C3N-01200-02", "Primary Tumor"), "Primary Tumor"
    hits = [
        file_of("a.tsv", two, ("C3L-00010", "C3L-00010-03", tumour)),
        file_of("b.tsv", (first, f"{first}-01", tumour), (first, f"{first}-06", "Solid Tissue Normal")),
        file_of("c.tsv", (first, f"{first}-03", tumour), (first, f"{first}-01", tumour)),
        file_of("d.tsv", (first, f"{first}-09", "Cell Lines")),
    ]
    rows = profile_rows(chosen(hits), "CPTAC", "folder", "https://api")
    assert [(row["sample_id"], row["sample_type"]) for row in rows] == [("", "tumour")]  # of two samples
    assert "a.tsv (a.tsv) is left out: a pool of C3L-00010, C3N-01200" in caplog.text
    assert "b.tsv (b.tsv) is left out: a mixture of tumour and normal of C3L-00004" in caplog.text
    assert "d.tsv (d.tsv) is left out: a sample of C3L-00004 that is neither tumour nor normal" in caplog.text
    assert slide_rows(chosen(hits[:2]), "CPTAC", "Diagnostic Slide", "folder", "https://api") == []


@pytest.mark.parametrize(
    ("kind", "more", "expected"),
    [
        ("Metastatic", {}, "tumour"),
        ("Additional - New Primary", {}, "tumour"),
        ("Tumor Adjacent Normal - Post Neo-adjuvant Therapy", {}, "normal"),
        ("FFPE Scrolls", {}, ""),
        (None, {"tissue_type": "Normal"}, "normal"),
        (None, {"tissue_type": "Tumor"}, "tumour"),
        (None, {}, ""),
    ],
)
def test_words_of_the_gdc_for_tumour_and_normal(kind, more, expected):
    rows = profile_rows(chosen([file_of("a.tsv", ("C", "C-1", kind), **more)]), "A", "folder", "https://api")
    assert rows[0]["sample_type"] == expected
