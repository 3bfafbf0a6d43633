"""Slides of the Imaging Data Commons: sheets from its index, and series of a bucket that become slides."""

import hashlib
from collections import namedtuple
from pathlib import Path

import idc_index_data
import pyarrow.parquet as parquet
import pytest
import yaml
from data_services import DIAGNOSTIC, STAR
from idc_bucket import UID, write_index
from molpath.acquire import room, web
from molpath.acquire.sheets import write_sheets
from molpath.common.files import read_tsv

#: collection, case, end of the series, description, name of the slide, place, modality
SERIES = [
    ("tcga_skcm", "TCGA-3N-A9WB", "1", "FFPE HE TP DX1", "TCGA-3N-A9WB-01Z-00-DX1", "Skin", "SM"),
    ("tcga_skcm", "TCGA-3N-A9WC", "2", "FFPE HE  DX1", "TCGA-3N-A9WC-06Z-00-DX1", "Skin", "SM"),
    ("tcga_skcm", "TCGA-3N-A9WB", "3", "Frozen HE TP TSA", "TCGA-3N-A9WB-01A-01-TSA", "Skin", "SM"),
    ("tcga_kich", "TCGA-KL-8323", "4", "FFPE HE NT DX1", "TCGA-KL-8323-11Z-00-DX1", "Kidney", "SM"),
    ("tcga_kich", "TCGA-KL-8323", "5", "a CT", "", "", "CT"),
    ("gtex", "GTEX-1117F", "6", "PG PE HE", "GTEX-1117F-0526", "Tibial artery", "SM"),
    ("gtex", "GTEX-1117F", "7", "PG PE HE", "GTEX-1117F-3226", "Cerebral cortex", "SM"),
    ("gtex", "GTEX-1117F", "8", "FZ  HE", "GTEX-1117F-0626", "Coronary artery", "SM"),
    ("cptac_luad", "C3L-00001", "9", "HE tumor", "C3L-00001-21", "Lung", "SM"),
    ("cptac_luad", "C3L-00001", "10", "HE normal", "C3L-00001-26", "Lung", "SM"),
    ("cptac_luad", "C3L-00002", "11", "HE", "C3L-00002-21", "Lung", "SM"),
]  # fmt: skip
TCGA = {"collections": ["tcga_*"], "description": "^FFPE", "folder": ""}
GDC = {
    "projects": [], "programs": ["TCGA"], "sample_types": ["Tumor"], "access": ["open"],
    "strategy": "Diagnostic Slide", "paired_only": True, "folder": "",
}  # fmt: skip


def write(server, folder: Path, **sections):
    settings = {"gdc": {}, "gtex": {}, "idc": {}, "gdc_api": server.address} | sections
    service = web.Service(2, 0.01, 5, server.address)
    report = write_sheets(settings=settings, sheets=str(folder), downloads="downloads", service=service)
    return read_tsv(folder / "slides.tsv"), read_tsv(folder / "profiles.tsv"), report


def test_slides_of_a_collection_are_a_sheet(server, tmp_path):
    slides, profiles, report = write(server, tmp_path, idc={"TCGA": TCGA}, **write_index(tmp_path, SERIES))
    columns = ["slide_id", "project", "specimen", "sample_id", "sample_type", "bytes"]
    assert slides[columns].values.tolist() == [
        ["TCGA-KL-8323-11Z-00-DX1", "TCGA-KICH", "FFPE", "TCGA-KL-8323-11Z", "normal", "4000004"],
        ["TCGA-3N-A9WB-01Z-00-DX1", "TCGA-SKCM", "FFPE", "TCGA-3N-A9WB-01Z", "tumour", "1000001"],
        ["TCGA-3N-A9WC-06Z-00-DX1", "TCGA-SKCM", "FFPE", "TCGA-3N-A9WC-06Z", "tumour", "2000002"],
    ]
    assert slides.iloc[1].to_dict() == {
        "slide_id": "TCGA-3N-A9WB-01Z-00-DX1", "case_id": "TCGA-3N-A9WB", "path": f"downloads/TCGA/{UID}.1",
        "cohort": "TCGA", "site": "3N", "organ": "Skin", "project": "TCGA-SKCM", "specimen": "FFPE",
        "sample_id": "TCGA-3N-A9WB-01Z", "sample_type": "tumour", "url": "s3://idc-open-data/uuid-1/*", "md5": "",
        "bytes": "1000001", "series_uid": f"{UID}.1", "description": "FFPE HE TP DX1", "licence": "CC BY 4.0",
        "doi": "10.5281/zenodo.1", "transfer_syntax": "JPEG Baseline",
    }  # fmt: skip
    assert len(profiles) == 0
    assert report[f"{tmp_path}/left_out.tsv, slides of TCGA"] == (
        "1 of TCGA-SKCM (Frozen HE TP): description is not what is asked for"
    )
    assert server.requests == []


