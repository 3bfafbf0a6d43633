"""Slides whose paths have what paths may have: each is used as it is, or the row is named before anything runs."""

import pytest
import yaml
from dicom_files import write_series
from molpath.common.files import read_tsv
from projects import call_snakemake, write_table
from slide_files import picture, write_jpeg_pyramid

NAMES = (
    "export {1}/s.tiff",
    "{6F9619FF-8B86-D011}/s.tiff",
    "{sample,[a-z]{2}}/s.tiff",
    "100 %s %(x)d/s.tiff",
    'it\'s "quoted"/s.tiff',
    "Gewebe – Präparat (ö) 組織/s.tiff",
    "a&b;c$HOME`d`/s.tiff",
    "dot..dot/#1, 2*?.tiff",
)


def test_paths_of_slides_are_used_as_they_are(tmp_path, repository):
    rows = []
    for number, name in enumerate(NAMES):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        write_jpeg_pyramid(path, picture(256, 256, number))
        rows.append({"slide_id": f"S{number}", "case_id": f"C{number}", "path": name, "cohort": "A", "mpp": "0.5"})
    write_series(tmp_path / "{a} series", picture(256, 256, 99))
    rows.append({"slide_id": "S9", "case_id": "C9", "path": "{a} series", "cohort": "A", "mpp": "0.5"})
    write_table(tmp_path / "slides.tsv", rows)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"slides": {"sheet": "slides.tsv"}}))
    arguments = ("--configfile", "config.yaml", "--cores", "1", "slides")
    done = call_snakemake(tmp_path, repository / "workflow/Snakefile", *arguments)
    assert done.returncode == 0, done.stdout
    table = read_tsv(tmp_path / "results/slides/00000.tsv")
    assert table.status.tolist() == ["ok"] * len(rows), table.detail.tolist()
    assert table.identity.nunique() == len(rows)
    again = call_snakemake(tmp_path, repository / "workflow/Snakefile", *arguments, "--dry-run")
    assert "Nothing to be done" in again.stdout
    write_jpeg_pyramid(tmp_path / NAMES[0], picture(256, 256, 77))  # no declared input, and noticed all the same
    again = call_snakemake(tmp_path, repository / "workflow/Snakefile", *arguments, "--dry-run")
    assert "inspect_slides" in again.stdout


def test_braces_in_other_paths_are_named_with_the_row(project):
    project.profiles[1]["path"] = "files/{1}.tsv"
    project.write()
    message = project.refusal()
    assert "profiles.tsv, row 3, column path" in message
    assert "files/{1}.tsv holds {, which Snakemake would replace" in message


@pytest.mark.parametrize("name", ["files/none.svs", "files/S1.svs\x0b"])
def test_a_path_that_is_not_there_is_named_with_the_row(project, name):
    project.write()
    rows = [row | ({"path": name} if row["slide_id"] == "S1" else {}) for row in project.slides]
    write_table(project.folder / "slides.tsv", rows)
    assert "slides.tsv, row 3, column path" in project.refusal()
