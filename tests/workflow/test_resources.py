"""What rules ask of a cluster."""

import re

import pytest


@pytest.mark.parametrize("rule", ["extract_features", "pretrain_run", "assess_tissue", "tile_slides"])
def test_time_does_not_grow_where_an_attempt_resumes(repository, rule):
    """Each of these takes what an earlier attempt finished as it is."""
    rules = "\n".join(path.read_text() for path in sorted((repository / "workflow/rules").glob("*.smk")))
    body = re.search(rf"^rule {rule}:\n(.*?)(?=^rule |\Z)", rules, flags=re.M | re.S)[1]
    assert re.search(r"^\s+runtime=[\w.]+,", body, flags=re.M)
