"""Samples of a file by the rows of a sheet: the same as comparing every name with every row, in linear time."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from molpath.omics.mutation_files import belongs
from molpath.omics.sample_names import SampleNames
from molpath.omics.tables import BadProfile

LETTERS = st.sampled_from(["A", "a", "B", "1", "-", ".", "_"])
TCGA = st.builds(
    lambda site, case, rest: f"TCGA-{site}-{case}{rest}",
    st.sampled_from(["AA", "02"]),
    st.sampled_from(["0001", "0002", "A01B"]),
    st.sampled_from(["", "-01", "-01A", "-01A-11D-0182-01", "-11A", "-06", ".bam", "-02B-21D-A182-08"]),
)
OTHER_NAMES = st.sampled_from(["C3L-00004", "C3L-00004-21", "C3L-00004.N", "GTEX-111CU", "GTEX-111CU-0326-SM-5GZXO"])
NAMES = st.one_of(TCGA, OTHER_NAMES, st.text(LETTERS, min_size=1, max_size=6))


def row(column, case_id):
    return {"column": column, "case_id": case_id, "profile_id": "P", "sample_id": "", "sample_type": ""}


@settings(max_examples=400, deadline=None, derandomize=True)
@given(names=st.lists(NAMES, max_size=8), case=NAMES, column=st.one_of(st.just(""), NAMES))
def test_the_index_finds_what_a_comparison_with_every_name_finds(names, case, column):
    own_row = row(column, case)
    expected = sorted({name for name in names if belongs(name, own_row)})
    index = SampleNames(names)
    if column in expected:
        assert index.find(own_row, "f") == column
    elif len(expected) > 1:
        with pytest.raises(BadProfile, match=f"f: {len(expected)} samples for profile P"):
            index.find(own_row, "f")
    else:
        assert index.find(own_row, "f") == "".join(expected)


def test_ten_thousand_samples_are_found_within_seconds():
    """All of TCGA in one MAF: comparing every row with every name took 18 minutes."""
    cases = [f"TCGA-{i // 1000:02d}-{i % 1000:04d}" for i in range(10_295)]
    began = time.process_time()
    index = SampleNames(f"{case}-01A-11D-A{i % 900:03d}-08" for i, case in enumerate(cases))
    matches = [index.find(row("", case), "f") for case in cases]
    assert time.process_time() - began < 10
    assert [name[:12] for name in matches] == cases
