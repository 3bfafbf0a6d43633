"""The statement of fidelity says what the code does: the page is remade and compared, its values looked up again."""

import re
import runpy

import pytest
from schema_defaults import defaults_of


@pytest.fixture(scope="module")
def maker(repository) -> dict:
    return runpy.run_path(str(repository / "workflow/docs/fidelity/make_page.py"))


def test_the_page_is_what_its_maker_makes(repository, maker):
    assert (repository / "workflow/docs/fidelity.md").read_text() == maker["make_page"](), (
        "run `python workflow/docs/fidelity/make_page.py`"
    )


def test_every_point_has_one_of_the_states(maker):
    points = maker["read_points"]()
    assert len(points) > 50
    assert {row["state"] for row in points} == {"done", "parameter", "unknown"}
    assert all(row["point"] and row["paper"] and row["here"] for row in points)
    assert all(row["key"] for row in points if row["state"] == "parameter")


def test_values_on_the_page_are_the_defaults(repository):
    page = (repository / "workflow/docs/fidelity.md").read_text()
    training, probe, tissue = defaults_of("training"), defaults_of("probe"), defaults_of("tissue")
    lines = {line.split(" | ")[0].strip("| "): line for line in page.splitlines() if line.startswith("| ")}
    assert f"| {training['temperature']:g}; learned: no |" in lines["temperature"]
    assert f"{training['patches']:,} without replacement" in lines["patches per slide and step"]
    assert f"C = {probe['C']:g}, {probe['max_iter']:,} iterations" in lines["linear probe"]
    assert f"{tissue['method']} by default" in lines["tissue segmentation"]
    assert "1,200 over 4 processes in preset `paper`" in lines["batch"]
    assert not re.search(r"\{\w+[/:]", page)  # nothing left unfilled


def test_a_changed_default_changes_the_page_and_a_lost_key_is_not_claimed(maker):
    schema = {
        "$defs": {
            "probe": {"properties": {"C": {"default": 2.5}, "cox": {"properties": {"alpha": {"default": 1e-5}}}}},
            "task": {"properties": {"groups": {"items": {"enum": ["frozen"]}}}},
        }
    }
    assert maker["value_of"]("probe/C", schema) == "2.5"
    assert maker["value_of"]("probe/cox/alpha", schema) == "1e-5"
    assert maker["find"](schema, "probe/transfer") is None
    assert maker["find"](schema, "task/groups:retrieval") is None
    assert maker["find"](schema, "task/groups:frozen") is not None
    with pytest.raises(KeyError):
        maker["value_of"]("probe/gone", schema)
