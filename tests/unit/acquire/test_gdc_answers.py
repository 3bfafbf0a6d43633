"""What the GDC and the GTEx portal answer, nulls and missing branches included, and the rows that are right."""

import json

import pytest
from data_services import DIAGNOSTIC, STAR
from molpath.acquire import web
from molpath.acquire.sheets import write_sheets
from molpath.common.files import read_tsv
from molpath.omics.aliquots import choose_aliquot
from molpath.omics.barcodes import parse_barcode

GDC = {
    "projects": [], "programs": ["TCGA"], "sample_types": ["Tumor"], "access": ["open"],
    "strategy": "Diagnostic Slide", "paired_only": False, "folder": "",
}  # fmt: skip


@pytest.fixture
def case(shared_data, server):
    """A case of the shared folder: its answers are the server's."""
    folder = shared_data.parent / "cases/acquire-gdc-answers"
    if not folder.is_dir():
        pytest.skip(f"no answers of the GDC in {folder}")

    def load(name: str) -> dict:
        stored = json.loads((folder / name / "case.json").read_text())
        server.answers = {sheet: stored[sheet] for sheet in ("slides", "profiles") if sheet in stored}
        return stored

    return load


def write(server, folder, **sections):
    settings = {"gdc": {}, "gtex": {}, "idc": {}, "gdc_api": server.address} | sections
    service = web.Service(2, 0.01, 5, server.address)
    report = write_sheets(settings=settings, sheets=str(folder), downloads="downloads", service=service)
    return read_tsv(folder / "slides.tsv"), read_tsv(folder / "profiles.tsv"), report


def test_two_aliquots_are_named_so_that_the_rule_chooses_the_later_plate(server, case, tmp_path):
    case("01-two-aliquots")
    _, profiles, _ = write(server, tmp_path, gdc={"T": GDC})
    names = ["TCGA-EB-A5SE-01A-11R-0946-07", "TCGA-EB-A5SE-01A-11R-A277-07"]
    assert profiles.profile_id.tolist() == [f"{name}-rna" for name in names]
    assert profiles.sample_id.tolist() == profiles.aliquot_id.tolist() == names
    assert names[choose_aliquot(profiles.sample_id.tolist(), "rna")].split("-")[5] == "A277"


def test_metastases_are_asked_for(server, case, tmp_path):
    """The GDC is not asked to choose by sample_type, so a melanoma's slides and RNA come whatever kind they are of."""
    case("02-skcm-primary-slide-metastatic-rna")
    slides, _, report = write(server, tmp_path, gdc={"T": GDC})
    assert slides.sample_id.tolist() == ["TCGA-EE-A2GJ-01Z"]
    assert any("no profiles of the GDC" in words for words in report.values())
    with pytest.raises(ValueError, match="acquire/gdc/T: no profiles of the GDC"):
        write(server, tmp_path, gdc={"T": GDC | {"paired_only": True}})


def test_a_null_in_sample_type_is_no_traceback(server, case, tmp_path):
    case("03-sample-type-null")
    for types in ([], ["Tumor"], ["Primary Tumor"], ["Primary"]):
        slides, profiles, _ = write(server, tmp_path, gdc={"T": GDC | {"sample_types": types}})
        assert slides.sample_type.tolist() == profiles.sample_type.tolist() == ["tumour"], types
        assert slides.specimen.tolist() == ["FFPE"]
    with pytest.raises(
        ValueError, match="no slides of the GDC .1 of TCGA-SKCM .Tumor Primary.: not among sample_types"
    ):
        write(server, tmp_path, gdc={"T": GDC | {"sample_types": ["Metastatic"]}})


def test_without_samples_the_barcode_decides(server, case, tmp_path):
    case("04-no-samples-key")
    slides, _, _ = write(server, tmp_path, gdc={"T": GDC | {"sample_types": ["Primary Tumor"]}})
    assert slides[["sample_id", "sample_type"]].values.tolist() == [["TCGA-XX-0002-01Z", "tumour"]]


def test_normal_tissue_is_normal(server, case, tmp_path):
    case("05-tissue-type-normal")
    slides, profiles, _ = write(server, tmp_path, gdc={"T": GDC | {"sample_types": []}})
    assert slides.sample_type.tolist() == profiles.sample_type.tolist() == ["normal"]


def test_every_kind_of_tumour_is_one(server, case, tmp_path):
    case("06-other-tumour-kinds")
    slides, _, _ = write(server, tmp_path, gdc={"T": GDC})
    assert slides.sample_type.tolist() == ["tumour"] * 5


