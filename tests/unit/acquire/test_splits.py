"""Splits from the hub: the real client against a server on this machine that answers as the hub does."""

import hashlib
import os
import subprocess
import sys

import huggingface_hub  # noqa: F401 (without it, the tests below would fail for another reason)
import pytest
from hub_service import serving_hub

TOKEN = "hf_secretsecretsecret"
FILES = {"bracs/fine/config.yaml": b"task_col: fine\n", "bracs/fine/k=all.tsv": b"case_id\tslide_id\tfine\tfold_0\n"}
FETCH = """
import logging, sys
logging.basicConfig(level=logging.INFO)
from molpath.acquire.splits import SplitsUnavailable, fetch_splits
repository, source, task, folder = sys.argv[1:]
try:
    fetch_splits(repository=repository, revision="main", source=source, task=task, folder=folder)
except SplitsUnavailable as error:
    sys.exit(str(error))
"""


@pytest.fixture(scope="module")
def hub():
    """Address of the server: Patho-Bench is open to who has the token; every other data set is closed."""
    with serving_hub(FILES, TOKEN) as address:
        yield address


@pytest.fixture
def fetch(hub, tmp_path, repository):
    """The fetch in its own process, because the client reads its settings once: exit status and output."""

    def run(*arguments: str, token=TOKEN, **variables):
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING"))}
        environment = kept | {
            "HF_ENDPOINT": hub,
            "HF_HOME": str(tmp_path / "home"),
            "HF_TOKEN": token,
            "HF_HUB_DISABLE_XET": "1",
            "NO_PROXY": "127.0.0.1",
            "PYTHONPATH": str(repository / "workflow/scripts"),
        }
        command = [sys.executable, "-c", FETCH, *arguments, str(tmp_path / "splits")]
        done = subprocess.run(command, env=environment | variables, capture_output=True, text=True)
        assert token not in done.stdout + done.stderr
        return done.returncode, done.stderr

    return run


def test_both_files_come_as_published(fetch, tmp_path):
    status, output = fetch("MahmoodLab/Patho-Bench", "bracs", "fine")
    assert status == 0, output
    for name, contents in FILES.items():
        assert (tmp_path / "splits" / name.rsplit("/", 1)[-1]).read_bytes() == contents
        assert hashlib.sha256(contents).hexdigest() in output


def test_a_task_that_is_not_there_is_named(fetch):
    status, output = fetch("MahmoodLab/Patho-Bench", "bracs", "other")
    assert status != 0
    assert "has no bracs/other/config.yaml" in output


@pytest.mark.parametrize("token", [TOKEN, "hf_expiredexpired"])
def test_no_access_says_where_to_ask(fetch, token, tmp_path):
    repository = "some/where" if token == TOKEN else "MahmoodLab/Patho-Bench"
    status, output = fetch(repository, "bracs", "fine", token=token)
    assert status != 0
    assert f"https://huggingface.co/datasets/{repository}" in output
    assert not (tmp_path / "splits").exists()


def test_offline_says_so(fetch):
    status, output = fetch("MahmoodLab/Patho-Bench", "bracs", "fine", HF_HUB_OFFLINE="1")
    assert status != 0
    assert "could not be reached" in output
