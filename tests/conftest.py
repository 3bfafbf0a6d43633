"""Fixtures shared by all tests."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest
from schema_defaults import defaults_of

REPOSITORY = Path(__file__).resolve().parents[1]
# Files whose tests share what a session makes once, the small cohort's run: they go to one worker.
SHARING = tuple(
    f"tests/workflow/{name}.py" for name in ("test_small_cohort", "test_reruns", "test_report", "test_finished_run")
)
# Folders in the order in which their tests begin: those that start whole workflows come first, so that two workers end
# at about the same time.
LONG_FIRST = ("cluster", "workflow", "faults", "real", "unit")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests first."""
    folders = {name: place for place, name in enumerate(LONG_FIRST)}
    items.sort(key=lambda item: folders.get(item.path.relative_to(REPOSITORY / "tests").parts[0], len(folders)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Workers of `pytest -n 2` take whole files, so that what a file's tests share is made once."""
    from xdist.scheduler import LoadScopeScheduling

    class WholeFiles(LoadScopeScheduling):
        """One file after another; files that share a run count as one."""

        def _split_scope(self, nodeid: str) -> str:
            name = nodeid.partition("::")[0]
            return "the small cohort" if name in SHARING else name

    return WholeFiles(config, log)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository's root folder."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real slides and omics (MOLPATH_TEST_DATA, default ../shared/data next to the repository)."""
    folder = Path(os.environ.get("MOLPATH_TEST_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"the folder of real test data is absent: {folder} (set MOLPATH_TEST_DATA)")
    return folder


@pytest.fixture(scope="session")
def vision_libraries() -> None:
    """torchvision, timm and segmentation_models_pytorch can be imported, with a CPU build of torch as well.

    There torchvision's wheel does not load by itself; the test rig in MOLPATH_TEST_RIGS (default ../shared/rigs next to
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