def test_nulls_are_empty_cells(server, case, tmp_path, caplog):
    case("07-primary-site-null-and-size-0")
    slides, profiles, _ = write(server, tmp_path, gdc={"T": GDC})
    assert slides.organ.tolist() == [""]
    assert profiles[["md5", "bytes"]].values.tolist() == [["", ""]]
    assert "the GDC announces no size" in caplog.text


def test_a_file_of_no_case_is_left_out_and_counted(server, case, tmp_path):
    case("08-no-cases")
    slides, _, report = write(server, tmp_path, gdc={"T": GDC})
    assert slides.case_id.tolist() == ["TCGA-XX-0008"]
    assert report[f"{tmp_path}/left_out.tsv, slides of T"] == "1 of no project (not said): it belongs to no case"


def test_warnings_of_the_api_are_shown(server, case, tmp_path):
    case("09-total-as-object-and-warning")
    with pytest.raises(ValueError, match=r"warns, fields: unrecognized values: \[cases.samples.sample_type\]"):
        write(server, tmp_path, gdc={"T": GDC})


def test_a_file_of_tumour_and_normal_is_nobodys(server, case, tmp_path):
    case("10-file-of-two-samples")
    _, profiles, report = write(server, tmp_path, gdc={"T": GDC})
    assert len(profiles) == 0
    assert (
        report[f"{tmp_path}/left_out.tsv, profiles of T"] == "1 of CPTAC-3 (not said): a mixture of tumour and normal"
    )


def test_gtex_by_sample_id(server, case, tmp_path):
    stored = case("11-gtex-histology")
    server.images = stored["images"][0]["data"]
    listed = "".join(f"{name}\t{2 if '0526' in name else ''}\tRNASEQ\n" for name in stored["samples"])
    server.files["/samples.txt"] = f"SAMPID\tSMATSSCR\tSMAFRZE\n{listed}".encode()
    server.files |= {f"/images/{image['tissueSampleId']}": b"II*\0" for image in server.images}
    portal = {
        "api": server.address, "slide_list": "", "images": f"{server.address}/images", "folder": "", "tpm_md5": "",
        "samples": f"{server.address}/samples.txt", "tpm": f"{server.address}/tpm.gct.gz", "paired_only": False,
    }  # fmt: skip
    slides, profiles, report = write(server, tmp_path, gtex={"GTEX": portal})
    columns = ["slide_id", "sample_id", "organ", "pathology", "autolysis"]
    assert slides[columns].values.tolist() == [
        ["GTEX-1117F-0526", "GTEX-1117F-0526-SM-5EGHJ", "Artery", "monckeberg,sclerotic", "2"],
        ["GTEX-1117F-3226", "GTEX-1117F-3226-SM-5N9CT", "Brain", "monckeberg,sclerotic", ""],
    ]
    assert profiles.sample_id.tolist() == [name for name in stored["samples"] if name.startswith("GTEX")]
    assert report[f"{tmp_path}/left_out.tsv, slides of GTEX"] == "1 of GTEx (normal): the portal hides it"
    _, profiles, _ = write(server, tmp_path, gtex={"GTEX": portal | {"paired_only": True}})
    assert profiles.column.tolist() == ["GTEX-1117F-0526-SM-5EGHJ", "GTEX-1117F-3226-SM-5N9CT"]
    server.pages = {"/images/GTEX-1117F-0526"}
    with pytest.raises(ValueError, match=r"acquire/gtex/GTEX/images: .* returns no slide \(a page of HTML\).*idc"):
        write(server, tmp_path, gtex={"GTEX": portal})
    server.pages, server.files = set(), {"/samples.txt": server.files["/samples.txt"]}
    with pytest.raises(ValueError, match=r"HTTP 404\).*collections: \[gtex\]"):
        write(server, tmp_path, gtex={"GTEX": portal})


def test_regions_of_the_brain_are_samples_of_their_own():
    names = ("GTEX-1117F-0011-R10b-SM-GI4VE", "GTEX-1117F-0011-R11b-SM-GI4VF", "GTEX-1117F-0011", "GTEX-1117F-0526")
    codes = [parse_barcode(name) for name in names]
    assert [code.case for code in codes] == ["GTEX-1117F"] * 4
    assert [code.sample for code in codes] == ["0011-R10b", "0011-R11b", "001", "052"]
    assert parse_barcode("K-562-SM-2AXVE") is None


def fill(server, kinds, **more):
    """A slide and RNA of a case each; kinds: fields of its sample, a dict."""
    for i, kind in enumerate(kinds):
        case = f"TCGA-AA-{i:04d}"
        for file, name, fields in ((f"s{i}", f"{case}-slide.svs", DIAGNOSTIC), (f"r{i}", f"r{i}.tsv", STAR)):
            server.add(file, name, b"x", case, f"{case}-S", project="TCGA-SKCM", **fields)
            server.records[-1]["cases"][0]["samples"] = [{"submitter_id": f"{case}-S"} | kind]


