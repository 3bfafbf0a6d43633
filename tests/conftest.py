"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest
import yaml

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


@pytest.fixture(scope="session")
def tissue_settings(repository) -> dict:
    """Section tissue of the config with every default of the schema."""
    definitions = yaml.safe_load((repository / "workflow/schemas/config.schema.yaml").read_text())["$defs"]

    def defaults(schema):
        schema = definitions[schema["$ref"].rsplit("/", 1)[-1]] if "$ref" in schema else schema
        if "properties" not in schema:
            return schema.get("default")
        return {name: defaults(part) for name, part in schema["properties"].items()} | schema.get("default", {})

    return defaults(definitions["tissue"])
