"""Labels of new sheets: codes or names of classes, never taken for one where they are the other."""

import pytest
from molpath.predict.labels import read_labels
from molpath.probe.tasks import BadTask
from projects import write_table

#: Grades whose names are codes of other grades.
GRADES = {"task_col": "grade", "sample_col": "case_id", "label_dict": {"0": "1", "1": "2", "2": "3"}}


def read(folder, cells, about=GRADES):
    rows = [{"slide_id": f"S{k}", "case_id": f"K{k}", "grade": cell} for k, cell in enumerate(cells)]
    write_table(folder / "new.tsv", rows)
    return read_labels("mean/a--grade", about, str(folder / "new.tsv"), "")


@pytest.mark.parametrize(
    ("cells", "codes"), [("012", [0, 1, 2]), ("123", [0, 1, 2]), ("00", [0, 0]), ("33", [2, 2])], ids=str
)
def test_names_that_are_codes_are_read_where_one_way_is_left(tmp_path, cells, codes):
    assert read(tmp_path, cells).task.labels.tolist() == codes


@pytest.mark.parametrize("cells", ["1122", "013", "2"])
def test_names_that_are_codes_are_not_guessed(tmp_path, cells):
    with pytest.raises(BadTask, match=r"row \d, column grade: '\d' is the code of class '\d' and the name of another"):
        read(tmp_path, cells)


def test_a_code_that_is_its_own_name_is_one_class(tmp_path):
    same = GRADES | {"label_dict": {"1": "1", "2": "2"}}
    assert read(tmp_path, "1221", same).task.labels.tolist() == [0, 1, 1, 0]