def test_without_names_a_slide_is_its_case_and_series(server, tmp_path):
    settings = write_index(tmp_path, SERIES) | {"idc_names": ""}
    slides, _, _ = write(server, tmp_path, idc={"TCGA": TCGA}, **settings)
    assert slides[["slide_id", "organ", "sample_type"]].values.tolist() == [
        [f"TCGA-KL-8323.{UID}.4", "", "normal"],
        [f"TCGA-3N-A9WB.{UID}.1", "Skin", "tumour"],
        [f"TCGA-3N-A9WC.{UID}.2", "Skin", ""],  # a metastasis: the description doesn't say
    ]


def test_names_come_from_an_address_and_are_checked(server, tmp_path):
    settings = write_index(tmp_path, SERIES)
    contents = Path(settings["idc_names"]).read_bytes()
    server.files["/25.0.5/sm.parquet"] = contents
    settings["idc_names"] = server.address + "/{version}/sm.parquet"
    server.files["/25.0.5/sm.parquet.sha256"] = f"{hashlib.sha256(contents).hexdigest()}  sm.parquet".encode()
    assert write(server, tmp_path, idc={"TCGA": TCGA}, **settings)[0].slide_id[0] == "TCGA-KL-8323-11Z-00-DX1"
    server.files["/25.0.5/sm.parquet.sha256"] = b"0" * 64
    with pytest.raises(ValueError, match=r"sm\.parquet: its SHA-256 is not the one beside it"):
        write(server, tmp_path, idc={"TCGA": TCGA}, **settings)


def test_two_slides_of_one_name_keep_both_and_a_contradiction_is_nobodys(server, tmp_path):
    more = [
        ("tcga_skcm", "TCGA-3N-A9WB", "12", "FFPE HE TP DX1", "TCGA-3N-A9WB-01Z-00-DX1", "Skin", "SM"),
        ("tcga_skcm", "TCGA-3N-A9WD", "13", "FFPE HE NT DX1", "TCGA-3N-A9WD-01Z-00-DX1", "Skin", "SM"),
        ("tcga_skcm", "TCGA-3N-A9WE", "14", "FFPE HE TP DX1", "TCGA-3N-A9WF-01Z-00-DX1", "Skin", "SM"),
    ]
    slides, _, report = write(server, tmp_path, idc={"TCGA": TCGA}, **write_index(tmp_path, SERIES + more))
    assert [name for name in slides.slide_id if "A9WB" in name] == [
        f"TCGA-3N-A9WB-01Z-00-DX1.{UID}.{end}" for end in (1, 12)
    ]
    assert not {"TCGA-3N-A9WD", "TCGA-3N-A9WE"} & set(slides.case_id)
    assert "name and description contradict each other" in report[f"{tmp_path}/left_out.tsv, slides of TCGA"]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"collections": ["tcga_sckm"]}, "acquire/idc/TCGA: the index 25.0.5 has no collection tcga_sckm.*tcga_skcm"),
        ({"description": "FFPE ("}, "acquire/idc/TCGA/description: 'FFPE \\(' is not a regular expression"),
        ({"description": "^PG"}, "acquire/idc/TCGA: no series description holds '\\^PG'"),
    ],
)  # fmt: skip
def test_what_matches_nothing_is_refused(server, tmp_path, settings, says):
    with pytest.raises(ValueError, match=says):
        write(server, tmp_path, idc={"TCGA": TCGA | settings}, **write_index(tmp_path, SERIES))


