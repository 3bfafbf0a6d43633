"""What is left of a study, by the names of files, and what a slide shows."""

import pytest
from molpath.study.left import Left, kind_of


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"procedure": "Core biopsy"}, "biopsy"),
        ({"procedure": "needle core"}, "biopsy"),
        ({"procedure": "resection"}, "resection"),
        ({"procedure": "lobectomy"}, "resection"),
        ({"specimen": "frozen"}, "frozen"),
        ({"specimen": "FFPE"}, ""),
        ({"slide_id": "TCGA-A2-A0CM-01Z-00-DX1.ABC"}, "resection"),
        ({"slide_id": "TCGA-A2-A0CM-01A-02-BSB"}, "frozen"),
        ({"slide_id": "TCGA-A2-A0CM-01A-01-TS1.ABC"}, "frozen"),
        ({"slide_id": "S1"}, ""),
    ],
)
def test_kinds_of_slides(row, kind):
    assert kind_of({"slide_id": "S1"} | row) == kind


def test_shards_with_a_manifest_are_done_and_finished_slides_of_others_count(tmp_path):
    left = Left(str(tmp_path), {"00000": ["a", "b"], "00001": ["c", "d"], "00002": []})
    every = ["00000", "00001", "00002"]
    assert left.of_shards("features/g/e", every, "g/features_e/{}.h5") == {"00000": 2, "00001": 2, "00002": 0}
    (tmp_path / "features/g/e").mkdir(parents=True)
    (tmp_path / "features/g/e/00000.tsv").touch()
    (tmp_path / "wsi/g/features_e").mkdir(parents=True)
    (tmp_path / "wsi/g/features_e/d.h5").touch()
    left = Left(str(tmp_path), left.slides)
    assert left.of_shards("features/g/e", every, "g/features_e/{}.h5") == {"00001": 1, "00002": 0}
    (tmp_path / "one.tsv").touch()
    assert (left.lacks("<results>/one.tsv"), left.lacks("two.tsv")) == (False, True)
    assert (left.share(["one.tsv", "two.tsv"]), left.share([])) == (0.5, 0)
