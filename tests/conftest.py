"""Fixtures shared by all tests."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest
from schema_defaults import defaults_of

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
def vision_libraries() -> None:
    """torchvision, timm and segmentation_models_pytorch can be imported, beside a CPU build of torch as well.

    There torchvision's wheel does not load by itself; the test rig in MOLPATH_TEST_RIGS (default ../shared/rigs beside
    the repository) declares what is missing. It does nothing where torchvision loads.
    """
    folder = Path(os.environ.get("MOLPATH_TEST_RIGS") or REPOSITORY.parent / "shared" / "rigs")
    rig = folder / "torchvision" / "sitecustomize.py"
    if rig.is_file():
        spec = importlib.util.spec_from_file_location("torchvision_rig", rig)
        sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # what it declares lasts as long as it does
        spec.loader.exec_module(sys.modules[spec.name])
    try:
        import segmentation_models_pytorch  # noqa: F401
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"torchvision does not load beside this torch (rig: {rig}): {error}")


@pytest.fixture(scope="session")
def tissue_settings() -> dict:
    """Section tissue of the config with every default of the schema."""
    return defaults_of("tissue")
