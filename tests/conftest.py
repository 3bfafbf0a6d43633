"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository's root folder."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real slides and omics (MOLPATH_TEST_DATA, default ../shared/data beside the repository)."""
    folder = Path(os.environ.get("MOLPATH_TEST_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"the folder of real test data is absent: {folder} (set MOLPATH_TEST_DATA)")
    return folder