def test_melanomas_come_with_their_metastases_and_what_is_left_out_is_counted(server, tmp_path):
    """298 primaries, 169 metastases: here 3 and 2, half of each in the fields of 2024 on; and a normal one."""
    old = [{"sample_type": "Primary Tumor"}, {"sample_type": "Primary Tumor"}, {"sample_type": "Metastatic"}]
    new = [
        {"sample_type": None, "tissue_type": "Tumor", "tumor_descriptor": "Primary"},
        {"tissue_type": "Tumor", "tumor_descriptor": "Metastatic"},
        {"tissue_type": "Normal", "tumor_descriptor": "Not Applicable", "specimen_type": "Solid Tissue"},
    ]
    fill(server, old + new)
    slides, profiles, report = write(server, tmp_path, gdc={"T": GDC})
    assert len(slides) == len(profiles) == 5
    slides, _, report = write(server, tmp_path, gdc={"T": GDC | {"sample_types": ["Primary Tumor"]}})
    assert len(slides) == 3
    table = read_tsv(tmp_path / "left_out.tsv")
    assert table[table.sheet == "slides"].values.tolist() == [
        ["T", "slides", "TCGA-SKCM", kind, "not among sample_types", "1"]
        for kind in ("Metastatic", "Normal Not Applicable", "Tumor Metastatic")
    ]
    assert "1 of TCGA-SKCM (Metastatic): not among sample_types" in report[f"{tmp_path}/left_out.tsv, slides of T"]
    slides, _, _ = write(server, tmp_path, gdc={"T": GDC | {"sample_types": ["Metastatic", "Solid Tissue Normal"]}})
    assert len(slides) == 3


def test_a_field_that_left_the_api_gives_a_warning_and_the_others_decide(server, tmp_path):
    fill(server, [{"sample_type": "Primary Tumor", "tissue_type": "Tumor"}] * 2)
    server.unknown_fields = {"cases.samples.sample_type"}
    slides, _, report = write(server, tmp_path, gdc={"T": GDC})
    assert slides.sample_type.tolist() == ["tumour"] * 2
    assert report["warning 1"] == "the GDC warns, fields: unrecognized values: [cases.samples.sample_type]"


def test_fields_that_contradict_each_other_are_nobodys_word(server, tmp_path):
    fill(server, [{"sample_type": "Primary Tumor"}, {"sample_type": "Solid Tissue Normal", "tissue_type": "Tumor"}])
    slides, _, _ = write(server, tmp_path, gdc={"T": GDC})
    assert slides.case_id.tolist() == ["TCGA-AA-0000"]


def test_controlled_files_are_listed_where_they_are_asked_for(server, tmp_path):
    fill(server, [{"tissue_type": "Tumor"}] * 2)
    server.records[0]["access"] = "controlled"
    assert len(write(server, tmp_path, gdc={"T": GDC})[0]) == 1
    assert len(write(server, tmp_path, gdc={"T": GDC | {"access": ["open", "controlled"]}})[0]) == 2


def test_the_files_own_aliquot_counts_before_all_of_its_sample(server, tmp_path):
    fill(server, [{"tissue_type": "Tumor"}])
    names = [f"TCGA-AA-0000-01A-11R-{plate}-07" for plate in ("0946", "A277")]
    branch = {"portions": [None, {"analytes": [{"aliquots": [{"submitter_id": name} for name in names]}, {}]}]}
    server.records[1]["cases"][0]["samples"][0] |= branch
    assert write(server, tmp_path, gdc={"T": GDC})[1].aliquot_id.tolist() == [""]
    entity = {"entity_type": "aliquot", "entity_submitter_id": names[1]}
    server.records[1]["associated_entities"] = [entity, {"entity_type": "case", "entity_submitter_id": "x"}]
    assert write(server, tmp_path, gdc={"T": GDC})[1].sample_id.tolist() == [names[1]]


def test_two_cases_never_get_one_name(server, tmp_path):
    """A/1 and A_1 both became A_1, and the slides of one would be paired with the profiles of the other."""
    for number, name in enumerate(["A/1", "A_1"]):
        server.add(f"f{number}", f"{number}.svs", b"II*\0", name, f"s{number}", **DIAGNOSTIC)
    with pytest.raises(ValueError, match="acquire/gdc/T: cases A/1 and A_1 would both be called A_1"):
        write(server, tmp_path, gdc={"T": GDC | {"programs": []}})
