"""Which columns hold events and times of a survival task: those that its config.yaml names come first."""

import pandas as pd
import pytest
from molpath.probe.tasks import BadTask, survival_columns


@pytest.mark.parametrize(
    ("columns", "label", "extra", "expected"),
    [
        (["OS_event", "OS_days", "OS_months"], "OS", ["OS_event", "OS_months"], ("OS_event", "OS_months")),
        (["OS_event", "OS_days", "OS_months"], "OS", ["OS_event", "OS_days"], ("OS_event", "OS_days")),
        (["OS_event", "OS_days", "OS_months"], "OS", [], ("OS_event", "OS_days")),
        (["OS_event", "OS_months"], "OS", [], ("OS_event", "OS_months")),
        (["OS_event", "OS_days", "PFS_event", "PFS_months"], "OS", ["PFS_event"], ("PFS_event", "PFS_months")),
        (["OS_event", "OS_days", "PFS_event", "PFS_days"], "PFS", [], ("PFS_event", "PFS_days")),
    ],
)
def test_times_are_those_that_the_config_names(columns, label, extra, expected):
    assert survival_columns(pd.DataFrame(columns=columns), label, extra, "k=all.tsv") == expected


def test_an_event_without_a_time_is_refused():
    with pytest.raises(BadTask, match="needs columns such as OS_event and OS_days"):
        survival_columns(pd.DataFrame(columns=["OS_event", "days"]), "OS", [], "k=all.tsv")
