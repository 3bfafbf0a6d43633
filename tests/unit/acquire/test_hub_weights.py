"""Weights from the hub: the real client against a server on this machine that answers as the hub does."""

import hashlib
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import huggingface_hub  # noqa: F401 (without it, the tests below would fail for another reason)
import pytest

CONTENTS = b"published weights " * 1000
COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_secretsecretsecret"
FETCH = """
import logging, sys
logging.basicConfig(level=logging.INFO)
from molpath.acquire.hub_weights import fetch_hub_weights
from molpath.acquire.encoder_weights import WeightsUnavailable
from molpath.features.registry import TABLE
try:
    fetch_hub_weights(table=str(TABLE), name=sys.argv[1], weights=sys.argv[2])
except WeightsUnavailable as error:
    sys.exit(str(error))
"""


class Hub(BaseHTTPRequestHandler):
    """Open: bioptimus/H-optimus-0. Gated: MahmoodLab/UNI. Of H0-mini only the second name exists."""

    requests: list[str] = []

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.requests.append(self.path)
        if "/MahmoodLab/UNI/" in self.path:
            self.answer(403, {"X-Error-Code": "GatedRepo", "X-Error-Message": "restricted"})
        elif self.path.endswith("model.safetensors"):
            self.answer(404, {"X-Error-Code": "EntryNotFound", "X-Error-Message": "no such file"})
        else:
            digest = hashlib.sha256(CONTENTS).hexdigest()
            self.answer(200, {"X-Repo-Commit": COMMIT, "ETag": f'"{digest}"', "Content-Length": str(len(CONTENTS))})

    def do_GET(self):
        self.do_HEAD()
        self.wfile.write(CONTENTS)

    def answer(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 200:
            self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture(scope="module")
def hub():
    """Address of the server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def fetch(name, folder, address, repository, **variables):
    """Run the fetch in a process of its own, for the client reads its settings once; (exit, stderr, file)."""
    target = folder / "resources" / name
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING"))}
    environment = kept | {
        "HF_ENDPOINT": address,
        "HF_HOME": str(folder / "home"),
        "HF_TOKEN": TOKEN,
        "HF_HUB_DISABLE_XET": "1",
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": str(repository / "workflow/scripts"),
    }
    done = subprocess.run(
        [sys.executable, "-c", FETCH, name, str(target)], env=environment | variables, capture_output=True, text=True
    )
    assert TOKEN not in done.stderr + done.stdout
    return done.returncode, done.stderr, target


def test_the_file_comes_as_published_and_then_from_the_cache(hub, tmp_path, repository):
    status, output, target = fetch("hoptimus0", tmp_path, hub, repository)
    assert status == 0, output
    assert target.read_bytes() == CONTENTS
    assert f"commit {COMMIT}" in output
    assert hashlib.sha256(CONTENTS).hexdigest() in output
    target.unlink()
    status, output, target = fetch(
        "hoptimus0", tmp_path, hub, repository, HF_HUB_OFFLINE="1", HF_ENDPOINT="http://[::1]:9"
    )
    assert status == 0, output
    assert target.read_bytes() == CONTENTS
    assert [path.name for path in target.parent.iterdir()] == ["hoptimus0"]


def test_the_second_name_is_taken_where_the_first_does_not_exist(hub, tmp_path, repository):
    status, output, target = fetch("h0_mini", tmp_path, hub, repository)
    assert status == 0, output
    assert target.read_bytes() == CONTENTS


def test_without_access_it_says_where_to_ask_how_to_log_in_and_what_to_do_by_hand(hub, tmp_path, repository):
    status, output, target = fetch("uni_v1", tmp_path, hub, repository)
    assert status == 1
    assert "no access to MahmoodLab/UNI (HTTP 403)" in output
    for part in (
        "ask at https://huggingface.co/MahmoodLab/UNI",
        "hf auth login",
        "HF_TOKEN",
        "weights: /path/to/pytorch",
    ):
        assert part in output
    assert "Traceback" not in output
    assert not target.exists()
    # the commit that the table pins
    assert any("/resolve/77ffbca1ee1cdcee6e87f6deebd2db8a5888c721/" in path for path in Hub.requests)


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE is set and the file is not in the cache"),
        # the client tries for half a minute
        pytest.param({"HF_ENDPOINT": "http://127.0.0.1:9"}, "could not be reached", marks=pytest.mark.slow),
    ],
)
def test_without_network_it_says_how_to_place_the_file(variables, reason, hub, tmp_path, repository):
    status, output, _ = fetch("virchow2", tmp_path, hub, repository, **variables)
    assert status == 1
    assert reason in output
    assert "download pytorch_model.bin from https://huggingface.co/paige-ai/Virchow2" in output
    assert not list(Path(tmp_path / "resources").glob("*"))
