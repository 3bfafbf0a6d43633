"""The words of the summary at the end of a run."""

import pytest
from molpath.common.ledger import Gathering, Part
from molpath.study.summary import columns, losses, stages_of


@pytest.mark.parametrize(
    ("words", "last", "without"),
    [
        ([], "probe", []),
        (["features"], "features", ["omics"]),
        (["tissue", "slides"], "tissue", ["tiles"]),
        (["omics"], "omics", ["tiles", "features"]),
        (["embed"], "embed", ["probe"]),
    ],
)
def test_a_stage_word_asks_for_the_stages_before_it(words, last, without):
    stages = stages_of(words)
    assert stages[-1] == last
    assert "slides" in stages
    assert not set(without) & set(stages)


def test_columns_are_aligned_and_numbers_are_on_the_right():
    lines = columns([("stage", "of", "done", "set aside", ""), ("tiles", "20x", "5", "12", "1 not reached")])
    assert lines == ["  stage  of   done  set aside", "  tiles  20x     5         12  1 not reached"]


def test_reasons_are_counted_explained_and_some_slides_named():
    names = [f"S{number}" for number in range(6)]
    gathering = Gathering({"slide_id": name, "case_id": "", "cohort": ""} for name in names)
    rows = [{"slide_id": name, "status": "set_aside", "reason": "blank", "detail": ""} for name in names[:5]]
    rows += [{"slide_id": "S5", "status": "ok", "reason": "", "detail": ""}]
    gathering.add(Part("tissue"), rows)
    assert losses(gathering.entries, 6, 100) == [
        "",
        "Set aside: 5 of 6 slides",
        "     5  tissue, blank: no tissue found (S0, S1, S2, …)",
    ]
    assert losses([gathering.entries[-1]], 1, 100) == ["", "No slide was set aside."]