def test_a_sheet_that_does_not_fit_on_the_disk_says_so(server, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")(1, 1, 6_000_000)
    monkeypatch.setattr(room.shutil, "disk_usage", lambda path: usage)
    settings = write_index(tmp_path, SERIES)
    slides, _, report = write(server, tmp_path, idc={"TCGA": TCGA}, **settings)
    assert slides.bytes.astype(int).sum() == 7_000_007
    assert "0.0 GB are to be downloaded, 0.0 GB are free. Make room" in report["warning 1"]
    _, _, report = write(server, tmp_path, idc={"TCGA": TCGA | {"collections": ["tcga_skcm"]}}, **settings)
    assert "warning 1" not in report


def test_a_cohort_without_collections_is_not_taken_from_the_idc(server, tmp_path):
    """Maps of a later config file are merged into those of an earlier one, and only lists take their place."""
    server.add("s", "TCGA-AA-0001-01Z-00-DX1.U.svs", b"x", "TCGA-AA-0001", "TCGA-AA-0001-01Z", **DIAGNOSTIC)
    server.add("r", "r.tsv", b"x", "TCGA-AA-0001", "TCGA-AA-0001-01A", **STAR)
    idc = {"TCGA": TCGA | {"collections": []}}
    slides, _, _ = write(server, tmp_path, idc=idc, gdc={"TCGA": GDC}, idc_index="not there", idc_names="")
    assert slides.slide_id.tolist() == ["TCGA-AA-0001-01Z-00-DX1.U"]


def test_rna_of_the_gdc_is_joined_by_case(server, tmp_path):
    """Of CPTAC the GDC holds RNA and no slides."""
    for case in ("C3L-00001", "C3N-99999"):
        server.add(f"r-{case}", f"{case}.tsv", b"counts", case, f"{case}-01", project="CPTAC-3", **STAR)
    luad = {"collections": ["cptac_luad"], "description": "", "folder": ""}
    gdc = GDC | {"programs": ["CPTAC"]}
    slides, profiles, report = write(server, tmp_path, idc={"L": luad}, gdc={"L": gdc}, **write_index(tmp_path, SERIES))
    assert slides[["slide_id", "sample_type"]].values.tolist() == [
        ["C3L-00001-21", "tumour"],
        ["C3L-00001-26", "normal"],
    ]
    assert profiles.case_id.tolist() == ["C3L-00001"]
    assert [request for request in server.requests if request[1] == "/files"].__len__() == 1  # no slides are asked for
    assert "1 of CPTAC-3 (tumour): no slide beside it" in report[f"{tmp_path}/left_out.tsv, profiles of L"]
    gdc |= {"paired_only": False}
    slides, profiles, _ = write(server, tmp_path, idc={"L": luad}, gdc={"L": gdc}, **write_index(tmp_path, SERIES))
    assert (len(slides), len(profiles)) == (3, 2)


def test_gtex_slides_of_the_idc_are_paired_by_the_portals_sample(server, tmp_path):
    names = ("GTEX-1117F-0526-SM-5EGHJ", "GTEX-1117F-0626-SM-XXXXX", "GTEX-1117F-0011-R10b-SM-GI4VE")
    server.images = [
        {"tissueSampleId": "GTEX-1117F-0526", "subjectId": "GTEX-1117F", "sampleId": names[0], "hide": False,
         "tissueSiteDetail": "Artery - Tibial", "pathologyNotesCategories": {"monckeberg": True}},
        {"tissueSampleId": "GTEX-1117F-3226", "subjectId": "GTEX-1117F", "sampleId": None, "hide": False},
    ]  # fmt: skip
    server.files["/samples.txt"] = ("SAMPID\tSMAFRZE\n" + "".join(f"{name}\tRNASEQ\n" for name in names)).encode()
    portal = {
        "api": server.address, "slide_list": "", "images": f"{server.address}/moved", "folder": "", "tpm_md5": "",
        "samples": f"{server.address}/samples.txt", "tpm": f"{server.address}/tpm.gct.gz", "paired_only": True,
    }  # fmt: skip
    idc = {"GTEX": {"collections": ["gtex"], "description": "", "folder": ""}}
    settings = write_index(tmp_path, SERIES)
    slides, profiles, _ = write(server, tmp_path, idc=idc, gtex={"GTEX": portal}, **settings)
    assert slides[["slide_id", "sample_id", "organ", "specimen", "pathology"]].values.tolist() == [
        ["GTEX-1117F-0526", names[0], "Artery", "", "monckeberg"],
        ["GTEX-1117F-0626", "GTEX-1117F-0626", "Coronary artery", "frozen", ""],
    ]
    assert profiles.column.tolist() == list(names[:2])
    with pytest.raises(ValueError, match=r"3 of 3 slides of cohort GTEX don't name their tissue.*acquire/idc_names"):
        write(server, tmp_path, idc=idc, gtex={"GTEX": portal}, **settings | {"idc_names": ""})


def test_config_public_takes_slides_of_tcga_and_gtex_from_the_idc(server, tmp_path, repository):
    acquire = yaml.safe_load((repository / "config/public/config.yaml").read_text())["acquire"]
    server.add("r", "r.tsv", b"x", "TCGA-3N-A9WB", "TCGA-3N-A9WB-01A", **STAR)
    sample = "GTEX-1117F-0526-SM-5EGHJ"
    image = {"tissueSampleId": "GTEX-1117F-0526", "subjectId": "GTEX-1117F", "sampleId": sample}
    server.images, server.files["/samples.txt"] = [image], f"SAMPID\tSMAFRZE\n{sample}\tRNASEQ\n".encode()
    portal = {"api": server.address, "slide_list": "", "images": f"{server.address}/moved", "folder": "", "tpm_md5": ""}
    portal |= {"samples": f"{server.address}/samples.txt", "tpm": f"{server.address}/tpm.gct.gz", "paired_only": True}
    idc = {name: {"description": "", "folder": ""} | section for name, section in acquire["idc"].items()}
    gdc, gtex = {"TCGA": GDC | acquire["gdc"]["TCGA"]}, {"GTEX": portal | acquire["gtex"]["GTEX"]}
    slides, profiles, _ = write(server, tmp_path, idc=idc, gdc=gdc, gtex=gtex, **write_index(tmp_path, SERIES))
    assert sorted(slides.cohort) == ["GTEX", "TCGA", "TCGA", "TCGA"]
    assert all(url.startswith("s3://idc-open-data/") for url in slides.url)
    assert profiles.sample_id.tolist() == [sample, "TCGA-3N-A9WB-01A"]


def test_the_index_of_the_package_gives_what_an_independent_query_gives(server, tmp_path):
    """TCGA's diagnostic slides, GTEx and CPTAC: 44,646 by release 25.0.5."""
    idc = {
        "TCGA": TCGA,
        "GTEX": {"collections": ["gtex"], "description": "", "folder": ""},
        "CPTAC": {"collections": ["cptac_*"], "description": "", "folder": ""},
    }
    slides, _, _ = write(server, tmp_path, idc=idc, idc_index="", idc_names="")
    filters = [("Modality", "=", "SM")]
    columns = ["collection_id", "SeriesDescription", "series_size_MB"]
    table = parquet.read_table(idc_index_data.IDC_INDEX_PARQUET_FILEPATH, columns=columns, filters=filters).to_pandas()
    tcga = table.collection_id.str.startswith("tcga_") & table.SeriesDescription.str.startswith("FFPE")
    table = table[tcga | (table.collection_id == "gtex") | table.collection_id.str.startswith("cptac_")]
    assert len(slides) == len(table)
    assert (idc_index_data.__version__, len(slides)) == ("25.0.5", 44646)
    projects = slides.project.str.lower().str.replace("-", "_")
    sizes = slides.bytes.astype("int64").groupby(projects).agg(["size", "sum"])
    expected = (table.series_size_MB * 1e6).round().astype("int64").groupby(table.collection_id).agg(["size", "sum"])
    assert sizes.values.tolist() == expected.values.tolist()
    assert sizes.index.tolist() == expected.index.tolist()
