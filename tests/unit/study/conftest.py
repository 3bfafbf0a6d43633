"""A small project in a folder of its own, which is the working directory."""

import pytest
from projects import Project


@pytest.fixture
def project(tmp_path, repository, monkeypatch) -> Project:
    """A small valid project, not yet written."""
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path, repository)
